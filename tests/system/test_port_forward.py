"""Ports of containers and of the device, reached from afar with whole processes."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from msgspec import Struct, convert

from tests.docker_fixtures import IMAGE
from tests.system.network import Network, docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

SERVES = (
    "echo hello > /tmp/hello; head -c 52428800 /dev/urandom > /tmp/large;"
    "httpd -p 80 -h /tmp; exec nc -ll -p 7 -e sha256sum"
)
LARGE = 50 * 1024 * 1024


@pytest.fixture(scope="module")
def network(image: str, session_folder: Path) -> Iterator[Network]:
    """With shop/web: pages on port 80, and on port 7 the digest of whatever is sent."""
    folder = session_folder / "port-forward"
    folder.mkdir(mode=0o711)
    network = Network(folder)
    network.start()
    try:
        network.deploy(
            "shop",
            {
                "name": "web",
                "node": str(network.items("nodes")[0]["name"]),
                "image": IMAGE,
                "pull": "never",
                "command": ["sh", "-c", SERVES],
            },
        )
        yield network
        mine = ("-qf", f"label=ecn.node={network.node_id()}")
        network.ecn("delete", "application", "shop")
        eventually(
            lambda: not docker("ps", "-a", *mine) + docker("network", "ls", *mine),
            within=30,
            what="container and network to be gone",
        )
    finally:
        network.stop()


class Forward:
    """An `ecn port-forward`, or `ecn tunnel`, that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.ports: list[int] = []
        self.errors: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def close(self) -> None:
        """After its end."""
        self._reading.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.errors += iter(self.process.stderr.readline, "")

    def said(self, what: str) -> bool:
        return any(what in line for line in self.errors)

    def get(self, path: str) -> bytes:
        url = f"http://127.0.0.1:{self.ports[0]}/{path}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def forwarding(
    environment: Mapping[str, str], *arguments: str, count: int = 1
) -> Iterator[Forward]:
    """`ecn` with these arguments, once it says that it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ecn", *arguments],
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    run = Forward(process)
    try:
        while len(run.ports) < count:
            line = process.stdout.readline()
            found = re.match(r"127\.0\.0\.1:(\d+) leads to ", line)
            assert found, (line, run.errors)
            run.ports.append(int(found[1]))
        yield run
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        run.close()


def forward(network: Network, *arguments: str, count: int = 1) -> AbstractContextManager[Forward]:
    return forwarding(network.environment, *arguments, count=count)


def digest_of(port: int, content: bytes) -> str:
    """What the service on port 7 says once it has heard all: it needs the half-close."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(content)
        sock.shutdown(socket.SHUT_WR)
        said = b""
        while piece := sock.recv(65536):
            said += piece
    return said.split()[0].decode()


def test_pages_uploads_and_many_at_once_go_through_and_leave_one_trace(network: Network) -> None:
    with forward(network, "port-forward", "shop/web", "0:80", "0:7", count=2) as run:
        assert run.get("hello") == b"hello\n"
        large = run.get("large")
        assert len(large) == LARGE
        inside = network.ecn("exec", "shop/web", "--", "sha256sum", "/tmp/large").split()[0]
        assert hashlib.sha256(large).hexdigest() == inside
        assert digest_of(run.ports[1], large) == inside
        with ThreadPoolExecutor(40) as pool:
            assert set(pool.map(run.get, ["hello"] * 200)) == {b"hello\n"}
        (listed,) = _sessions(network)
        assert (listed["kind"], listed["ports"]) == ("forward", [80, 7])
    eventually(lambda: not _sessions(network), within=10, what="the session to be closed")
    (opened,) = (each for each in _told(network, "session.opened.v1") if each.data["ports"])
    assert opened.data["ports"] == [80, 7]
    assert _closed(network).data["connections"] == 203


def test_a_port_on_which_nothing_listens_says_so_and_the_others_go_on(network: Network) -> None:
    with forward(network, "port-forward", "shop/web", "0:80", "0:81", count=2) as run:
        with socket.create_connection(("127.0.0.1", run.ports[1]), timeout=10) as sock:
            sock.settimeout(10)
            with pytest.raises(ConnectionError):
                assert sock.recv(1) == b"x"
        eventually(
            lambda: run.said("the container's port 81: connection refused"),
            within=5,
            what="the reason",
        )
        assert run.get("hello") == b"hello\n"


def test_a_slow_reader_holds_up_nobody_else(network: Network) -> None:
    with forward(network, "port-forward", "shop/web", "0:80") as run:
        slow = socket.create_connection(("127.0.0.1", run.ports[0]), timeout=30)
        slow.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        time.sleep(1)
        before = _memory(run.process.pid)
        for _ in range(20):
            assert run.get("hello") == b"hello\n"
        assert len(run.get("large")) == LARGE
        assert _memory(run.process.pid) - before < 16 << 20
        got = 0
        while piece := slow.recv(1 << 20):
            got += len(piece)
        assert got > LARGE
        slow.close()


def test_a_container_that_was_restarted_is_found_again(network: Network) -> None:
    with forward(network, "port-forward", "shop/web", "0:80") as run:
        assert run.get("hello") == b"hello\n"
        docker("kill", network.containers()["web"])

        def answers() -> bool:
            try:
                return run.get("hello") == b"hello\n"
            except (OSError, urllib.error.URLError):
                return False

        eventually(answers, within=60, what="the new container to answer")


def test_the_devices_own_ports_are_reached_by_a_tunnel(network: Network) -> None:
    node = str(network.items("nodes")[0]["name"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        port = server.getsockname()[1]
        with forward(network, "tunnel", node, f"0:{port}") as run:
            client = socket.create_connection(("127.0.0.1", run.ports[0]), timeout=10)
            here, _ = server.accept()
            with client, here:
                client.sendall(b"ping")
                assert here.recv(10) == b"ping"
                here.sendall(b"pong")
                assert client.recv(10) == b"pong"
    eventually(lambda: not _sessions(network), within=10, what="the session to be closed")
    closed = _closed(network)
    assert (closed.type, closed.data["connections"]) == ("session.device-closed.v1", 1)


def test_a_killed_agent_or_controller_breaks_connections_and_the_next_one_finds_them_again(
    network: Network,
) -> None:
    with forward(network, "port-forward", "shop/web", "0:80") as run:
        for victim in (("agent", "run"), ("controller",)):
            assert run.get("hello") == b"hello\n"
            with socket.create_connection(("127.0.0.1", run.ports[0]), timeout=30) as sock:
                sock.sendall(b"GET /")
                time.sleep(0.3)
                os.kill(network.process(*victim, str(network.data)), signal.SIGKILL)
                with pytest.raises(ConnectionError):
                    _drained(sock)

            def answers() -> bool:
                try:
                    return run.get("hello") == b"hello\n"
                except (OSError, urllib.error.URLError):
                    return False

            eventually(answers, within=60, what="the port to answer again")
        assert run.said("the next connection begins another")


def test_what_can_not_begin_says_why(network: Network) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    for arguments, why, code in (
        (("port-forward", "shop/nope", "0:80"), "nope", 1),
        (("port-forward", "shop/web", f"{port}:80"), "can't listen on", 1),
        (("port-forward", "shop/web", "0:0"), "is not [LOCAL:]PORT", 2),
        (("port-forward", "shop/web", "0:80", "1:80"), "named twice", 2),
        (("tunnel", "nobody", "0:80"), "nobody", 1),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ecn", *arguments],
            env=network.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, why in done.stderr) == (code, True), done
    taken.close()


def _drained(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def _sessions(network: Network) -> list[dict[str, object]]:
    token = json.loads((network.data / "admin.json").read_text())["token"]
    request = urllib.request.Request(
        f"{network.url}/api/v1/sessions", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        items: list[dict[str, object]] = json.load(answer)["items"]
        return items


class _Told(Struct):
    type: str
    data: dict[str, object]


def _told(network: Network, *types: str) -> list[_Told]:
    return [each for each in convert(network.events(), list[_Told]) if each.type in types]


def _closed(network: Network) -> _Told:
    """The last end of a session of connections."""
    found = _told(network, "session.closed.v1", "session.device-closed.v1")
    return [each for each in found if each.data["connections"] is not None][-1]


def _memory(pid: int) -> int:
    """Bytes that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
