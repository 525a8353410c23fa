"""Sessions and streams of an agent, with an engine in memory, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from msgspec import Raw, json

from agent.contract import (
    AnyStreamRequest,
    Channel,
    ContainerUsage,
    EngineEvent,
    EventsRequest,
    ExecRequest,
    LogRequest,
    SessionEnd,
    Size,
    StreamProblem,
    UsageRequest,
    encoded_request,
    frame,
    unframed,
)
from agent.errors import EngineUnavailable
from agent.lifecycle.engine import Used
from agent.link import streams as module
from agent.link.controller_client import ControllerClient
from agent.link.streams import Streams
from agent.link.usage import cpu_percent
from tests.agent.builders import NOW, new_container, spec
from tests.agent.fake_engine import FakeEngine
from tests.agent.waiting import until_true

IMAGE = "ecn-test/busybox:1"


class Centre:
    """Takes the agent's streams and sessions."""

    def __init__(self) -> None:
        self.url = ""
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.streams: dict[str, bytes] = {}
        self.entered = 0

    async def session(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.entered += 1
        self.sockets[request.match_info["id"]] = socket
        await asyncio.Event().wait()
        return socket

    async def stream(self, request: web.Request) -> web.Response:
        said = b""
        async for piece in request.content.iter_any():
            said += piece
            self.streams[request.match_info["id"]] = said
        return web.Response(status=204)

    async def next(self, request_id: str = "r") -> tuple[Channel, bytes]:
        return unframed(await self.sockets[request_id].receive_bytes(timeout=5))

    async def end(self, request_id: str = "r") -> SessionEnd:
        while True:
            channel, content = await self.next(request_id)
            if channel is Channel.EXIT:
                return json.decode(content, type=SessionEnd)


@asynccontextmanager
async def serving() -> AsyncIterator[Centre]:
    centre, app = Centre(), web.Application()
    app.router.add_get("/api/v1/agent/sessions/{id}", centre.session)
    app.router.add_post("/api/v1/agent/streams/{id}", centre.stream)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    centre.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield centre
    finally:
        await runner.cleanup()


class Device:
    """An agent's streams, and what it has to look at."""

    def __init__(self, centre: Centre, engine: FakeEngine, streams: Streams) -> None:
        self.centre, self.engine, self.streams = centre, engine, streams
        self.tasks: asyncio.TaskGroup
        self.container_id = ""

    def asked(self, *requests: AnyStreamRequest) -> None:
        self.streams.open([encoded_request(each) for each in requests], self.tasks)

    async def entered(self, request_id: str = "r") -> None:
        await until_true(lambda: request_id in self.centre.sockets, 5)


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    engine = FakeEngine(images={IMAGE})
    async with serving() as centre, ControllerClient(centre.url, credential="hush") as client:
        made = Device(centre, engine, Streams("node1", engine, client))
        made.container_id = await engine.create(new_container("node1", of=spec(IMAGE)))
        await engine.start(made.container_id)

        async def work() -> None:
            async with asyncio.TaskGroup() as tasks:
                made.tasks = tasks
                await asyncio.Event().wait()

        working = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        yield made
        working.cancel()
        await asyncio.wait((working,))


def run(*command: str, request_id: str = "r", **more: object) -> ExecRequest:
    about = {"request_id": request_id, "microservice_id": "m1", "command": list(command)}
    return ExecRequest(**{**about, **more})  # type: ignore[arg-type]


async def test_a_command_runs_and_its_end_is_the_last_word(device: Device) -> None:
    device.asked(run("exit", "3"))
    await device.entered()
    assert await device.centre.next() == (Channel.STDERR, b"oh\n")
    assert (await device.centre.end()).exit_code == 3
    assert not device.engine.executions[0].hung_up


async def test_what_is_said_to_it_reaches_it(device: Device) -> None:
    device.asked(run("cat"))
    await device.entered()
    socket = device.centre.sockets["r"]
    await socket.send_bytes(frame(Channel.STDIN, b"hello"))
    assert await device.centre.next() == (Channel.STDOUT, b"hello")
    await socket.send_bytes(frame(Channel.STDIN, b""))
    assert (await device.centre.end()).exit_code == 0


async def test_a_terminal_follows_the_size(device: Device) -> None:
    device.asked(run("size", terminal=True, width=10, height=5))
    await device.entered()
    assert await device.centre.next() == (Channel.STDOUT, b"10 5\n")
    wanted = json.encode(Size(width=80, height=24))
    await device.centre.sockets["r"].send_bytes(frame(Channel.RESIZE, wanted))
    assert await device.centre.next() == (Channel.STDOUT, b"80 24\n")


async def test_who_leaves_hangs_up(device: Device) -> None:
    device.asked(run("sleep"))
    await device.entered()
    await until_true(lambda: bool(device.engine.executions), 5)
    await device.centre.sockets["r"].close()
    await until_true(lambda: device.engine.executions[0].hung_up, 5)


@pytest.mark.parametrize(
    ("bound", "reason"), [("longest", "longer than"), ("longest_idle", "nothing said")]
)
async def test_a_session_has_its_bounds(device: Device, bound: str, reason: str) -> None:
    bounds: dict[str, object] = {bound: 0.3}
    device.asked(ExecRequest(request_id="r", microservice_id="m1", command=["sleep"], **bounds))  # type: ignore[arg-type]
    await device.entered()
    end = await device.centre.end()
    assert end.exit_code is None
    assert reason in end.reason
    assert device.engine.executions[0].hung_up


async def test_whoever_talks_is_not_idle(device: Device) -> None:
    device.asked(run("cat", longest_idle=0.5))
    await device.entered()
    for _ in range(6):
        await device.centre.sockets["r"].send_bytes(frame(Channel.STDIN, b"x"))
        assert await device.centre.next() == (Channel.STDOUT, b"x")
        await asyncio.sleep(0.2)
    assert "nothing said" in (await device.centre.end()).reason


async def test_nonsense_ends_it(device: Device) -> None:
    device.asked(run("cat"))
    await device.entered()
    await device.centre.sockets["r"].send_bytes(b"\x77")
    assert "makes no sense" in (await device.centre.end()).reason


async def test_what_can_not_be_done_is_told_why(device: Device) -> None:
    device.engine.end(device.container_id, 9)
    device.asked(run("ls"))
    await device.entered()
    end = await device.centre.end()
    assert end.reason == "its container does not run: exited with exit code 9"
    device.asked(run("ls", request_id="other", microservice_id="m2"))
    await device.entered("other")
    assert "no container" in (await device.centre.end("other")).reason
    device.engine.failing["execution"] = EngineUnavailable("the engine is away")
    await device.engine.start(device.container_id)
    device.asked(run("ls", request_id="third"))
    await device.entered("third")
    assert (await device.centre.end("third")).reason == "the engine is away"


async def test_four_at_a_time(device: Device) -> None:
    names = [f"r{number}" for number in range(module.SESSIONS_AT_ONCE + 1)]
    for name in names:
        device.asked(run("sleep", request_id=name))
        await device.entered(name)
    assert "4 sessions" in (await device.centre.end(names[-1])).reason


async def test_what_is_asked_twice_is_done_once(device: Device) -> None:
    device.asked(run("cat"), run("cat"))
    device.asked(run("cat"))
    await device.entered()
    await asyncio.sleep(0.1)
    assert device.centre.entered == 1
    assert len(device.engine.executions) == 1


async def test_what_is_not_known_is_left_alone(device: Device) -> None:
    device.streams.open([Raw(b'{"kind":"hologram","request_id":"h"}')], device.tasks)
    device.asked(run("exit", "0"))
    await device.entered()
    assert (await device.centre.end()).exit_code == 0


async def streamed(device: Device, request: AnyStreamRequest) -> bytes:
    device.asked(request)
    await until_true(lambda: request.request_id in device.centre.streams, 5)
    return device.centre.streams[request.request_id]


async def test_usage_is_measured_while_somebody_looks(device: Device) -> None:
    assert device.engine.count("used") == 0
    request = UsageRequest(request_id="u", interval=0.5, once=True)
    usage = json.decode(await streamed(device, request), type=ContainerUsage)
    assert (usage.microservice_id, usage.state, usage.memory_bytes) == ("m1", "running", 1 << 20)
    await asyncio.sleep(1)
    assert device.engine.count("used") == 2  # the difference is what counts


async def test_events_are_told_of_those_that_were_named(device: Device) -> None:
    other = await device.engine.create(new_container("node1", "m2", of=spec(IMAGE)))
    await device.engine.start(other)
    request = EventsRequest(request_id="e", microservice_ids=["m2"], since=NOW, follow=False)
    said = (await streamed(device, request)).splitlines()
    events = [json.decode(each, type=EngineEvent) for each in said]
    assert [(each.microservice_id, each.action) for each in events] == [
        ("m2", "create"),
        ("m2", "start"),
    ]


async def test_an_engine_that_is_away_says_so_in_each_stream(device: Device) -> None:
    device.engine.down = True
    usage = await streamed(device, UsageRequest(request_id="u"))
    assert "does not answer" in json.decode(usage, type=StreamProblem).problem
    log = await streamed(device, LogRequest(request_id="l", microservice_id="m1"))
    assert log.startswith(b"[agent] ")
    assert b"does not answer" in log


def test_cpu_is_a_difference_and_a_restart_is_no_debt() -> None:
    before = Used(at=NOW, cpu_seconds=10.0)
    later = NOW + timedelta(seconds=2)
    assert cpu_percent(before, Used(at=later, cpu_seconds=11.0)) == 50.0
    assert cpu_percent(before, Used(at=later, cpu_seconds=0.5)) == 0.0
    assert cpu_percent(None, before) == 0.0
    assert cpu_percent(before, before) == 0.0
