"""What goes to the interior router. `interior.py` keeps the connection.

A message is the edge router's until the interior router has confirmed it, and that is written
down. Many are in flight at once, bounded in number and bytes; when the connection is lost, those
that were not confirmed are offered again, in their order, and receivers recognise the ones that
had arrived by their id.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from agent.messages.flow import Flow
from agent.messages.routing import EdgeRouting, Outgoing
from routing.addresses import out_exchange
from routing.amqp_form import Envelope, written
from routing.amqp_shapes import NOT_ALLOWED, NOT_FOUND, AmqpError, ChannelRefused, NotTaken

if TYPE_CHECKING:
    from routing.amqp import Connection, Publisher

IN_HAND = 512
IN_HAND_BYTES = 4 * 1024 * 1024
"""That may be in flight or not written down as sent."""
AT_ONCE = 64
CONFIRMED_WITHIN = 30.0
"""Seconds after which a connection whose messages are not confirmed counts as lost."""
LOOKS_EVERY = 5.0


class Sending:
    """From one node."""

    def __init__(self, node_id: str, routing: EdgeRouting, told: Callable[[str], None]) -> None:
        """told: hears what is wrong while there is a connection; empty: nothing."""
        self._exchange = out_exchange(node_id)
        self._routing = routing
        self._told = told

    async def run(self, connection: "Connection") -> str:
        """Until cancelled; returns what is wrong with the connection."""
        line = _Line(self._exchange, self._routing, connection, self._told)
        try:
            return await line.run()
        finally:
            await line.end()


class _Line:
    """One connection's worth."""

    def __init__(
        self,
        exchange: str,
        routing: EdgeRouting,
        connection: "Connection",
        told: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._routing = routing
        self._connection = connection
        self._told = told
        self._flow = Flow()
        self._clock = asyncio.get_running_loop().time
        self._batch: deque[Outgoing] = deque()
        """Asked for, and not looked at."""
        self._in_flight: dict[int, tuple[Outgoing, float]] = {}
        """By number, in the order of their sending, and when that was."""
        self._bytes = 0
        """Of all that is in hand."""
        self._confirmed: list[Outgoing] = []
        self._settling: list[Outgoing] = []
        self._news = asyncio.Event()
        """There is something confirmed."""
        self._room = asyncio.Event()
        self._asking: asyncio.Timeout | None = None
        self._wrong: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._over = False

    async def run(self) -> str:
        try:
            publisher = await self._connection.publisher()
        except AmqpError as error:
            return _sentence(error)
        async with asyncio.TaskGroup() as tasks:
            running = (
                tasks.create_task(self._feed(publisher)),
                tasks.create_task(self._settle()),
                tasks.create_task(self._look()),
            )
            try:
                return await self._wrong
            finally:
                for task in running:
                    task.cancel()

    async def end(self) -> None:
        """Nothing is in hand after this."""
        self._over = True
        for outgoing, _ in self._in_flight.values():
            self._flow.not_taken(outgoing, "")
        self._in_flight.clear()
        self._routing.give_back_outgoing([*self._flow.going_back(self._clock()), *self._batch])
        for route_id in self._flow.stalled():
            self._routing.stalled(route_id, "")
        if confirmed := self._settling + self._confirmed:
            await self._routing.sent(confirmed)

    async def _feed(self, publisher: "Publisher") -> None:
        while not self._wrong.done():
            self._batch.extend(await self._next())
            while self._batch:
                outgoing = self._batch.popleft()
                if not self._flow.offer(outgoing, self._clock()):
                    continue
                self._in_flight[outgoing.number] = outgoing, self._clock()
                self._bytes += outgoing.message.size
                properties, body = written(outgoing.message, _envelope(outgoing), _now())
                try:
                    await publisher.send(
                        self._exchange, outgoing.key, body, properties,
                        partial(self._answered, outgoing),
                    )  # fmt: skip
                except (AmqpError, ValueError) as error:
                    self._answered(outgoing, error)
            self._give_back()

    async def _next(self) -> list[Outgoing]:
        """The next ones that may be sent; [] when it is worth to look again."""
        in_hand = len(self._in_flight) + len(self._confirmed) + len(self._settling)
        if in_hand >= IN_HAND or self._bytes >= IN_HAND_BYTES:
            self._room.clear()
            await self._room.wait()
            return []
        now = self._clock()
        waiting = self._flow.waiting(now)
        try:
            async with asyncio.timeout_at(self._flow.next_change(now)) as self._asking:
                return await self._routing.next_outgoing(
                    min(AT_ONCE, IN_HAND - in_hand), IN_HAND_BYTES - self._bytes, waiting
                )
        except TimeoutError:
            return []
        finally:
            self._asking = None

    def _answered(self, outgoing: Outgoing, error: Exception | None) -> None:
        if self._over or self._in_flight.pop(outgoing.number, None) is None:
            return  # it went back to its place
        if error is None:
            self._flow.taken(outgoing)
            self._confirmed.append(outgoing)
            self._news.set()
        else:
            self._bytes -= outgoing.message.size
            self._flow.not_taken(outgoing, str(error))
            if isinstance(error, AmqpError) and not isinstance(error, NotTaken):
                self._ends(_sentence(error))
                return
            self._room.set()
        told = self._flow.reasons()
        for route_id, reason in told.items():
            self._routing.stalled(route_id, reason)
        self._give_back()
        if "" in told.values() and self._asking is not None:
            # A route goes again that the question leaves out.
            self._asking.reschedule(self._clock())

    def _give_back(self) -> None:
        if back := self._flow.going_back(self._clock()):
            self._routing.give_back_outgoing(back)
            if self._asking is not None:
                self._asking.reschedule(self._flow.next_change(self._clock()))

    async def _settle(self) -> None:
        """Write down what was confirmed, all of it that came since the last time."""
        while True:
            await self._news.wait()
            self._news.clear()
            self._settling, self._confirmed = self._confirmed, []
            await self._routing.sent(self._settling)
            self._bytes -= sum(each.message.size for each in self._settling)
            self._settling = []
            self._room.set()

    async def _look(self) -> None:
        """That what is in flight is confirmed some day."""
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            if await self._connection.blocked():
                self._told("the interior router takes nothing: it is short of memory or disk")
                continue
            self._told("")
            _, oldest = next(iter(self._in_flight.values()), (None, self._clock()))
            if self._clock() - oldest > CONFIRMED_WITHIN:
                self._ends("the interior router confirms nothing")

    def _ends(self, why: str) -> None:
        if not self._wrong.done():
            self._wrong.set_result(why)


def _sentence(error: AmqpError) -> str:
    if isinstance(error, ChannelRefused) and error.code in (NOT_FOUND, NOT_ALLOWED):
        return "the controller has not prepared the interior router for this node yet"
    return str(error)


def _envelope(outgoing: Outgoing) -> Envelope:
    return Envelope(
        route_id=outgoing.route_id,
        route=outgoing.route,
        application=outgoing.application,
        input=outgoing.input,
        priority=outgoing.priority,
        expires_at=outgoing.expires_at,
        durable=outgoing.durable,
    )


def _now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
