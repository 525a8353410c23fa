"""The link to the controller, over real HTTP to a stub of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import (
    ContainerState,
    ContainerStatus,
    DesiredState,
    Facts,
    LogRequest,
    RouteStatus,
    encoded_request,
)
from agent.device.facts import agent_version
from agent.errors import ControllerRefused, ControllerUnreachable, CredentialRefused
from agent.lifecycle.status import Told
from agent.link import pause as pauses
from agent.link import uplink as module
from agent.link.controller_client import ControllerClient
from agent.link.pause import Pause
from agent.link.streams import Streams
from agent.link.uplink import Uplink
from agent.messages.telling import StatusTelling
from agent.storage.desired_state import Known, merged
from agent.storage.journal import Journal
from agent.storage.outbox import Drop
from agent.storage.store import Folder
from tests.agent.builders import NODE, NOW, microservice, new_container
from tests.agent.controller_stub import ControllerStub
from tests.agent.fake_engine import FakeEngine
from tests.agent.waiting import until_true
from tests.ports import free_port


class Link:
    def __init__(self, uplink: Uplink, journal: Journal, wishes: list[Known]) -> None:
        self.uplink, self.journal, self.wishes = uplink, journal, wishes

    def happens(self, restarts: int, m: str = "m1") -> None:
        status = ContainerStatus(state=ContainerState.RUNNING, restarts=restarts, at=NOW)
        self.journal.note(m, Told(status=status, cause="c"))
        self.uplink.tell()


@asynccontextmanager
async def link(
    url: str, path: Path, known: Known | None = None, routes: StatusTelling | None = None
) -> AsyncIterator[Link]:
    folder, wishes = Folder(path), list[Known]()
    with Journal(folder.journal) as journal:
        async with ControllerClient(url, credential="hush") as client:
            streams = Streams(NODE.node_id, FakeEngine(), client)
            facts = Facts(agent_version="1")
            uplink = Uplink(
                client, folder, journal, streams, known, wishes.append, lambda: facts, routes=routes
            )
            task = asyncio.get_running_loop().create_task(uplink.run())
            try:
                yield Link(uplink, journal, wishes)
            finally:
                task.cancel()
                await asyncio.wait([task])
                if not task.cancelled():
                    await task


@pytest.fixture
async def stub() -> AsyncIterator[ControllerStub]:
    controller = ControllerStub()
    async with controller.serving():
        yield controller


async def test_each_change_arrives_at_once_and_is_kept(
    stub: ControllerStub, tmp_path: Path
) -> None:
    async with link(stub.url, tmp_path) as agent:
        stub.wants(microservice("m1", revision=1))
        await until_true(lambda: len(agent.wishes) == 1, 2)
        stub.wants(microservice("m1", revision=1), microservice("m2", revision=2))
        await until_true(lambda: len(agent.wishes) == 2, 2)
        assert agent.wishes[-1].microservices.keys() == {"m1", "m2"}
        assert Folder(tmp_path).desired_state() == agent.wishes[-1]
        await until_true(lambda: len(stub.questions) >= 3, 2)
        assert stub.questions[:3] == [None, '"1"', '"2"']


@pytest.mark.parametrize(("reader", "first"), [(agent_version(), '"1"'), ("0.0.9", None)])
async def test_an_agent_asks_for_everything_that_another_version_read(
    stub: ControllerStub, tmp_path: Path, reader: str, first: str | None
) -> None:
    stub.wants(microservice("m1", revision=1))
    known = Known(revision=1, microservices={"m1": microservice("m1", revision=1)}, reader=reader)
    async with link(stub.url, tmp_path, known):
        await until_true(lambda: bool(stub.questions), 5)
    assert stub.questions[0] == first


async def test_what_was_dropped_is_told_and_how_routes_stand_until_it_is_heard(
    stub: ControllerStub, tmp_path: Path
) -> None:
    statuses = [RouteStatus(route_id="r", state="waiting", stored=3)]
    telling = StatusTelling(lambda: statuses)
    drop = Drop(reason="expired", messages=7, size=70, since=NOW, at=NOW)
    stub.accepts = False
    async with link(stub.url, tmp_path, routes=telling) as agent:
        agent.journal.tell_drops("file", [(1, "r", drop)])
        agent.uplink.tell()
        await until_true(lambda: bool(stub.reports and stub.reports[-1].drops), 5)
        stub.accepts = True
        await until_true(lambda: agent.journal.waiting() == 0, 20)
    (told,) = stub.reports[-1].drops
    assert (told.route_id, told.reason, told.messages, told.size) == ("r", "expired", 7, 70)
    assert [report.routes for report in stub.reports if report.routes] == [statuses] * len(
        stub.reports
    )
    assert telling.due() is None


async def test_a_difference_that_lacks_an_item_is_asked_for_whole(
    stub: ControllerStub, tmp_path: Path
) -> None:
    async with link(stub.url, tmp_path) as agent:
        stub.wants(microservice("m1", revision=1))
        await until_true(lambda: len(agent.wishes) == 1)
        stub.forgets.add("m2")
        stub.wants(microservice("m1", revision=1), microservice("m2", revision=2))
        await until_true(lambda: len(agent.wishes) == 2)
        assert agent.wishes[-1].microservices.keys() == {"m1", "m2"}
        assert stub.questions[2] is None


async def test_each_transition_is_told_exactly_once(stub: ControllerStub, tmp_path: Path) -> None:
    async with link(stub.url, tmp_path) as agent:
        stub.accepts = False
        agent.happens(1)
        await until_true(lambda: any(r.containers for r in stub.reports))
        agent.happens(2)
        stub.accepts = True
        await until_true(lambda: len(stub.told) == 2)
        await until_true(lambda: agent.journal.waiting() == 0)
    assert [t.sequence for t in stub.told] == [1, 2]
    assert stub.reports[0].facts == Facts(agent_version="1")


async def test_more_than_a_batch_is_told_in_several(stub: ControllerStub, tmp_path: Path) -> None:
    async with link(stub.url, tmp_path) as agent:
        for n in range(450):
            agent.happens(n, f"m{n}")
        await until_true(lambda: len(stub.told) == 450)
        assert max(len(r.containers) for r in stub.reports) == module.BATCH


async def test_facts_are_told_once_and_life_now_and_then(
    stub: ControllerStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIGN_OF_LIFE", 0.1)
    async with link(stub.url, tmp_path):
        await until_true(lambda: len(stub.reports) >= 4)
    assert [r.facts is not None for r in stub.reports[:4]] == [True, False, False, False]


async def test_a_controller_that_comes_later_is_found(tmp_path: Path) -> None:
    port = free_port()
    async with link(f"http://127.0.0.1:{port}", tmp_path) as agent:
        agent.happens(1)
        await asyncio.sleep(0.3)
        stub = ControllerStub()
        stub.wants(microservice())
        async with stub.serving(port):
            await until_true(lambda: len(stub.told) == 1 and len(agent.wishes) == 1, 10)


async def test_a_withdrawn_credential_is_told_and_nothing_more_asked(
    stub: ControllerStub, tmp_path: Path
) -> None:
    async with link(stub.url, tmp_path) as agent:
        await until_true(lambda: len(stub.reports) == 1)
        stub.refusal = (410, "node-deprovisioned")
        stub.wants()
        await until_true(agent.uplink.deprovisioned.is_set)


async def test_another_410_is_no_reason_to_go(stub: ControllerStub, tmp_path: Path) -> None:
    stub.refusal = (410, "gone-for-a-while")
    async with link(stub.url, tmp_path) as agent:
        await asyncio.sleep(0.3)
        assert not agent.uplink.deprovisioned.is_set()


async def test_the_goodbye_takes_the_last_words_along(stub: ControllerStub, tmp_path: Path) -> None:
    async with link(stub.url, tmp_path) as agent:
        await until_true(lambda: len(stub.reports) == 1)
        await agent.uplink.goodbye()
    assert stub.reports[-1].goodbye


async def test_a_log_is_asked_for_and_answered_even_without_a_container(
    stub: ControllerStub, tmp_path: Path
) -> None:
    async with link(stub.url, tmp_path):
        stub.asks_for_log(LogRequest(request_id="r1", microservice_id="m1"))
        await until_true(lambda: "r1" in stub.streams)
        assert stub.streams["r1"] == b"[agent] it has no container on this node\n"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, CredentialRefused), (503, ControllerUnreachable), (429, ControllerUnreachable),
     (404, ControllerRefused), (302, ControllerRefused)],
)  # fmt: skip
async def test_refusals_are_told_apart(
    stub: ControllerStub, status: int, error: type[Exception]
) -> None:
    stub.refusal = (status, "some-code")
    async with ControllerClient(stub.url, credential="hush") as client:
        with pytest.raises(error, match=f"told to answer {status}; nothing") as refused:
            await client.desired_state(None, 1)
    assert "hush" not in str(refused.value)


@given(st.integers(0, 40), st.floats(0, 1), st.sampled_from([0.0, 7.0, 100.0]))
def test_a_pause_is_anywhere_in_a_window_that_doubles_up_to_its_bound(
    before: int, where: float, asked: float
) -> None:
    pause = Pause(spread=lambda least, most: least + where * (most - least))
    away = ControllerUnreachable("away", retry_after=asked)
    for _ in range(before):
        pause.next(away)
    window = min(45.0, 5.0 * 2**before)
    assert pause.next(away) == pytest.approx(max(0.2, asked) + where * window)
    pause.over()
    assert pause.next(away) <= max(0.2, asked) + 5


def test_ten_thousand_that_lose_the_controller_at_once_come_back_evenly() -> None:
    """The busiest second of each round has not twice its share."""
    pauses, away = [Pause() for _ in range(10_000)], ControllerUnreachable("away")
    for window in (5, 10, 20, 40, 45, 45):
        seconds = Counter(int(pause.next(away)) for pause in pauses)
        assert max(seconds.values()) < 1.5 * 10_000 / window
        assert len(seconds) >= window


async def test_a_controller_that_asks_for_time_gets_it(
    stub: ControllerStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "FIRST_WINDOW", 0.01)
    stub.refusal, stub.retry_after = (503, "busy"), 1
    async with link(stub.url, tmp_path):
        await until_true(lambda: stub.refused >= 2)
        await asyncio.sleep(0.7)
        assert stub.refused == 2
        await until_true(lambda: stub.refused >= 4)


async def test_the_side_that_finds_the_controller_tells_the_other(
    stub: ControllerStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOGETHER", 0.1)
    windows = iter([0.5, *[60.0] * 100])  # of the first to fail, of all others
    monkeypatch.setattr(Pause, "next", lambda *_: next(windows))
    stub.wants(microservice())
    stub.refusal = (500, "ill")
    async with link(stub.url, tmp_path) as agent:
        await until_true(lambda: stub.refused == 2)
        stub.refusal = None
        await until_true(lambda: bool(stub.reports) and bool(agent.wishes), 3)


def test_a_difference_to_another_revision_is_refused() -> None:
    known = Known(revision=3, microservices={"m1": microservice()})
    answer = DesiredState(revision=5, since=4, all_microservices=["m1"])
    assert merged(known, answer) is None
    assert merged(None, answer) is None


def test_what_is_not_in_the_names_of_all_is_gone() -> None:
    known = Known(revision=3, microservices={"m1": microservice(), "m2": microservice("m2")})
    answer = DesiredState(revision=5, since=3, all_microservices=["m2"])
    assert merged(known, answer) == Known(revision=5, microservices={"m2": microservice("m2")})


async def test_a_disk_that_takes_nothing_does_not_end_the_link_nor_make_it_spin(
    stub: ControllerStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    async with link(stub.url, tmp_path) as agent:
        await until_true(lambda: len(stub.reports) == 1)
        agent.happens(1)
        agent.journal._database.execute("PRAGMA query_only = ON")
        await until_true(lambda: len(stub.reports) >= 2)
        await asyncio.sleep(0.3)
        assert len(stub.reports) <= 3
        agent.journal._database.execute("PRAGMA query_only = OFF")
        agent.uplink.tell()
        await until_true(lambda: agent.journal.waiting() == 0)


async def test_a_reader_that_leaves_a_quiet_log_ends_its_stream_and_nothing_else(
    stub: ControllerStub, tmp_path: Path
) -> None:
    class Quiet(FakeEngine):
        """A container that printed a line and then nothing more."""

        async def logs(
            self,
            container_id: str,
            *,
            tail: int | None,
            follow: bool,
            since: datetime | None,
            timestamps: bool = False,
        ) -> AsyncIterator[bytes]:
            """See ContainerEngine."""
            yield b"the only line\n"
            await asyncio.Event().wait()

    engine = Quiet({"ecn-test/busybox:1"})
    await engine.create(new_container(NODE.node_id))
    stub.leaves_logs = True
    async with ControllerClient(stub.url, credential="hush") as client:
        streams = Streams(NODE.node_id, engine, client)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            wanted = LogRequest(request_id="r", microservice_id="m1", follow=True)
            streams.open([encoded_request(wanted)], tasks)
        assert streams._open == 0
