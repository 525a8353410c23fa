"""Connections to ports of containers and devices from afar: the operator's WebSocket.

The first word of the socket is a StartForward, and the answer as of a command's session. From then
on there are frames both ways: in those of STDIN goes what the operator's side says of its
connections, in those of STDOUT what the device answers (routing/proxy/). One session carries all
connections of a command line: it is told once, and its end says how many there were.
"""

from aiohttp import web

from agent.contract import ForwardRequest, NoFrame, Packets
from ecn.api.endpoint import Endpoint, parse
from ecn.api.keys import LIVE, STREAMS
from ecn.api.looking import check_reachable, may_look, told
from ecn.api.session_documents import StartForward
from ecn.api.session_link import SessionLink
from ecn.api.sessions import (
    LONGEST,
    LONGEST_IDLE,
    Relay,
    conversed,
    first_word,
    named_microservice,
    say_started,
)
from ecn.api.standing import asker
from ecn.deciders import find
from ecn.deciders.session import check_ports, check_reach
from ecn.errors import NotFound
from events.ids import MicroserviceId, NodeId
from events.session import SessionKind
from events.user import Role
from routing.proxy.frames import NoPacket, Open, unpacked


async def forward(request: web.Request) -> web.StreamResponse:
    """Connections to a container, for as long as somebody is there."""
    return await conversed(request, _to_container)


async def tunnel(request: web.Request) -> web.StreamResponse:
    """Connections to a device, for as long as somebody is there."""
    return await conversed(request, _to_device)


async def _to_container(request: web.Request, link: SessionLink) -> None:
    """Errors: Refused; StoreUnavailable, OutcomeUnknown."""
    start = parse(await first_word(link), StartForward)
    key = await named_microservice(request)
    node_id = request.app[LIVE].world.microservices[key].node_id
    await _carry(request, link, SessionKind.FORWARD, node_id, key, start.ports)


async def _to_device(request: web.Request, link: SessionLink) -> None:
    """Errors: Refused; StoreUnavailable, OutcomeUnknown."""
    start = parse(await first_word(link), StartForward)
    node_id = await _node(request)
    await _carry(request, link, SessionKind.TUNNEL, node_id, None, start.ports)


async def _node(request: web.Request) -> NodeId:
    ref = request.match_info["node"]
    try:
        return find.node(request.app[LIVE].world, ref)
    except NotFound:
        # Maybe another controller has just made it.
        await request.app[LIVE].catch_up()
        return find.node(request.app[LIVE].world, ref)


async def _carry(
    request: web.Request,
    link: SessionLink,
    kind: SessionKind,
    node_id: NodeId,
    microservice_id: MicroserviceId | None,
    ports: list[int],
) -> None:
    world = request.app[LIVE].world
    check_reach(world, node_id, kind, asker(request).role)
    check_ports(ports)
    check_reachable(world, node_id)
    async with told(request, kind, microservice_id or node_id, ports=ports) as session:
        wanted = ForwardRequest(
            request_id=session.session_id,
            microservice_id=microservice_id or "",
            ports=ports,
            longest=LONGEST,
            longest_idle=LONGEST_IDLE,
        )
        async with request.app[STREAMS].open_session(node_id, wanted) as door:
            device = await door.entered()
            await say_started(link, session.session_id)
            count = _Count()
            try:
                check = may_look(request, node_id, kind, session.session_id)
                end = await Relay(link, device, check, count).run()
                session.reason = end.reason
            finally:
                session.connections = count.connections


class _Count:
    """Counts the connections that an operator opens, as their frames pass by."""

    def __init__(self) -> None:
        self.connections = 0
        self._packets = Packets()

    def __call__(self, content: bytes) -> None:
        """Errors: NoFrame, of what the device could not read either."""
        packet = self._packets.add(content)
        if packet is None:
            return
        try:
            frames = unpacked(packet).frames
        except NoPacket as error:
            raise NoFrame(str(error)) from error
        self.connections += sum(1 for each in frames if isinstance(each, Open))


ENDPOINTS = (
    *(
        Endpoint(
            method="GET",
            path=f"/microservices/{of}/forward",
            handler=forward,
            access=Role.VIEWER,
            tag="sessions",
            summary="Reach ports of its container: a WebSocket, see docs/port-forward.md",
            status=101,
            refusals=(404,),
        )
        for of in (r"{id:[0-9a-f]{32}}", r"{application}/{name}")
    ),
    Endpoint(
        method="GET",
        path="/nodes/{node}/forward",
        handler=tunnel,
        access=Role.VIEWER,
        tag="sessions",
        summary="Reach ports of the device: a WebSocket, see docs/port-forward.md",
        status=101,
        refusals=(404,),
    ),
)
