"""How commands in containers are ended, on a real engine: ours, all of ours, and no other."""

import secrets

import pytest

from agent.contract import ExecRequest
from agent.docker import exec as docker_exec
from agent.docker.engine import DockerEngine
from tests.agent.builders import new_container
from tests.agent.waiting import until_true
from tests.docker_fixtures import SLEEPS, docker

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]


@pytest.fixture
async def running(docker_engine: DockerEngine, docker_node: str) -> str:
    container_id = await docker_engine.create(new_container(docker_node, of=SLEEPS))
    await docker_engine.start(container_id)
    return container_id


def wanted(*command: str) -> ExecRequest:
    return ExecRequest(request_id=secrets.token_hex(8), microservice_id="m1", command=list(command))


def count(container_id: str, words: str) -> int:
    listed = docker("exec", container_id, "ps", "-o", "args").splitlines()
    return sum(1 for line in listed if line.startswith(words))


async def test_where_processes_are_not_seen_a_shell_of_the_container_ends_them(
    docker_engine: DockerEngine, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an agent that runs in a container itself."""
    monkeypatch.setattr(docker_exec, "_is_in", lambda *_: False)
    docker("exec", "-d", running, "sleep", "501")
    async with docker_engine.execution(running, wanted("sleep", "502")) as execution:
        assert count(running, "sleep 502") == 1
        assert await execution.hang_up()
    assert (count(running, "sleep 501"), count(running, "sleep 502")) == (1, 0)


async def test_what_does_not_want_to_end_is_killed(
    docker_engine: DockerEngine, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_exec, "HANG_UP_WITHIN", 0.5)
    stubborn = wanted("sh", "-c", "trap '' HUP; sleep 503 & wait; sleep 504")
    async with docker_engine.execution(running, stubborn) as execution:
        await until_true(lambda: count(running, "sleep 503") == 1)
        assert await execution.hang_up()
    assert (count(running, "sleep 503"), count(running, "sleep 504")) == (0, 0)


@pytest.mark.parametrize("seen", [True, False])
async def test_what_a_killed_agent_left_is_ended_and_what_others_run_is_not(
    docker_engine: DockerEngine,
    docker_node: str,
    running: str,
    seen: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not seen:
        monkeypatch.setattr(docker_exec, "_is_in", lambda *_: False)
    docker("exec", "-d", running, "sleep", "505")
    async with docker_engine.execution(running, wanted("sleep", "506")):
        pass  # nobody hangs up
    assert count(running, "sleep 506") == 1
    ended = await docker_engine.end_former_executions(docker_node)
    assert ended == (1 if seen else 0)  # by the shell they are not counted
    await until_true(lambda: count(running, "sleep 506") == 0)
    assert count(running, "sleep 505") == 1
    assert await docker_engine.end_former_executions(docker_node) == 0
