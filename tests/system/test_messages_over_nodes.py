"""A microservice on one node sends to one on another, by the SDK, while all between them fails.

Real processes: a controller, two agents, RabbitMQ; containers on a real engine. Producer and
consumer speak to their agents' Local APIs from the test, with the words of their containers.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from ecn_sdk import Client, EcnError, Settings

from ecn.private_file import replace_privately
from tests.agent.interior.nodes import until
from tests.docker_fixtures import IMAGE, docker
from tests.ecn.controller_process import ControllerProcess
from tests.ports import free_port
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker
from tests.system.network import eventually
from tests.tcp_proxy import TcpProxy

pytestmark = [
    pytest.mark.docker,
    pytest.mark.postgres,
    pytest.mark.system,
    pytest.mark.usefixtures("image"),
    pytest.mark.timeout(420),
]

CUT_FOR = float(os.environ.get("ECN_CUT_SECONDS", "0"))
"""That the link stays cut once the route says that it waits."""
SLEEPS = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


class Agent:
    """A node's agent as a process."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.data = folder / name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ecn", "agent", "run", "--data", str(self.data)),
                    *("--local-api-port", str(self.port)),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class Network:
    """Controller and two nodes."""

    def __init__(self, controller: ControllerProcess, folder: Path) -> None:
        self.controller = controller
        self.folder = folder
        token = json.loads((controller.data / "admin.json").read_text())["token"]
        self._environment = {
            **os.environ, "ECN_SERVER": controller.url, "ECN_TOKEN": token, "NO_COLOR": "1",
            "ECN_CONFIG": str(folder / "config.yaml"),
        }  # fmt: skip
        self.agents = {name: Agent(name, folder) for name in ("east", "west")}

    def ecn(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ecn", *words],
            env=self._environment, input=stdin, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def begin(self) -> None:
        """Both nodes run, one microservice on each, and a route from one to the other."""
        for agent in self.agents.values():
            self.ecn("create", "node", agent.name)
            key = json.loads(self.ecn("provision-key", agent.name, "-o", "json"))["key"]
            key_file = self.folder / f"{agent.name}.key"
            key_file.write_text(key)
            self.ecn(
                *("agent", "provision", "--controller", self.controller.url),
                *("--key-file", str(key_file), "--data", str(agent.data)),
            )
            agent.start()
        common = {"image": IMAGE, "pull": "never", "command": SLEEPS}
        manifest = {
            "apiVersion": "ecn/v1",
            "kind": "Application",
            "metadata": {"name": "line"},
            "spec": {
                "microservices": [
                    {"name": "producer", "node": "east", **common},
                    {"name": "consumer", "node": "west", **common},
                ],
                "routes": [{"name": "over", "source": "producer", "destination": "consumer"}],
            },
        }
        self.ecn("deploy", "-f", "-", "--timeout", "90s", stdin=json.dumps(manifest))

    def settings(self, microservice: str, node: str) -> Settings:
        """What the container was told, but for the host."""
        (container,) = docker(
            *("ps", "-q", "--filter", f"label=ecn.name={microservice}"),
            *("--filter", f"label=ecn.node={self._node_id(node)}"),
        ).split()
        lines = json.loads(docker("inspect", "-f", "{{json .Config.Env}}", container))
        told = dict(line.split("=", 1) for line in lines)
        url = f"http://127.0.0.1:{self.agents[node].port}"
        return Settings.from_environment({**told, "ECN_LOCAL_API": url})

    def waits(self) -> bool:
        """The controller says of the route that it has to wait, and has messages."""
        listed = json.loads(self.ecn("get", "routes", "--application", "line", "-o", "json"))
        (route,) = listed["items"]
        status: dict[str, object] = route["status"] or {}
        return status.get("state") == "waiting" and status.get("stored") != 0

    def end(self) -> None:
        """Nothing is left of it."""
        for agent in self.agents.values():
            agent.kill()
            own = f"label=ecn.node={self._node_id(agent.name)}"
            if containers := docker("ps", "-aq", "--filter", own).split():
                docker("rm", "-f", *containers)
            if networks := docker("network", "ls", "-q", "--filter", own).split():
                docker("network", "rm", *networks)

    def _node_id(self, name: str) -> str:
        found = [
            json.loads(path.read_text())["node_id"]
            for path in self.agents[name].data.glob("identity.json")
        ]
        return str(found[0]) if found else "none"


class Story:
    """What a producer got answers for, and what a consumer had."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.answered: list[str] = []
        self.had: list[str] = []
        self.stop = asyncio.Event()

    async def produce(self) -> None:
        """One after the other. What got no answer is not counted, and may arrive all the same."""
        async with Client(self._network.settings("producer", "east")) as client:
            number = 0
            while not self.stop.is_set():
                number += 1
                with suppress(EcnError):
                    receipt = await client.publish(f"{number:06}", patience=1)
                    self.answered.append(receipt.id)
                await asyncio.sleep(0.002)

    async def consume(self) -> None:
        async with Client(self._network.settings("consumer", "west")) as client:
            async for message in client.messages():
                self.had.append(message.id)

    async def moves(self, more: int = 50, within: float = 60) -> None:
        """So many more arrive."""
        aim = len(self.had) + more
        await until(lambda: len(self.had) >= aim, within)

    async def all_arrived(self, within: float = 90) -> None:
        await until(lambda: set(self.answered) <= set(self.had), within)


@pytest.fixture
def folder(session_folder: Path) -> Path:
    path = session_folder / "messages-over-nodes"
    path.mkdir(mode=0o711)
    return path


@asynccontextmanager
async def running(broker: PrivateBroker, folder: Path) -> AsyncIterator[tuple[Network, TcpProxy]]:
    """Agents reach the interior router through the proxy."""
    assert broker.certificates is not None
    async with TcpProxy.before(broker.tls_port) as proxy:
        settings = {
            "url": broker.url("ecn", tls=True),
            "agents_url": broker.url("ecn", port=proxy.port, tls=True),
            "management": broker.management,
            "username": ADMIN,
            "password": PASSWORD,
            "ca_file": str(broker.certificates.authority),
        }
        replace_privately(folder / "broker.yaml", json.dumps(settings).encode())
        controller = ControllerProcess(folder / "data", "--broker", str(folder / "broker.yaml"))
        await asyncio.to_thread(controller.start)
        network = Network(controller, folder)
        try:
            await asyncio.to_thread(network.begin)
            yield network, proxy
        finally:
            await asyncio.to_thread(network.end)
            controller.end()


async def test_what_was_answered_arrives_in_order_whatever_fails(
    own_broker: PrivateBroker, folder: Path
) -> None:
    async with running(own_broker, folder) as (network, proxy), asyncio.TaskGroup() as tasks:
        east, west = network.agents.values()
        story = Story(network)
        both = [tasks.create_task(story.produce()), tasks.create_task(story.consume())]
        await story.moves()

        proxy.hold()  # the cable is cut, and nobody says so
        await asyncio.sleep(3)
        proxy.cut_all()
        proxy.refusing = True
        await asyncio.to_thread(eventually, network.waits, within=60, what="the route to wait")
        await asyncio.sleep(CUT_FOR)
        proxy.refusing = False
        proxy.go_on()
        await story.moves()

        await asyncio.to_thread(own_broker.kill9)
        await asyncio.sleep(2)
        await asyncio.to_thread(own_broker.start)
        await story.moves(within=90)

        for agent in (east, west, east):
            agent.kill()
            await asyncio.sleep(1)
            agent.start()
            await story.moves(within=90)

        story.stop.set()
        await both[0]
        await story.all_arrived()
        both[1].cancel()
    came = [each for each in story.had if each in set(story.answered)]
    assert came == story.answered
    assert len(set(story.had)) == len(story.had)
    assert len(story.answered) > 300
