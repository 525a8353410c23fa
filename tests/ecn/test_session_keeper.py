"""What was opened in the log is closed in it, also while the log is away and controllers die."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from ecn import session_keeper as module
from ecn.batch import Issued
from ecn.commands.session import CloseSession
from ecn.presence_store import MemoryLeadership
from ecn.session_keeper import SessionKeeper
from events.background import beside
from events.ids import MicroserviceId, NodeId
from events.log import LogUnavailable, MemoryLog
from events.session import SessionKind
from projections.live import Live
from projections.sessions import SessionRow
from projections.world import World
from tests.builders import NOW
from tests.ecn.api.server import soon


class Writer:
    """Takes commands, once it is there."""

    def __init__(self) -> None:
        self.away = False
        self.closed: list[CloseSession] = []

    async def execute(self, issued: Issued) -> None:
        if self.away:
            raise LogUnavailable("away")
        assert isinstance(issued.command, CloseSession)
        self.closed.append(issued.command)

    @property
    def ids(self) -> list[str]:
        return [each.session_id for each in self.closed]


class Kept:
    def __init__(self, leaders: dict[str, MemoryLeadership], **held: str) -> None:
        """held: by session, which controller says that it holds it."""
        rows = {
            session_id: SessionRow(
                kind=SessionKind.LOGS,
                microservice_id=MicroserviceId("m"),
                node_id=NodeId("n"),
                actor="user/anna",
                opened_at=NOW,
                controller=controller,
            )
            for session_id, controller in held.items()
        }
        world = World()
        self.writer = Writer()
        self.time = NOW
        live = Live(MemoryLog(), World(sessions=world.sessions.filled(rows)))
        self.keeper = SessionKeeper(
            live,
            self.writer,  # type: ignore[arg-type]
            MemoryLeadership(leaders),
            lambda: self.time,
            look_every=0.05,
        )


@asynccontextmanager
async def running(kept: Kept) -> AsyncIterator[SessionKeeper]:
    async with beside(kept.keeper.run()):
        await asyncio.sleep(0)
        yield kept.keeper


async def test_what_can_not_be_written_now_is_written_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.05)
    kept = Kept({})
    kept.writer.away = True
    async with running(kept) as keeper:
        keeper.close("a", "ended", actor="user/anna", exit_code=3)
        keeper.close("b", "left", actor="user/anna")
        await asyncio.sleep(0.1)
        assert kept.writer.closed == []
        kept.writer.away = False
        await soon(lambda: kept.writer.ids == ["a", "b"])
    assert kept.writer.closed[0].exit_code == 3


async def test_the_last_ones_are_written_at_the_end() -> None:
    kept = Kept({})
    async with running(kept) as keeper:
        keeper.close("a", "ended", actor="user/anna")
    assert kept.writer.ids == ["a"]


async def test_an_end_is_not_held_up_by_a_log_that_is_away() -> None:
    kept = Kept({})
    kept.writer.away = True
    async with asyncio.timeout(5):
        async with running(kept) as keeper:
            keeper.close("a", "ended", actor="user/anna")


async def test_only_what_nobody_holds_is_closed() -> None:
    leaders: dict[str, MemoryLeadership] = {}
    other = Kept(leaders)
    await other.keeper.sweep()
    kept = Kept(leaders, theirs=other.keeper.controller, left="somebody-gone")
    leaders.pop(module.LEADER)  # the other one leads no more, and lives
    async with running(kept):
        await soon(lambda: "left" in kept.writer.ids)
    assert set(kept.writer.ids) == {"left"}


async def test_who_was_taken_for_gone_goes_on_under_another_name() -> None:
    leaders: dict[str, MemoryLeadership] = {}
    kept = Kept(leaders)
    before = kept.keeper.controller
    leaders[f"controller {before}"] = MemoryLeadership(leaders)
    await kept.keeper.sweep()
    assert kept.keeper.controller != before
    name = kept.keeper.controller
    await kept.keeper.sweep()
    assert kept.keeper.controller == name


def test_a_glance_is_told_once_in_ten_minutes_for_each_who_looks_and_each_looked_at() -> None:
    kept = Kept({})
    assert not kept.keeper.glanced("user/anna", "m1")
    assert kept.keeper.glanced("user/anna", "m1")
    assert not kept.keeper.glanced("user/anna", "m2")
    assert not kept.keeper.glanced("user/bert", "m1")
    kept.time += timedelta(minutes=9)
    assert kept.keeper.glanced("user/anna", "m1")
    kept.time += timedelta(minutes=2)
    assert not kept.keeper.glanced("user/anna", "m1")


def test_glances_are_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_GLANCES", 3)
    kept = Kept({})
    for number in range(10):
        kept.keeper.glanced("user/anna", str(number))
    assert len(kept.keeper._glances) == 3
