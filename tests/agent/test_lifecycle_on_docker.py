"""Health, order and replacement on a real engine, as a device goes through them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import (
    Condition,
    ContainerSpec,
    ContainerState,
    Dependency,
    Health,
    HealthCheck,
    Microservice,
    Port,
    Probe,
    ReplaceMode,
)
from agent.docker.engine import DockerEngine
from agent.lifecycle.engine import Container, EngineState
from tests.agent.controller_stub import ControllerStub
from tests.agent.test_agent_on_docker import agent_of, one, only, told
from tests.agent.waiting import until, until_true
from tests.docker_fixtures import IMAGE, SLEEPS, docker
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]


def web(port: int = 8080, *, after: int = 0) -> ContainerSpec:
    """Serves /ready; ends when asked, which a bare httpd as first process would not."""
    serves = (
        f"trap 'exit 143' TERM; sleep {after}; mkdir -p /tmp/www; touch /tmp/www/ready; "
        f"httpd -f -p {port} -h /tmp/www & wait"
    )
    return ContainerSpec(image=IMAGE, command=["sh", "-c", serves])


WEB = web()


def probe(port: int, path: str | None = None) -> Probe:
    return Probe(port=port, http_path=path, interval=0.5, timeout=1.0, retries=3)


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


async def is_told(stub: ControllerStub, health: Health, m: str = "m1", restarts: int = 0) -> str:
    """Waits for it; the reason."""

    async def look() -> str | None:
        last = stub.last(m)
        if last is None or last.status.state is not ContainerState.RUNNING:
            return None
        found = (last.status.health, last.status.restarts) == (health, restarts)
        return last.status.reason if found else None

    return await until(look, 40)


@pytest.mark.parametrize(
    ("wanted", "falls_ill", "why"),
    [
        (
            replace(one(of=WEB), probe=probe(8080, "/ready")),
            ["rm", "/tmp/www/ready"],
            "GET /ready on port 8080 answered 404, 3 times in a row",
        ),
        (
            replace(
                one(
                    of=replace(
                        WEB,
                        command=[
                            "sh",
                            "-c",
                            "trap 'exit 143' TERM; nc -ll -p 5432 -e cat & sleep 600 & wait $!",
                        ],
                    )
                ),
                probe=probe(5432),
            ),
            ["killall", "nc"],
            "port 5432 refused the connection, 3 times in a row",
        ),
        (
            one(
                of=replace(
                    WEB,
                    health_check=HealthCheck(
                        command=["sh", "-c", "ls /tmp/www/ready"], interval=0.5, timeout=1.0
                    ),
                )
            ),
            ["rm", "/tmp/www/ready"],
            "its health check failed 3 times in a row, at last with exit code 1: "
            "ls: /tmp/www/ready: No such file or directory",
        ),
    ],
    ids=["http", "tcp", "command"],
)
async def test_what_falls_ill_is_started_again_and_says_why(
    wanted: Microservice,
    falls_ill: list[str],
    why: str,
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(wanted)
        await is_told(stub, Health.HEALTHY)
        before = await only(docker_engine, stub.node_id)
        assert before.address
        docker("exec", before.container_id, *falls_ill)
        await is_told(stub, Health.HEALTHY, restarts=1)
        after = await only(docker_engine, stub.node_id)
        assert after.container_id == before.container_id
        assert after.started_at != before.started_at
    ill = [t.status for t in stub.told if t.status.health is Health.UNHEALTHY]
    assert ill[0].reason.startswith(why)


async def test_a_probe_reaches_what_is_on_the_network_of_the_host(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    port = free_port()
    spec = replace(web(port), host_network=True)
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(replace(one(of=spec), probe=probe(port)))
        await is_told(stub, Health.HEALTHY)
        assert (await only(docker_engine, stub.node_id)).address == "127.0.0.1"


async def test_an_end_is_told_with_what_it_printed(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    fails = replace(SLEEPS, command=["sh", "-c", "echo starting; echo no database; exit 3"])
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=fails))
        ended = await told(stub, ContainerState.BACKING_OFF)
        assert ended.status.exit_code == 3
        assert ended.status.reason.startswith(
            "it ended with exit code 3; it printed last: starting | no database; "
            "it is started again at "
        )


async def test_it_waits_until_what_it_depends_on_is_healthy(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    db = replace(one("db", of=web(80, after=3)), probe=probe(80, "/ready"))
    user = replace(
        one("web"), depends_on=[Dependency(microservice="db", condition=Condition.HEALTHY)]
    )
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(user, db)
        waits = await told(stub, ContainerState.WAITING, "web")
        assert waits.status.reason.startswith("it has no container; it waits for db to be healthy")
        await told(stub, ContainerState.RUNNING, "web")
    by_name = {c.microservice_id: c for c in await docker_engine.containers(stub.node_id)}
    db_began, web_began = by_name["db"].started_at, by_name["web"].started_at
    assert db_began is not None
    assert web_began is not None
    assert (web_began - db_began).total_seconds() > 3


async def both(engine: DockerEngine, node_id: str) -> list[Container] | None:
    found = await engine.containers(node_id)
    running = [c for c in found if c.state is EngineState.RUNNING]
    return sorted(running, key=lambda c: c.created_at) if len(running) == 2 else None


async def test_blue_and_green_answer_together_until_the_new_one_is_well(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    # An application of this test's own: nobody else has the names of its containers.
    client_of_it = replace(one("client"), application=stub.node_id)
    blue = replace(
        one("web", of=WEB),
        application=stub.node_id,
        probe=probe(8080, "/ready"),
        replace=ReplaceMode.BLUE_GREEN,
    )
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(blue, client_of_it)
        await is_told(stub, Health.HEALTHY, "web")
        await told(stub, ContainerState.RUNNING, "client")
        client = next(
            c for c in await docker_engine.containers(stub.node_id) if c.microservice_id == "client"
        )
        stub.wants(replace(blue, spec=web(after=3), revision=2), client_of_it)

        async def of_web() -> list[Container] | None:
            found = await docker_engine.containers(stub.node_id)
            running = [c for c in found if c.microservice_id == "web" and c.address]
            return running if len(running) == 2 else None

        pair = await until(of_web)
        old, new = sorted(pair, key=lambda c: c.created_at)
        shown = docker("exec", client.container_id, "nslookup", "web")
        assert old.address in shown
        assert new.address in shown
        # It answers until the new one does.
        while not await _connects(8080, new.address):
            assert await _connects(8080, old.address)
            await asyncio.sleep(0.05)
        await until_true(lambda: (last := stub.last("web")) is not None
                         and last.status.revision == 2
                         and last.status.state is ContainerState.RUNNING
                         and last.status.health is Health.HEALTHY, 30)  # fmt: skip
        (left,) = [
            c for c in await docker_engine.containers(stub.node_id) if c.microservice_id == "web"
        ]
        assert (left.container_id, left.name) == (new.container_id, f"ecn-{stub.node_id}-web")


async def test_a_green_one_that_dies_leaves_the_blue_one_alone(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    blue = replace(one(), replace=ReplaceMode.BLUE_GREEN)
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(blue)
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)
        dies = replace(SLEEPS, command=["sh", "-c", "sleep 1; echo no licence; exit 4"])
        stub.wants(replace(blue, spec=dies, revision=2))
        failed = await told(stub, ContainerState.FAILED)
        assert failed.status.reason.startswith(
            "the new container ended with exit code 4; it printed last: no licence; "
            "the old container stays; attempt 1 failed, the next is at"
        )
        assert await only(docker_engine, stub.node_id) == before


async def test_a_trial_that_was_killed_half_way_goes_on(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    blue = replace(one(), application=stub.node_id, replace=ReplaceMode.BLUE_GREEN)
    green = replace(blue, spec=replace(SLEEPS, env={"A": "1"}), revision=2)
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(blue)
        await told(stub, ContainerState.RUNNING)
        stub.wants(green)
        await until(lambda: both(docker_engine, stub.node_id))
    assert len(await docker_engine.containers(stub.node_id)) == 2  # and here the power went
    async with agent_of(stub, tmp_path, docker_url):
        await until_true(lambda: (last := stub.last("m1")) is not None
                         and last.status.revision == 2
                         and last.status.state is ContainerState.RUNNING, 30)  # fmt: skip
    left = await only(docker_engine, stub.node_id)
    assert left.name == f"ecn-{stub.node_id}-m1"


async def test_a_replacement_is_away_for_one_stop_and_one_start(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
) -> None:
    port = free_port()
    served = replace(WEB, ports=[Port(host=port, container=8080, address="127.0.0.1")])
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=served))
        await told(stub, ContainerState.RUNNING)
        await until(lambda: _connects(port))
        stub.wants(one(of=replace(served, env={"A": "1"}), revision=2))
        away = await _longest_break(
            port,
            lambda: (
                (last := stub.last("m1")) is not None
                and last.status.revision == 2
                and last.status.state is ContainerState.RUNNING
            ),
        )
    assert 0 < away < 3, f"away for {away:.2f} s"


async def _connects(port: int, address: str = "127.0.0.1") -> bool | None:
    """Whether HTTP is answered: the engine's proxy takes connections before anybody listens."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"GET /ready HTTP/1.0\r\n\r\n")
                return True if b" 200 " in await reader.readline() else None
            finally:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return None


async def _longest_break(port: int, over: Callable[[], bool]) -> float:
    longest, answered = 0.0, time.monotonic()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if await _connects(port):
            longest = max(longest, time.monotonic() - answered)
            answered = time.monotonic()
            if over():
                return longest
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come back")


async def test_the_grace_of_a_container_is_its_own(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    stubborn = ContainerSpec(
        image=IMAGE, command=["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    )
    stubborn = replace(stubborn, options=replace(stubborn.options, stop_within=1))
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=stubborn))
        await told(stub, ContainerState.RUNNING)
        assert (await only(docker_engine, stub.node_id)).stop_within == 1
        began = time.monotonic()
        stub.wants(replace(one(of=stubborn, revision=2), running=False))
        await told(stub, ContainerState.STOPPED)
        assert 1 <= time.monotonic() - began < 5
