"""A RabbitMQ of a test's own, on the loopback, that may be killed and started again.

Needs Debian's package `rabbitmq-server`, no root, and nothing of what that package set up: ports,
folders, cookie and even the port mapper of Erlang (epmd) are its own and end with it.

A quorum queue that was declared less than about two seconds before `kill9` may never come back
(RabbitMQ 3.10 with one node): let it `settle` first.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.certificates import Certificates
from tests.ports import free_ports

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script of the package that does not change to its user."""
ADMIN = "ecn-test"
PASSWORD = "s3cret-of-tests"
_BOOT = 90.0
"""Seconds: about eight when the machine has nothing else to do."""


class ManagementFailed(Exception):
    """The management API said no; `status` is what it said."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status


class PrivateBroker:
    """One node. `tls`: it listens for TLS too, with a certificate for 127.0.0.1 and localhost."""

    def __init__(
        self, folder: Path, *, tls: bool = False, settings: str = "", arguments: str = ""
    ) -> None:
        """settings: more lines for its rabbitmq.conf; arguments: for its Erlang."""
        self._folder = folder
        self.port, self.management_port, self.tls_port, distribution, mapper = free_ports(5)
        self._mapper_port = mapper
        self._mapper: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self.certificates = Certificates.made(folder / "tls") if tls else None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (folder / "rabbitmq.conf").write_text(self._settings() + settings)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"ecn{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-kernel inet_dist_use_interface {{127,0,0,1}} +S 2:2 {arguments}"
            ),
        }

    @property
    def management(self) -> str:
        """Base URL of its management API, whose user is ADMIN with PASSWORD."""
        return f"http://127.0.0.1:{self.management_port}"

    def url(self, vhost: str = "/", *, port: int | None = None, tls: bool = False) -> str:
        """Where AMQP is spoken, without user and password. port: of a proxy before it."""
        scheme = "amqps" if tls else "amqp"
        there = port or (self.tls_port if tls else self.port)
        return f"{scheme}://127.0.0.1:{there}/{quote(vhost, safe='')}"

    def start(self) -> None:
        """Returns when it speaks AMQP."""
        if self._mapper is None:
            # In the foreground and ours: one that a node starts would outlive it.
            self._mapper = subprocess.Popen(
                ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        with (self._folder / "out").open("ab") as out:
            self._server = subprocess.Popen(
                [str(SERVER)],
                env=self._environment, cwd=self._folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        deadline = time.monotonic() + _BOOT
        # Management answers seconds before the listener of AMQP opens.
        while not self._speaks():
            assert self._server.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def kill9(self) -> None:
        """As a power cut would, but for what the disk has."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(10)
            self._server = None

    def terminate(self) -> None:
        """As a shutdown does."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGTERM)
            try:
                self._server.wait(30)
            except subprocess.TimeoutExpired:
                self.kill9()
            self._server = None

    def restart(self) -> None:
        """Shut down, and started again."""
        self.terminate()
        self.start()

    def stop(self) -> None:
        """And leave no process behind."""
        self.kill9()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait(10)
            self._mapper = None

    def settle(self) -> None:
        """Wait until quorum queues that were just declared survive a `kill9`."""
        time.sleep(2.5)

    def freeze(self) -> None:
        """It stands still with its sockets open, until `thaw`."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal_all(signal.SIGCONT)

    def said(self) -> str:
        """The end of its log."""
        return (self._folder / "out").read_text(errors="replace")[-4000:]

    def control(self, *words: str) -> str:
        """What `rabbitmqctl` prints. Takes some two seconds."""
        done = subprocess.run(
            [str(SERVER.with_name("rabbitmqctl")), *words],
            env=self._environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def call(self, method: str, path: str, body: object = None, *, user: str = ADMIN) -> object:
        """Ask the management API; path begins after `/api`. Returns what it answered, or None.

        Errors: ManagementFailed.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.management_port, timeout=20)
        word = b64encode(f"{user}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/api{path}", text, headers)
            answer = connection.getresponse()
            data = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ManagementFailed(method, path, answer.status, data)
        result: object = json.loads(data) if data else None
        return result

    def make_vhost(self, name: str) -> None:
        """A new one, in which ADMIN may do everything."""
        self.call("PUT", f"/vhosts/{quote(name, safe='')}", {})
        self.allow(ADMIN, name, ".*", ".*", ".*")

    def delete_vhost(self, name: str) -> None:
        """With all that is in it; who is connected to it is thrown out."""
        self.call("DELETE", f"/vhosts/{quote(name, safe='')}")

    def make_user(self, name: str, password: str) -> None:
        """A user who may nothing yet; or another password for one."""
        self.call("PUT", f"/users/{quote(name, safe='')}", {"password": password, "tags": ""})

    def delete_user(self, name: str) -> None:
        """Its connections stay until `throw_out`."""
        self.call("DELETE", f"/users/{quote(name, safe='')}")

    def throw_out(self, user: str) -> None:
        """Close the connections of a user, also of one that is no more."""
        self.call("DELETE", f"/connections/username/{quote(user, safe='')}")

    def allow(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        """Patterns of the names that the user may so use in a vhost."""
        self.call(
            "PUT",
            f"/permissions/{quote(vhost, safe='')}/{quote(user, safe='')}",
            {"configure": configure, "write": write, "read": read},
        )

    def _settings(self) -> str:
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.management_port}",
            f"default_user = {ADMIN}",
            f"default_pass = {PASSWORD}",
            "loopback_users = none",
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
            # Tests run where the disk may be small.
            "disk_free_limit.absolute = 50MB",
        ]
        if self.certificates is not None:
            lines += [
                f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}",
                f"ssl_options.cacertfile = {self.certificates.authority}",
                f"ssl_options.certfile = {self.certificates.certificate}",
                f"ssl_options.keyfile = {self.certificates.key}",
                "ssl_options.verify = verify_none",
            ]
        return "\n".join(lines) + "\n"

    def _speaks(self) -> bool:
        """A protocol header is answered with connection.start."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
            probe.settimeout(2)
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return probe.recv(1) == b"\x01"
        return False

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._server is not None
        os.killpg(self._server.pid, number)


def private_broker(
    folder: Path, *, tls: bool = False, settings: str = "", arguments: str = ""
) -> PrivateBroker:
    """One that is ready to start, in a folder that need not be there. Skips the test where the
    package is missing."""
    missing = [] if SERVER.exists() else [str(SERVER)]
    missing += [each for each in ("epmd", "openssl") if shutil.which(each) is None]
    if missing:
        pytest.skip(
            f"an interior router is needed, and {', '.join(missing)} is missing: "
            "install the packages rabbitmq-server and openssl"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return PrivateBroker(folder, tls=tls, settings=settings, arguments=arguments)
