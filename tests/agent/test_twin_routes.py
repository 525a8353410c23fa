"""A microservice's twin over its own socket: read, held, changed, offline, within bounds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner, Result
from msgspec import Raw
from msgspec.structs import replace

from agent.cli import agent_group
from agent.contract import Twin
from agent.local.config_delivery import TWIN_FILE
from agent.local.socket import LocalSockets
from agent.local.twin_routes import twin_routes
from agent.local.twin_store import TwinStore
from agent.local.twins import BURST, Twins
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder
from tests.agent.builders import NODE, NOW, microservice
from tests.agent.test_local_socket import Scene
from tests.agent.waiting import until_true


class TwinScene(Scene):
    """A node with the twins of its microservices, on a clock that stands until it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "microservices")
        self.journal = Journal(folder / "journal.sqlite")
        self.seconds = 0.0
        self.twins = Twins(
            TwinStore(self.journal),
            self.config,
            now=lambda: NOW + timedelta(seconds=self.seconds),
            clock=lambda: self.seconds,
            tell=lambda m: self.sockets.tell(m),
        )
        self.sockets = LocalSockets(NODE, self.config, twin_routes(self.twins))

    def is_told(self, desired: str, version: int, *, through: int = 0, known: int = 0) -> None:
        """The controller says so of m1, and that there is an m2."""
        twin = Twin(
            desired=Raw(desired.encode()),
            desired_version=version,
            edits_through=through,
            reported_version=known,
        )
        wanted = (replace(microservice(), twin=twin), microservice("m2", name="two"))
        self.revision += 1
        self.whole = Known(
            revision=self.revision, microservices={each.microservice_id: each for each in wanted}
        )
        for listener in (self.twins.wish, self.config.wish, self.sockets.wish):
            listener(self.whole)

    def file(self) -> bytes:
        return (self.folder / "m1" / TWIN_FILE).read_bytes()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[TwinScene]:
    made = TwinScene(tmp_path)
    task = asyncio.create_task(made.sockets.run())
    with made.journal:
        yield made
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def asking(scene: TwinScene, m: str = "m1") -> AsyncIterator["Microservice"]:
    async with scene.client(m) as client:
        yield Microservice(client)


class Microservice:
    """What runs in the container."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def get(self, path: str, **headers: str) -> tuple[int, object, str]:
        async with self._client.get(path, headers=headers) as answer:
            body = await answer.json() if answer.status == 200 else None
            return answer.status, body, answer.headers.get("ETag", "")

    async def patch(self, path: str, body: object) -> tuple[int, dict[str, object]]:
        async with self._client.patch(path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)


async def test_both_sections_are_there_before_any_controller_spoke(scene: TwinScene) -> None:
    scene.is_told("{}", 0)
    async with asking(scene) as m:
        assert (await m.get("/v1/twin"))[:2] == (
            200,
            {
                "desired": {},
                "desired_version": 0,
                "edits": 0,
                "reported": {},
                "reported_version": 0,
            },
        )


async def test_a_held_question_is_answered_when_the_controller_speaks(scene: TwinScene) -> None:
    scene.is_told('{"rate":1}', 4)
    async with asking(scene) as m, asyncio.TaskGroup() as tasks:
        status, desired, etag = await m.get("/v1/twin/desired")
        assert (status, desired, etag) == (200, {"rate": 1}, '"4"')
        held = tasks.create_task(
            m.get("/v1/twin/desired", **{"If-None-Match": etag, "Prefer": "wait=30"})
        )
        await asyncio.sleep(0.05)
        assert not held.done()
        scene.is_told('{"rate":2}', 5)
        assert await held == (200, {"rate": 2}, '"5"')
        assert scene.file() == b'{"rate":2}'


async def test_what_it_reports_is_numbered_kept_and_told(scene: TwinScene) -> None:
    scene.is_told("{}", 0)
    async with asking(scene) as m:
        for patch in ({"s": 1}, {"s": 2, "e": "x"}, {"e": None}):
            scene.seconds += 1
            assert (await m.patch("/v1/twin/reported", patch))[0] == 200
        assert await m.patch("/v1/twin/reported", {"s": 2}) == (
            200,
            {"changed": False, "version": 3},
        )
        assert await m.get("/v1/twin/reported") == (200, {"s": 2}, '"3"')
    told = scene.journal.pending().twins
    assert [(each.whole, each.base, (each.at - NOW).seconds) for each in told] == [
        (Raw(b'{"s":1}'), 0, 1),
        (Raw(b'{"e":"x","s":2}'), 1, 2),
        (Raw(b'{"s":2}'), 2, 3),
    ]


async def test_a_change_made_here_counts_here_at_once(scene: TwinScene) -> None:
    scene.is_told('{"rate":1,"mode":"a"}', 4)
    async with asking(scene) as m:
        status, said = await m.patch("/v1/twin/desired", {"rate": 9})
        assert (status, said) == (200, {"changed": True, "version": 4, "edits": 1})
        _, desired, etag = await m.get("/v1/twin/desired")
        assert (desired, etag) == ({"mode": "a", "rate": 9}, '"4+1"')
        assert scene.file() == b'{"mode":"a","rate":9}'
        # The controller changed something else, and does not know of it yet.
        scene.is_told('{"rate":1,"mode":"b"}', 5)
        assert (await m.get("/v1/twin/desired"))[1:] == ({"mode": "b", "rate": 9}, '"5+1"')
        # It does now, and overruled it.
        scene.is_told('{"rate":3,"mode":"b"}', 6, through=1)
        assert (await m.get("/v1/twin/desired"))[1:] == ({"mode": "b", "rate": 3}, '"6"')


async def test_one_microservice_sees_nothing_of_another(scene: TwinScene) -> None:
    scene.is_told('{"secret":1}', 1)
    async with asking(scene, "m2") as m:
        assert (await m.get("/v1/twin/desired"))[1] == {}


async def test_a_change_that_was_not_told_survives_the_agent(tmp_path: Path) -> None:
    first = TwinScene(tmp_path)
    first.is_told('{"a":1}', 1)
    first.twins.patch_desired("m1", b'{"a":2}')
    first.twins.patch_reported("m1", b'{"r":1}')
    first.journal.__exit__(None, None, None)
    second = TwinScene(tmp_path)
    with second.journal:
        second.is_told('{"a":1}', 1)
        assert second.twins.desired("m1").properties == {"a": 2}
        assert second.twins.reported("m1") == ({"r": 1}, 1)
        assert len(second.journal.pending().twins) == 2


async def test_a_version_that_the_controller_has_is_not_counted_again(scene: TwinScene) -> None:
    scene.is_told("{}", 0, known=41)
    scene.twins.patch_reported("m1", b'{"r":1}')
    assert scene.twins.reported("m1") == ({"r": 1}, 42)
    assert scene.journal.pending().twins[0].base == 41


@pytest.mark.parametrize("section", ["desired", "reported"])
async def test_changes_are_limited_and_more_come_with_time(scene: TwinScene, section: str) -> None:
    scene.is_told("{}", 0)
    async with asking(scene) as m:
        path = f"/v1/twin/{section}"
        for n in range(int(BURST)):
            assert (await m.patch(path, {"n": n}))[0] == 200
        status, problem = await m.patch(path, {"n": "more"})
        assert (status, problem["code"]) == (429, "too-many-changes")
        assert problem["next_step"]
        scene.seconds += 1
        assert (await m.patch(path, {"n": "later"}))[0] == 200
        assert (await m.patch(path, {"n": "again"}))[0] == 429


@pytest.mark.parametrize(
    ("body", "field"), [([], "$"), ({"a": {"b\x01": 1}}, "$.a"), ({"a": "x" * 33_000}, "$")]
)
async def test_what_is_no_twin_is_refused(scene: TwinScene, body: object, field: str) -> None:
    scene.is_told("{}", 0)
    async with asking(scene) as m:
        for section in ("desired", "reported"):
            status, problem = await m.patch(f"/v1/twin/{section}", body)
            assert (status, problem["code"], problem["field"]) == (400, "invalid", field)
    assert scene.journal.waiting() == 0


async def test_a_full_disk_is_told_and_nothing_changes(
    scene: TwinScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.is_told('{"a":1}', 1)
    await until_true(lambda: (scene.folder / "m1" / TWIN_FILE).exists(), 5)
    monkeypatch.setattr(scene.journal, "written", lambda write: False)
    async with asking(scene) as m:
        for section in ("desired", "reported"):
            status, problem = await m.patch(f"/v1/twin/{section}", {"a": 2})
            assert (status, problem["code"]) == (507, "not-kept")
        assert (await m.get("/v1/twin/desired"))[1] == {"a": 1}
        assert (await m.get("/v1/twin/reported"))[1] == {}


async def test_months_of_reports_keep_the_newest_within_bounds(
    scene: TwinScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.local.twin_store.MOST_BYTES", 20_000)
    scene.is_told("{}", 0)
    scene.twins.patch_reported("m2", b'{"quiet":true}')
    for n in range(300):
        scene.seconds += 1
        scene.twins.patch_reported("m1", b'{"n":%d,"fill":"%s"}' % (n, b"x" * 200))
    told = scene.journal.pending(1000).twins
    assert sum(len(bytes(each.whole)) for each in told) < 20_000
    assert {each.microservice_id for each in told} == {"m1", "m2"}
    assert told[-1].base == 299
    assert scene.twins.reported("m1")[1] == 300


async def test_who_stands_before_the_device_reads_and_sets_it(
    scene: TwinScene, tmp_path: Path
) -> None:
    scene.is_told('{"rate":1,"old":true}', 4)
    Folder(tmp_path).keep_desired_state(scene.whole)
    await scene.opened()

    async def ecn_agent(*words: str) -> Result:
        arguments = ["twin", *words, "--data", str(tmp_path)]
        return await asyncio.to_thread(CliRunner().invoke, agent_group, arguments)

    said = await ecn_agent("set", "app/m1", "rate=9", "old=null")
    assert said.output == "app/m1: desired properties changed\n"
    shown = json.loads((await ecn_agent("get", "app/m1")).stdout)
    assert (shown["desired"], shown["desired_version"], shown["edits"]) == ({"rate": 9}, 4, 1)
    nobody = await ecn_agent("get", "app/nobody")
    assert (nobody.exit_code, "app/m1, app/two" in nobody.output) == (1, True)
    assert (await ecn_agent("set", "app/m1", "rate")).exit_code == 2
    refused = await ecn_agent("set", "app/m1", f"big={'x' * 40_000}")
    assert (refused.exit_code, "32768" in refused.output) == (1, True)
    (scene.folder / "m1" / "agent.sock").unlink()
    away = await ecn_agent("get", "app/m1")
    assert (away.exit_code, "does it run?" in away.output) == (1, True)
