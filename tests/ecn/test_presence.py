"""Who is heard, and what the log is told of silence. Time is the test's own."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

import pytest

from ecn.batch import Issued
from ecn.commands.node import (
    AcknowledgeChanges,
    DeleteNode,
    IssueProvisioningKey,
    ProvisionNode,
    RegisterNode,
    ReportNode,
    UpdateNode,
)
from ecn.presence import Presence
from ecn.presence_store import MemoryLeadership, MemoryPresenceStore
from ecn.writer import Writer
from events.background import beside
from events.ids import START, CommandId, NodeId, new_id
from events.log import MemoryLog, StoreUnavailable
from events.node import AgentSettings, NodeFacts, NodeSettings, NodeWentOffline
from projections import changes
from projections.live import Live
from projections.nodes import NodeState
from tests.builders import EAST, NOW, SECOND

PATIENCE = 60.0


class Store(MemoryPresenceStore):
    """That can be away, or slow."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.recording = asyncio.Event()

    async def record(self, seen: Mapping[NodeId, datetime]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.recording.set()
        await self.gate.wait()
        await super().record(seen)

    async def last_seen(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, datetime]:
        if self.away:
            raise StoreUnavailable("away")
        return await super().last_seen(node_ids)


class Scene:
    """A node, a writer, and time that stands until it is moved."""

    def __init__(self) -> None:
        self.time = NOW
        self.log = MemoryLog()
        self.live = Live(self.log)
        self.writer = Writer(self.live, self.log, self.clock)
        self.store = Store()
        self.leaders: dict[str, MemoryLeadership] = {}
        self.presence = self.another()

    def clock(self) -> datetime:
        """Ticks a little whenever it is looked at, as a real one does."""
        self.time += SECOND / 1_000_000
        return self.time

    def another(self) -> Presence:
        """As another controller has it."""
        return Presence(
            self.store,
            MemoryLeadership(self.leaders),
            self.live,
            self.writer,
            self.clock,
            offline_after=PATIENCE,
        )

    async def execute(self, *commands: object) -> None:
        for command in commands:
            issued = Issued(
                command=command,  # type: ignore[arg-type]
                actor="test",
                command_id=CommandId(new_id()),
                correlation_id="test",
            )
            await self.writer.execute(issued)

    async def register(self) -> None:
        """Node east, with a device."""
        key = IssueProvisioningKey(node_id=EAST, key_hash="k", expires_at=NOW + 9999 * SECOND)
        provision = ProvisionNode(
            key_hash="k", credential_hash="c", facts=NodeFacts(), now=self.time
        )
        await self.execute(RegisterNode(node_id=EAST, name="east"), key, provision)

    async def round(self, presence: Presence | None = None) -> None:
        """What `run` does each time."""
        which = presence or self.presence
        which._look_every = 0.0
        task = asyncio.ensure_future(which.run())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), task.exception()

    def state(self) -> NodeState:
        return self.live.world.nodes[EAST].state

    async def offline(self) -> list[NodeWentOffline]:
        events = await self.log.read(START)
        return [each.event for each in events if isinstance(each.event, NodeWentOffline)]


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_a_silent_node_goes_offline_once(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        heard = scene.time
        await scene.round()
        scene.time += 59 * SECOND
        await scene.round()
        assert scene.state() is NodeState.ONLINE
        scene.time += 2 * SECOND
        await scene.round()
        await scene.round()
        assert scene.state() is NodeState.OFFLINE
        (event,) = await scene.offline()
        assert event.last_seen == heard


async def test_a_node_that_fell_silent_with_its_very_first_report_goes_offline(
    scene: Scene,
) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        await scene.execute(ReportNode(node_id=EAST, now=scene.time, goodbye=True))
        scene.time += 100 * SECOND
        # As the API does it: noted when the request arrives, a moment before the event's time.
        scene.presence.heard(EAST)
        await scene.execute(ReportNode(node_id=EAST, now=scene.time))
        assert scene.state() is NodeState.ONLINE
        await scene.round()
        scene.time += 61 * SECOND
        await scene.round()
        assert scene.state() is NodeState.OFFLINE


async def test_a_node_that_was_provisioned_and_never_heard_goes_offline(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        await scene.round()
        scene.time += 61 * SECOND
        await scene.round()
        assert scene.state() is NodeState.OFFLINE


async def test_what_another_controller_heard_counts(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        other = scene.another()
        await scene.round()
        for _ in range(4):
            scene.time += 40 * SECOND
            other.heard(EAST)
            await scene.round(other)
            await scene.round()
        assert scene.state() is NodeState.ONLINE


async def test_after_a_takeover_everyone_gets_the_full_time(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        await scene.round()
        scene.time += 1000 * SECOND
        scene.leaders.clear()
        new = scene.another()
        await scene.round(new)
        assert scene.state() is NodeState.ONLINE
        scene.time += 61 * SECOND
        await scene.round(new)
        assert scene.state() is NodeState.OFFLINE


async def test_after_a_sleep_of_the_machine_everyone_gets_the_full_time(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        scene.presence._look_every = 0.0
        async with beside(scene.presence.run()):
            await asyncio.sleep(0.02)
            scene.time += 1000 * SECOND
            await asyncio.sleep(0.02)
            assert scene.state() is NodeState.ONLINE
            for _ in range(15):
                scene.time += 4.5 * SECOND
                await asyncio.sleep(0.02)
            assert scene.state() is NodeState.OFFLINE


async def test_while_the_store_is_away_nobody_is_silent(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        await scene.round()
        scene.store.away = True
        scene.time += 1000 * SECOND
        await scene.round()
        scene.store.away = False
        await scene.round()
        assert scene.state() is NodeState.ONLINE
        scene.time += 61 * SECOND
        await scene.round()
        assert scene.state() is NodeState.OFFLINE


async def test_a_node_deleted_while_it_was_being_written_down_stops_nothing(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        scene.presence._look_every = 0.0
        async with beside(scene.presence.run()):
            scene.store.gate.clear()
            scene.store.recording.clear()
            await scene.store.recording.wait()
            await scene.execute(DeleteNode(node_id=EAST))
            scene.presence.heard(EAST)  # its long-poll is woken by that very deletion
            scene.store.gate.set()
            await asyncio.sleep(0.05)
    assert scene.presence.last_heard(EAST) is None


async def test_what_is_known_of_a_deleted_node_is_forgotten(scene: Scene) -> None:
    async with beside(scene.writer.run()):
        await scene.register()
        scene.presence.heard(EAST)
        await scene.round()
        await scene.execute(DeleteNode(node_id=EAST))
        await scene.round()
        assert await scene.store.last_seen([EAST]) == {}


async def test_an_agent_that_polls_slowly_is_not_silent_in_between(scene: Scene) -> None:
    settings = NodeSettings(agent=AgentSettings(status_interval=60, change_interval=90))
    before = ("east", NodeSettings())
    update = UpdateNode(node_id=EAST, name="east", settings=settings, seen=before)
    async with beside(scene.writer.run()):
        await scene.register()
        await scene.execute(update)
        scene.presence.heard(EAST)
        through = changes.latest(scene.live.world.changes[EAST])
        await scene.execute(AcknowledgeChanges(node_id=EAST, through=through))
        await scene.round()
        scene.time += 170 * SECOND
        await scene.round()
        assert scene.state() is NodeState.ONLINE
        scene.time += 20 * SECOND
        await scene.round()
        assert scene.state() is NodeState.OFFLINE
