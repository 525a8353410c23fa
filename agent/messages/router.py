"""The edge router of a node: takes messages, keeps them, and hands each to where it belongs.

Wired and started by `run.py`; asked by the Local API, the link to the interior router and the
proxies, as `routing.py` says. What waits is in places and their lanes (`lanes.py`); where a message
goes says the table of routes (`route_table.py`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from uuid import uuid4

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent.contract import RouteStatus
from agent.messages.lanes import Entry, Lane, Place, Way, in_order
from agent.messages.route_table import Elsewhere, Here, RouteTable, way_of
from agent.messages.routing import Delivery, MessageRefused, Outgoing, StoreFull
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from routing.message import LARGEST, Message

log = structlog.get_logger()

MEMORY_BYTES = 16 * 1024 * 1024
"""That messages of routes which are not durable may take together."""
TAKEN_AT_ONCE = 1024 * 1024
"""Bytes that an inbox gives at once, at most."""
WEIGHS = 256
"""Bytes that a message takes besides its own."""


class EdgeRouter:
    """The edge router of one node. Does `EdgeRouting`.

    path: of the file of the store, made when first needed. journal: takes what was dropped.
    now: milliseconds since 1970. on_news: there is something new to tell the controller.
    """

    def __init__(
        self,
        path: Path,
        journal: Journal,
        *,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._journal = journal
        self._now = now
        self._on_news = on_news
        self._table = RouteTable()
        self._lanes: dict[Way, Lane] = {}
        self._places: dict[str, _Waiting] = {}
        """By microservice; "" is the way to the interior router."""
        self._leased: dict[int, Entry] = {}
        self._numbers = count(1)
        self._sequences = count(1)
        self._memory_bytes = 0
        self._created = 0
        self.problem = ""
        """Why nothing can be stored; empty while it can."""

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._table = RouteTable(known)
        for lane in list(self._lanes.values()):
            self._lead(lane)

    async def run(self) -> None:
        """Until cancelled; to be started before anything is published."""
        await asyncio.Event().wait()

    # --- from microservices

    async def publish(self, publisher: str, message: Message) -> Message:
        """See EdgeRouting."""
        if message.size > LARGEST:
            raise MessageRefused(f"a message may have {LARGEST} bytes, and this has {message.size}")
        if not self._table.knows(publisher):
            raise MessageRefused("who sends it is not on this node")
        self._created = max(self._created, self._now())
        message = replace(
            message, message_id=uuid4().hex, created=self._created, publisher=publisher
        )
        chosen, _ = self._table.chosen(message)
        size = len(msgspec.msgpack.encode(message)) + WEIGHS
        if self._memory_bytes + size * len(chosen) > MEMORY_BYTES:
            raise StoreFull("as many messages wait as may")
        for route in chosen:
            lane = self._lane(way_of(route))
            expires_at = message.created + route.ttl * 1000 if route.ttl else 0
            self._memory_bytes += size
            lane.add(Entry(lane, next(self._sequences), message, size, message.created, expires_at))
            self._woken(lane)
        return message

    def inbox(self, microservice_id: str) -> "_Inbox":
        """See EdgeRouting."""
        return _Inbox(self, self._place(microservice_id))

    async def archived(
        self, publisher: str, receiver: str, begin: int, end: int, most_bytes: int
    ) -> list[Message]:
        """See EdgeRouting."""
        return []

    # --- to and from the interior router

    async def next_outgoing(self, most: int, most_bytes: int) -> list[Outgoing]:
        """See EdgeRouting."""
        place = self._place("")
        while True:
            if entries := self._taken(place, most, most_bytes):
                return [self._outgoing(entry) for entry in entries]
            place.woken.clear()
            await place.woken.wait()

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """See EdgeRouting."""
        await self.delivered([each.number for each in outgoing])

    def give_back_outgoing(self, outgoing: Sequence[Outgoing]) -> None:
        """See EdgeRouting."""
        self.offered_again([each.number for each in outgoing])

    async def receive(self, microservice_id: str, message: Message, input_name: str) -> None:
        """See EdgeRouting."""
        way = Way(
            route_id="", application="", route="", destination=microservice_id,
            input=input_name, durable=False,
        )  # fmt: skip
        lane = self._lane(way)
        entry = Entry(lane, next(self._sequences), message, 0, self._now())
        lane.add(entry)
        self._woken(lane)
        taken = self._place(microservice_id).taken.setdefault(
            entry.sequence, asyncio.get_running_loop().create_future()
        )
        await taken

    def linked(self, state: str, reason: str) -> None:
        """See EdgeRouting."""

    def statuses(self) -> list[RouteStatus]:
        """See EdgeRouting."""
        return [
            RouteStatus(
                route_id=lane.way.route_id,
                state="up",
                stored=lane.waiting,
                stored_bytes=lane.waiting_bytes,
            )
            for lane in self._lanes.values()
            if lane.way.route_id
        ]

    # --- of this module's own

    async def delivered(self, numbers: Sequence[int]) -> None:
        """Those leases are over: the receivers have what they were for."""
        for number in numbers:
            entry = self._leased.pop(number, None)
            if entry is None:
                continue
            entry.lane.gone(entry.size)
            self._memory_bytes -= entry.size
            waits = self._place(entry.lane.way.destination).taken.pop(entry.sequence, None)
            if waits is not None and not waits.done():
                waits.set_result(None)

    def offered_again(self, numbers: Sequence[int]) -> None:
        """Those leases are over, and nobody has what they were for."""
        entries = [e for n in numbers if (e := self._leased.pop(n, None)) is not None]
        for entry in in_order(entries):
            entry.lane.put_back(entry)
            self._woken(entry.lane)

    def lease(self, entry: Entry) -> int:
        """A number for one that somebody takes."""
        number = next(self._numbers)
        self._leased[number] = entry
        return number

    async def taken_within(self, place: "_Waiting", most: int, wait: float) -> list[Entry]:
        """The next ones of an inbox; [] when none came in time."""
        if entries := self._taken(place, most, TAKEN_AT_ONCE):
            return entries
        try:
            async with asyncio.timeout(wait):
                while True:
                    place.woken.clear()
                    await place.woken.wait()
                    if entries := self._taken(place, most, TAKEN_AT_ONCE):
                        return entries
        except TimeoutError:
            return []

    def _taken(self, place: "_Waiting", most: int, most_bytes: int) -> list[Entry]:
        taken = place.lanes.take(most, most_bytes, self._now())
        for entry in taken.expired:
            entry.lane.gone(entry.size)
            self._memory_bytes -= entry.size
        return taken.entries

    def _outgoing(self, entry: Entry) -> Outgoing:
        way = entry.lane.way
        return Outgoing(
            number=self.lease(entry),
            key=entry.lane.key,
            message=entry.message,
            route_id=way.route_id,
            application=way.application,
            route=way.route,
            input=way.input,
            expires_at=entry.expires_at,
            durable=way.durable,
            priority=way.priority,
        )

    def _lane(self, way: Way) -> Lane:
        lane = self._lanes.get(way)
        if lane is None:
            lane = self._lanes[way] = Lane(way)
            self._lead(lane)
        return lane

    def _lead(self, lane: Lane) -> None:
        """To where it leads now."""
        for place in self._places.values():
            if lane in place.lanes:
                place.lanes.remove(lane)
        match Here(lane.way.destination) if not lane.way.route_id else self._table.end_of(lane.way):
            case Here(microservice_id):
                self._place(microservice_id).lanes.add(lane)
            case Elsewhere(key):
                lane.key = key
                self._place("").lanes.add(lane)
            case None:
                del self._lanes[lane.way]
        self._woken(lane)

    def _place(self, microservice_id: str) -> "_Waiting":
        place = self._places.get(microservice_id)
        if place is None:
            place = self._places[microservice_id] = _Waiting(Place(), asyncio.Event(), {})
        return place

    def _woken(self, lane: Lane) -> None:
        for place in self._places.values():
            if lane in place.lanes:
                place.woken.set()


class _Waiting(Struct, eq=False):
    lanes: Place
    woken: asyncio.Event
    taken: dict[int, asyncio.Future[None]]


class _Inbox:
    """Does `Inbox`."""

    def __init__(self, router: EdgeRouter, place: _Waiting) -> None:
        self._router = router
        self._place = place

    async def next(self, most: int, wait: float) -> list[Delivery]:
        """See Inbox."""
        entries = await self._router.taken_within(self._place, most, wait)
        return [
            Delivery(
                number=self._router.lease(entry),
                message=entry.message,
                route=entry.lane.way.route,
                input=entry.lane.way.input,
            )
            for entry in entries
        ]

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox."""
        await self._router.delivered([each.number for each in deliveries])

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox."""
        self._router.offered_again([each.number for each in deliveries])
