"""What happened, as a film: frames of the past, of so many events each, to be shown in a row."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint, Query, whole_number
from ecn.api.keys import LIVE, PAST
from ecn.dashboard.bridges import events_between
from ecn.dashboard.documents import Frame, Frames
from ecn.dashboard.frames import film
from ecn.errors import Invalid
from events.envelope import Recorded
from events.ids import Position
from events.user import Role
from projections.world import World

FRAMES, MOST_FRAMES = 50, 200
MOST_EVENTS = 2_000
"""Events that one answer folds: some tenths of a second. What is left comes with the next."""


async def dashboard_changes(request: web.Request) -> web.Response:
    """Frames behind a position, and where to go on."""
    live = request.app[LIVE]
    after = Position(whole_number(request, "after") or 0)
    until = Position(
        min(whole_number(request, "until") or live.world.position, live.world.position)
    )
    limit = _bounded(request, "limit", FRAMES, MOST_FRAMES)
    every = _bounded(request, "every", 1, MOST_EVENTS)
    if after >= until:
        return json_answer(Frames(frames=[], next=None))
    frames = min(limit, max(1, MOST_EVENTS // every))
    end = Position(min(after + frames * every, until))
    world = await request.app[PAST].world_at(after)
    events = await events_between(live, after, end)
    return json_answer(
        Frames(
            frames=await asyncio.to_thread(_filmed, world, events, every),
            next=end if end < until else None,
        )
    )


def _filmed(world: World, events: Sequence[Recorded], every: int) -> list[Frame]:
    return [each for _, each in film(world, events, every=every)]


def _bounded(request: web.Request, name: str, usual: int, most: int) -> int:
    number = whole_number(request, name, least=1) or usual
    if number > most:
        raise Invalid(f"`{name}` is {most} at most", field=f"?{name}")
    return number


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/dashboard/changes",
        handler=dashboard_changes,
        access=Role.VIEWER,
        tag="dashboard",
        summary="What happened behind a position, as frames that a dashboard obeys",
        answer=Frames,
        queries=(
            Query("after", "the position that the first frame goes on from; 0 unless told", int),
            Query("until", "the last frame ends there; at the log's end unless told", int),
            Query("limit", f"frames at most, {FRAMES} unless told, {MOST_FRAMES} at most", int),
            Query("every", f"events of a frame, 1 unless told, {MOST_EVENTS} at most", int),
        ),
    ),
)
