"""A disk that is full, and a file that is no database: what is taken, what is delivered, what is
said."""

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.messages import commits
from agent.messages.router import EdgeRouter
from agent.messages.routing import StoreFull
from agent.storage import reserve
from agent.storage.journal import Journal
from routing.message import Message
from tests.agent.messages.running import known, route, running
from tests.agent.messages.test_router import body, takes, texts
from tests.agent.test_full_disk import fill, small_disk

__all__ = ["small_disk"]


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


async def test_on_a_full_disk_nothing_is_taken_and_all_that_was_is_delivered(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "SIZE", 128 * 1024)
    monkeypatch.setattr(commits, "RETRY", 0.1)
    async with running(small_disk) as router:
        sent = 0
        for _ in range(50):
            await router.publish("a", body(f"{sent} ".ljust(2000)))
            sent += 1
        file = fill(small_disk)
        while await takes(router, body(f"{sent} ".ljust(2000))):
            sent += 1
            assert sent < 1000
        assert "takes no more" in router.problem
        (status,) = router.statuses()
        assert status.state == "refusing"
        with pytest.raises(StoreFull, match="takes no more"):
            await router.publish("a", body("x" * 2000))
        first = await router.inbox("b").next(20, 1.0)
        await router.inbox("b").done(first)
        assert len(first) == 20
        file.unlink()
        await until(lambda: not router.problem)
        await router.publish("a", body("after"))
        left = [text.split()[0] for text in await texts(router, "b")]
        assert left == [*map(str, range(20, sent)), "after"]
    async with running(small_disk) as router:
        assert await texts(router, "b") == []


async def test_what_was_stored_is_delivered_after_a_start_on_a_full_disk(small_disk: Path) -> None:
    async with running(small_disk) as router:
        for n in range(20):
            await router.publish("a", body(str(n)))
    fill(small_disk)
    async with running(small_disk) as router:
        assert await texts(router, "b") == [str(n) for n in range(20)]


async def test_a_file_that_is_no_database_is_kept_beside_and_said(tmp_path: Path) -> None:
    (tmp_path / "messages.sqlite").write_bytes(b"no database at all" * 1000)
    async with running(tmp_path) as router:
        await router.publish("a", body("new"))
        assert await texts(router, "b") == ["new"]
        assert "messages.sqlite.broken" in router.problem
    assert (tmp_path / "messages.sqlite.broken").read_bytes().startswith(b"no database")


async def test_a_file_that_breaks_loses_what_is_not_in_memory_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.messages.keeping.WINDOW_BYTES", 30_000)
    async with running(tmp_path) as router:
        for n in range(400):
            await router.publish("a", body(f"{n} ".ljust(2000)))
        taken = await router.inbox("b").next(3, 1.0)
        _spoil(tmp_path / "messages.sqlite")
        left = [int(text.split()[0]) for text in await texts(router, "b")]
        await router.inbox("b").done(taken)
        dropped = router.measures().dropped.get("unreadable", 0)
        assert len(left) + len(taken) + dropped == 400
        assert left == sorted(left)
        assert dropped > 300
        await router.publish("a", body("after"))
        assert await texts(router, "b") == ["after"]
        assert router.measures().waiting == 0
        assert "broken" in router.problem
    with Journal(tmp_path / "journal.sqlite") as journal:
        drops = [d for d in journal.pending().drops if d.reason == "unreadable"]
        assert sum(each.messages for each in drops) == dropped


def _spoil(path: Path) -> None:
    """Every page but the first, under the feet of whoever has it open; nothing is in its log."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


async def test_one_body_that_can_not_be_read_holds_nothing_up(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        for n in range(5):
            await router.publish("a", body(str(n)))
    with sqlite3.connect(tmp_path / "messages.sqlite") as database:
        database.execute("UPDATE bodies SET content = x'c1' WHERE message = 2")
        database.execute("DELETE FROM bodies WHERE message = 4")
    database.close()
    async with running(tmp_path) as router:
        assert await texts(router, "b") == ["0", "2", "4"]
        assert router.measures().dropped == {"unreadable": 2}


@pytest.mark.parametrize("seed", range(3))
async def test_what_has_to_give_way_is_counted_and_nothing_else_is_missing(
    tmp_path: Path, seed: int
) -> None:
    """Too much comes, by two routes of different urgency, while a receiver takes and gives back."""
    chance = random.Random(seed)
    desired = known(
        route("urgent", output="u", priority=0), route("rest", output="r", input="rest"),
        mib=1, when_full="drop-oldest",
    )  # fmt: skip
    had: list[int] = []

    async def publish(router: EdgeRouter, first: int) -> None:
        for n in range(first, first + 150):
            text = f"{n} ".ljust(chance.choice([10, 3000, 30_000]))
            output = chance.choice("ur")
            await router.publish("a", Message(output=output, body=text.encode()))
            await asyncio.sleep(0)

    async def receive(router: EdgeRouter) -> None:
        inbox = router.inbox("b")
        while deliveries := await inbox.next(chance.randint(1, 8), 2.0):
            await asyncio.sleep(chance.random() * 0.02)
            if chance.random() < 0.3:
                inbox.give_back(deliveries)
                continue
            had.extend(int(each.message.body.split()[0]) for each in deliveries)
            await inbox.done(deliveries)

    async with running(tmp_path, desired) as router:
        async with asyncio.TaskGroup() as tasks:
            for publisher in range(4):
                tasks.create_task(publish(router, publisher * 1000))
            tasks.create_task(receive(router))
        measures = router.measures()
        assert measures.waiting == 0
        assert measures.published == 600
        assert len(had) == len(set(had))
        assert len(had) + measures.dropped["full"] == 600
        assert sum(each.delivered for each in measures.routes.values()) == len(had)
        assert router._keeping._window_bytes == 0
        assert not router._keeping._out
        assert not router._keeping._going
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert sum(each.messages for each in journal.pending().drops) >= measures.dropped["full"]


async def test_two_gigabytes_through_a_small_store_leave_it_small(tmp_path: Path) -> None:
    """As many as ECN_MESSAGES_MB says; 200 MB where it says nothing."""

    many = int(os.environ.get("ECN_MESSAGES_MB", "200")) * 4
    before = _resident()
    highest = 0

    async def publish(router: EdgeRouter) -> None:
        for _ in range(many // 4):
            large = Message(body=os.urandom(250_000))
            while not await takes(router, large):  # noqa: ASYNC110 - as a publisher does
                await asyncio.sleep(0.01)

    async with running(tmp_path, known(route(), mib=32)) as router:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(publish(router))
            inbox, taken = router.inbox("b"), 0
            while taken < many // 4 * 4:
                deliveries = await inbox.next(10, 10.0)
                taken += len(deliveries)
                await inbox.done(deliveries)
                highest = max(highest, _resident())
        used = sum(_size(tmp_path / f"messages.sqlite{tail}") for tail in ("", "-wal", "-shm"))
    assert used < 45 * 1024 * 1024
    assert highest - before < 60 * 1024 * 1024


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _resident() -> int:
    """Bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
