"""The film: frames of the past lead from any position to any other, in portions."""

from itertools import pairwise

import msgspec
import pytest

from ecn.dashboard import film
from ecn.dashboard.documents import Frames
from projections.world import World, fold
from tests.ecn.api.server import Client, Controller
from tests.ecn.api.test_at import STEPS
from tests.ecn.dashboard.model import Model, shown


async def lived(controller: Controller) -> None:
    for step in STEPS:
        await step(controller)


async def watched(viewer: Client, model: Model, **query: int) -> tuple[list[int], list[int]]:
    """How many frames each answer had, and the positions that they ended at."""
    portions, ends = [], []
    after: int | None = model.position
    while after is not None:
        asked = {name: str(value) for name, value in query.items()}
        answer = (await viewer.get("/dashboard/changes", after=str(after), **asked)).is_good()
        said = msgspec.json.decode(answer.content, type=Frames)
        portions.append(len(said.frames))
        for each in said.frames:
            model.apply(msgspec.json.encode(each))
            ends.append(each.position)
        after = said.next
    return portions, ends


@pytest.mark.parametrize("every", [1, 3, 7, 1000])
async def test_a_film_leads_from_any_position_to_any_other(
    controller: Controller, viewer: Client, every: int
) -> None:
    await lived(controller)
    events = await controller.network.events()
    for begin, until in ((0, len(events)), (4, 30), (len(events) - 2, len(events))):
        model = Model()
        answer = await viewer.get("/dashboard/snapshot", at=str(begin))
        model.apply(answer.is_good().content)
        _, ends = await watched(viewer, model, until=until, every=every)
        assert model.rows == shown(fold(World(), events[:until]))
        assert model.events == list(range(begin + 1, until + 1))
        assert all(b - a == every for a, b in pairwise(ends[:-1]))


async def test_an_answer_is_bounded_and_says_where_to_go_on(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(controller)
    end = controller.world_position
    model = Model()
    model.position = 0
    portions, _ = await watched(viewer, model, limit=4)
    assert set(portions[:-1]) == {4}
    assert model.position == end
    monkeypatch.setattr(film, "MOST_EVENTS", 6)
    model = Model()
    model.position = 0
    portions, _ = await watched(viewer, model, every=3)
    assert set(portions[:-1]) == {2}


async def test_at_the_end_there_is_no_more(controller: Controller, viewer: Client) -> None:
    for after in (controller.world_position, controller.world_position + 5):
        answer = await viewer.get("/dashboard/changes", after=str(after))
        assert answer.is_good().json == {"frames": [], "next": None}


async def test_what_is_too_much_is_refused(viewer: Client) -> None:
    refused = await viewer.get("/dashboard/changes", limit="100000")
    refused.is_problem(400, "invalid", field="?limit")
    refused = await viewer.get("/dashboard/changes", every="100000")
    refused.is_problem(400, "invalid", field="?every")
