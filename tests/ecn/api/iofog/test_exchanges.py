"""Every recorded exchange with ioFog's API is answered as recorded, and every endpoint has some.

What they look like, and where they are: exchange.py.
"""

import pytest

from ecn.api.iofog.app import ENDPOINTS
from ecn.api.iofog.route_table import RouteTable
from tests.ecn.api.iofog.exchange import Story, play, stories
from tests.ecn.api.iofog.shape import differences
from tests.ecn.api.server import Network

STORIES = list(stories())


@pytest.mark.parametrize("story", STORIES, ids=[f"{each.file}: {each.name}" for each in STORIES])
async def test_it_is_answered_as_recorded(network: Network, story: Story) -> None:
    async with network.controller(open_signup=True) as controller:
        await play(controller, story)


def test_every_endpoint_has_an_exchange() -> None:
    table = RouteTable((each.method, each.path, each) for each in ENDPOINTS)
    met = set()
    for step in (step for story in STORIES for step in story.steps):
        found = table.find(step.method, step.path.partition("?")[0])
        if found is not None:
            met.add((found[0].method, found[0].path))
    without = {(each.method, each.path) for each in ENDPOINTS} - met
    assert not without, f"no exchange meets {sorted(without)}"


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {"a": 0}),
        ([1], [1, 1]),
        ({"$each": "$string"}, ["a", 1]),
        ({"$some": {"a": 1}}, [{"a": 2}]),
        ("$time", "2026-01-31T12:00:00Z"),
        ("$integer", True),
        ("$integer", None),
    ],
)
def test_a_shape_tells_what_it_is_not(shape: object, said: object) -> None:
    assert differences(shape, said)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"a": 1, "...": "$any"}, {"a": 1, "b": 2}),
        ({"$each": "$string"}, []),
        ({"$some": {"a": 1}}, [{"a": 2}, {"a": 1}]),
        ("$time", "2026-01-31T12:00:00.000Z"),
        ("$integer?", None),
        ([], []),
    ],
)
def test_a_shape_lets_pass_what_it_is(shape: object, said: object) -> None:
    assert not differences(shape, said)
