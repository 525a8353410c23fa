"""Real containers, a real agent: each is known by its own address and its own token."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from agent.contract import ContainerSpec, ContainerState, ExtraHost, Microservice, NodeConfig, Route
from agent.docker.engine import DockerEngine
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.local_api.serving import document
from tests.agent.waiting import until, until_true
from tests.docker_fixtures import SLEEPS, docker
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]

ON_HOST = replace(SLEEPS, host_network=True)


class Running:
    """An agent, and the containers that it made."""

    def __init__(self, stub: ControllerStub, engine: DockerEngine, port: int) -> None:
        self.stub, self.engine, self.port = stub, engine, port

    async def wants(self, *microservices: Microservice) -> None:
        """Until they run."""
        self.stub.wants(*microservices)
        for each in microservices:
            await until_true(lambda each=each: self._runs(each), 30)  # type: ignore[misc]

    def _runs(self, wanted: Microservice) -> bool:
        last = self.stub.last(wanted.microservice_id)
        return (
            last is not None
            and last.status.state is ContainerState.RUNNING
            and last.status.revision == wanted.revision
        )

    async def container(self, m: str) -> str:
        async def look() -> str | None:
            found = await self.engine.containers(self.stub.node_id)
            return next((c.container_id for c in found if c.microservice_id == m), None)

        return await until(look)

    async def inside(self, m: str, command: str) -> str:
        """What a shell in the container says; wget's errors too."""
        container = await self.container(m)
        script = f"{{ {command}; }} 2>&1; true"
        return await asyncio.to_thread(docker, "exec", container, "sh", "-c", script)

    async def asks(self, m: str, path: str, body: object, *, token: bool = False) -> str:
        """What comes back, whole."""
        return await self.inside(m, asking(self.port, path, body, token=token))


def asking(port: int, path: str, body: object, *, token: bool = False) -> str:
    """For a shell. A static busybox crashes when its wget looks up a name, or an address."""
    content = msgspec.json.encode(body).decode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: iofog",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(["Authorization: Bearer $ECN_TOKEN"] if token else []),
        "",
        content.replace('"', '\\"'),
    ]
    request = "\r\n".join(lines).replace("\r\n", "\\r\\n")
    address = "$(awk '$2 == \"iofog\" {print $1}' /etc/hosts)"
    # The pause: whoever closes its end of a connection has no use for an answer.
    return f'(printf "{request}"; sleep 0.5) | nc {address} {port}'


@pytest.fixture
async def running(
    docker_node: str, docker_engine: DockerEngine, docker_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    stub, port = ControllerStub(docker_node), free_port()
    async with stub.serving():
        agent = AgentProcess(
            tmp_path / "agent",
            stub.url,
            docker_node,
            docker_url,
            environment={"ECN_AGENT_LOCAL_API_PORT": str(port)},
        )
        agent.start()
        try:
            yield Running(stub, docker_engine, port)
            await asyncio.to_thread(agent.stop)
        finally:
            agent.end()


def one(m: str, of: ContainerSpec = SLEEPS, revision: int = 1, **changes: object) -> Microservice:
    made = microservice(m, application="local-api-test", of=of, revision=revision)
    return replace(made, config='{"rate": 1}', **changes)


async def test_containers_are_known_by_their_addresses(running: Running) -> None:
    await running.wants(one("m1"), one("m2"), one("m3", ON_HOST))
    okay = '{"status":"okay","config":"{\\"rate\\": 1}"}'
    assert okay in await running.asks("m1", "/v2/config/get", {"id": "m1"})
    assert okay in await running.asks("m2", "/v2/config/get", {"id": "m2"})
    assert "400 Bad Request" in await running.asks("m1", "/v2/config/get", {"id": "m2"})
    # On the device's own network there is no address that says who it is.
    assert "400 Bad Request" in await running.asks("m3", "/v2/config/get", {"id": "m3"})
    assert okay in await running.asks("m3", "/v2/config/get", {"id": "m3"}, token=True)
    assert okay in await running.asks("m1", "/v2/config/get", {"id": "m1"}, token=True)
    answer = await running.asks("m1", "/v2/config/get", {"id": "m3"}, token=True)
    assert "400 Bad Request" in answer

    # A container that is gone is nobody, whoever has its address now.
    docker("rm", "-f", await running.container("m2"))
    stranger = docker(
        "run", "-d", "--network", "ecn-local-api-test", "--add-host", "iofog:host-gateway",
        SLEEPS.image, *SLEEPS.command,
    ).strip()  # fmt: skip
    try:
        answer = docker(
            "exec", stranger, "sh", "-c", asking(running.port, "/v2/config/get", {"id": "m2"})
        )
        assert "400 Bad Request" in answer
    finally:
        docker("rm", "-f", stranger)


async def test_messages_go_from_container_to_container(running: Running) -> None:
    running.stub.leads(
        Route(
            route_id="r1",
            application="local-api-test",
            name="r1",
            source="m1",
            destination="m2",
            here=True,
        )
    )
    await running.wants(one("m1"), one("m2"))
    answer = await running.asks("m1", "/v2/messages/new", document("m1", contentdata="aGk="))
    assert '"status":"okay"' in answer
    answer = await running.asks("m2", "/v2/messages/next", {"id": "m2"})
    said = msgspec.json.decode(answer.partition("\r\n\r\n")[2])
    assert said["count"] == 1
    assert said["messages"][0]["contentdata"] == "aGk="
    assert said["messages"][0]["publisher"] == "m1"
    assert '"count":0' in await running.asks("m2", "/v2/messages/next", {"id": "m2"})


async def test_what_a_spec_says_itself_stays(running: Running) -> None:
    own = replace(
        SLEEPS,
        env={"SELFNAME": "me"},
        extra_hosts=[ExtraHost(name="iofog", address="192.0.2.7")],
    )
    await running.wants(one("m1"), one("m2", own))
    given = (await running.inside("m1", "env")).splitlines()
    assert "SELFNAME=m1" in given
    assert f"ECN_LOCAL_API=http://iofog:{running.port}" in given
    assert any(line.startswith("ECN_TOKEN=") and len(line) == 74 for line in given)
    assert "SELFNAME=me" in (await running.inside("m2", "env")).splitlines()
    hosts = await running.inside("m2", "cat /etc/hosts")
    assert "192.0.2.7\tiofog" in hosts
    assert hosts.count("iofog") == 1


async def test_nothing_of_it_replaces_a_container(running: Running) -> None:
    await running.wants(one("m1"))
    before = await running.container("m1")
    running.stub.settles(NodeConfig(local_api="off"))
    await asyncio.sleep(1)
    answer = await running.asks("m1", "/v2/config/get", {"id": "m1"})
    assert "refused" in answer
    running.stub.settles(NodeConfig(local_api="open"))

    async def answered() -> bool | None:
        said = await running.asks("m1", "/v2/config/get", {"id": "m1"})
        return True if "okay" in said else None

    await until(answered)
    assert await running.container("m1") == before
