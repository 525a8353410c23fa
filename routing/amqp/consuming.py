"""Messages from a queue of the interior router, over one channel. Made by `connection.py`."""

import asyncio
from collections import deque

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp import commands

from routing.amqp.life import Life, quietly
from routing.amqp.properties import from_library
from routing.amqp_shapes import NOT_FOUND, AmqpError, Arrival, ChannelRefused

MOST_UNASKED = 67_108_864
"""Bytes that may wait here of a consumer without acknowledgements."""


class Arrivals:
    """An iterator that ends by an error alone: LinkLost, or ChannelRefused when the queue is
    taken away. Each one is the reader's until `done` or `reject`, unless it came `no_ack`."""

    def __init__(self, queue: str, channel: Channel, life: Life) -> None:
        self._queue = queue
        self._channel = channel
        self._life = life
        self._no_ack = False
        self._waiting: deque[Arrival] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self._over: AmqpError | None = None
        self._held: dict[int, None] = {}
        """Tags that are the reader's, in their order."""
        self._done: set[int] = set()
        self._rejected: dict[int, bool] = {}
        """Those to give up, and whether they are to come again."""
        self._settled = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None

    async def begin(self, *, exclusive: bool, no_ack: bool) -> None:
        """Called by `Connection.consuming`, once."""
        self._no_ack = no_ack
        self._channel.closing.add_done_callback(self._closed)
        self._channel.on_consumer_cancel_callbacks.add(self._taken_away)
        await self._channel.basic_consume(
            self._queue, self._arrived, no_ack=no_ack, exclusive=exclusive
        )
        if not no_ack:
            self._settling = asyncio.create_task(self._settle())

    async def end(self, within: float) -> None:
        """Called by `Connection.consuming`: what was settled is said, all else comes again."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.wait([self._settling])
        await quietly(self._say(), within)
        await quietly(self._channel.close(), within)

    def __aiter__(self) -> "Arrivals":
        return self

    async def __anext__(self) -> Arrival:
        while not self._waiting:
            if self._over is not None:
                raise self._over
            self._news.clear()
            await self._news.wait()
        arrival = self._waiting.popleft()
        self._waiting_bytes -= len(arrival.body)
        return arrival

    def done(self, arrival: Arrival) -> None:
        """It is taken. Said to the interior router soon, with others; when the link is lost before
        that, it comes again."""
        if arrival.tag in self._held:
            self._done.add(arrival.tag)
            self._settled.set()

    def reject(self, arrival: Arrival, *, again: bool = False) -> None:
        """It is not: it goes to the dead letters, or comes again."""
        if arrival.tag in self._held:
            self._rejected[arrival.tag] = again
            self._settled.set()

    async def _arrived(self, message: DeliveredMessage) -> None:
        delivery = message.delivery
        if not isinstance(delivery, commands.Basic.Deliver):
            return
        tag = delivery.delivery_tag or 0
        arrival = Arrival(
            tag=tag,
            body=message.body,
            properties=from_library(message.header.properties),
            exchange=delivery.exchange or "",
            key=delivery.routing_key or "",
            redelivered=bool(delivery.redelivered),
        )
        self._waiting.append(arrival)
        self._waiting_bytes += len(arrival.body)
        if not self._no_ack:
            self._held[tag] = None
        elif self._waiting_bytes > MOST_UNASKED:
            self._life.abort(f"more came from {self._queue} than its reader keeps up with")
        self._news.set()

    def _closed(self, closing: "asyncio.Future[object]") -> None:
        error = None if closing.cancelled() else closing.exception()
        self._end_with(self._life.meaning(error or asyncio.CancelledError()))

    def _taken_away(self, _: commands.Basic.Cancel) -> None:
        self._end_with(ChannelRefused(NOT_FOUND, f"the queue {self._queue} was taken away"))

    def _end_with(self, error: AmqpError) -> None:
        if self._over is None:
            self._over = error
            self._news.set()

    async def _settle(self) -> None:
        while True:
            await self._settled.wait()
            self._settled.clear()
            try:
                await self._say()
            except Exception as error:
                self._end_with(self._life.meaning(error))
                return

    async def _say(self) -> None:
        """Rejections first: one acknowledgement may stand for all up to it."""
        while self._rejected:
            tag, again = self._rejected.popitem()
            self._held.pop(tag, None)
            await self._channel.basic_reject(tag, requeue=again, wait=False)
        through = 0
        for tag in self._held:
            if tag not in self._done:
                break
            through = tag
        alone = sorted(tag for tag in self._done if tag > through)
        for tag in self._done:
            self._held.pop(tag, None)
        self._done.clear()
        if through:
            await self._channel.basic_ack(through, multiple=True, wait=False)
        for tag in alone:
            await self._channel.basic_ack(tag, wait=False)
