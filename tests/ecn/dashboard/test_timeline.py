"""The timeline: positions evenly over the log, and when they were reached."""

from datetime import datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ecn.dashboard.timeline import evenly
from events.ids import Position
from tests.ecn.api.server import Client, Controller


@given(st.integers(0, 10_000_000), st.integers(2, 1000))
def test_positions_go_evenly_from_the_first_to_the_last(end: int, points: int) -> None:
    found = evenly(Position(end), points)
    assert len(found) == min(end, points)
    assert found == sorted(set(found))
    if end:
        assert (found[0], found[-1]) == (1, end)
    steps = {b - a for a, b in pairwise(found)}
    assert not steps or max(steps) - min(steps) <= 1


async def test_it_says_when_which_part_of_the_log_happened(
    controller: Controller, viewer: Client
) -> None:
    for number in range(30):
        controller.network.clock.advance(60)
        await controller.operator.post("/nodes", {"name": f"n{number}"})
    events = await controller.network.events()
    answer = (await viewer.get("/dashboard/timeline", points="7")).is_good()
    assert answer["position"] == len(events)
    points = answer.items("points")
    assert len(points) == 7
    for each in points:
        position, time = each["position"], each["time"]
        assert isinstance(position, int)
        assert isinstance(time, str)
        assert datetime.fromisoformat(time) == events[position - 1].time
    assert answer["first_time"] == points[0]["time"]
    every = (await viewer.get("/dashboard/timeline")).is_good()
    assert [each["position"] for each in every.items("points")] == list(range(1, len(events) + 1))


async def test_more_points_than_it_may_have_are_refused(viewer: Client) -> None:
    for points in ("1001", "1", "x"):
        refused = await viewer.get("/dashboard/timeline", points=points)
        refused.is_problem(400, "invalid", field="?points")
