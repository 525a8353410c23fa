"""A container's port, reached at the centre, with whole processes: controller, agent, RabbitMQ and
interior proxy."""

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ecn.private_file import replace_privately
from tests.docker_fixtures import IMAGE
from tests.ports import free_port
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker
from tests.system.network import Network, docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

VHOST = "ecn-system"
SERVES = (
    "trap 'exit 0' TERM; mkdir -p /www; echo hello > /www/index.html; "
    "dd if=/dev/urandom of=/www/large bs=1M count=20 2>/dev/null; "
    "httpd -f -p 8080 -h /www & wait $!"
)


class Router:
    """`ecn router run` as a process."""

    def __init__(self, network: Network, *options: str) -> None:
        self._network = network
        self._options = options
        self.log = network.folder / "router.log"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        words = ["router", "run", "--server", self._network.url, "--listen", "127.0.0.1"]
        words += ["--token-file", str(self._network.folder / "gate.token"), *self._options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ecn", *words],
                env=self._network.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def network(image: str, session_folder: Path, broker_server: PrivateBroker) -> Iterator[Network]:
    folder = session_folder / "public-ports"
    folder.mkdir(mode=0o711)
    network = Network(folder)
    broker_server.make_vhost(VHOST)
    settings = {
        "url": f"amqp://127.0.0.1:{broker_server.port}",
        "management": broker_server.management,
        "username": ADMIN,
        "password": PASSWORD,
        "vhost": VHOST,
    }
    replace_privately(folder / "broker.yaml", json.dumps(settings).encode())
    network.environment = {**network.environment, "ECN_BROKER": str(folder / "broker.yaml")}
    network.start()
    try:
        yield network
        eventually(network._ready, within=60, what="the controller")
        mine = ("-qf", f"label=ecn.node={network.node_id()}")
        network.ecn("delete", "application", "shop")
        eventually(
            lambda: not docker("ps", "-a", *mine) + docker("network", "ls", *mine),
            within=30,
            what="container and network to be gone",
        )
    finally:
        network.stop()
        broker_server.delete_vhost(VHOST)


@pytest.fixture(scope="module")
def router(network: Network) -> Iterator[Router]:
    network.ecn(
        *("router", "create", "gate", "--host", "127.0.0.1"),
        *("--write", str(network.folder / "gate.token")),
    )
    router = Router(network)
    router.start()
    try:
        yield router
    finally:
        assert router.stop() == 0, router.log.read_text()[-3000:]


def web(network: Network, **public: object) -> dict[str, object]:
    """A microservice with a port that is public."""
    return {
        "name": "web",
        "node": str(network.items("nodes")[0]["name"]),
        "image": IMAGE,
        "pull": "never",
        "command": ["sh", "-c", SERVES],
        "ports": [
            {"host": HOST_PORT, "container": 8080, "public": {"schemes": ["http"], **public}}
        ],
    }


HOST_PORT, HTTP, TCP = free_port(), free_port(), free_port()


def fetched(port: int, path: str = "/", host: str = "127.0.0.1") -> bytes:
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=20) as answer:
        content: bytes = answer.read()
        return content


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        return fetched(port, host=host) == b"hello\n"
    except OSError:
        return False


def test_a_port_of_a_container_is_reached_at_the_centre(network: Network, router: Router) -> None:
    token = network.folder / "gate.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    network.deploy("shop", web(network, protocol="http", port=HTTP))
    eventually(lambda: answers(HTTP), within=40, what="an answer at the public port")
    large = fetched(HTTP, "/large")
    container = docker("ps", "-qf", "label=ecn.name=web").split()[0]
    there = docker("exec", container, "sha256sum", "/www/large").split()[0]
    assert hashlib.sha256(large).hexdigest() == there
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda _: fetched(HTTP), range(200)))
    assert set(found) == {b"hello\n"}


def test_what_is_changed_is_changed_at_once(network: Network, router: Router) -> None:
    network.deploy("shop", web(network, protocol="tcp", port=TCP))
    eventually(lambda: answers(TCP), within=20, what="an answer at the other port")
    with pytest.raises(OSError, match=r"refused"):
        fetched(HTTP)
    network.deploy("shop", web(network, protocol="tcp", port=TCP, allow=["10.9.0.0/16"]))
    eventually(lambda: not answers(TCP), within=20, what="the rule to hold")
    network.deploy("shop", web(network, protocol="http", port=HTTP))
    eventually(lambda: answers(HTTP), within=20, what="an answer at the first port")


def test_a_stopped_microservice_is_told_of(network: Network, router: Router) -> None:
    network.deploy("shop", web(network, protocol="http", port=HTTP))
    eventually(lambda: answers(HTTP), within=20, what="an answer")
    network.ecn("stop", "microservice", "shop/web")

    def told() -> bool:
        try:
            fetched(HTTP)
        except urllib.error.HTTPError as error:
            return error.code == 503 and b"shop/web" in error.read()
        except OSError:
            return False
        return False

    eventually(told, within=30, what="a page that says so")
    network.ecn("start", "microservice", "shop/web")
    eventually(lambda: answers(HTTP), within=30, what="an answer again")


def test_the_proxy_goes_on_without_a_controller_and_after_sudden_deaths(
    network: Network, router: Router
) -> None:
    network.deploy("shop", web(network, protocol="http", port=HTTP))
    eventually(lambda: answers(HTTP), within=20, what="an answer")
    router.process.kill()
    router.process.wait()
    router.start()
    eventually(lambda: answers(HTTP), within=20, what="an answer of the next one")
    agent = ("agent", "run", str(network.data))
    first = network.process(*agent)
    os.kill(first, signal.SIGKILL)
    # The next one may be there so soon that nobody meets a closed door.
    eventually(lambda: first not in network.processes(*agent), within=20, what="the death")
    eventually(lambda: network.processes(*agent), within=30, what="the next agent")
    eventually(lambda: answers(HTTP), within=60, what="an answer by the next agent")
    network.kill()
    time.sleep(2)
    network.start()
    eventually(lambda: answers(HTTP), within=60, what="an answer in the end")


def test_a_proxy_whose_user_is_deleted_carries_nothing_any_more(
    network: Network, router: Router
) -> None:
    network.deploy("shop", web(network, protocol="tcp", port=TCP))
    network.ecn("router", "create", "second", "--write", str(network.folder / "second.token"))
    options = ("--token-file", str(network.folder / "second.token"), "--listen", "127.0.0.2")
    second = Router(network, *options)
    second.start()
    try:
        eventually(lambda: answers(TCP, "127.0.0.2"), within=30, what="an answer of the second")
        with socket.create_connection(("127.0.0.2", TCP), 30) as held:
            held.sendall(b"GET ")
            network.ecn("delete", "user", "second")
            with pytest.raises(ConnectionResetError):
                held.recv(1)
        eventually(lambda: not answers(TCP, "127.0.0.2"), within=30, what="it to be locked out")
        assert answers(TCP)
    finally:
        second.stop()


def test_a_token_speaks_no_more_once_its_user_is_deleted(network: Network, router: Router) -> None:
    other = Router(network)
    network.ecn("router", "create", "gone", "--write", str(network.folder / "gone.token"))
    network.ecn("delete", "user", "gone")
    other._options = ("--token-file", str(network.folder / "gone.token"))
    other.log = network.folder / "gone.log"
    other.start()
    assert other.process.wait(20) == 1
    assert "ecn router create" in other.log.read_text()
