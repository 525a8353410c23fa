"""Tunnels to devices: operators open and close them, agents hold them."""

import asyncio
import secrets

from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import DEVICE, execute
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.api.iofog.node_refusals import node_of
from ecn.api.keys import TUNNEL
from ecn.commands.node import CloseTunnel, OpenTunnel
from ecn.errors import Conflict
from ecn.iofog import refusals
from ecn.settings import TunnelServer
from events.ids import NodeId
from events.user import Role
from projections.world import World


class ChangeTunnel(Struct, frozen=True):
    """What is to become of a tunnel."""

    action: object = None


class Tunnel(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tunnel as operators see it."""

    username: str
    host: str
    remote_port: int
    local_port: int
    status: str


class HeldTunnel(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tunnel as its agent needs it."""

    username: str
    host: str
    rport: int
    lport: int
    password: str
    """Empty where there is none, as the next: agents want both."""
    rsakey: str
    closed: bool
    iofog_uuid: str


class HeldTunnels(Struct, frozen=True):
    """The one that an agent holds."""

    tunnel: HeldTunnel


async def change_tunnel(request: web.Request) -> web.Response:
    """Open or close it."""
    said = await body(request, ChangeTunnel)
    match said.action:
        case "open":
            await _open(request)
        case "close":
            await _close(request)
        case _:
            raise refusals.invalid('Unknown action property. Action can be "open" or "close"')
    return empty()


async def _open(request: web.Request) -> None:
    node_id, server = node_of(request), request.app[TUNNEL]
    if server is None:
        # As ioFog says it where its own settings of a tunnel are not set.
        raise refusals.invalid("Required field 'username' is missing")
    await execute(
        request,
        OpenTunnel(
            node_id=node_id,
            host=server.host,
            user=server.user,
            remote_port=_free_port(world(request), server),
            local_port=server.device_port,
        ),
    )


def _free_port(now: World, server: TunnelServer) -> int:
    """A port of the server that leads to no other device. Errors: Conflict."""
    taken = {
        row.tunnel.remote_port
        for _, row in now.nodes.items()
        if row.tunnel is not None and row.tunnel.open and row.tunnel.host == server.host
    }
    free = [port for port in range(server.first_port, server.last_port + 1) if port not in taken]
    if not free:
        raise Conflict(
            "all ports for tunnels are taken",
            next_step="Close a tunnel, or start the controller with more --tunnel-ports.",
        )
    return secrets.choice(free)


async def _close(request: web.Request) -> None:
    node_id = node_of(request)
    if world(request).nodes[node_id].tunnel is None:
        raise refusals.not_found("Invalid Tunnel Id")
    await execute(request, CloseTunnel(node_id=node_id))


async def show_tunnel(request: web.Request) -> web.Response:
    """As it is."""
    row = world(request).nodes.get(NodeId(request.match_info["uuid"]))
    tunnel = None if row is None else row.tunnel
    if tunnel is None:
        raise refusals.not_found("Invalid Tunnel Id")
    return answer(
        Tunnel(
            username=tunnel.user,
            host=tunnel.host,
            remote_port=tunnel.remote_port,
            local_port=tunnel.local_port,
            status="open" if tunnel.open else "closed",
        )
    )


async def held_tunnel(request: web.Request) -> web.Response:
    """What the agent needs to hold it, or to let it go."""
    node_id, server = request[DEVICE].node_id, request.app[TUNNEL]
    tunnel = world(request).nodes[node_id].tunnel
    if tunnel is None:
        raise refusals.not_found("Tunnel not found")
    password = key = ""
    if tunnel.open and server is not None:
        password, key = await asyncio.to_thread(_secrets, server)
    return answer(
        HeldTunnels(
            HeldTunnel(
                username=tunnel.user,
                host=tunnel.host,
                rport=tunnel.remote_port,
                lport=tunnel.local_port,
                password=password,
                rsakey=key,
                closed=not tunnel.open,
                iofog_uuid=node_id,
            )
        )
    )


def _secrets(server: TunnelServer) -> tuple[str, str]:
    """Password and key; read anew, so that they can be changed. Errors: OSError."""
    password = "" if server.password_file is None else server.password_file.read_text().rstrip("\n")
    return password, "" if server.key_file is None else server.key_file.read_text()


_TUNNEL = "/iofog/{uuid}/tunnel"

ENDPOINTS = (
    Endpoint(
        method="PATCH",
        path=_TUNNEL,
        handler=change_tunnel,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Open or close an SSH tunnel to the device",
        body=ChangeTunnel,
        status=204,
        refusals=(400, 404, 409),
    ),
    Endpoint(
        method="GET",
        path=_TUNNEL,
        handler=show_tunnel,
        access=Role.VIEWER,
        tag="nodes",
        summary="Show the SSH tunnel to the device",
        answer=Tunnel,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/agent/tunnel",
        handler=held_tunnel,
        access=Access.AGENT,
        tag="agent",
        summary="The tunnel that the agent is to hold",
        answer=HeldTunnels,
        refusals=(404,),
    ),
)
