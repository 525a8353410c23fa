"""The edge router of a node: takes messages, keeps them, and hands each to where it belongs.

Wired and started by `run.py`; asked by the Local API, the link to the interior router and the
proxies, as `routing.py` says. Where a message goes says the table of routes (`route_table.py`);
what waits is in `keeping.py`, on the disk below it in `store.py`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from uuid import uuid4

import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent.contract import Route, RouteStatus
from agent.messages.arrivals import Arrivals
from agent.messages.conditions import Conditions
from agent.messages.counts import Measures
from agent.messages.keeping import MEMORY_BYTES, Keeping, Waiting
from agent.messages.lanes import Lane, Way
from agent.messages.route_table import Elsewhere, RouteTable, way_of
from agent.messages.routing import Delivery, MessageRefused, Outgoing, StoreFull
from agent.messages.rows import MIB, Limits
from agent.messages.statuses import Circumstances, status
from agent.messages.telling import DropTelling, StatusTelling
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from routing.message import JSON, LARGEST, UTF_8, Message

log = structlog.get_logger()

TAKEN_AT_ONCE = 1024 * 1024
"""Bytes that an inbox gives at once, unless one message alone has more."""
OPENED_WITHIN = 10.0
"""Seconds that a publisher waits for the store after a start."""
SWEEP_EVERY = 30.0
TELL_EVERY = 60.0
"""Seconds between the words about what was dropped."""
LOOK_EVERY = 1.0
ARCHIVE_ROWS = 500
"""That are gone through at once, when somebody asks for what was."""
TWIN_CHANGES = 1000
"""That may wait to become messages."""


class EdgeRouter:
    """The edge router of one node. Does `EdgeRouting`.

    path: of the file of the store, made when first needed. journal: takes what was dropped.
    node: its name. now: milliseconds since 1970. on_news: there is something new to tell the
    controller.
    """

    def __init__(
        self,
        path: Path,
        journal: Journal,
        *,
        node: str = "",
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._node = node
        self._now = now
        self._on_news = on_news
        self._measures = Measures()
        self._keeping = Keeping(path, now, self._measures)
        self._keeping.lead = lambda way: self._table.end_of(way)
        self._arrivals = Arrivals(self._keeping, self._count_received)
        self._conditions = Conditions()
        self._table = RouteTable()
        self._wished: Known | None = None
        """What is to be gone by as soon as its conditions are understood."""
        self._wish_news = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._gate = asyncio.Lock()
        self._twin_changes: deque[tuple[str, bytes]] = deque()
        self._twin_news = asyncio.Event()
        self._node_ttl = 0
        self._created = 0
        self._link = "waiting", "the link to the interior router was not tried yet"
        self._stalled: dict[str, str] = {}
        self._refusing: _Refusal | None = None
        self._drops = DropTelling(self._keeping.commits, journal, on_news)
        self._keeping.commits.at_end = self._keeping.lose_memory
        self._keeping.commits.last_words = self._drops.tell
        self.news = StatusTelling(self.statuses)

    @property
    def problem(self) -> str:
        """What is wrong with the store; empty while nothing is."""
        keeping = self._keeping
        return "; ".join(each for each in (keeping.commits.problem, keeping.unreadable) if each)

    # --- what should be

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        if self._conditions.know(known.routes):
            self._go_by(known)
        else:
            self._wished = known
            self._settled.clear()
            self._wish_news.set()

    def _go_by(self, known: Known) -> None:
        self._wished = None
        self._conditions.keep_only(known.routes)
        self._table = RouteTable(known, self._conditions.of, self._node)
        self._node_ttl = known.node.message_ttl
        drop_oldest = known.node.when_full == "drop-oldest"
        self._keeping.drop_oldest = drop_oldest
        self._keeping.commits.limits = Limits(
            size=known.node.message_store_mib * MIB, drop_oldest=drop_oldest
        )
        self._keeping.led_anew(known.microservices)
        held = {lane.way.route_id for lane in self._keeping.lanes()}
        for route_id in self._measures.routes.keys() - self._table.routes.keys() - held:
            del self._measures.routes[route_id]
        self._stalled = {k: v for k, v in self._stalled.items() if k in self._table.routes}
        self._settled.set()

    async def run(self) -> None:
        """Until cancelled. Nothing is kept, and nothing over, before this runs."""
        async with asyncio.TaskGroup() as tasks:
            if self._path.exists():
                self._keeping.commits.open()
            else:
                self._keeping.opened.set()
            tasks.create_task(self._keeping.commits.run())
            tasks.create_task(self._understand())
            tasks.create_task(self._tell_of_twins())
            tasks.create_task(self._every(SWEEP_EVERY, self._keeping.sweep))
            tasks.create_task(self._every(TELL_EVERY, self._drops.tell_if_any))
            tasks.create_task(self._every(LOOK_EVERY, self._look))

    async def _every(self, seconds: float, do: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(seconds)
            done = do()
            if asyncio.iscoroutine(done):
                await done

    def _look(self) -> None:
        if self.news.due() is not None:
            self._on_news()

    async def _understand(self) -> None:
        while True:
            await self._wish_news.wait()
            self._wish_news.clear()
            while (known := self._wished) is not None:
                await self._conditions.understand(known.routes)
                if known is self._wished:
                    self._go_by(known)

    # --- from microservices

    async def publish(self, publisher: str, message: Message) -> Message:
        """See EdgeRouting."""
        if message.size > LARGEST:
            raise MessageRefused(f"a message may have {LARGEST} bytes, and this has {message.size}")
        began = time.perf_counter()
        try:
            async with self._gate:  # who came first goes on first
                await self._ready()
                message, future = self._keep(publisher, message)
            if future is not None:
                await future
            else:
                await asyncio.sleep(0)  # nothing above waits: receivers have to have their turn
        except StoreFull as error:
            self._measures.refused += 1
            self._refusing = _Refusal(str(error), message.size)
            raise
        self._measures.published += 1
        self._refusing = None
        self._measures.acceptance.observe(time.perf_counter() - began)
        return message

    async def _ready(self) -> None:
        """The store is open, the routes are known, and not too much waits to be written."""
        if not (self._settled.is_set() and self._keeping.opened.is_set()):
            try:
                async with asyncio.timeout(OPENED_WITHIN):
                    await self._settled.wait()
                    await self._keeping.opened.wait()
            except TimeoutError:
                raise StoreFull(self.problem or "this node has only just started") from None
        commits = self._keeping.commits
        while commits.crowded:
            commits.eased.clear()
            await commits.eased.wait()

    def _keep(
        self, publisher: str, message: Message
    ) -> tuple[Message, asyncio.Future[None] | None]:
        if not self._table.knows(publisher):
            raise MessageRefused("the microservice that sends it does not belong on this node")
        self._created = max(self._created, self._now())
        message = replace(
            message, message_id=uuid4().hex, created=self._created, publisher=publisher
        )
        chosen, undefined = self._table.chosen(message)
        future = self._keeping.keep(
            message,
            [(way_of(route), self._expires_at(route)) for route in chosen],
            publisher if self._table.archives(publisher) and not message.twin_change else "",
        )
        for route in undefined:
            self._measures.of(route.route_id).undefined += 1
        self._measures.unrouted += not chosen
        return message, future

    def _expires_at(self, route: Route) -> int:
        seconds = self._node_ttl if route.ttl is None else route.ttl
        return self._created + seconds * 1000 if seconds > 0 else 0

    def twin_changed(self, microservice_id: str, patch: bytes) -> None:
        """It has changed what it reports of itself: by this, a JSON merge patch."""
        if not self._table.looks_at_twin(microservice_id):
            return
        if len(self._twin_changes) == TWIN_CHANGES:
            self._lost_twin_change(*self._twin_changes.popleft())
        self._twin_changes.append((microservice_id, patch))
        self._twin_news.set()

    async def _tell_of_twins(self) -> None:
        while True:
            await self._twin_news.wait()
            self._twin_news.clear()
            while self._twin_changes:
                microservice_id, patch = self._twin_changes.popleft()
                try:
                    await self.publish(microservice_id, _of_twin(microservice_id, patch))
                except MessageRefused:
                    continue  # it has left the node meanwhile
                except StoreFull:
                    self._lost_twin_change(microservice_id, patch)

    def _lost_twin_change(self, microservice_id: str, patch: bytes) -> None:
        """There is no room, and nobody who could be told to try again."""
        routes, _ = self._table.chosen(_of_twin(microservice_id, patch))
        for route in routes:
            self._keeping.refused(route.route_id, "full", len(patch))

    def inbox(self, microservice_id: str) -> "EdgeInbox":
        """See EdgeRouting."""
        return EdgeInbox(self._keeping, microservice_id)

    async def archived(
        self, publisher: str, receiver: str, begin: int, end: int, most_bytes: int
    ) -> list[Message]:
        """See EdgeRouting."""
        await self._ready()
        if not self._table.leads(publisher, receiver) or not self._path.exists():
            return []
        commits, found, after = self._keeping.commits, list[Message](), 0
        while True:
            answer: asyncio.Future[tuple[list[Message], int | None]]
            answer = asyncio.get_running_loop().create_future()
            left = most_bytes - sum(message.size for message in found)

            def told(
                what: tuple[list[Message], int | None],
                answer: asyncio.Future[tuple[list[Message], int | None]] = answer,
            ) -> None:
                if not answer.done():
                    answer.set_result(what)

            commits.ask(
                lambda store, after=after, left=left: store.reading.archived(  # type: ignore[misc]
                    publisher, begin, end, after, ARCHIVE_ROWS, left
                ),
                told,
            )
            messages, further = await answer
            found += messages
            if further is None:
                return found
            after = further

    # --- to and from the interior router

    async def next_outgoing(
        self, most: int, most_bytes: int, without: Collection[str] = ()
    ) -> list[Outgoing]:
        """See EdgeRouting."""
        keeping = self._keeping
        entries = await keeping.take(keeping.place(""), most, most_bytes, None, without)
        return [
            Outgoing(
                number=keeping.lease(entry),
                key=entry.lane.key,
                message=entry.message,
                route_id=entry.lane.way.route_id,
                application=entry.lane.way.application,
                route=entry.lane.way.route,
                input=entry.lane.way.input,
                expires_at=entry.expires_at,
                durable=entry.lane.way.durable,
                priority=entry.lane.way.priority,
            )
            for entry in entries
        ]

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """See EdgeRouting."""
        if (written := self._keeping.done([each.number for each in outgoing])) is not None:
            await written

    def give_back_outgoing(self, outgoing: Sequence[Outgoing]) -> None:
        """See EdgeRouting."""
        self._keeping.offer_again([each.number for each in outgoing])

    async def receive(self, microservice_id: str, message: Message, input_name: str) -> None:
        """See EdgeRouting."""
        await self._arrivals.receive(microservice_id, message, input_name)

    def _count_received(self, publisher: str, receiver: str, input_name: str) -> None:
        route = self._table.received_by(publisher, receiver, input_name)
        if route is not None:
            self._measures.of(route.route_id).received += 1

    # --- how it stands

    def linked(self, state: str, reason: str) -> None:
        """See EdgeRouting."""
        self._link = state, reason

    def stalled(self, route_id: str, reason: str) -> None:
        """See EdgeRouting."""
        if reason:
            self._stalled[route_id] = reason
        else:
            self._stalled.pop(route_id, None)

    def statuses(self) -> list[RouteStatus]:
        """See EdgeRouting."""
        link, link_reason = self._link
        around = Circumstances(
            now=self._now(),
            link=link,
            link_reason=link_reason,
            stalled=self._stalled,
            refusing=self._keeping.commits.problem or self._still_refused(),
        )
        by_route: dict[str, list[Lane]] = {route_id: [] for route_id in self._table.routes}
        for lane in self._keeping.lanes():
            if lane.way.route_id and (lane.waiting or lane.way.route_id in by_route):
                by_route.setdefault(lane.way.route_id, []).append(lane)
        return [self._status(route_id, by_route[route_id], around) for route_id in sorted(by_route)]

    def _still_refused(self) -> str:
        """Why the message that was refused last would be refused again; empty: it would not."""
        last, keeping = self._refusing, self._keeping
        if last is None:
            return ""
        limit = keeping.commits.limits.size
        room = min(limit - keeping.commits.used, MEMORY_BYTES - keeping.memory_bytes)
        return last.why if room < last.size + limit // 32 else ""

    def _status(self, route_id: str, lanes: list[Lane], around: Circumstances) -> RouteStatus:
        route = self._table.routes.get(route_id)
        way = way_of(route) if route is not None else lanes[0].way
        from_here = route is None or self._table.starts_here(route)
        return status(
            route_id,
            lanes,
            self._measures.of(route_id),
            around,
            elsewhere=isinstance(self._table.end_of(way), Elsewhere) or not from_here,
            misunderstood=self._conditions.problem(route) if route is not None else "",
            asked_at=self._asked_at(way),
        )

    def _asked_at(self, way: Way) -> int:
        place = self._keeping.place(way.destination) if way.destination else Waiting()
        return self._now() if place.readers else place.asked_at

    def measures(self) -> Measures:
        """Counts since the start, and how much waits at this moment."""
        measures, keeping = self._measures, self._keeping
        measures.commits = keeping.commits.commits
        measures.waiting = sum(lane.waiting for lane in keeping.lanes())
        measures.store_bytes = keeping.commits.used
        measures.store_limit_bytes = keeping.commits.limits.size
        measures.memory_bytes = keeping.memory_bytes
        measures.memory_limit_bytes = MEMORY_BYTES
        return measures


class _Refusal(Struct, frozen=True):
    """Of a message that had so many bytes."""

    why: str
    size: int


class EdgeInbox:
    """Does `Inbox`."""

    def __init__(self, keeping: Keeping, microservice_id: str) -> None:
        self._keeping = keeping
        self._microservice_id = microservice_id

    async def next(self, most: int, wait: float) -> list[Delivery]:
        """See Inbox."""
        place = self._keeping.place(self._microservice_id)
        entries = await self._keeping.take(place, most, TAKEN_AT_ONCE, wait)
        return [
            Delivery(
                number=self._keeping.lease(entry),
                message=entry.message,
                route=entry.lane.way.route,
                input=entry.lane.way.input,
            )
            for entry in entries
        ]

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox."""
        if (written := self._keeping.done([each.number for each in deliveries])) is not None:
            await written

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox."""
        self._keeping.offer_again([each.number for each in deliveries])


def _of_twin(microservice_id: str, patch: bytes) -> Message:
    return Message(
        publisher=microservice_id,
        twin_change=True,
        content_type=JSON,
        content_encoding=UTF_8,
        body=patch,
    )
