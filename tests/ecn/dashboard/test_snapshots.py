"""The snapshot: all of now or then, made once for many who ask together, and small on its way."""

import asyncio
import gzip
import json

import msgspec
import pytest

from ecn.dashboard import packed
from ecn.dashboard.documents import Snapshot
from projections.world import World, fold
from tests.ecn.api.server import BASE, Client, Controller
from tests.ecn.api.test_at import STEPS
from tests.ecn.dashboard.model import Model, shown


async def raw(client: Client, accepted: str) -> tuple[str, bytes]:
    """Its encoding and what came."""
    url = client.url + BASE + "/dashboard/snapshot"
    headers = client.headers({"Accept-Encoding": accepted})
    async with client.session.get(url, headers=headers) as response:
        assert response.status == 200
        return response.headers.get("Content-Encoding", ""), await response.read()


async def test_it_has_all_rows_of_now_and_of_then(controller: Controller, viewer: Client) -> None:
    for step in STEPS:
        await step(controller)
        model = Model()
        model.apply((await viewer.get("/dashboard/snapshot")).is_good().content)
        assert model.position == controller.world_position
        assert model.rows == shown(controller.live.world)
    events = await controller.network.events()
    for position in (0, 5, 20, len(events)):
        model = Model()
        then = await viewer.get("/dashboard/snapshot", at=str(position))
        model.apply(then.is_good().content)
        assert model.rows == shown(fold(World(), events[:position]))


async def test_an_empty_network_has_its_catalog_and_itself(viewer: Client) -> None:
    said = msgspec.json.decode((await viewer.get("/dashboard/snapshot")).content, type=Snapshot)
    assert len(said.put.catalog_items) == 17
    assert [each.id for each in said.put.network] == ["network"]
    assert said.version
    assert not said.stale


async def test_it_is_packed_for_who_can_unpack_it(viewer: Client) -> None:
    encoding, content = await raw(viewer, "identity")
    assert encoding == ""
    assert json.loads(content)["put"]
    encoding, unpacked = await raw(viewer, "gzip")
    assert encoding == "gzip"
    assert json.loads(unpacked)["put"] == json.loads(content)["put"]


class Made:
    """Counts how often it is made, and lets it take long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
        self.count = 0
        make = packed.packed

        def counted(*given: object, **more: object) -> packed.Packed:
            self.count += 1
            made = make(*given, **more)  # type: ignore[arg-type]
            return msgspec.structs.replace(made, seconds=seconds)

        monkeypatch.setattr(packed, "packed", counted)


async def test_many_who_ask_at_once_share_it(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(monkeypatch, seconds=0.0)
    answers = await asyncio.gather(*(raw(viewer, "gzip") for _ in range(50)))
    assert made.count == 1
    assert len({content for _, content in answers}) == 1
    await controller.operator.post("/nodes", {"name": "east"})
    await raw(viewer, "gzip")
    assert made.count == 2


async def test_of_a_large_network_it_may_be_a_little_older_but_not_than_was_asked_for(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(monkeypatch, seconds=60.0)
    first = (await viewer.get("/dashboard/snapshot")).number("position")
    await controller.operator.post("/nodes", {"name": "east"})
    again = await viewer.get("/dashboard/snapshot")
    assert (again["position"], again.headers["ECN-Position"]) == (first, str(first))
    assert made.count == 1
    fresh = await viewer.get("/dashboard/snapshot", at_least=str(controller.world_position))
    assert fresh["position"] == controller.world_position
    assert made.count == 2


async def test_it_says_whether_there_may_be_news(controller: Controller, viewer: Client) -> None:
    await viewer.get("/dashboard/snapshot")
    controller.live.stale = True
    assert (await viewer.get("/dashboard/snapshot"))["stale"] is True


def test_packing_it_is_worth_it() -> None:
    made = packed.packed(World(), None, stale=False)
    assert len(made.content) < len(made.unpacked()) / 3
    assert gzip.decompress(made.content) == made.unpacked()
