"""The whole log as a line: how long it is, and when which part of it happened."""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint, Query, whole_number
from ecn.api.keys import TIMELINES
from ecn.dashboard.documents import Timeline
from ecn.errors import Invalid
from events.user import Role

POINTS, MOST_POINTS = 200, 1000


async def dashboard_timeline(request: web.Request) -> web.Response:
    """Positions evenly over the log, and when they were reached."""
    points = whole_number(request, "points", least=3) or POINTS
    if points > MOST_POINTS:
        raise Invalid(f"a timeline has at most {MOST_POINTS} points", field="?points")
    timeline = await request.app[TIMELINES].get(points)
    return json_answer(timeline, headers={"ECN-Position": str(timeline.position)})


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
