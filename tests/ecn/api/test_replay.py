"""The log replayed beside a serving controller, and held against what serves."""

import asyncio

import pytest
from msgspec.structs import replace

from ecn.presence_store import MemoryLeadership
from ecn.view_writer import ViewWriter
from events.envelope import Recorded
from events.ids import NodeId, Position
from events.log import LogUnavailable, MemoryLog
from events.node import NodeDeleted
from projections.view import Drop, Put
from projections.view_store import CheckpointMoved
from tests.ecn.api.server import Answer, Client, Controller, Network, manifest, soon


def outcome(answer: Answer) -> dict[str, object]:
    """The last line, and all before it no outcome."""
    *before, last = answer.is_good().lines
    assert [line["done"] for line in before] == [False] * len(before)
    assert last["done"] is True
    return last


async def kept(controller: Controller) -> ViewWriter:
    """The rows as they are now, and who writes them."""
    writer = ViewWriter(controller.network.views, MemoryLeadership({}), controller.live)
    await writer.flush()
    return writer


async def grown(controller: Controller) -> None:
    """A network with a device and an application."""
    await controller.agent("east")
    body = {"microservices": [manifest()]}
    (await controller.operator.put("/applications/shop", body)).is_good(201)


async def test_all_is_the_same_where_nobody_meddled(
    controller: Controller, operator: Client
) -> None:
    await grown(controller)
    await kept(controller)
    found = outcome(await operator.get("/log/replay"))
    position = controller.world_position
    same = {"compared": "same", "position": position, "difference": None, "why_not": ""}
    assert found["same"] is True
    assert (found["live"], found["views"]) == (same, same)
    assert found["position"] == position


async def test_rows_that_are_behind_are_compared_as_of_their_own_position(
    controller: Controller, operator: Client
) -> None:
    await grown(controller)
    await kept(controller)
    behind = controller.world_position
    await operator.post("/nodes", {"name": "west"})
    found = outcome(await operator.get("/log/replay"))
    assert found["same"] is True
    assert found["views"]["position"] == behind  # type: ignore[index]
    assert found["live"]["position"] == controller.world_position  # type: ignore[index]


async def test_rows_that_were_never_written_are_not_compared(
    controller: Controller, operator: Client
) -> None:
    found = outcome(await operator.get("/log/replay"))
    assert found["same"] is True
    assert found["views"]["compared"] == "not-compared"  # type: ignore[index]
    assert found["views"]["why_not"]  # type: ignore[index]


async def test_a_row_changed_by_hand_is_named_and_then_repaired(
    controller: Controller, operator: Client
) -> None:
    await grown(controller)
    writer = await kept(controller)
    views = controller.network.views
    (key,) = (key for view, key in views.by_key if view == "microservices")
    right = views.by_key["microservices", key]
    views.by_key["microservices", key] = right.replace(b"shop/web:1", b"evil/web:1")
    found = outcome(await operator.get("/log/replay"))
    assert found["same"] is False
    assert found["live"]["compared"] == "same"  # type: ignore[index]
    assert found["views"]["difference"] == {  # type: ignore[index]
        "view": "microservices",
        "key": key,
        "field": "spec.image",
        "expected": '"shop/web:1"',
        "found": '"evil/web:1"',
    }
    assert views.doubted
    await operator.post("/nodes", {"name": "west"})
    with pytest.raises(CheckpointMoved):  # because of the doubt; then all is compared
        await writer.flush()
    await writer.flush()
    assert views.by_key["microservices", key] == right
    assert outcome(await operator.get("/log/replay"))["same"] is True


async def test_rows_missing_or_too_many_are_named(controller: Controller, operator: Client) -> None:
    await grown(controller)
    await kept(controller)
    views = controller.network.views
    row = views.by_key.pop(("names", "node/" + next(iter(controller.live.world.nodes))))
    found = outcome(await operator.get("/log/replay"))
    assert found["views"]["difference"]["found"] == "nothing"  # type: ignore[index]
    assert found["views"]["difference"]["expected"] == '"east"'  # type: ignore[index]
    await kept(controller)
    views.by_key["names", "node/planted"] = row
    found = outcome(await operator.get("/log/replay"))
    assert found["views"]["difference"]["expected"] == "nothing"  # type: ignore[index]


async def test_a_live_world_that_is_not_what_the_log_says_is_named(
    controller: Controller, operator: Client
) -> None:
    await grown(controller)
    await kept(controller)
    live = controller.live
    ((key, row),) = live.world.nodes.items()
    planted = replace(row, name="planted", credential_hash="x" * 64)
    for table, field, shown in (
        (live.world.nodes.changed(Put(key, planted)), "name", '"planted"'),
        (live.world.nodes.changed(Put(key, replace(row, credential_hash="x" * 64))), None, None),
        (live.world.nodes.changed(Drop(key)), "", "nothing"),
    ):
        right = live.world
        live.world = replace(right, nodes=table)
        answer = await operator.get("/log/replay")
        live.world = right
        found = outcome(answer)
        assert found["same"] is False
        assert found["views"]["compared"] == "same"  # type: ignore[index]
        difference = found["live"]["difference"]  # type: ignore[index]
        assert (difference["view"], difference["key"]) == ("nodes", key)
        assert "x" * 64 not in answer.content.decode()
        if field is not None:
            assert (difference["field"], difference["found"]) == (field, shown)
    assert outcome(await operator.get("/log/replay"))["same"] is True
    live.world = replace(live.world, nodes=right.nodes.changed(Put(NodeId("planted"), row)))
    assert outcome(await operator.get("/log/replay"))["same"] is False


async def test_a_log_that_is_none_is_named(controller: Controller, operator: Client) -> None:
    await grown(controller)
    events = controller.network.log._events
    for wrong in (
        [*events[:2], *events[3:], events[-1]],
        [*events[:2], replace(events[2], event=NodeDeleted(node_id=NodeId("no"))), *events[3:]],
    ):
        right, events[:] = list(events), wrong
        found = outcome(await operator.get("/log/replay"))
        events[:] = right
        assert found["same"] is False
        assert found["live"]["difference"]["view"] == "log"  # type: ignore[index]
        assert found["live"]["difference"]["key"] == "3"  # type: ignore[index]
        assert found["views"]["compared"] == "not-compared"  # type: ignore[index]
    assert outcome(await operator.get("/log/replay"))["same"] is True


class Slow(MemoryLog):
    """Reads when it is told, or is away."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        await self.gate.wait()
        if self.away:
            raise LogUnavailable("away")
        return await super().read(after, limit=limit)


async def test_one_at_a_time(network: Network) -> None:
    log = Slow()
    network.log = network.event_log = log
    async with network.controller(following=False) as controller:
        log.gate.clear()
        first = asyncio.ensure_future(controller.operator.get("/log/replay"))
        replay = controller.replay
        await soon(lambda: replay.busy)
        answer = await controller.operator.get("/log/replay")
        answer.is_problem(429, "too-many")
        log.gate.set()
        assert outcome(await first)["same"] is True
        assert outcome(await controller.operator.get("/log/replay"))["same"] is True


async def test_who_leaves_makes_room(network: Network) -> None:
    log = Slow()
    network.log = network.event_log = log
    async with network.controller(following=False) as controller:
        log.gate.clear()
        first = asyncio.ensure_future(controller.operator.get("/log/replay"))
        await soon(lambda: controller.replay.busy)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await soon(lambda: not controller.replay.busy)


async def test_viewers_may_not(viewer: Client) -> None:
    (await viewer.get("/log/replay")).is_problem(403, "not-allowed")
