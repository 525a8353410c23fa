"""What a dashboard is told: nothing is lost or doubled, whoever tells it and wherever it broke."""

import asyncio
from random import Random

import aiohttp
import msgspec
import pytest

from ecn.dashboard import broadcast as broadcasting
from ecn.dashboard import pieces
from ecn.dashboard import stream as streaming_module
from ecn.dashboard.documents import Frame
from events.log import LogUnavailable
from tests.ecn.api.server import Client, Controller, Network, manifest, soon
from tests.ecn.dashboard.following import follow_until, loaded, streaming
from tests.ecn.dashboard.model import shown


async def nodes(client: Client, *names: str) -> None:
    for name in names:
        (await client.post("/nodes", {"name": name})).is_good(201)


async def shop(client: Client, *names: str) -> None:
    wanted = {"microservices": [manifest(name) for name in names]}
    assert (await client.put("/applications/shop", wanted)).status in (200, 201)


async def test_a_page_follows_what_happens(controller: Controller, viewer: Client) -> None:
    await nodes(controller.operator, "east")
    model = await loaded(viewer)
    async with streaming(viewer, model.position) as stream:
        await shop(controller.operator, "web")
        await shop(controller.operator, "web", "db")
        await controller.operator.patch("/nodes/east", {"name": "west"})
        await shop(controller.operator)
        await follow_until(stream, model, controller.world_position)
        assert stream.retry > 0
    assert model.rows == shown(controller.live.world)


async def test_a_change_is_told_at_once_and_once(controller: Controller, viewer: Client) -> None:
    async with streaming(viewer) as stream:
        began = asyncio.get_running_loop().time()
        await nodes(controller.operator, "east")
        told = await stream.next_of("change")
        assert asyncio.get_running_loop().time() - began < 1
        said = msgspec.json.decode(told.data, type=Frame)
        (line,) = said.events
        assert (line.subject_name, line.actor_name) == ("east", "user/otto")
        assert list(msgspec.to_builtins(said.put)) == ["nodes"]


async def test_many_at_once_are_one_frame(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "COALESCE", 0.5)
    async with streaming(viewer) as stream:
        await stream.next_of("status")
        await nodes(controller.operator, "first")
        await stream.next_of("change")
        await asyncio.gather(*(nodes(controller.operator, f"n{n}") for n in range(10)))
        told = await stream.next_of("change")
        assert len(msgspec.json.decode(told.data, type=Frame).events) == 10


async def test_the_same_bytes_are_told_to_all(controller: Controller, viewer: Client) -> None:
    async with streaming(viewer) as one, streaming(viewer) as other:
        await nodes(controller.operator, "east")
        assert await one.next_of("change") == await other.next_of("change")


async def test_who_comes_back_goes_on_from_memory(controller: Controller, viewer: Client) -> None:
    model = await loaded(viewer)
    async with streaming(viewer, model.position) as stream:
        await nodes(controller.operator, "a")
        await follow_until(stream, model, controller.world_position)
    await nodes(controller.operator, "b")
    await soon(lambda: controller.broadcast._ring.head == controller.world_position)
    await nodes(controller.operator, "c")
    last = {"Last-Event-ID": str(model.position)}
    async with streaming(viewer, 0, headers=last) as stream:
        await follow_until(stream, model, controller.world_position)
    assert model.rows == shown(controller.live.world)
    assert model.events == sorted(set(model.events))


async def test_with_another_controller_and_after_a_restart_nothing_is_lost_or_doubled(
    network: Network, controller: Controller
) -> None:
    random = Random(7)
    model = await loaded(controller.viewer)
    begin = model.position
    await nodes(controller.operator, "east")
    async with network.controller() as other:
        for round_ in range(12):
            for turn in range(random.randrange(8)):
                writer = (controller, other)[turn % 2].operator
                await shop(writer, *(f"m{n}" for n in range(random.randrange(4))))
                await nodes(writer, f"n{round_}-{turn}")
            async with network.controller() as fresh:
                teller = random.choice((controller, other, fresh))
                until = random.randrange(model.position, controller.world_position + 1)
                async with streaming(teller.viewer, model.position) as stream:
                    await follow_until(stream, model, until)
        async with streaming(other.viewer, model.position) as stream:
            await follow_until(stream, model, controller.world_position)
        assert model.rows == shown(other.live.world)
    assert model.events == list(range(begin + 1, model.position + 1))


async def test_snapshots_while_all_changes_lead_on_without_a_gap(
    controller: Controller, viewer: Client
) -> None:
    await nodes(controller.operator, "east")
    async with streaming(viewer):

        async def write() -> None:
            for turn in range(25):
                await shop(controller.operator, *(f"m{n}" for n in range(turn % 4)))

        async def watch() -> None:
            await asyncio.sleep(0.1 * Random().random())
            model = await loaded(viewer)
            begin = model.position
            async with streaming(viewer, begin) as stream:
                await writing
                await follow_until(stream, model, controller.world_position)
            assert model.rows == shown(controller.live.world)
            assert model.events == list(range(begin + 1, model.position + 1))

        writing = asyncio.create_task(write())
        await asyncio.gather(*(watch() for _ in range(12)))


async def test_a_large_change_is_told_in_several_frames(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "AT_ONCE", 30)
    await nodes(controller.operator, "east")
    model = await loaded(viewer)
    async with streaming(viewer, model.position) as stream:
        await shop(controller.operator, *(f"m{n}" for n in range(100)))
        first = await stream.next_of("change")
        model.apply(first.data)
        assert len(model.events) == 30
        await follow_until(stream, model, controller.world_position)
    assert model.rows == shown(controller.live.world)


async def test_who_was_away_for_too_long_begins_anew(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "FARTHEST", 3)
    start = controller.world_position
    await nodes(controller.operator, "a", "b", "c", "d")
    for after in (start, controller.world_position + 1):
        async with streaming(viewer, after) as stream:
            assert (await stream.next()).kind == "reset"
            with pytest.raises(StopAsyncIteration):
                await stream.next()


async def test_what_another_controller_wrote_meanwhile_is_no_future(network: Network) -> None:
    async with network.controller() as one, network.controller(following=False) as other:
        await nodes(one.operator, "east")
        async with streaming(other.viewer, one.world_position) as stream:
            assert (await stream.next()).kind == "status"


async def test_a_reader_that_takes_nothing_is_cut_off(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming_module, "SLOWEST_READER", 0.2)
    async with viewer.session.get(
        viewer.url + "/api/v1/dashboard/stream", headers=viewer.headers()
    ):
        await soon(lambda: controller.broadcast.listeners == 1)
        for number in range(40):
            body = {"custom": {"a": str(number) + "x" * 900_000}}
            await controller.operator.put("/edge-resources/camera@1.0.0", body)
            if controller.broadcast.listeners == 0:
                break
            await asyncio.sleep(0.06)
        await soon(lambda: controller.broadcast.listeners == 0)


async def test_what_fell_out_of_memory_is_told_from_the_log(
    controller: Controller, viewer: Client
) -> None:
    model = await loaded(viewer)
    controller.broadcast._ring._most = 3
    async with streaming(viewer):
        for number in range(8):
            await nodes(controller.operator, f"n{number}")
            await asyncio.sleep(0.06)
        async with streaming(viewer, model.position) as stream:
            await follow_until(stream, model, controller.world_position)
    assert model.rows == shown(controller.live.world)
    assert model.events == sorted(set(model.events))


async def test_a_revoked_token_ends_the_stream(controller: Controller) -> None:
    anna = {"name": "anna", "password": "wonderland"}
    await controller.admin.post("/users", anna)
    token = (await controller.nobody.post("/login", anna)).text("token")
    async with streaming(controller.as_(token)) as stream:
        await stream.next_of("status")
        await controller.admin.delete("/users/anna")
        with pytest.raises(aiohttp.ClientPayloadError):
            await stream.next_of("change")


async def test_it_says_that_the_log_is_away_and_that_it_is_back(
    controller: Controller, viewer: Client
) -> None:
    async with streaming(viewer) as stream:
        assert (await stream.next_of("status")).json["stale"] is False
        controller.live.stale = True
        assert (await stream.next_of("status")).json["stale"] is True
        async with streaming(viewer) as later:
            assert (await later.next_of("status")).json["stale"] is True
        controller.live.stale = False
        assert (await stream.next_of("status")).json["stale"] is False


async def test_it_stays_alive_when_nothing_happens(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "KEEP_ALIVE", 0.05)
    monkeypatch.setattr(broadcasting, "LOOK_EVERY", 0.02)
    async with streaming(viewer) as stream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await stream.next_of("reset")
        assert stream.comments > 2


async def test_while_the_log_is_away_recent_changes_are_told_and_older_ones_unavailable(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise LogUnavailable("the database does not answer")

    start = controller.world_position
    await nodes(controller.operator, "a")
    model = await loaded(viewer)
    for method in ("read", "read_bare"):
        monkeypatch.setattr(controller.network.log, method, away)
    async with streaming(viewer, model.position) as stream:
        assert (await stream.next()).kind == "status"
    refused = await viewer.get("/dashboard/stream", after=str(start))
    assert refused.status == 503


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "9" * 30, "٣"])
async def test_what_is_no_position_is_refused(viewer: Client, position: str) -> None:
    refused = await viewer.get("/dashboard/stream", after=position)
    refused.is_problem(400, "invalid", field="?after")
    headers = {"Last-Event-ID": position.encode().decode("latin-1")}
    refused = await viewer.ask("GET", "/dashboard/stream", headers=headers)
    refused.is_problem(400, "invalid", field="Last-Event-ID")


async def test_without_a_token_nothing_is_told(controller: Controller) -> None:
    for path in ("snapshot", "stream"):
        refused = await controller.nobody.get(f"/dashboard/{path}")
        refused.is_problem(401, "bad-credentials")
