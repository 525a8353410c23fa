"""Sessions of connections: who may, what passes, and the traces that they leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import json

from agent.contract import Channel, ForwardRequest, Packets, SessionEnd, packet_frames
from events.node import NodeAccess
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionOpened,
)
from routing.proxy.frames import Data, Frame, Open, encoded, packed, unpacked
from tests.ecn.api.server import Agent, Client, Controller, Network, soon
from tests.ecn.api.test_sessions import Socket, east, elsewhere

__all__ = ["east", "elsewhere"]

CONTAINER, DEVICE = "/microservices/shop/web/forward", "/nodes/east/forward"


async def begun(socket: Socket, *ports: int) -> dict[str, object]:
    """Say what is wanted; the answer."""
    await socket.socket.send_str(json.encode({"ports": list(ports)}).decode())
    answer = json.decode(await socket.socket.receive_str(timeout=15))
    assert isinstance(answer, dict)
    return answer


async def asked(agent: Agent) -> ForwardRequest:
    """The request that the agent's long-poll brings."""
    (request,) = (await agent.desired(agent.known, wait=10)).items("stream_requests")
    return json.decode(json.encode(request), type=ForwardRequest)


@asynccontextmanager
async def session(
    operator: Client, agent: Agent, path: str, *ports: int
) -> AsyncIterator[tuple[Socket, Socket]]:
    """Both ends of a session that has begun."""
    async with Socket(operator, path) as mine:
        starting = asyncio.create_task(begun(mine, *ports))
        request = await asked(agent)
        assert request.ports == list(ports)
        async with Socket(agent.client, f"/agent/sessions/{request.request_id}") as theirs:
            assert await starting == {"session_id": request.request_id}
            yield mine, theirs


async def say(socket: Socket, channel: Channel, number: int, *frames: Frame) -> None:
    packet = packed("me", b"12345678", number, [encoded(each) for each in frames])
    for each in packet_frames(channel, packet):
        await socket.socket.send_bytes(each)


async def heard(socket: Socket) -> list[Frame]:
    packets = Packets()
    while True:
        _, content = await socket.next()
        if (packet := packets.add(content)) is not None:
            return unpacked(packet).frames


async def refused(client: Client, path: str, *ports: int) -> dict[str, object]:
    async with Socket(client, path) as mine:
        return await begun(mine, *(ports or (80,)))


async def last(network: Network, type_: str) -> object:
    return (await network.events(type_))[-1].event


@pytest.mark.parametrize("path", [CONTAINER, DEVICE])
async def test_connections_pass_and_their_number_is_told_once(
    network: Network, controller: Controller, east: Agent, admin: Client, path: str
) -> None:
    large = Data(1, b"a-secret" * 10_000)
    async with session(admin, east, path, 80, 443) as (mine, theirs):
        frames: list[Frame] = [Open(1, "80", "me"), large, Open(2, "443", "me")]
        await say(mine, Channel.STDIN, 0, *frames)
        assert await heard(theirs) == frames
        await say(mine, Channel.STDIN, 1, Open(3, "80", "me"))
        await say(theirs, Channel.STDOUT, 0, large)
        assert await heard(mine) == [large]
        (listed,) = (await admin.get("/sessions")).is_good().items()
        about = None if path == DEVICE else "shop/web"
        assert (listed["microservice"], listed["node"], listed["ports"]) == (
            about,
            "east",
            [80, 443],
        )
        end = SessionEnd(reason="nothing said for 1800 s")
        await say(mine, Channel.STDIN, 2)
        await theirs.send(Channel.EXIT, json.encode(end))
        assert await mine.end() == end
    await soon(lambda: not len(controller.live.world.sessions))
    if path == DEVICE:
        opened = await last(network, "session.device-opened.v1")
        closed = await last(network, "session.device-closed.v1")
        assert isinstance(opened, DeviceSessionOpened)
        assert isinstance(closed, DeviceSessionClosed)
    else:
        told, ended = (
            await last(network, "session.opened.v1"),
            await last(network, "session.closed.v1"),
        )
        assert isinstance(told, SessionOpened)
        assert isinstance(ended, SessionClosed)
        opened, closed = told, ended
    assert opened.ports == [80, 443]
    assert (closed.connections, closed.reason) == (3, "nothing said for 1800 s")
    assert not any(b"a-secret" in each.data for each in await network.events())


async def test_who_may_is_a_matter_of_role_and_node(
    controller: Controller,
    east: Agent,
    viewer: Client,
    operator: Client,
    admin: Client,
) -> None:
    assert NodeAccess().tunnel == "admin"
    for client, path, setting in (
        (viewer, CONTAINER, "access.forward"),
        (operator, DEVICE, "access.tunnel"),
    ):
        problem = await refused(client, path)
        assert problem["code"] == "not-allowed"
        assert setting in str(problem["detail"])
    nobody = {"settings": {"access": {"forward": "nobody", "tunnel": "operator"}}}
    (await admin.patch("/nodes/east", nobody)).is_good()
    assert (await refused(admin, CONTAINER))["code"] == "not-allowed"
    async with session(operator, east, DEVICE, 22):
        pass
    await soon(lambda: not len(controller.live.world.sessions))


async def test_what_is_withdrawn_ends_it_within_seconds(
    controller: Controller, east: Agent, operator: Client, admin: Client
) -> None:
    async with session(operator, east, CONTAINER, 80) as (mine, theirs):
        nobody = {"settings": {"access": {"forward": "nobody"}}}
        (await admin.patch("/nodes/east", nobody)).is_good()
        async with asyncio.timeout(5):
            assert "access.forward" in (await mine.end()).reason
            await theirs.is_left()


async def test_an_operator_ends_a_tunnel_as_any_session(
    network: Network, controller: Controller, east: Agent, operator: Client, admin: Client
) -> None:
    async with session(admin, east, DEVICE, 22) as (mine, theirs):
        (listed,) = (await operator.get("/sessions")).is_good().items()
        answer = (await operator.delete(f"/sessions/{listed['id']}")).is_good()
        assert str(answer.json["subject"]).startswith("node/")
        assert "closed" in (await mine.end()).reason
        await theirs.is_left()
    closed = await last(network, "session.device-closed.v1")
    assert isinstance(closed, DeviceSessionClosed)
    assert closed.reason == "ended by an operator"


@pytest.mark.parametrize("content", [b"\7", b"\0no packet", b""])
async def test_what_makes_no_sense_ends_it(
    controller: Controller, east: Agent, operator: Client, content: bytes
) -> None:
    async with session(operator, east, CONTAINER, 80) as (mine, theirs):
        await mine.send(Channel.STDIN, content)
        assert "makes no sense" in (await mine.end()).reason
        await theirs.is_left()


async def test_ports_have_their_rules_and_what_is_not_there_is_not_found(
    controller: Controller, east: Agent, admin: Client
) -> None:
    for path, ports, code in (
        (CONTAINER, (0,), "invalid"),
        (DEVICE, (70_000,), "invalid"),
        (DEVICE, (22, 22), "invalid"),
        ("/nodes/nope/forward", (22,), "not-found"),
        ("/microservices/shop/nope/forward", (22,), "not-found"),
    ):
        assert (await refused(admin, path, *ports))["code"] == code
    (await east.report(goodbye=True)).is_good()
    assert (await refused(admin, DEVICE))["code"] == "node-unreachable"


async def test_connections_find_the_agent_at_another_controller(
    network: Network, controller: Controller, elsewhere: Agent, admin: Client
) -> None:
    large = Data(1, b"x" * 100_000)
    async with session(admin, elsewhere, DEVICE, 22) as (mine, theirs):
        await say(mine, Channel.STDIN, 0, Open(1, "22", "me"), large)
        assert await heard(theirs) == [Open(1, "22", "me"), large]
        await say(theirs, Channel.STDOUT, 0, large)
        assert await heard(mine) == [large]
    await soon(lambda: not len(controller.live.world.sessions))
    closed = await last(network, "session.device-closed.v1")
    assert isinstance(closed, DeviceSessionClosed)
    assert closed.connections == 1
