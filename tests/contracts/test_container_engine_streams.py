"""What a look into containers relies on in an engine: one suite for the fake and for Docker."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from agent.contract import Channel, ContainerSpec, EngineEvent, ExecRequest, Size
from agent.errors import ContainerGone, EngineError
from agent.lifecycle.engine import ContainerEngine, Execution
from tests.agent.builders import new_container
from tests.agent.fake_engine import FakeEngine
from tests.agent.waiting import until
from tests.docker_fixtures import IMAGE, SLEEPS


@pytest.fixture
async def running(any_engine: ContainerEngine, node: str) -> str:
    container_id = await any_engine.create(new_container(node, of=SLEEPS))
    await any_engine.start(container_id)
    return container_id


def wanted(*command: str, **more: object) -> ExecRequest:
    about = {"request_id": secrets.token_hex(8), "microservice_id": "m1", "command": list(command)}
    return ExecRequest(**{**about, **more})  # type: ignore[arg-type]


async def all_of(execution: Execution) -> tuple[bytes, bytes]:
    pieces = {Channel.STDOUT: b"", Channel.STDERR: b""}
    while (piece := await execution.output()) is not None:
        pieces[piece[0]] += piece[1]
    return pieces[Channel.STDOUT], pieces[Channel.STDERR]


async def test_a_command_prints_and_ends_with_its_code(
    any_engine: ContainerEngine, running: str
) -> None:
    async with any_engine.execution(running, wanted("echo", "hello")) as execution:
        assert await all_of(execution) == (b"hello\n", b"")
        assert await execution.exit_code() == 0
    fails = (
        ["exit", "3"] if isinstance(any_engine, FakeEngine) else ["sh", "-c", "echo oh >&2; exit 3"]
    )
    async with any_engine.execution(running, wanted(*fails)) as execution:
        assert await all_of(execution) == (b"", b"oh\n")
        assert await execution.exit_code() == 3


async def test_what_it_reads_comes_back_and_the_end_of_its_input_ends_it(
    any_engine: ContainerEngine, running: str
) -> None:
    said = bytes(range(256)) * 40
    async with any_engine.execution(running, wanted("cat")) as execution:
        await execution.feed(said)
        await execution.feed(b"more")
        await execution.end_input()
        assert await all_of(execution) == (said + b"more", b"")
        assert await execution.exit_code() == 0


async def test_without_input_there_is_nothing_to_read(
    any_engine: ContainerEngine, running: str
) -> None:
    async with any_engine.execution(running, wanted("cat", input=False)) as execution:
        assert await all_of(execution) == (b"", b"")


async def test_a_terminal_has_the_size_that_it_is_given(
    any_engine: ContainerEngine, running: str
) -> None:
    fake = isinstance(any_engine, FakeEngine)
    command = ["size"] if fake else ["sh", "-c", "while sleep 0.1; do stty size; done"]
    request = wanted(*command, terminal=True, width=101, height=33)
    async with any_engine.execution(running, request) as execution:
        await _until_said(execution, b"101 33" if fake else b"33 101")
        await execution.resize(Size(width=77, height=22))
        await _until_said(execution, b"77 22" if fake else b"22 77")
        assert await execution.hang_up()


async def _until_said(execution: Execution, text: bytes) -> None:
    said = b""
    async with asyncio.timeout(10):
        while text not in said:
            piece = await execution.output()
            assert piece is not None, said
            said += piece[1]


@pytest.mark.parametrize("terminal", [False, True])
async def test_a_command_that_is_hung_up_is_gone(
    any_engine: ContainerEngine, running: str, terminal: bool
) -> None:
    async with any_engine.execution(
        running, wanted("sleep", "600", terminal=terminal)
    ) as execution:
        assert await execution.hang_up()
        await all_of(execution)
        assert await execution.exit_code() == 129


async def test_where_nothing_runs_nothing_can_be_run(
    any_engine: ContainerEngine, running: str
) -> None:
    await any_engine.stop(running)
    with pytest.raises(EngineError, match="not running"):
        async with any_engine.execution(running, wanted("echo")):
            pass
    await any_engine.remove(running)
    with pytest.raises(ContainerGone):
        async with any_engine.execution(running, wanted("echo")):
            pass


async def test_what_a_container_uses_is_measured_once(
    any_engine: ContainerEngine, running: str
) -> None:
    began = asyncio.get_running_loop().time()
    used = await any_engine.used(running)
    assert asyncio.get_running_loop().time() - began < 1.9  # twice would take the engine two
    assert used.processes >= 1
    assert used.memory_bytes > 0
    assert used.memory_limit_bytes == 0
    await any_engine.remove(running)
    with pytest.raises(ContainerGone):
        await any_engine.used(running)


async def test_what_happened_is_told_again_and_what_happens_as_it_does(
    any_engine: ContainerEngine, node: str
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    ends = ["exit", "3"] if isinstance(any_engine, FakeEngine) else ["sh", "-c", "exit 3"]
    container_id = await any_engine.create(
        new_container(node, of=ContainerSpec(image=IMAGE, command=ends))
    )
    seen = asyncio.Event()
    followed: list[EngineEvent] = []

    async def follow() -> None:
        async for event in any_engine.happenings(node, since=since, follow=True):
            followed.append(event)
            if event.action == "die":
                seen.set()

    following = asyncio.ensure_future(follow())
    try:
        await any_engine.start(container_id)
        async with asyncio.timeout(10):
            await seen.wait()
    finally:
        following.cancel()
        await asyncio.wait((following,))
    assert [event.action for event in followed[:3]] == ["create", "start", "die"]
    died = followed[2]
    assert (died.microservice_id, died.application, died.name) == ("m1", "app", "m1")
    assert died.detail == "exit code 3"
    assert died.at >= since
    told = [each async for each in any_engine.happenings(node, since=since, follow=False)]
    assert [event.action for event in told[:3]] == ["create", "start", "die"]
    assert not [each async for each in any_engine.happenings("other", since=since, follow=False)]


async def test_a_log_may_bear_the_times_of_its_lines(
    any_engine: ContainerEngine, node: str
) -> None:
    container_id = await any_engine.create(
        new_container(node, of=ContainerSpec(image=IMAGE, command=["echo", "hello"]))
    )
    began = datetime.now(UTC) - timedelta(seconds=1)
    await any_engine.start(container_id)

    async def ended() -> bool | None:
        (container,) = await any_engine.containers(node)
        return container.exit_code is not None or None

    await until(ended)
    lines = any_engine.logs(container_id, tail=None, follow=False, since=began, timestamps=True)
    time, _, text = b"".join([piece async for piece in lines]).decode().partition(" ")
    assert text == "hello\n"
    assert datetime.fromisoformat(time[:19] + "+00:00") >= began.replace(microsecond=0)
