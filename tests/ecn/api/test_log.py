"""The log as a whole over HTTP: exported, verified, signed; one file, one truth."""

import asyncio
from base64 import b64decode

import aiohttp
import pytest
from msgspec.structs import replace

from ecn import checkpoint
from ecn.api.log_documents import SignedCheckpoint
from events.chaining import Stored
from events.envelope import stored_of
from events.export import LogReader
from events.ids import Position
from events.log import LogUnavailable
from events.stored import READERS
from tests.ecn.api.server import Answer, Client, Controller, soon
from tests.events.builders import minutes_apart, started
from tests.events.future import LANDED, from_the_future


async def grown(controller: Controller, nodes: int = 3) -> None:
    """A log with some events in it."""
    for number in range(nodes):
        await controller.operator.post("/nodes", {"name": f"n{number}"})


async def exported(client: Client, **query: str) -> tuple[list[Stored], LogReader]:
    """What a whole export holds."""
    answer = (await client.get("/log/export", **query)).is_good()
    assert answer.headers["Content-Type"] == "application/zstd"
    reader = LogReader()
    events = reader.feed(answer.content)
    reader.finish()
    return events, reader


def outcome(answer: Answer) -> dict[str, object]:
    """The last line, and all before it no outcome."""
    *before, last = answer.is_good().lines
    assert [line["done"] for line in before] == [False] * len(before)
    assert last["done"] is True
    return last


async def test_an_export_holds_every_event_as_it_is_stored(
    controller: Controller, admin: Client
) -> None:
    await grown(controller)
    events, reader = await exported(admin)
    assert events == [stored_of(each) for each in await controller.network.events()]
    assert reader.header is not None
    assert (reader.header.first, reader.header.last) == (1, controller.world_position)


async def test_an_export_has_the_name_of_what_is_in_it(
    controller: Controller, admin: Client
) -> None:
    await grown(controller)
    answer = await admin.get("/log/export", **{"from": "2", "to": "4"})
    assert answer.headers["Content-Disposition"] == ('attachment; filename="ecn-log-2-4.jsonl.zst"')


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ({"from": "2", "to": "4"}, [2, 3, 4]),
        ({"to": "1"}, [1]),
        ({"to": "0"}, []),
        ({"from": "3", "to": "2"}, []),
    ],
)
async def test_a_part_of_the_log_is_exported_with_what_it_follows(
    controller: Controller, admin: Client, query: dict[str, str], positions: list[int]
) -> None:
    await grown(controller)
    events, reader = await exported(admin, **query)
    assert [each.position for each in events] == positions
    assert reader.header is not None
    first = reader.header.first
    (before, *_) = [*await controller.network.log.read(Position(first - 2), limit=1), None]
    if first > 1:
        assert before is not None
        assert reader.header.previous_hash == before.hash.hex()


async def test_what_is_not_there_yet_can_not_be_exported(
    controller: Controller, admin: Client
) -> None:
    end = controller.world_position
    for query in ({"to": str(end + 1)}, {"from": str(end + 2)}, {"from": "4", "to": "2"}):
        refused = await admin.get("/log/export", **query)
        refused.is_problem(400, "invalid")
    (await admin.get("/log/export", **{"from": "0"})).is_problem(400, "invalid", field="?from")


async def test_only_an_admin_exports_and_every_viewer_verifies(
    operator: Client, viewer: Client, nobody: Client
) -> None:
    (await operator.get("/log/export")).is_problem(403, "not-allowed")
    (await nobody.get("/log/verify")).is_problem(401, "bad-credentials")
    assert outcome(await viewer.get("/log/verify"))["wrong"] is None
    (await viewer.get("/log/checkpoint")).is_good()


async def test_a_log_as_it_was_is_proved_up_to_its_end(
    controller: Controller, viewer: Client
) -> None:
    await grown(controller)
    last = outcome(await viewer.get("/log/verify"))
    head = controller.live.world.head
    assert (last["position"], last["of"]) == (head.position, head.position)
    assert (last["hash"], last["wrong"]) == (head.hash.hex(), None)


async def test_an_event_that_was_changed_is_named(controller: Controller, viewer: Client) -> None:
    await grown(controller)
    events = controller.network.log._events
    events[1] = replace(events[1], actor="nobody")
    last = outcome(await viewer.get("/log/verify"))
    assert last["wrong"] == {"position": 2, "what": "its content does not match its hash"}
    assert last["position"] == 1


async def test_a_log_made_anew_behind_the_controllers_back_is_found_by_what_it_remembers(
    controller: Controller, viewer: Client
) -> None:
    """The chain of the forged log is whole; only memory knows better."""
    await grown(controller)
    log, head = controller.network.log, controller.live.world.head
    proposed = [started(number) for number in range(head.position)]
    log._events[3:] = minutes_apart(log._events[2].head, proposed[3:])
    wrong = outcome(await viewer.get("/log/verify"))["wrong"]
    assert isinstance(wrong, dict)
    assert wrong["position"] == head.position
    assert "another hash than was noted" in wrong["what"]
    del log._events[-1:]
    wrong = outcome(await viewer.get("/log/verify"))["wrong"]
    assert isinstance(wrong, dict)
    assert wrong["position"] == head.position
    assert "is missing" in wrong["what"]


async def test_the_log_is_held_against_a_checkpoint_that_the_auditor_brings(
    controller: Controller, viewer: Client
) -> None:
    await grown(controller)
    third = (await controller.network.events())[2]
    good = {"position": "3", "hash": third.hash.hex()}
    assert outcome(await viewer.get("/log/verify", **good))["wrong"] is None
    for position, at in (("3", 3), (str(controller.world_position), controller.world_position)):
        other = {"position": position, "hash": "ab" * 32}
        wrong = outcome(await viewer.get("/log/verify", **other))["wrong"]
        assert isinstance(wrong, dict)
        assert wrong["position"] == at
    later = good | {"position": "1000"}
    wrong = outcome(await viewer.get("/log/verify", **later))["wrong"]
    assert isinstance(wrong, dict)
    assert "is missing" in wrong["what"]


async def test_half_a_checkpoint_is_refused(viewer: Client) -> None:
    for query in ({"position": "3"}, {"hash": "ab" * 32}):
        refused = await viewer.get("/log/verify", **query)
        refused.is_problem(400, "invalid", field="?position")
    for digest in ("xy", "ab" * 31, ""):
        refused = await viewer.get("/log/verify", position="3", hash=digest)
        refused.is_problem(400, "invalid", field="?hash")


async def test_checkpoint_export_and_log_agree(
    controller: Controller, admin: Client, viewer: Client
) -> None:
    await grown(controller)
    answer = (await viewer.get("/log/checkpoint")).is_good()
    signed = checkpoint.read(answer.content)
    known = (await viewer.get("/log/public-key")).is_good()
    stated = checkpoint.check(signed, checkpoint.public_key(known.text("public_key")))
    assert known.text("pem") == signed.public_key
    head = controller.live.world.head
    assert (stated.position, stated.hash) == (head.position, head.hash)
    assert stated.signed == controller.network.clock.now()
    await grown(controller, 1)
    answer = await admin.get("/log/export")
    reader = LogReader({stated.position: stated.hash})
    reader.feed(answer.content)
    assert reader.finish().position >= stated.position
    marked = {"position": str(stated.position), "hash": stated.hash.hex()}
    assert outcome(await viewer.get("/log/verify", **marked))["wrong"] is None


async def test_all_controllers_sign_with_one_key(controller: Controller, viewer: Client) -> None:
    async with controller.network.controller() as other:
        keys = [
            (await each.get("/log/public-key")).text("public_key")
            for each in (viewer, other.viewer)
        ]
    assert keys[0] == keys[1]
    signed = SignedCheckpoint(**(await viewer.get("/log/checkpoint")).json)  # type: ignore[arg-type]
    assert len(b64decode(signed.signature)) == 64


async def test_more_walks_than_are_bearable_have_to_wait(
    controller: Controller, viewer: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, waiting = asyncio.Event(), 0
    read = type(controller.network.log).read

    async def slow(self: object, after: Position, *, limit: int = 5000) -> object:
        nonlocal waiting
        waiting += 1
        await gate.wait()
        return await read(controller.network.log, after, limit=limit)

    monkeypatch.setattr(type(controller.network.log), "read", slow)
    async with asyncio.TaskGroup() as tasks:
        walks = [tasks.create_task(viewer.get("/log/verify")) for _ in range(READERS)]
        await soon(lambda: waiting == READERS)
        for refused in (await viewer.get("/log/verify"), await admin.get("/log/export")):
            refused.is_problem(429, "too-many")
            assert int(refused.headers["Retry-After"]) >= 1
        gate.set()
    for walk in walks:
        assert outcome(walk.result())["wrong"] is None
    assert outcome(await viewer.get("/log/verify"))["wrong"] is None


@pytest.mark.parametrize("path", ["/log/export", "/log/verify"])
async def test_who_may_no_longer_read_gets_no_more_of_it(
    controller: Controller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that breaks off has no last line: nobody takes it for a whole one."""
    monkeypatch.setattr("ecn.api.log.EXPORT_PAGE", 2)
    monkeypatch.setattr("events.verification.PAGE", 2)
    await grown(controller, 8)
    memory, read = controller.network.log, type(controller.network.log).read
    anna = {"name": "anna", "password": "wonderland", "role": "admin"}
    await controller.admin.post("/users", anna)
    login = await controller.nobody.post("/login", {"name": "anna", "password": "wonderland"})
    client = controller.as_(login.text("token"))
    (await client.get(path)).is_good()

    async def overtaken(self: object, after: Position, *, limit: int = 5000) -> object:
        if after == 6:
            (await controller.admin.delete("/users/anna")).is_good()
        return await read(memory, after, limit=limit)

    monkeypatch.setattr(type(memory), "read", overtaken)
    with pytest.raises(aiohttp.ClientError):
        await client.get(path)
    (await client.get(path)).is_problem(401, "bad-credentials")


async def test_a_log_that_is_away_is_told_before_anything_is_sent(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: object) -> None:
        raise LogUnavailable("out of reach")

    monkeypatch.setattr(type(controller.network.log), "head", away)
    (await viewer.get("/log/verify")).is_problem(503, "log-unavailable")


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b'{"at":"noon"}', {"at": "noon"}), (b"[1,2]", [1, 2]), (b"\xff no JSON", "\ufffd no JSON")],
)
async def test_an_event_from_the_future_is_kept_exported_verified_and_shown(
    controller: Controller, admin: Client, viewer: Client, data: bytes, shown: object
) -> None:
    log = controller.network.log
    head = await log.head()
    await log.append([from_the_future(head, data)], expected=head)
    events, _ = await exported(admin)
    assert (events[-1].type, events[-1].data) == (LANDED, data)
    assert outcome(await viewer.get("/log/verify"))["wrong"] is None
    (event, *_) = (await viewer.get("/events", order="desc", at_least="7")).is_good().items()
    assert (event["type"], event["data"]) == (LANDED, shown)
    # And life goes on behind it.
    (await controller.operator.post("/nodes", {"name": "east"})).is_good(201)
    assert outcome(await viewer.get("/log/verify"))["wrong"] is None
