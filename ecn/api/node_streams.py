"""What a node's containers use, and what its engine says of them: live, from the device.

Lines of JSON as the agent sends them: `ContainerUsage` and `EngineEvent` of agent/contract/, or
a `StreamProblem`. Nothing is kept, and a node that nobody looks at is asked for nothing.
"""

from aiohttp import web

from agent.contract import (
    AnyStreamRequest,
    ContainerUsage,
    EngineEvent,
    EventsRequest,
    UsageRequest,
)
from ecn.api.endpoint import Endpoint, Query, truth, whole_number
from ecn.api.keys import LIVE, STREAMS
from ecn.api.looking import check_reachable, may_look, passed_on
from ecn.api.times import time
from ecn.deciders import find
from ecn.errors import Invalid
from events.ids import MicroserviceId, NodeId, new_id
from events.user import Role

MOST_NAMED = 200
SLOWEST = 60
"""Seconds between two measures, at most."""

_MICROSERVICES = Query("microservice", "only this one, by `<application>/<name>` or id; repeated")


async def read_usage(request: web.Request) -> web.StreamResponse:
    """What the containers use, until the reader leaves."""
    node_id, named = _asked(request)
    interval = whole_number(request, "interval", least=1) or 2
    if interval > SLOWEST:
        raise Invalid(f"the longest interval is {SLOWEST} seconds", field="?interval")
    wanted = UsageRequest(
        request_id=new_id(),
        microservice_ids=named,
        interval=float(interval),
        once=truth(request, "once"),
    )
    return await _passed_on(request, node_id, wanted)


async def read_engine_events(request: web.Request) -> web.StreamResponse:
    """What happened to the containers, and what happens."""
    node_id, named = _asked(request)
    wanted = EventsRequest(
        request_id=new_id(),
        microservice_ids=named,
        since=time(request, "since"),
        follow=truth(request, "follow"),
    )
    return await _passed_on(request, node_id, wanted)


def _asked(request: web.Request) -> tuple[NodeId, list[str]]:
    world = request.app[LIVE].world
    node_id = find.node(world, request.match_info["node"])
    refs = request.query.getall("microservice", [])
    if len(refs) > MOST_NAMED:
        raise Invalid(f"at most {MOST_NAMED} can be named", field="?microservice")
    named: list[MicroserviceId] = [find.microservice(world, ref) for ref in refs]
    check_reachable(world, node_id)
    return node_id, [str(each) for each in named]


async def _passed_on(
    request: web.Request, node_id: NodeId, wanted: AnyStreamRequest
) -> web.StreamResponse:
    async with request.app[STREAMS].open(node_id, wanted) as stream:
        check = may_look(request, node_id, None)
        return await passed_on(request, stream, "application/x-ndjson", check)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/nodes/{node}/usage",
        handler=read_usage,
        access=Role.VIEWER,
        tag="nodes",
        summary="See what its containers use: a line of JSON for each, again and again",
        answer=ContainerUsage,
        media="application/x-ndjson",
        queries=(
            Query("interval", "seconds between two looks, 2 unless told", int),
            Query("once", "one look only", bool),
            _MICROSERVICES,
        ),
        refusals=(404, 409, 429, 504),
    ),
    Endpoint(
        method="GET",
        path="/nodes/{node}/engine-events",
        handler=read_engine_events,
        access=Role.VIEWER,
        tag="nodes",
        summary="See what its container engine says of its containers: lines of JSON",
        answer=EngineEvent,
        media="application/x-ndjson",
        queries=(
            Query("since", "RFC 3339 time; without, only what is to come"),
            Query("follow", "go on as things happen", bool),
            _MICROSERVICES,
        ),
        refusals=(404, 409, 429, 504),
    ),
)
