"""What waits on this node, in memory and in the store, and who has it at the moment.

For the router alone, which says where each way leads (`lead`). Everything here happens on the event
loop; what is to be written or read goes through `commits.py`, and what comes of it is entered here
the moment it is known, whoever still waits for it.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct, field

from agent.messages.commits import Commits
from agent.messages.counts import Measures
from agent.messages.lanes import Entry, Lane, Place, Taken, Way, in_order
from agent.messages.route_table import Elsewhere, Here
from agent.messages.routing import StoreFull
from agent.messages.rows import WEIGHS, Dropped, Gone, Put, Row, Victim
from agent.messages.store import Store
from routing.message import Message

MEMORY_BYTES = 16 * 1024 * 1024
"""That messages of routes which are not durable may take together."""
WINDOW_BYTES = 8 * 1024 * 1024
"""Of messages that are in the store and in memory too, so that they need not be read."""
READ_AT_ONCE = 256
READ_BYTES = 256 * 1024
READ_WITHIN = 2.0
"""Seconds that somebody who would not wait waits for what is not in memory."""
READ_EARLY = 64
"""Fewer than that in a window, and the next are read."""
LOOKED_AT = 2000
"""Rows that one look for what is expired goes through: some milliseconds of the store's thread."""
BETWEEN_LOOKS = 0.05
"""Seconds."""


class Waiting(Struct, eq=False):
    """What waits at a place, and who waits for it."""

    lanes: Place = field(default_factory=Place)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    readers: int = 0
    asked_at: int = 0
    """When somebody asked last: milliseconds since 1970; 0: nobody did."""


class Keeping:
    """Of one node. path: of the store's file."""

    def __init__(self, path: Path, now: Callable[[], int], measures: Measures) -> None:
        self._now = now
        self._measures = measures
        self.commits = Commits(
            path,
            now=now,
            out=lambda: frozenset(self._out),
            on_opened=self._opened,
            on_victims=self._given_way,
        )
        self.lead: Callable[[Way], Here | Elsewhere | None] = lambda way: None
        self.on_taken: Callable[[Entry], None] = lambda entry: None
        """Somebody has one that came from another node, and that is written down."""
        self.is_wanted: Callable[[Entry], bool] = lambda entry: True
        """Whether one from another node is still to be offered."""
        self._lanes: dict[int, Lane] = {}
        self._by_way: dict[Way, Lane] = {}
        self._lane_numbers = count(1)
        self._places: dict[str, Waiting] = {}
        self._leased: dict[int, Entry] = {}
        self._leases = count(1)
        self._sequences = count(1)
        self._out: dict[tuple[int, int], Entry] = {}
        """Out of its window, and still in the store."""
        self._going: set[tuple[int, int]] = set()
        """About to be gone from the store."""
        self.opened = asyncio.Event()
        """The store is open; or there is none, and it is made when it is needed."""
        self._opened_once = False
        self._knows_ways = False
        self._window_bytes = 0
        self._soonest = 0
        """When the next may expire; 0: never."""
        self.memory_bytes = 0
        self.drop_oldest = False
        self.unreadable = ""
        """Why what was in the store is not there any more."""

    # --- places

    def place(self, name: str) -> Waiting:
        """The one of that microservice, or "": the way to the interior router."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Waiting()
        return place

    def lanes(self) -> Iterable[Lane]:
        """All there are."""
        return self._lanes.values()

    def led_anew(self, places: Collection[str]) -> None:
        """Routes or microservices are others now. places: microservices of this node."""
        self._knows_ways = True
        for lane in list(self._lanes.values()):
            if not lane.dead:
                self._lead(lane)
        for lane in list(self._lanes.values()):
            if not lane.waiting and not lane.coming:
                self._forget(lane)
        for name in [n for n in self._places if n and n not in places]:
            if not any(self._places[name].lanes) and not self._places[name].readers:
                del self._places[name]

    def _lead(self, lane: Lane) -> None:
        if not self._knows_ways:
            return  # nothing leads anywhere yet, which does not mean that it leads nowhere
        end = self.lead(lane.way)
        if isinstance(end, Here):
            self._put_at(lane, end.microservice_id)
        elif isinstance(end, Elsewhere):
            lane.key = end.key
            self._put_at(lane, "")
        else:
            self._put_at(lane, None)
            self._nowhere(lane)

    def _put_at(self, lane: Lane, name: str | None) -> None:
        if lane.place != name and lane.place is not None:
            self.place(lane.place).lanes.remove(lane)
        if lane.place != name and name is not None:
            self.place(name).lanes.add(lane)
        lane.place = name
        if name is not None:
            self.place(name).woken.set()

    def _nowhere(self, lane: Lane) -> None:
        """Nothing of it can be delivered any more."""
        lane.dead = True
        self._forget(lane)
        for entry in list(lane.window):
            self._drop(entry, "gone")
        lane.window.clear()
        if lane.way.durable and not lane.whole:
            self._drop_stored(lane, 0)

    def _drop_stored(self, lane: Lane, after: int) -> None:
        def drop(rows: list[tuple[int, int, int]]) -> None:
            for sequence, size, copies in rows:
                if self._stands(lane.number, sequence):
                    self._remove(lane, sequence, copies)
                    self._count_drop(lane, size, "gone")
            if rows:
                self._drop_stored(lane, rows[-1][0])

        self.commits.ask(
            lambda store: store.reading.of_lane(lane.number, after, READ_AT_ONCE), drop
        )

    def _forget(self, lane: Lane) -> None:
        self._put_at(lane, None)
        if self._by_way.get(lane.way) is lane:
            del self._by_way[lane.way]
        if not lane.waiting and not lane.coming:
            self._lanes.pop(lane.number, None)

    def _lane(self, way: Way) -> Lane:
        lane = self._by_way.get(way)
        if lane is None:
            lane = self._by_way[way] = Lane(way, next(self._lane_numbers))
            self._lanes[lane.number] = lane
            self._lead(lane)
        return lane

    # --- in

    def keep(
        self, message: Message, to: Sequence[tuple[Way, int]], archive: str
    ) -> asyncio.Future[None] | None:
        """Take a message; None: it is kept as far as it is to be, else it is when that is done.

        to: each way, and when it expires there. archive: its publisher, if it is to be archived.
        What memory alone keeps is offered at once, also where the rest turns out not to be kept:
        to wait for the disk would hold up those who do not want to.
        Errors: StoreFull, also of what is returned.
        """
        content = msgspec.msgpack.encode(message)
        size = len(content) + WEIGHS
        brief = [(way, expires_at) for way, expires_at in to if not way.durable]
        if brief:
            self._room_in_memory(size * len(brief))
        for way, expires_at in brief:
            self.memory_bytes += size
            self._measures.of(way.route_id).accepted += 1
            lane = self._lane(way)
            self._arrived(
                lane, Entry(lane, next(self._sequences), message, size, message.created, expires_at)
            )
        lasting = [(self._lane(way), expires_at) for way, expires_at in to if way.durable]
        if not lasting and not archive:
            return None
        return self._put(message, content, lasting, archive)

    def _put(
        self, message: Message, content: bytes, to: list[tuple[Lane, int]], archive: str
    ) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        put = Put(
            content,
            message.created,
            [(lane.number, lane.way, expires_at) for lane, expires_at in to],
            archive,
        )
        copies, size = len(to) + bool(archive), put.size

        def kept(sequence: int | None) -> None:
            for lane, expires_at in to:
                lane.coming -= 1
                if sequence is not None:
                    self._stored(
                        Entry(lane, sequence, message, size, message.created, expires_at, copies)
                    )
            if future.done():
                return  # whoever published has gone
            if sequence is None and to:
                future.set_exception(StoreFull(self.commits.problem or FULL))
            else:
                future.set_result(None)

        for lane, _ in to:
            lane.coming += 1
        self.commits.put(put, kept)
        return future

    def _stored(self, entry: Entry) -> None:
        """It is on the disk: in its window too, if all before it is and there is room."""
        lane = entry.lane
        self._measures.of(lane.way.route_id).accepted += 1
        if lane.dead:
            lane.count(entry.size, entry.at)
            self._window_bytes += entry.size
            self._drop(entry, "gone")
        elif lane.whole and (not lane.window or self._window_bytes + entry.size <= WINDOW_BYTES):
            self._window_bytes += entry.size
            self._arrived(lane, entry)
        else:
            lane.whole = False
            lane.count(entry.size, entry.at)
            self._expires(entry.expires_at)
            self._wake(lane)

    def _arrived(self, lane: Lane, entry: Entry) -> None:
        lane.add(entry)
        self._expires(entry.expires_at)
        self._wake(lane)

    def bring(
        self, microservice_id: str, input_name: str, message: Message, digest: bytes
    ) -> Entry:
        """One from another node waits for a microservice here from now on."""
        lane = self._lane(
            Way(
                route_id="", application="", route="", destination=microservice_id,
                input=input_name, durable=False,
            )
        )  # fmt: skip
        entry = Entry(
            lane, next(self._sequences), message, message.size, self._now(), digest=digest
        )
        self._arrived(lane, entry)
        return entry

    def take_back(self, entry: Entry) -> None:
        """It is not to be offered any more. Its receiver must not have it."""
        if entry.lane.remove(entry):
            entry.lane.gone(entry.size)

    def _room_in_memory(self, size: int) -> None:
        while self.memory_bytes + size > MEMORY_BYTES:
            victim = self._oldest_in_memory() if self.drop_oldest else None
            if victim is None:
                raise StoreFull("as many messages wait in memory as may")
            victim.lane.remove(victim)
            self._drop(victim, "full")

    def _oldest_in_memory(self) -> Entry | None:
        """Of the least urgent."""
        heads = [
            lane.window[0]
            for lane in self._lanes.values()
            if lane.window and lane.way.route_id and not lane.way.durable
        ]
        return max(heads, key=lambda e: (e.lane.way.urgency, -e.sequence), default=None)

    # --- out

    async def take(
        self,
        place: Waiting,
        most: int,
        most_bytes: int,
        wait: float | None,
        without: Collection[str] = (),
    ) -> list[Entry]:
        """The next ones, theirs who asks until `done` or `offer_again`; [] when none came within
        so many seconds, and what is in the store had time to be read."""
        place.readers += 1
        clock = asyncio.get_running_loop().time
        until = None if wait is None else clock() + wait
        try:
            async with asyncio.timeout_at(until) as limit:
                while True:
                    place.asked_at = self._now()
                    taken = self._take(place, most, most_bytes, without)
                    if taken.entries:
                        return taken.entries
                    if taken.missing is not None and until is not None:
                        limit.reschedule(max(until, clock() + READ_WITHIN))
                    place.woken.clear()
                    await place.woken.wait()
        except TimeoutError:
            return []
        finally:
            place.readers -= 1

    def _take(self, place: Waiting, most: int, most_bytes: int, without: Collection[str]) -> Taken:
        taken = place.lanes.take(most, most_bytes, self._now(), without)
        for entry in taken.expired:
            self._drop(entry, "expired")
        if taken.missing is not None:
            self._read_on(taken.missing)
        for entry in taken.entries:
            if entry.copies:
                self._out[entry.lane.number, entry.sequence] = entry
            if not entry.lane.whole and len(entry.lane.window) < READ_EARLY:
                self._read_on(entry.lane)
        return taken

    def lease(self, entry: Entry) -> int:
        """A number by which whoever took it speaks of it."""
        number = next(self._leases)
        self._leased[number] = entry
        return number

    def done(self, numbers: Sequence[int]) -> asyncio.Future[None] | None:
        """They are where they belong; None, or when that is written down."""
        entries = [e for n in numbers if (e := self._leased.pop(n, None)) is not None]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def over() -> None:
            for entry in entries:
                self._delivered(entry)
            if not future.done():
                future.set_result(None)

        written = False
        for entry in entries:
            if entry.digest:
                self.commits.taken(entry.digest)
            elif entry.copies:
                self.commits.gone(Gone(entry.lane.number, entry.sequence, entry.copies))
            else:
                continue
            written = True
        if not written:
            over()
            return None
        self.commits.then(over)
        return future

    def _delivered(self, entry: Entry) -> None:
        self._out.pop((entry.lane.number, entry.sequence), None)
        self._leaves(entry)
        if entry.digest:
            self.on_taken(entry)
            return
        counts = self._measures.of(entry.lane.way.route_id)
        counts.delivered += 1
        counts.latency.observe(max(0, self._now() - entry.at) / 1000)

    def offer_again(self, numbers: Sequence[int]) -> None:
        """Nobody has them: they are in their places again."""
        entries = [e for n in numbers if (e := self._leased.pop(n, None)) is not None]
        for entry in in_order(entries):
            self._out.pop((entry.lane.number, entry.sequence), None)
            if entry.lane.dead:
                self._drop(entry, "gone")
            elif entry.digest and not self.is_wanted(entry):
                self._leaves(entry)
            else:
                entry.lane.put_back(entry)
                self._wake(entry.lane)

    def _leaves(self, entry: Entry) -> None:
        lane = entry.lane
        lane.gone(entry.size)
        if entry.digest:
            pass
        elif lane.way.durable:
            self._window_bytes -= entry.size
        else:
            self.memory_bytes -= entry.size
        if lane.dead and not lane.waiting and not lane.coming:
            self._lanes.pop(lane.number, None)

    def _wake(self, lane: Lane) -> None:
        if lane.place is not None:
            self.place(lane.place).woken.set()

    # --- read from the store

    def _read_on(self, lane: Lane) -> None:
        if lane.reading or lane.whole:
            return
        lane.reading = True

        def read(found: tuple[list[Row], bool]) -> None:
            rows, lane.whole = found
            lane.reading = False
            for row in rows:
                lane.last = row.sequence
                if lane.dead:
                    continue  # `_nowhere` has these looked for
                if row.message is None:
                    self._remove(lane, row.sequence, row.copies)
                    self._count_drop(lane, row.size, "unreadable")
                    continue
                self._window_bytes += row.size
                lane.window.append(
                    Entry(
                        lane, row.sequence, row.message, row.size, row.at, row.expires_at,
                        row.copies,
                    )
                )  # fmt: skip
            self._wake(lane)

        self.commits.ask(
            lambda store: store.reading.next_of(lane.number, lane.last, READ_AT_ONCE, READ_BYTES),
            read,
        )

    def _opened(self, store: Store) -> None:
        if store.broken is not None:
            self.unreadable = (
                f"the store of messages could not be read and is kept as {store.broken.name}: "
                "what waited in it is lost"
            )
        if self._opened_once:
            self._lost_all_stored()
        self._opened_once = True
        highest = 0
        for found in store.found:
            highest = max(highest, found.lane)
            lane = Lane(found.way, found.lane, whole=False)
            lane.waiting, lane.waiting_bytes = found.waiting, found.size
            lane.oldest_at = found.oldest_at
            self._lanes[lane.number] = lane
            self._by_way.setdefault(lane.way, lane)
            self._expires(found.soonest)
            self._lead(lane)
        self._lane_numbers = count(max(highest + 1, next(self._lane_numbers)))
        self.opened.set()

    def _lost_all_stored(self) -> None:
        """The file broke: what is in memory of it is delivered all the same."""
        in_memory: dict[int, list[Entry]] = {}
        for lane in self._lanes.values():
            in_memory[lane.number] = list(lane.window)
        for entry in self._out.values():  # also those whose receivers are just saying so
            in_memory.setdefault(entry.lane.number, []).append(entry)
        for lane in self._lanes.values():
            if not lane.way.durable:
                continue
            left = in_memory[lane.number]
            for entry in left:
                entry.copies = 0
            size = lane.waiting_bytes - sum(entry.size for entry in left)
            if (missing := lane.waiting - len(left)) > 0:
                self._count_drop(lane, size, "unreadable", missing)
            lane.whole, lane.reading = True, False
        self._out.clear()

    # --- dropped

    def _drop(self, entry: Entry, reason: str) -> None:
        """It is out of its window already."""
        if entry.copies:
            self._remove(entry.lane, entry.sequence, entry.copies)
        if entry.digest:
            self._leaves(entry)  # the broker has it still
            return
        self._told_dropped(entry.lane.way.route_id, reason, 1, entry.size)
        self._leaves(entry)

    def _remove(self, lane: Lane, sequence: int, copies: int) -> None:
        """Nobody has it, and nobody is to: from the store."""
        key = lane.number, sequence
        self._going.add(key)
        self.commits.gone(Gone(lane.number, sequence, copies))
        self.commits.then(lambda: self._going.discard(key))

    def _stands(self, lane: int, sequence: int) -> bool:
        """Whether what was found in the store waits there, and for nobody yet."""
        return (lane, sequence) not in self._out and (lane, sequence) not in self._going

    def _count_drop(self, lane: Lane, size: int, reason: str, many: int = 1) -> None:
        """Of one that is in the store alone."""
        lane.gone(size, many)
        self._told_dropped(lane.way.route_id, reason, many, size)

    def _told_dropped(self, route_id: str, reason: str, messages: int, size: int) -> None:
        self._measures.drop(route_id, reason, messages)
        self.commits.dropped(Dropped(route_id, reason, messages, size, self._now()))

    def refused(self, route_id: str, reason: str, size: int) -> None:
        """One that was not even taken, and whose sender can't be told so, is dropped."""
        self._told_dropped(route_id, reason, 1, size)

    def _given_way(self, victims: list[Victim]) -> None:
        """The store has dropped these, and counted that."""
        for each in victims:
            lane = self._lanes.get(each.lane)
            if lane is None:
                continue
            out = self._out.pop((each.lane, each.sequence), None)
            if out is not None:
                out.copies = 0  # its receiver has it, and may say so yet
                continue
            self._measures.drop(lane.way.route_id, "full")
            for entry in lane.window:
                if entry.sequence >= each.sequence:
                    if entry.sequence == each.sequence:
                        lane.remove(entry)
                        self._window_bytes -= entry.size
                    break
            lane.gone(each.size)

    # --- expired

    def _expires(self, at: int) -> None:
        if at and (not self._soonest or at < self._soonest):
            self._soonest = at

    async def sweep(self) -> None:
        """Drop whatever is expired, wherever it waits."""
        now = self._now()
        if not self._soonest or self._soonest > now:
            return
        self._soonest = 0
        for lane in list(self._lanes.values()):
            if lane.way.durable:
                continue
            for entry in lane.without(lambda entry: 0 < entry.expires_at <= now):
                self._drop(entry, "expired")
            self._expires(min((e.expires_at for e in lane.window if e.expires_at), default=0))
            await asyncio.sleep(0)
        after: tuple[int, int] | None = (0, 0)
        while after is not None:
            after = await self._look_for_expired(now, after)
            await asyncio.sleep(BETWEEN_LOOKS)

    async def _look_for_expired(self, now: int, after: tuple[int, int]) -> tuple[int, int] | None:
        looked: asyncio.Future[tuple[int, int] | None]
        looked = asyncio.get_running_loop().create_future()

        def found(
            those: tuple[list[tuple[int, int, int, int]], tuple[int, int] | None, int],
        ) -> None:
            gone, last, soonest = those
            self._expires(soonest)
            by_lane: dict[int, dict[int, tuple[int, int]]] = {}
            for number, sequence, size, copies in gone:
                if self._stands(number, sequence):
                    by_lane.setdefault(number, {})[sequence] = size, copies
            for number, rows in by_lane.items():
                if (lane := self._lanes.get(number)) is not None and not lane.dead:
                    self._expire(lane, rows)
            if not looked.done():
                looked.set_result(last)

        self.commits.ask(lambda store: store.reading.expired(now, after, LOOKED_AT), found)
        return await looked

    def _expire(self, lane: Lane, rows: dict[int, tuple[int, int]]) -> None:
        for entry in lane.without(lambda entry: entry.sequence in rows):
            self._drop(entry, "expired")
            del rows[entry.sequence]
        for sequence, (size, copies) in rows.items():
            self._remove(lane, sequence, copies)
            self._count_drop(lane, size, "expired")

    # --- the end

    def lose_memory(self) -> None:
        """The agent stops: what only its memory kept is lost."""
        for lane in self._lanes.values():
            if not lane.way.durable and lane.way.route_id and lane.waiting:
                self._told_dropped(lane.way.route_id, "lost", lane.waiting, lane.waiting_bytes)


FULL = "as many messages wait on this node as may: some have to be delivered, or to expire, first"
