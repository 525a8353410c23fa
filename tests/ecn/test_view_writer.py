"""The rows in the database follow the live world, and are put right when they do not."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ecn.presence_store import MemoryLeadership
from ecn.start_world import world_at_start
from ecn.view_writer import ViewWriter
from events.background import beside
from events.envelope import KnownEvent
from events.ids import START, MicroserviceId, NodeId
from events.log import MemoryLog, StoreUnavailable
from events.node import NodeDeleted, NodeRenamed
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.generation import Damaged, Kept, Rebuilding, rows
from projections.live import Live
from projections.postgres_views import PostgresViews
from projections.view_store import Change, CheckpointMoved, MemoryViews, ViewStore
from projections.world import World, fold
from tests.builders import EAST, WEST, application, chained, microservice, registered, told

OUR = "ours"


class Scene:
    """A log, a live world that follows it, and the writer of its rows."""

    def __init__(self, log: MemoryLog | PostgresLog, store: ViewStore) -> None:
        self.log = log
        self.store = store
        self.live = Live(log)
        self.leadership = MemoryLeadership({})
        self.writer = self.another()

    def another(self, store: ViewStore | None = None) -> ViewWriter:
        """One more writer, of another controller."""
        return ViewWriter(
            store or self.store, self.leadership, self.live, flush_every=0.01, tend_every=0.05
        )

    async def happen(self, *events: KnownEvent) -> None:
        """In the log and in the live world."""
        head = self.live.world.head
        await self.log.append(chained(head, *events), expected=head)
        await self.live.catch_up()

    async def kept(self) -> World | None:
        """What a controller would start from. Errors: Damaged."""
        async with self.store.reading() as reading:
            if reading.kept is None:
                return None
            assert reading.log_agrees
            rebuilding = Rebuilding()
            async for page in reading.rows():
                rebuilding.take(page)
            return rebuilding.world(reading.kept)

    async def followed(self) -> None:
        """Until the rows are those of the live world."""
        async with asyncio.timeout(10):
            while await self.kept() != self.live.world:  # noqa: ASYNC110  # rows tell nobody
                await asyncio.sleep(0.01)


@pytest.fixture
async def postgres_scene(
    postgres_pool: PostgresPool, postgres_log: PostgresLog
) -> AsyncIterator[Scene]:
    async with PostgresViews.open(postgres_pool, OUR) as views:
        yield Scene(postgres_log, views)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def scene(request: pytest.FixtureRequest) -> Scene:
    if request.param == "memory":
        log = MemoryLog()
        return Scene(log, MemoryViews(log))
    found: Scene = request.getfixturevalue("postgres_scene")
    return found


async def test_nothing_is_kept_before_the_first_flush_and_all_after_it(scene: Scene) -> None:
    assert await scene.kept() is None
    await scene.happen(registered(), application(), microservice())
    await scene.writer.flush()
    assert await scene.kept() == scene.live.world


async def test_an_empty_world_is_kept_too(scene: Scene) -> None:
    await scene.writer.flush()
    assert await scene.kept() == World()


async def test_what_changes_later_is_written_and_what_goes_is_removed(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.happen(registered(), registered(WEST), application(), microservice())
        await scene.followed()
        await scene.happen(told(1), NodeRenamed(node_id=EAST, name="orient"))
        await scene.followed()
        await scene.happen(NodeDeleted(node_id=WEST))
        await scene.followed()


async def test_a_row_without_a_node_any_more_is_not_written_back(scene: Scene) -> None:
    """Put and dropped between two flushes: as if it had never been."""
    await scene.writer.flush()
    async with beside(scene.writer.run()):
        await scene.happen(registered(WEST), NodeDeleted(node_id=WEST))
        await scene.followed()


async def test_many_changes_of_the_same_rows_are_written_as_the_last(scene: Scene) -> None:
    await scene.happen(registered(), application(), microservice())
    async with beside(scene.writer.run()):
        for number in range(1, 40):
            await scene.happen(told(number))
        await scene.followed()


async def test_a_writer_that_takes_over_compares_all_rows(scene: Scene) -> None:
    await scene.happen(registered(), application())
    await scene.writer.flush()
    await scene.happen(registered(WEST))
    other = scene.another()
    await other.flush()
    assert await scene.kept() == scene.live.world
    # The first one does not know of it, and finds out before it writes anything.
    await scene.happen(NodeRenamed(node_id=EAST, name="orient"))
    with pytest.raises(CheckpointMoved):
        await scene.writer.flush()
    await scene.writer.flush()
    assert await scene.kept() == scene.live.world


async def test_rows_that_somebody_doubts_are_compared_and_put_right(scene: Scene) -> None:
    await scene.happen(registered(), registered(WEST), application())
    await scene.writer.flush()
    await planted(scene, "nodes", EAST, b'{"no": "node"}')
    with pytest.raises(Damaged):
        await scene.kept()
    async with beside(scene.writer.run()):
        await asyncio.sleep(0.05)
        await scene.store.doubt()  # and nothing else happens
        async with asyncio.timeout(10):
            while True:
                try:
                    if await scene.kept() == scene.live.world:
                        break
                except Damaged:
                    pass
                await asyncio.sleep(0.01)


async def planted(scene: Scene, view: str, key: str, row: bytes) -> None:
    """A row changed by hand."""
    if isinstance(scene.store, MemoryViews):
        scene.store.by_key[view, key] = row
        return
    assert isinstance(scene.store, PostgresViews)
    async with scene.store._pool.connection() as connection:
        await connection.execute(
            "update ecn.view_row set row = $3 where view = $1 and key = $2", view, key, row
        )


async def test_a_checkpoint_ahead_of_the_log_is_not_believed(scene: Scene) -> None:
    """A database put back to an earlier day, but for these tables."""
    await scene.happen(registered(), application())
    later = chained(scene.live.world.head, registered(WEST))[-1].head
    await scene.store.write(
        Change(before=None, after=Kept(head=later, sum_=0), puts=[("names", "x", b'"x"')], drops=[])
    )
    await scene.writer.flush()
    assert await scene.kept() == scene.live.world


class Away(MemoryViews):
    """A store that can be away."""

    away = False

    async def write(self, change: Change) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().write(change)


async def test_while_the_store_is_away_nothing_is_gathered_and_all_is_written_after() -> None:
    log = MemoryLog()
    store = Away(log)
    scene = Scene(log, store)
    async with beside(scene.writer.run()):
        await scene.happen(registered())
        await scene.followed()
        store.away = True
        await scene.happen(registered(WEST), application())
        await asyncio.sleep(0.1)
        for number in range(50):
            await scene.happen(
                microservice(f"m{number}", microservice_id=MicroserviceId(f"microservice-{number}"))
            )
        assert not scene.writer._touched
        store.away = False
        await scene.followed()


@pytest.mark.postgres
async def test_a_start_from_rows_equals_a_start_from_the_log(postgres_pool: PostgresPool) -> None:
    async with PostgresLog.open(postgres_pool) as log, PostgresViews.open(postgres_pool) as views:
        scene = Scene(log, views)
        await scene.happen(registered(), application(), microservice())
        await scene.writer.flush()
        await scene.happen(told(1), registered(WEST))
        assert await world_at_start(log, views) == scene.live.world
        await planted(scene, "nodes", EAST, b"{}")
        assert await world_at_start(log, views) == scene.live.world
        await postgres_pool.fetch("delete from ecn.view_row where view = 'names'")
        assert await world_at_start(log, views) == scene.live.world
        await postgres_pool.fetch("update ecn.view_generation set hash = '\\x00'")
        assert await world_at_start(log, views) == scene.live.world
        await postgres_pool.fetch("update ecn.view_generation set position = 100")
        assert await world_at_start(log, views) == scene.live.world


@pytest.mark.postgres
async def test_two_generations_live_side_by_side(postgres_pool: PostgresPool) -> None:
    async with (
        PostgresLog.open(postgres_pool) as log,
        PostgresViews.open(postgres_pool, "old", left_after=0.2, removed_after=0.5) as old,
        PostgresViews.open(postgres_pool, "new", left_after=0.2, removed_after=0.5) as new,
    ):
        before, after = Scene(log, old), Scene(log, new)
        await before.happen(registered())
        await before.writer.flush()
        await after.live.catch_up()
        await after.writer.flush()
        await before.happen(registered(WEST))
        await after.live.catch_up()
        await before.writer.flush()
        assert await before.kept() == before.live.world
        assert await after.kept() != after.live.world, "written by the new ones only"
        assert await shown(postgres_pool) == ["east"]
        await after.writer.flush()
        assert await shown(postgres_pool) == ["east", "west"]
        # The way back: nobody writes the new one any more.
        await asyncio.sleep(0.3)
        await before.happen(NodeDeleted(node_id=WEST))
        await before.writer.flush()
        await old.tend()
        assert await shown(postgres_pool) == ["east"]
        await asyncio.sleep(0.3)
        await before.happen(NodeRenamed(node_id=EAST, name="orient"))
        await before.writer.flush()
        await old.tend()
        left = await postgres_pool.fetch("select fingerprint from ecn.view_generation")
        assert [row["fingerprint"] for row in left] == ["old"]
        assert await postgres_pool.fetch(
            "select distinct generation from ecn.view_row"
        ) == await postgres_pool.fetch("select generation from ecn.view_generation")
        assert await shown(postgres_pool) == ["orient"]


async def shown(pool: PostgresPool) -> list[str]:
    """What people see."""
    return [row["name"] for row in await pool.fetch("select name from ecn.nodes order by 1")]


FLUSHING = textwrap.dedent("""
    import asyncio, sys
    from events.envelope import GENESIS
    from events.ids import NodeId
    from events.postgres_log import PostgresLog
    from events.postgres_pool import PostgresPool
    from projections.live import Live
    from projections.postgres_views import PostgresViews
    from ecn.presence_store import MemoryLeadership
    from ecn.view_writer import ViewWriter
    from events.node import NodeRenamed
    from tests.builders import chained

    async def main() -> None:
        async with PostgresPool.open(sys.argv[1]) as pool, PostgresLog.open(pool) as log:
            async with PostgresViews.open(pool, "ours") as views:
                live = Live(log)
                await live.catch_up()
                writer = ViewWriter(views, MemoryLeadership({}), live)
                await writer.flush()
                print("flushed", flush=True)
                number = 0
                while True:
                    number += 1
                    head = live.world.head
                    events = [
                        NodeRenamed(node_id=key, name=f"{number}-{key}") for key in live.world.nodes
                    ]
                    await log.append(chained(head, *events), expected=head)
                    await live.catch_up()
                    await writer.flush()

    asyncio.run(main())
""")


@pytest.mark.postgres
@pytest.mark.system
async def test_kill_9_in_the_middle_of_a_flush_leaves_rows_of_one_position(
    postgres_dsn: str,
) -> None:
    async with (
        PostgresPool.open(postgres_dsn) as pool,
        PostgresLog.open(pool) as log,
        PostgresViews.open(pool, OUR) as views,
    ):
        scene = Scene(log, views)
        await scene.happen(*(registered(NodeId(f"node-{n}")) for n in range(300)))
        for delay in (0.05, 0.13, 0.21, 0.3):
            process = subprocess.Popen(  # noqa: ASYNC220  # killed, not awaited
                [sys.executable, "-c", FLUSHING, postgres_dsn], stdout=subprocess.PIPE
            )
            assert process.stdout is not None
            await asyncio.to_thread(process.stdout.readline)
            await asyncio.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
            process.stdout.close()
            found = await scene.kept()
            assert found is not None
            events = await log.read(START, limit=1_000_000)
            assert found == fold(World(), events[: found.position])
            assert await world_at_start(log, views) == await whole(log)


async def whole(log: PostgresLog) -> World:
    """Folded from nothing."""
    live = Live(log)
    await live.catch_up()
    return live.world


@pytest.mark.postgres
async def test_views_for_people_show_what_is_and_no_secrets(postgres_dsn: str) -> None:
    """Also with a row that jsonb can't hold, one that is none, and times that are none."""
    async with (
        PostgresPool.open(postgres_dsn) as pool,
        PostgresLog.open(pool) as log,
        PostgresViews.open(pool, OUR) as views,
    ):
        scene = Scene(log, views)
        await scene.happen(
            registered(), registered(WEST, name="a\0b"), application(), microservice(), told(1)
        )
        await scene.writer.flush()
    connection = await asyncpg.connect(postgres_dsn)
    try:
        names = await connection.fetch("select name from ecn.nodes order by 1")
        assert [row["name"] for row in names] == ["a\ufffdb", "east"]
        (found,) = await connection.fetch("select * from ecn.microservices")
        assert (found["application"], found["name"], found["node"]) == ("shop", "web", "east")
        assert (found["image"], found["state"], found["started"]) == ("shop/web:1", "running", True)
        (where,) = await connection.fetch("select * from ecn.view_position")
        assert (where["position"], where["events_behind"]) == (5, 0)
        for odd in (b"", b"[1]", b'"x"', b"\xff", b'{"since": "yesterday"}', b'{"settings": 1}'):
            await connection.execute(
                "update ecn.view_row set row = $1 where key = $2", odd, str(EAST)
            )
            assert len(await connection.fetch("select * from ecn.nodes")) == 2
        views_of_people = [
            row["table_name"]
            for row in await connection.fetch(
                "select table_name from information_schema.views where table_schema = 'ecn'"
            )
        ]
        for view in views_of_people:
            if view in ("view_document", "event_text"):
                continue
            columns = (await connection.fetch(f"select * from ecn.{view}"))[:1]
            for row in columns:
                assert not any("hash" in name or "cipher" in name for name in dict(row)), view
    finally:
        await connection.close()


def test_all_rows_of_a_world_are_rows() -> None:
    assert list(rows(World())) == []
