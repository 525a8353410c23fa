"""What the controller hears of messages: each drop once, and how routes stand when that is new."""

import asyncio
from datetime import timedelta
from pathlib import Path

from agent.contract import RouteStatus
from agent.messages.telling import StatusTelling
from agent.storage.journal import Journal
from agent.storage.outbox import Drop
from routing.message import Message
from tests.agent.builders import NOW
from tests.agent.messages.running import known, route, running


def drop(messages: int, minute: int = 0) -> Drop:
    at = NOW + timedelta(minutes=minute)
    return Drop(reason="expired", messages=messages, size=messages * 10, since=at, at=at)


def test_a_drop_is_told_once_however_often_it_is_brought(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.tell_drops("file", [(1, "r", drop(3)), (2, "s", drop(4))])
        journal.tell_drops("file", [(1, "r", drop(3)), (2, "s", drop(4)), (3, "r", drop(5))])
        told = [(d.route_id, d.messages) for d in journal.pending().drops]
        assert told == [("r", 3), ("s", 4), ("r", 5)]
        journal.tell_drops("another file", [(1, "r", drop(7))])
        assert [d.messages for d in journal.pending().drops] == [3, 4, 5, 7]


def test_months_of_drops_become_few_rows_that_count_all(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", exactly=10) as journal:
        for minute in range(500):
            journal.tell_drops("file", [(minute + 1, "r", drop(2, minute))])
        drops = journal.pending().drops
        assert len(drops) < 20
        assert sum(each.messages for each in drops) == 1000
        assert drops[-1].since < drops[-1].at == NOW + timedelta(minutes=499)


async def test_what_expires_is_in_the_journal_when_the_agent_ends(tmp_path: Path) -> None:
    clock = [10**12]
    async with running(tmp_path, known(route(ttl=5)), lambda: clock[0]) as router:
        for _ in range(3):
            await router.publish("a", Message(body=b"x"))
        clock[0] += 6000
        assert await router.inbox("b").next(10, 0.01) == []
    with Journal(tmp_path / "journal.sqlite") as journal:
        (told,) = journal.pending().drops
        assert (told.route_id, told.reason, told.messages) == ("ab", "expired", 3)
        assert told.size > 600
        assert told.at.timestamp() == clock[0] / 1000
    async with running(tmp_path, known(route(ttl=5)), lambda: clock[0]) as router:
        await asyncio.sleep(0.1)
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(journal.pending().drops) == 1


def test_a_status_is_told_when_it_is_another_and_not_too_often() -> None:
    statuses: list[RouteStatus] = []
    clock = [0.0]
    telling = StatusTelling(lambda: statuses, lambda: clock[0])
    assert telling.due() is None
    statuses.append(RouteStatus(route_id="r", state="up", oldest_seconds=1.0))
    assert telling.due() == statuses
    assert telling.due() == statuses  # it was not heard
    telling.told(statuses)
    statuses[0] = RouteStatus(route_id="r", state="up", oldest_seconds=99.0)
    clock[0] = 11.0
    assert telling.due() is None
    statuses[0] = RouteStatus(route_id="r", state="up", stored=1)
    assert telling.due() == statuses
    telling.told(statuses)
    statuses[0] = RouteStatus(route_id="r", state="up", stored=2)
    assert telling.due() is None
    clock[0] = 22.0
    assert telling.due() == statuses
    telling.told(statuses)
    clock[0] = 321.0
    assert telling.due() is None
    clock[0] = 323.0
    assert telling.due() == statuses
