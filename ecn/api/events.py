"""The log over HTTP: pages for audits, and a live feed of server-sent events."""

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import web

from ecn.api import views
from ecn.api.answers import json_answer
from ecn.api.documents import Events
from ecn.api.endpoint import Endpoint, Query, choice, whole_number
from ecn.api.keys import LIVE, LOG
from ecn.api.moments import asked
from ecn.api.standing import check_still_allowed
from ecn.api.times import time
from ecn.deciders import find
from ecn.errors import Invalid, NotFound
from events.filter import EventFilter
from events.ids import Position
from events.user import Role
from projections.world import World

PAGE, LARGEST_PAGE = 100, 1000
KEEP_ALIVE = 15.0
"""Seconds after which a quiet feed says that it is still there."""

SLOWEST_READER = 30.0
"""Seconds that a client may take for what it is sent; then it has to come back and resume."""

FINDERS: dict[str, Callable[[World, str], str]] = {
    "node": find.node,
    "application": find.application,
    "microservice": find.microservice,
    "registry": find.registry,
    "user": find.user,
}


async def events(request: web.Request) -> web.StreamResponse:
    """A page of the log, or the feed, as the client accepts."""
    if "text/event-stream" in request.headers.get("Accept", ""):
        return await feed(request)
    about = asked(request)
    world = about.world
    limit = whole_number(request, "limit", least=1) or PAGE
    if limit > LARGEST_PAGE:
        raise Invalid(f"a page has at most {LARGEST_PAGE} events", field="?limit")
    descending = choice(request, "order", ("asc", "desc")) == "desc"
    before = whole_number(request, "before")
    found = await request.app[LOG].search(
        _filter(request, world),
        after=Position(whole_number(request, "after") or 0),
        # Nothing beyond the position that the answer says it is valid for.
        before=Position(min(world.position + 1, before or world.position + 1)),
        limit=limit + 1,
        descending=descending,
    )
    page = found[:limit]
    return json_answer(
        Events(
            position=about.position,
            stale=about.stale,
            items=[views.event(world, each) for each in page],
            next=page[-1].position if len(found) > limit else None,
        )
    )


async def feed(request: web.Request) -> web.StreamResponse:
    """Events as they are appended, from where the client left off."""
    if asked(request).past:
        raise Invalid(
            "a feed is of what is to come, and can't be asked as of then",
            field="?at",
            next_step="Leave `at` out, or ask for pages: without Accept: text/event-stream.",
        )
    live = request.app[LIVE]
    wanted = _filter(request, live.world)
    resumed = request.headers.get("Last-Event-ID", "")
    if resumed:
        if not (resumed.isascii() and resumed.isdecimal() and len(resumed) <= 18):
            raise Invalid(f"{resumed!r} is no position", field="Last-Event-ID")
        after = Position(int(resumed))
    else:
        given = whole_number(request, "after")
        after = live.world.position if given is None else Position(given)
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type, response.charset = "text/event-stream", "utf-8"
    await response.prepare(request)
    # So that a client which dies before the first event resumes from here.
    await response.write(f"retry: 1000\nid: {after}\n: from {after}\n\n".encode())
    stale = live.stale
    async for page in live.tail(after, idle=KEEP_ALIVE):
        check_still_allowed(request, Role.VIEWER)
        text = b"".join(
            b"id: %d\nevent: %b\ndata: %b\n\n"
            % (
                each.position,
                each.type.encode(),
                msgspec.json.encode(views.event(live.world, each)),
            )
            for each in page
            if wanted.matches(each)
        )
        if live.stale != stale:
            stale = live.stale
            text += b": the log is away, there may be news\n\n" if stale else b": up to date\n\n"
        async with asyncio.timeout(SLOWEST_READER):
            await response.write(text or b": still here\n\n")
    return response


def _filter(request: web.Request, world: World) -> EventFilter:
    for name, value in request.query.items():
        if "\0" in value:
            raise Invalid("has a NUL character, which nothing in the log has", field=f"?{name}")
    subject = request.query.get("subject")
    prefix = None
    if subject is not None:
        kind, slash, ref = subject.partition("/")
        if kind not in FINDERS:
            raise Invalid(
                f"{subject!r} is no subject, as in node/<name>: {', '.join(FINDERS)}",
                field="?subject",
            )
        if not slash or not ref:
            subject, prefix = None, f"{kind}/"
        elif subject not in world.names:
            subject = _subject(world, kind, ref)
    return EventFilter(
        subject=subject,
        subject_prefix=prefix,
        type=request.query.get("type"),
        actor=request.query.get("actor"),
        command_id=request.query.get("command_id"),
        since=time(request, "since"),
        until=time(request, "until"),
    )


def _subject(world: World, kind: str, ref: str) -> str:
    """The subject of that name; the latest one if only things that are gone bore it."""
    try:
        return f"{kind}/{FINDERS[kind](world, ref)}"
    except NotFound:
        bore = [
            subject
            for subject, name in world.names.items()
            if name == ref and subject.startswith(f"{kind}/")
        ]
        if not bore:
            raise
        return max(bore)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/events",
        handler=events,
        access=Role.VIEWER,
        tag="events",
        summary="Read the log; with `Accept: text/event-stream`, follow it",
        answer=Events,
        at=True,
        queries=(
            Query("after", "only later positions", int),
            Query("before", "only earlier positions", int),
            Query("limit", f"at most so many, {PAGE} unless told, {LARGEST_PAGE} at most", int),
            Query("order", "asc or desc"),
            Query("subject", "kind, kind/name or kind/id"),
            Query("type", "such as node.registered.v1"),
            Query("actor", "such as user/admin"),
            Query("command_id", "of one command"),
            Query("since", "RFC 3339 time, included"),
            Query("until", "RFC 3339 time, excluded"),
        ),
        refusals=(404,),
    ),
)
