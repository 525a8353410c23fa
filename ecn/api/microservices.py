"""Microservices over HTTP, each under `<application>/<name>` and under its id."""

from contextlib import AsyncExitStack

from aiohttp import web
from msgspec.structs import replace

from agent.contract import LogRequest
from ecn.api import last_words, views
from ecn.api.answers import json_answer
from ecn.api.commanding import OPERATOR, changed, execute, merge
from ecn.api.documents import (
    Changed,
    MicroserviceDocument,
    MicroserviceManifest,
    Microservices,
    MoveMicroservice,
    Rename,
)
from ecn.api.endpoint import Endpoint, Query, choice, read_body, truth, whole_number
from ecn.api.keys import LIVE, SESSIONS, STREAMS
from ecn.api.looking import check_reachable, may_look, passed_on, told
from ecn.api.manifests import changed_placement
from ecn.api.moments import asked
from ecn.api.times import time
from ecn.commands import application as commands
from ecn.deciders import find
from ecn.deciders.session import check_reach
from events.application import ContainerState
from events.ids import MicroserviceId, new_id
from events.session import SessionKind
from events.user import Role
from projections.world import World


def _ref(request: web.Request, world: World | None = None) -> MicroserviceId:
    parts = request.match_info
    ref = parts.get("id") or f"{parts['application']}/{parts['name']}"
    return find.microservice(world or request.app[LIVE].world, ref)


async def list_microservices(request: web.Request) -> web.Response:
    """All microservices that the query asks for."""
    about = asked(request)
    world = about.world
    of, on = request.query.get("application"), request.query.get("node")
    state = choice(request, "state", tuple(ContainerState))
    application_id = find.application(world, of) if of is not None else None
    node_id = find.node(world, on) if on is not None else None
    chosen = [
        key
        for key, row in world.microservices.items()
        if application_id in (None, row.application_id) and node_id in (None, row.node_id)
    ]
    usage = await last_words.of_pulls(request, chosen)
    items = [views.microservice(world, key, usage) for key in chosen]
    items = [each for each in items if state in (None, each.status.state)]
    items.sort(key=lambda each: (each.application, each.name))
    return json_answer(Microservices(position=about.position, stale=about.stale, items=items))


async def show_microservice(request: web.Request) -> web.Response:
    """One microservice."""
    world = asked(request).world
    key = _ref(request, world)
    usage = await last_words.of_pulls(request, [key])
    return json_answer(views.microservice(world, key, usage))


async def update_microservice(request: web.Request) -> web.Response:
    """Change a part of it.

    The change is merged into what is there; if somebody else changed it in between, it is merged
    into what they left.
    """
    key = _ref(request)
    patch = await request.read()

    def command(world: World) -> commands.UpdateMicroservice:
        row = world.microservices[find.microservice(world, key)]
        wanted = changed_placement(world, key, row, patch)
        return commands.UpdateMicroservice(microservice_id=key, placement=wanted, seen=row.revision)

    return changed(await merge(request, command), f"microservice/{key}")


async def delete_microservice(request: web.Request) -> web.Response:
    """Remove it."""
    command = commands.DeleteMicroservice(microservice_id=_ref(request))
    return changed(await execute(request, command), f"microservice/{command.microservice_id}")


async def start_microservice(request: web.Request) -> web.Response:
    """Let it run."""
    command = commands.StartMicroservice(microservice_id=_ref(request))
    return changed(await execute(request, command), f"microservice/{command.microservice_id}")


async def stop_microservice(request: web.Request) -> web.Response:
    """Let it not run."""
    command = commands.StopMicroservice(microservice_id=_ref(request))
    return changed(await execute(request, command), f"microservice/{command.microservice_id}")


async def move_microservice(request: web.Request) -> web.Response:
    """Let it run on another node."""
    key = _ref(request)
    body = await read_body(request, MoveMicroservice)
    command = commands.MoveMicroservice(microservice_id=key, node=body.node)
    return changed(await execute(request, command), f"microservice/{key}")


async def rename_microservice(request: web.Request) -> web.Response:
    """Let it have another name."""
    key = _ref(request)
    body = await read_body(request, Rename)
    command = commands.RenameMicroservice(microservice_id=key, name=body.name)
    return changed(await execute(request, command), f"microservice/{key}")


async def rebuild_microservice(request: web.Request) -> web.Response:
    """Let its container be made anew."""
    command = commands.RebuildMicroservice(microservice_id=_ref(request))
    return changed(await execute(request, command), f"microservice/{command.microservice_id}")


async def read_log(request: web.Request) -> web.StreamResponse:
    """The container's log, as its agent sends it."""
    world, key = request.app[LIVE].world, _ref(request)
    node_id = world.microservices[key].node_id
    wanted = LogRequest(
        request_id=new_id(),
        microservice_id=key,
        tail=whole_number(request, "tail"),
        follow=truth(request, "follow"),
        since=time(request, "since"),
        timestamps=truth(request, "timestamps"),
    )
    who = request[OPERATOR]
    check_reach(world, node_id, SessionKind.LOGS, who.role)
    check_reachable(world, node_id)
    async with AsyncExitStack() as stack:
        # What is followed is told each time; who asks for the end of a log again and again, once.
        if not request.app[SESSIONS].glanced(who.actor, key) or wanted.follow:
            session = await stack.enter_async_context(told(request, SessionKind.LOGS, key))
            check = may_look(request, node_id, SessionKind.LOGS, session.session_id)
        else:
            check = may_look(request, node_id, SessionKind.LOGS)
        stream = await stack.enter_async_context(request.app[STREAMS].open(node_id, wanted))
        return await passed_on(request, stream, "text/plain", check)
    raise AssertionError("the stack holds nothing back")


_ROWS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="",
        handler=show_microservice,
        access=Role.VIEWER,
        tag="microservices",
        summary="Show a microservice",
        answer=MicroserviceDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path="",
        handler=update_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Change a part of a microservice (RFC 7396 merge of its manifest)",
        body=MicroserviceManifest,
        merge=True,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="",
        handler=delete_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Delete a microservice",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/start",
        handler=start_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Let it run",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/stop",
        handler=stop_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Let it not run",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/move",
        handler=move_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Let it run on another node",
        body=MoveMicroservice,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path="/rename",
        handler=rename_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Give it another name within its application",
        body=Rename,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path="/rebuild",
        handler=rebuild_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Let its container be made anew",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/logs",
        handler=read_log,
        access=Role.VIEWER,
        tag="microservices",
        summary="Read its container's log",
        media="text/plain",
        queries=(
            Query("tail", "the last so many lines", int),
            Query("follow", "go on as lines are written", bool),
            Query("since", "RFC 3339 time: from that very moment on"),
            Query("timestamps", "begin each line with the time that it was written at", bool),
        ),
        refusals=(404, 409, 429, 504),
    ),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/microservices",
        handler=list_microservices,
        access=Role.VIEWER,
        tag="microservices",
        summary="List microservices",
        answer=Microservices,
        at=True,
        queries=(
            Query("application", "name or id"),
            Query("node", "name or id"),
            Query("state", "of the container"),
        ),
        refusals=(404,),
    ),
    *(
        replace(row, path=f"/microservices/{of}{row.path}")
        # By id first: aiohttp takes the first path that fits, and an id is no application's name.
        for of in (r"{id:[0-9a-f]{32}}", r"{application}/{name}")
        for row in _ROWS
    ),
)
