"""The log over HTTP: pages for audits, and a live feed of server-sent events."""

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from ecn.api import views
from ecn.api.answers import json_answer
from ecn.api.documents import EventDocument, Events
from ecn.api.endpoint import Endpoint, Query, choice, whole_number
from ecn.api.event_query import QUERIES, learned, looked_up, question
from ecn.api.keys import LIVE, LOG
from ecn.api.moments import asked
from ecn.api.standing import check_still_allowed
from ecn.errors import Invalid
from events.envelope import Recorded
from events.ids import Position
from events.search import search
from events.user import Role
from projections.world import World

PAGE, LARGEST_PAGE = 100, 1000
KEEP_ALIVE = 15.0
"""Seconds after which a quiet feed says that it is still there."""

SLOWEST_READER = 30.0
"""Seconds that a client may take for what it is sent; then it has to come back and resume."""

SLICE = 200
"""Events that are made documents before others get their turn: some milliseconds."""

LOOK_WITHIN = 5.0
"""Seconds that a page is looked for; then it is what was found so far, and says how to go on."""


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
    end = world.position + 1
    page = await search(
        request.app[LOG],
        await looked_up(question(request), world, request.app[LOG]),
        after=Position(whole_number(request, "after") or 0),
        # Nothing beyond the position that the answer says it is valid for.
        before=Position(end if before is None else min(before, end)),
        limit=limit,
        descending=descending,
        within=LOOK_WITHIN,
    )
    return json_answer(
        Events(
            position=about.position,
            stale=about.stale,
            items=await _documents(world, page.events),
            next=page.next,
        )
    )


async def _documents(world: World, events: Sequence[Recorded]) -> list[EventDocument]:
    documents: list[EventDocument] = []
    for start in range(0, len(events), SLICE):
        documents += [views.event(world, each) for each in events[start : start + SLICE]]
        await asyncio.sleep(0)
    return documents


async def feed(request: web.Request) -> web.StreamResponse:
    """Events as they are appended, from where the client left off."""
    if asked(request).past:
        raise Invalid(
            "a feed is of what is to come, and can't be asked as of then",
            field="?at",
            next_step="Leave `at` out, or ask for pages: without Accept: text/event-stream.",
        )
    live = request.app[LIVE]
    asks = question(request)
    wanted = await looked_up(asks, live.world, request.app[LOG])
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
        wanted = learned(asks, wanted, live.world, page)
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
            *QUERIES,
        ),
        refusals=(404,),
    ),
)
