"""`ecn replay`, against a real controller over a log in memory."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from msgspec.structs import replace

from ecn.presence_store import MemoryLeadership
from ecn.view_writer import ViewWriter
from projections.view import Put
from tests.ecn.api.server import VIEWER
from tests.ecn.cli.test_log import Running, good, running


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """What the controller logs would come out between what the command prints."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def served() -> Iterator[Running]:
    """A network with a node, and its rows written."""
    with running() as network:
        good(network.ecn("create", "node", "east"))
        controller = network.controller
        writer = ViewWriter(controller.network.views, MemoryLeadership({}), controller.live)
        asyncio.run(writer.flush())
        yield network


def test_all_the_same(served: Running) -> None:
    end = served.controller.world_position
    lines = good(served.ecn("replay")).stdout.splitlines()
    assert lines[0].startswith(f"replayed {end} events, ")
    assert lines[1:] == [
        f"live world: the same, at position {end}",
        f"rows in the database: the same, at position {end}",
    ]
    document = json.loads(good(served.ecn("replay", "-o", "json")).stdout)
    assert document["same"] is True
    assert document["position"] == end


def test_a_row_changed_by_hand(served: Running) -> None:
    ((key, row),) = served.controller.live.world.nodes.items()
    views = served.controller.network.views
    views.by_key["nodes", key] = views.by_key["nodes", key].replace(b'"east"', b'"evil"')
    for options in ((), ("-o", "json")):
        result = served.ecn("replay", *options)
        assert result.exit_code == 1
    shown = served.ecn("replay").stdout
    assert "live world: the same" in shown
    assert "rows in the database: different" in shown
    assert f"first in nodes: {key} name\n" in shown
    assert 'from the log: "east"' in shown
    assert 'found:        "evil"' in shown
    assert row.name == "east"


def test_a_live_world_that_went_wrong(served: Running) -> None:
    live = served.controller.live
    ((key, row),) = live.world.nodes.items()
    planted = live.world.nodes.changed(Put(key, replace(row, name="e\x1b[31mvil")))
    live.world = replace(live.world, nodes=planted)
    result = served.ecn("replay")
    assert result.exit_code == 1
    assert "live world: different" in result.stdout
    assert "restart this controller" in result.stdout
    assert "\x1b[31mvil" not in result.stdout


def test_rows_that_are_not_there_yet() -> None:
    with running() as network:
        shown = good(network.ecn("replay")).stdout
        assert "rows in the database: not compared: no rows were written yet" in shown


def test_viewers_are_told_that_they_may_not(served: Running) -> None:
    served.token = VIEWER
    assert served.ecn("replay").exit_code == 4
