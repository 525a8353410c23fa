"""Commands in containers: from the operator's socket to the agent's and back, and their traces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

import aiohttp
import pytest
from msgspec import json

from agent.contract import (
    Channel,
    ContainerUsage,
    EngineEvent,
    ExecRequest,
    SessionEnd,
    frame,
    unframed,
)
from ecn.commands.session import OpenSession
from ecn.session_keeper import SessionKeeper
from events.ids import MicroserviceId
from events.session import SessionClosed, SessionKind, SessionOpened
from tests.builders import NOW
from tests.ecn.api.server import BASE, Agent, Client, Controller, Network, manifest, soon


class Socket:
    """One end of a session, as a program would hold it."""

    def __init__(self, client: Client, path: str) -> None:
        self._opening = client.session.ws_connect(
            f"{client.url}{BASE}{path}", headers=client.headers()
        )

    async def __aenter__(self) -> "Socket":
        self.socket = await self._opening
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()

    async def start(self, *command: str, **more: object) -> dict[str, object]:
        """Say what to run; the answer."""
        await self.socket.send_str(
            json.encode({"command": list(command), "input": True, **more}).decode()
        )
        answer = json.decode(await self.socket.receive_str(timeout=15))
        assert isinstance(answer, dict)
        return answer

    async def send(self, channel: Channel, content: bytes) -> None:
        await self.socket.send_bytes(frame(channel, content))

    async def next(self) -> tuple[Channel, bytes]:
        return unframed(await self.socket.receive_bytes(timeout=10))

    async def end(self) -> SessionEnd:
        """What the last frame says. Frames before it are dropped."""
        while True:
            channel, content = await self.next()
            if channel is Channel.EXIT:
                return json.decode(content, type=SessionEnd)

    async def is_left(self) -> None:
        """The other side closes, and says nothing before."""
        message = await self.socket.receive(timeout=10)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), message


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """With shop/web."""
    agent = await controller.agent("east")
    web = {"microservices": [manifest("web")]}
    (await controller.operator.put("/applications/shop", web)).is_good(201)
    agent.known = await agent.revision()
    return agent


async def asked(agent: Agent) -> ExecRequest:
    """The request that the agent's long-poll brings."""
    (request,) = (await agent.desired(agent.known, wait=10)).items("stream_requests")
    return json.decode(json.encode(request), type=ExecRequest)


def operators(client: Client) -> Socket:
    return Socket(client, "/microservices/shop/web/exec")


@asynccontextmanager
async def session(
    operator: Client, agent: Agent, *command: str
) -> AsyncIterator[tuple[Socket, Socket]]:
    """Both ends of a session that has begun."""
    async with operators(operator) as mine:
        starting = asyncio.create_task(mine.start(*(command or ("sh",))))
        request = await asked(agent)
        async with Socket(agent.client, f"/agent/sessions/{request.request_id}") as theirs:
            answer = await starting
            assert answer == {"session_id": request.request_id}, answer
            yield mine, theirs


async def refused(client: Client, *command: str) -> dict[str, object]:
    async with operators(client) as mine:
        return await mine.start(*(command or ("sh",)))


async def closed(network: Network, controller: Controller) -> SessionClosed:
    await soon(lambda: not len(controller.live.world.sessions))
    (event,) = await network.events("session.closed.v1")
    assert isinstance(event.event, SessionClosed)
    return event.event


async def test_a_session_goes_through_and_leaves_its_trace(
    network: Network, controller: Controller, east: Agent, operator: Client
) -> None:
    secret = b"the-password-that-was-typed"
    async with session(operator, east, "sh", "-c", "login") as (mine, theirs):
        await mine.send(Channel.STDIN, secret)
        assert await theirs.next() == (Channel.STDIN, secret)
        await theirs.send(Channel.STDOUT, secret + bytes(range(256)))
        await theirs.send(Channel.STDERR, b"oh")
        assert await mine.next() == (Channel.STDOUT, secret + bytes(range(256)))
        assert await mine.next() == (Channel.STDERR, b"oh")
        end = SessionEnd(exit_code=3, reason="ended")
        await theirs.send(Channel.EXIT, json.encode(end))
        assert await mine.end() == end
        await mine.is_left()
    assert (await closed(network, controller)).exit_code == 3
    (opened,) = await network.events("session.opened.v1")
    assert isinstance(opened.event, SessionOpened)
    assert (opened.actor, opened.event.command) == ("user/otto", ["sh", "-c", "login"])
    assert not any(secret in each.data for each in await network.events())


async def test_open_sessions_are_listed_and_an_operator_may_end_one(
    network: Network, controller: Controller, east: Agent, operator: Client, viewer: Client
) -> None:
    async with session(operator, east, "top") as (mine, theirs):
        (listed,) = (await viewer.get("/sessions")).is_good().items()
        assert (listed["microservice"], listed["node"], listed["actor"], listed["command"]) == (
            "shop/web",
            "east",
            "user/otto",
            ["top"],
        )
        (await viewer.delete(f"/sessions/{listed['id']}")).is_problem(403, "not-allowed")
        (await operator.delete(f"/sessions/{listed['id']}")).is_good()
        assert "closed" in (await mine.end()).reason
        await theirs.is_left()
    assert (await closed(network, controller)).reason == "ended by an operator"
    (await operator.delete(f"/sessions/{listed['id']}")).is_problem(404, "not-found")


async def test_who_may_is_a_matter_of_role_and_node(
    controller: Controller, east: Agent, operator: Client, viewer: Client, admin: Client
) -> None:
    problem = await refused(viewer)
    assert problem["code"] == "not-allowed"
    assert "access.exec" in str(problem["detail"])
    nobody = {"settings": {"access": {"exec": "nobody", "logs": "admin"}}}
    (await admin.patch("/nodes/east", nobody)).is_good()
    assert (await refused(admin))["code"] == "not-allowed"
    logs = "/microservices/shop/web/logs"
    (await operator.get(logs)).is_problem(403, "not-allowed")
    assert not len(controller.live.world.sessions)


@pytest.mark.parametrize("how", ["token", "role", "node"])
async def test_what_is_withdrawn_ends_a_session_within_seconds(
    network: Network, controller: Controller, east: Agent, operator: Client, admin: Client, how: str
) -> None:
    async with session(operator, east) as (mine, theirs):
        match how:
            case "token":
                (await admin.delete("/users/otto")).is_good()
            case "role":
                (await admin.patch("/users/otto", {"role": "viewer"})).is_good()
            case _:
                nobody = {"settings": {"access": {"exec": "nobody"}}}
                (await admin.patch("/nodes/east", nobody)).is_good()
        async with asyncio.timeout(5):
            assert (await mine.end()).exit_code is None
            await theirs.is_left()
    assert (await closed(network, controller)).exit_code is None


async def test_whoever_leaves_ends_it_for_the_other(
    network: Network, controller: Controller, east: Agent, operator: Client
) -> None:
    async with session(operator, east) as (mine, theirs):
        await mine.socket.close()
        await theirs.is_left()
    assert (await closed(network, controller)).reason == "left by its reader"
    async with session(operator, east) as (mine, theirs):
        await theirs.socket.close()
        assert "device broke" in (await mine.end()).reason


async def test_what_is_not_as_it_has_to_be_is_told_in_words(
    controller: Controller, east: Agent, operator: Client
) -> None:
    async with Socket(operator, "/microservices/shop/nope/exec") as mine:
        assert (await mine.start("sh"))["code"] == "not-found"
    async with operators(operator) as mine:
        await mine.socket.send_bytes(b"\0x")
        assert json.decode(await mine.socket.receive_str())["code"] == "invalid"
    async with operators(operator) as mine:
        assert (await mine.start("sh", width=0))["code"] == "invalid"
    async with operators(operator) as mine:
        assert (await mine.start())["code"] == "invalid"
    (await east.report(goodbye=True)).is_good()
    problem = await refused(operator)
    assert problem["code"] == "node-unreachable"
    assert "offline since" in str(problem["detail"])


async def test_without_a_socket_there_is_no_session(east: Agent, operator: Client) -> None:
    answer = await operator.get("/microservices/shop/web/exec")
    assert answer.status == 400


async def test_an_agent_that_does_not_come_is_waited_for_in_vain_only_so_long(
    network: Network,
    controller: Controller,
    east: Agent,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecn.api.streams.PATIENCE", 0.2)
    assert (await refused(operator))["code"] == "node-unreachable"
    assert "did not answer" in (await closed(network, controller)).reason
    assert (await east.desired(east.known)).status == 304  # nor is it asked any more


async def test_a_node_has_room_for_four(
    controller: Controller, east: Agent, operator: Client
) -> None:
    for number in range(4):
        await controller.execute(
            OpenSession(
                session_id=f"s{number}",
                microservice_id=next(iter(controller.live.world.microservices)),
                kind=SessionKind.EXEC,
                command=["sh"],
                controller=controller.sessions.controller,
            )
        )
    assert (await refused(operator))["code"] == "too-many"


async def test_an_agent_enters_only_what_it_was_asked_for(
    controller: Controller, east: Agent, operator: Client
) -> None:
    west = await controller.agent("west")
    async with operators(operator) as mine:
        starting = asyncio.create_task(mine.start("sh"))
        request = await asked(east)
        path = f"/agent/sessions/{request.request_id}"
        with pytest.raises(aiohttp.WSServerHandshakeError) as info:
            async with Socket(west.client, path):
                pass
        assert info.value.status == 404
        async with Socket(east.client, path) as theirs:
            await starting
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with Socket(east.client, path):
                    pass
            await theirs.send(Channel.EXIT, json.encode(SessionEnd(exit_code=0)))
            await mine.end()


async def test_who_reads_slowly_slows_the_other_down_and_gets_everything(
    controller: Controller, east: Agent, operator: Client
) -> None:
    piece, count, sent = b"x" * 60_000, 300, 0
    async with session(operator, east) as (mine, theirs):

        async def pour() -> None:
            nonlocal sent
            for _ in range(count):
                await theirs.send(Channel.STDOUT, piece)
                sent += 1
            await theirs.send(Channel.EXIT, json.encode(SessionEnd(exit_code=0)))

        pouring = asyncio.create_task(pour())
        await asyncio.sleep(0.5)
        before = sent
        await asyncio.sleep(0.2)
        assert sent == before < count
        got = 0
        while (said := await mine.next())[0] is Channel.STDOUT:
            got += len(said[1])
        assert got == count * len(piece)
        await pouring


async def test_what_makes_no_sense_ends_it(
    controller: Controller, east: Agent, operator: Client
) -> None:
    async with session(operator, east) as (mine, theirs):
        await mine.socket.send_bytes(b"\x99")
        assert "makes no sense" in (await mine.end()).reason
        await theirs.is_left()


async def test_a_controller_that_ends_closes_what_it_held(
    network: Network, east: Agent, controller: Controller
) -> None:
    async with network.controller() as other:
        agent = Agent(other.as_(east.client.token), "east", east.node_id)
        agent.known = east.known
        async with session(other.operator, agent):
            assert len(other.live.world.sessions) == 1
            await soon(lambda: len(controller.live.world.sessions) == 1)
        # Its handlers are cancelled, its keeper has a last word.
    await soon(lambda: not len(controller.live.world.sessions))


async def test_what_a_killed_controller_held_is_closed_by_another(
    network: Network, east: Agent, controller: Controller
) -> None:
    (web,) = controller.live.world.microservices
    await controller.execute(
        OpenSession(
            session_id="left-over",
            microservice_id=MicroserviceId(web),
            kind=SessionKind.LOGS,
            controller="somebody-who-was-killed",
        )
    )
    keeper: SessionKeeper = controller.sessions
    await keeper.sweep()
    event = await closed(network, controller)
    assert "controller ended" in event.reason


async def test_usage_and_engine_events_are_passed_on_as_they_come(
    controller: Controller, east: Agent, viewer: Client
) -> None:
    use = ContainerUsage(
        microservice_id="m", application="shop", name="web", state="running", at=NOW
    )
    died = EngineEvent(
        microservice_id="m", application="shop", name="web", action="die", container_id="c", at=NOW
    )
    for what, query, said in (
        ("usage", {"once": "true"}, json.encode(use) + b"\n"),
        ("engine-events", {"follow": "true"}, json.encode(died) + b"\n"),
    ):
        reading = asyncio.create_task(
            viewer.get(f"/nodes/east/{what}", microservice="shop/web", **query)
        )
        (request,) = (await east.desired(east.known, wait=10)).items("stream_requests")
        assert request["kind"] == what.removeprefix("engine-")
        assert request["microservice_ids"] == list(controller.live.world.microservices)
        url = f"{east.client.url}{BASE}/agent/streams/{request['request_id']}"
        headers = east.client.headers()
        async with east.client.session.post(url, data=said, headers=headers) as answer:
            assert answer.status == 204
        assert (await reading).is_good().content == said
    (await viewer.get("/nodes/east/usage", interval="90")).is_problem(400, "invalid")
    (await east.report(goodbye=True)).is_good()
    (await viewer.get("/nodes/east/usage")).is_problem(504, "node-unreachable")
    (await viewer.get("/nodes/nope/usage")).is_problem(404, "not-found")


async def test_reading_the_end_of_a_log_again_and_again_is_told_once(
    network: Network, controller: Controller, east: Agent, viewer: Client
) -> None:
    async def read(**query: str) -> None:
        reading = asyncio.create_task(viewer.get("/microservices/shop/web/logs", **query))
        (request,) = (await east.desired(east.known, wait=10)).items("stream_requests")
        url = f"{east.client.url}{BASE}/agent/streams/{request['request_id']}"
        async with east.client.session.post(url, data=b"x", headers=east.client.headers()):
            pass
        (await reading).is_good()

    for _ in range(3):
        await read(tail="5")
    assert len(await network.events("session.opened.v1")) == 1
    await read(follow="true")
    assert len(await network.events("session.opened.v1")) == 2
    network.clock.advance(3600)
    await read(tail="5")
    assert len(await network.events("session.opened.v1")) == 3
    await soon(lambda: not len(controller.live.world.sessions))


@pytest.fixture
async def elsewhere(network: Network, controller: Controller, east: Agent) -> AsyncIterator[Agent]:
    """The same device, at another controller."""
    async with network.controller() as other:
        agent = Agent(other.as_(east.client.token), "east", east.node_id)
        agent.known = east.known
        yield agent


async def test_a_session_finds_the_agent_at_another_controller(
    network: Network, controller: Controller, elsewhere: Agent, operator: Client
) -> None:
    async with session(operator, elsewhere, "cat") as (mine, theirs):
        for size in (1, 65_535):
            await mine.send(Channel.STDIN, b"x" * size)
            assert await theirs.next() == (Channel.STDIN, b"x" * size)
            await theirs.send(Channel.STDOUT, b"y" * size)
            assert await mine.next() == (Channel.STDOUT, b"y" * size)
        await theirs.send(Channel.EXIT, json.encode(SessionEnd(exit_code=4)))
        assert (await mine.end()).exit_code == 4
    assert (await closed(network, controller)).exit_code == 4
    async with session(operator, elsewhere, "cat") as (mine, theirs):
        await mine.socket.close()
        await theirs.is_left()
    async with session(operator, elsewhere, "cat") as (mine, theirs):
        await theirs.socket.close()
        assert "broke" in (await mine.end()).reason


async def test_a_log_finds_the_agent_at_another_controller(
    controller: Controller, elsewhere: Agent, viewer: Client
) -> None:
    reading = asyncio.create_task(viewer.get("/microservices/shop/web/logs"))
    (request,) = (await elsewhere.desired(elsewhere.known, wait=10)).items("stream_requests")
    url = f"{elsewhere.client.url}{BASE}/agent/streams/{request['request_id']}"
    headers = elsewhere.client.headers()
    async with elsewhere.client.session.post(url, data=b"hello\n", headers=headers) as answer:
        assert answer.status == 204
    assert (await reading).is_good().content == b"hello\n"
    async with elsewhere.client.session.post(url, data=b"again\n", headers=headers) as answer:
        assert answer.status == 404


async def test_a_request_of_another_controller_is_kept_no_longer_than_anybody_waits(
    controller: Controller,
    elsewhere: Agent,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecn.api.streams.PATIENCE", 0.2)
    assert (await refused(operator))["code"] == "node-unreachable"
    await asyncio.sleep(0.5)
    assert (await elsewhere.desired(elsewhere.known)).status == 304
