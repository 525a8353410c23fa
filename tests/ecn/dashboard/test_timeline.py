"""The timeline: positions evenly over the log, and when they were reached."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.dashboard.timelines import evenly
from events.ids import Position
from events.log import MemoryLog
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
    assert len(points) == 6  # one is left for what is to come
    for each in points:
        position, time = each["position"], each["time"]
        assert isinstance(position, int)
        assert isinstance(time, str)
        assert datetime.fromisoformat(time) == events[position - 1].time
    assert answer["first_time"] == points[0]["time"]
    every = (await viewer.get("/dashboard/timeline")).is_good()
    assert [each["position"] for each in every.items("points")] == list(range(1, len(events) + 1))


async def test_what_is_known_is_not_asked_for_again(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        await controller.operator.post("/nodes", {"name": f"n{number}"})
    first = (await viewer.get("/dashboard/timeline", points="5")).is_good()
    asked = []

    async def times(positions: Sequence[Position]) -> list[tuple[Position, datetime]]:
        asked.append(positions)
        return await MemoryLog.times(controller.network.log, positions)

    monkeypatch.setattr(controller.network.log, "times", times)
    controller.network.clock.advance(60)
    await controller.operator.post("/nodes", {"name": "late"})
    again = (await viewer.get("/dashboard/timeline", points="5")).is_good()
    assert not asked
    assert again.items("points")[:-1] == first.items("points")
    (last,) = again.items("points")[-1:]
    assert last["position"] == again["position"] == controller.world_position
    for number in range(40):
        await controller.operator.post("/nodes", {"name": f"m{number}"})
    anew = (await viewer.get("/dashboard/timeline", points="5")).is_good()
    assert len(asked) == 1
    assert len(anew.items("points")) == 4


async def test_more_points_than_it_may_have_are_refused(viewer: Client) -> None:
    for points in ("1001", "2", "x"):
        refused = await viewer.get("/dashboard/timeline", points=points)
        refused.is_problem(400, "invalid", field="?points")
