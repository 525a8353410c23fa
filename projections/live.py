"""The live world of one controller, and those who wait for it to change.

The writer advances it with what it appended; the follower with what other controllers did. Both
may bring the same events; the second time nothing happens. Waiting costs memory, not CPU: a
change resolves the futures of just the nodes it touches, and of those who wait for a position.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from events.envelope import Recorded
from events.ids import START, NodeId, Position
from events.log import EventLog, LogUnavailable
from projections import desired_state
from projections.world import Changes, Folding, World

RECENT = 4096
"""How many events are kept in memory, so that many readers of the tail cost the log nothing."""

PAGE = 5000


class Ahead(Folding):
    """A world that runs ahead of the log while a batch is decided: nobody else sees it.

    It keeps its events, so that nothing is folded a second time once they are appended.
    """

    def __init__(self, base: World) -> None:
        super().__init__(base)
        self.events: list[Recorded] = []
        self._made: World | None = None

    def fold(self, events: Iterable[Recorded]) -> None:  # type: ignore[override]  # kept whole
        """See Folding."""
        new = list(events)
        super().fold(new)
        self.events += new
        self._made = None

    def world(self) -> World:
        """See Folding. Made once."""
        if self._made is None:
            self._made = super().world()
        return self._made


class Live:
    """See the module. All methods belong to one event loop."""

    def __init__(self, log: EventLog, world: World | None = None) -> None:
        self._log = log
        self.world = world or World()
        self.stale = False
        """True while the log can't be asked whether there is more."""
        self.adopted: list[Callable[[Changes], None]] = []
        """Told at once of each change of the world: its rows that changed. They must be quick."""
        self._recent: deque[Recorded] = deque(maxlen=RECENT)
        self._node_waiters: dict[NodeId, set[asyncio.Future[None]]] = {}
        self._grown: asyncio.Future[None] | None = None
        self._catching_up = asyncio.Lock()

    def advance(self, events: Sequence[Recorded]) -> None:
        """Fold what is new among `events` and wake whom it concerns."""
        ahead = Ahead(self.world)
        ahead.fold(event for event in events if event.position > self.world.position)
        self.adopt(ahead)

    def adopt(self, ahead: Ahead) -> None:
        """Make a world that ran ahead the live one, now that its events are in the log."""
        if ahead.base.head != self.world.head:
            # The follower has read them, or some of them, from the log meanwhile.
            self.advance(ahead.events)
            return
        if not ahead.events:
            return
        self.world = ahead.world()
        self._recent.extend(ahead.events)
        changes = ahead.changes()
        for told in self.adopted:
            told(changes)
        for node_id in changes.get(desired_state.NAME, ()):
            self.wake(NodeId(str(node_id)))
        if self._grown is not None:
            self._grown.set_result(None)
            self._grown = None

    async def catch_up(self) -> None:
        """Read and fold all that the log has beyond the world. Errors: LogUnavailable."""
        async with self._catching_up:
            while True:
                try:
                    page = await self._log.read(self.world.position, limit=PAGE)
                except LogUnavailable:
                    self.stale = True
                    raise
                self.stale = False
                if not page:
                    return
                self.advance(page)
                # A long replay must not starve whoever is served meanwhile.
                await asyncio.sleep(0)

    def wake(self, node_id: NodeId) -> None:
        """Let whoever waits for this node look again."""
        for waiter in self._node_waiters.pop(node_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def waits(self, node_id: NodeId) -> bool:
        """Whether anybody waits for this node here, at this moment."""
        return node_id in self._node_waiters

    async def node_changed(self, node_id: NodeId, *, at_most: float) -> None:
        """Return when the node's desired state may have changed, or after `at_most` seconds.

        Call it without an await between looking at the world and waiting: nothing is missed then.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._node_waiters.setdefault(node_id, set())
        waiters.add(waiter)
        try:
            async with asyncio.timeout(at_most):
                await waiter
        except TimeoutError:
            return
        finally:
            waiters.discard(waiter)
            if not waiters and self._node_waiters.get(node_id) is waiters:
                del self._node_waiters[node_id]

    async def grown_beyond(self, position: Position, *, at_most: float) -> bool:
        """Whether the world is beyond `position`, waiting for it at most so many seconds."""
        try:
            async with asyncio.timeout(at_most):
                while self.world.position <= position:
                    if self._grown is None:
                        self._grown = asyncio.get_running_loop().create_future()
                    # Shielded: one reader that leaves must not cancel what the others wait for.
                    await asyncio.shield(self._grown)
        except TimeoutError:
            return False
        return True

    async def events_after(self, position: Position, *, limit: int) -> Sequence[Recorded]:
        """The next events behind `position`, from memory where they are recent.

        Errors: LogUnavailable when they are older than that and the log can't be read.
        """
        if position >= self.world.position:
            return []
        recent = self._recent
        if recent and recent[0].position <= position + 1:
            start = position + 1 - recent[0].position
            return [recent[i] for i in range(start, min(start + limit, len(recent)))]
        return await self._log.read(position, limit=limit)

    async def tail(self, after_: Position, *, idle: float) -> AsyncIterator[Sequence[Recorded]]:
        """Pages of events behind `after_`, for ever; an empty one after `idle` quiet seconds."""
        position = after_
        while True:
            page = await self.events_after(position, limit=500)
            if page:
                position = page[-1].position
                yield page
            elif not await self.grown_beyond(position, at_most=idle):
                yield []


async def follow(live: Live, log: EventLog, *, look_every: float = 5.0) -> None:
    """Keep the live world up with the log until cancelled. Level-based: wake-ups only say look.

    look_every: seconds; how long a lost wake-up may go unnoticed.
    """
    pause = 0.2
    while True:
        try:
            await live.catch_up()
        except LogUnavailable:
            await asyncio.sleep(pause)
            pause = min(pause * 2, look_every)
            continue
        pause = 0.2
        while True:
            heard_of = await log.wait(at_most=look_every, beyond=live.world.position)
            # What our own writer appended comes from it, and need not be read.
            if not START < heard_of <= live.world.position:
                break
