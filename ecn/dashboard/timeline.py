"""The whole log as a line: how long it is, and when which part of it happened."""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint, Query, whole_number
from ecn.api.keys import LIVE, LOG
from ecn.dashboard.documents import Mark, Timeline
from ecn.errors import Invalid
from events.ids import Position
from events.user import Role

POINTS, MOST_POINTS = 200, 1000


async def dashboard_timeline(request: web.Request) -> web.Response:
    """Positions evenly over the log, and when they were reached."""
    points = whole_number(request, "points", least=2) or POINTS
    if points > MOST_POINTS:
        raise Invalid(f"a timeline has at most {MOST_POINTS} points", field="?points")
    end = request.app[LIVE].world.position
    times = await request.app[LOG].times(evenly(end, points))
    return json_answer(
        Timeline(
            position=end,
            first_time=times[0][1] if times else None,
            points=[Mark(position=position, time=time) for position, time in times],
        ),
        headers={"ECN-Position": str(end)},
    )


def evenly(end: Position, points: int) -> list[Position]:
    """At most so many positions of a log that ends there: its first, its last, and between."""
    if end <= points:
        return [Position(each) for each in range(1, end + 1)]
    return [Position(1 + (end - 1) * each // (points - 1)) for each in range(points)]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/dashboard/timeline",
        handler=dashboard_timeline,
        access=Role.VIEWER,
        tag="dashboard",
        summary="How long the log is, and when which part of it happened",
        answer=Timeline,
        queries=(
            Query("points", f"at most so many, {POINTS} unless told, {MOST_POINTS} at most", int),
        ),
    ),
)
