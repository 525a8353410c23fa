"""What interior proxies call: the long-poll of the ports to open, and how it is with them.

No role of a person may call these: the answer holds the password of the interior router's user.
And a router's role may call nothing else.
"""

import asyncio
from hashlib import sha256

import msgspec
import structlog
from aiohttp import web

from agent.contract import Broker
from ecn.api.commanding import OPERATOR
from ecn.api.endpoint import Access, Endpoint, Query, read_body
from ecn.api.keys import CLOCK, LIVE, ROUTERS, VAULT
from ecn.api.prefer import prefer_wait
from ecn.api.principal import may_route, operator
from ecn.api.router_documents import OpenPort, RouterConfiguration, RouterReport
from ecn.broker import credentials
from ecn.deciders import find
from ecn.errors import Invalid
from ecn.vault import SecretLost
from events.ids import NodeId, UserId
from projections.network import broker
from projections.public_ports import opened_at
from projections.world import World

TOGETHER = 0.05
"""Seconds after a change in which others are waited for: it is looked at all public ports."""
LONGEST_TEXT, MOST_PORTS = 300, 5000

log = structlog.get_logger()


async def configuration(request: web.Request) -> web.Response:
    """The ports to open, once they differ from those that the ETag names."""
    live, ref = request.app[LIVE], request.query.get("node", "")
    had = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
    wait = prefer_wait(request)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        world = live.world
        # The token may have been revoked while the router waited.
        who = operator(world, request.headers.get("Authorization"), request.app[CLOCK]())
        may_route(who)
        node_id = find.node(world, ref) if ref else None
        answer = RouterConfiguration(
            router_id=who.user_id,
            name=who.name,
            broker=await _broker(request, world, who.user_id),
            ports=ports(world, node_id),
        )
        body = msgspec.json.encode(answer)
        headers = {
            "ETag": f'"{sha256(body).hexdigest()[:32]}"',
            "ECN-Position": str(world.position),
        }
        if headers["ETag"].strip('"') != had:
            return web.Response(body=body, content_type="application/json", headers=headers)
        left = deadline - loop.time()
        if left <= 0:
            return web.Response(status=304, headers=headers)
        if await live.grown_beyond(world.position, at_most=left):
            await asyncio.sleep(TOGETHER)


def ports(world: World, node_id: NodeId | None) -> list[OpenPort]:
    """Those that open on the node, or at the default router, by number."""
    return [
        OpenPort(
            port_id=public.queue,
            port=public.port,
            protocol=public.protocol.value,
            node_id=world.microservices[key].node_id,
            microservice=find.microservice_name(world, key),
            allow=public.allow,
            longest_idle=public.longest_idle,
            longest=public.longest,
        )
        for key, _, public in opened_at(world, node_id)
        if public.enabled
    ]


async def _broker(request: web.Request, world: World, router_id: UserId) -> Broker | None:
    if broker(world) is None:
        return None
    try:
        return credentials.for_router(world, router_id, await request.app[VAULT].broker_key())
    except SecretLost as e:
        log.error("broker_key_lost", reason=str(e))
        return None


async def report_router(request: web.Request) -> web.Response:
    """How it is with the interior proxy."""
    said = await read_body(request, RouterReport)
    if not (said.instance.isascii() and said.instance.isalnum() and len(said.instance) <= 64):
        raise Invalid("is not 1 to 64 letters and digits", field="$.instance")
    texts = [said.host, said.state, said.reason, said.node, *(each.reason for each in said.closed)]
    if max(map(len, texts)) > LONGEST_TEXT or len(said.listening) + len(said.closed) > MOST_PORTS:
        raise Invalid(f"has a text of over {LONGEST_TEXT} letters, or over {MOST_PORTS} ports")
    request.app[ROUTERS].said(request[OPERATOR].user_id, said, request.app[CLOCK]())
    return web.Response(status=204)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/router/configuration",
        handler=configuration,
        access=Access.ROUTER,
        tag="router",
        summary="The public ports to open; with `Prefer: wait=N` once they have changed",
        answer=RouterConfiguration,
        queries=(Query("node", "ports that open on this node, rather than at the default router"),),
        refusals=(304, 404),
    ),
    Endpoint(
        method="POST",
        path="/router/report",
        handler=report_router,
        access=Access.ROUTER,
        tag="router",
        summary="How it is with the interior proxy: telemetry",
        body=RouterReport,
        status=204,
    ),
)
