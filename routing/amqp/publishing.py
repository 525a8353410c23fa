"""Messages to the interior router, over one channel. Made by `connection.py`."""

import asyncio
from collections.abc import Callable

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from routing.amqp.life import Life, are_cancelled
from routing.amqp.properties import to_library
from routing.amqp_shapes import AmqpError, NotTaken, Properties

Answer = Callable[[AmqpError | None], None]
"""Told how it went with a message; None: the interior router has it."""

_UNSENT = 262_144
"""Bytes in our own buffer from which on a sender without confirms waits for it."""


class Publisher:
    """With confirms, any number in flight: whoever sends bounds them.

    Two messages in flight must not have the same `message_id`: by that alone does AMQP say which
    one it could not route.
    """

    def __init__(self, channel: Channel, life: Life) -> None:
        self._channel = channel
        self._life = life
        self._ended: AmqpError | None = None
        channel.closing.add_done_callback(self._closed)

    async def send(
        self, exchange: str, key: str, body: bytes, properties: Properties, answer: Answer
    ) -> None:
        """Put it on its way, after all before; returns before it is there.

        answer: called once and never from within this call: with None, or with Refused,
        Unroutable, ChannelRefused (of the whole channel) or LinkLost.
        Errors: LinkLost, ChannelRefused: it was not sent, and `answer` is not called;
        ValueError: it can't be written so.
        """
        channel = self._channel
        frame = _frame(channel, exchange, key, body, properties, mandatory=True)
        message_id = properties.message_id
        try:
            async with channel.lock:
                channel.delivery_tag += 1
                tag = channel.delivery_tag
                confirmed = channel.create_future()
                channel.confirmations[tag] = confirmed
                channel.message_id_delivery_tag[message_id] = tag
                try:
                    await channel.write_queue.put(frame)
                except BaseException:
                    # It was not sent: its number is the next one's.
                    channel.delivery_tag -= 1
                    channel.confirmations.pop(tag, None)
                    confirmed.cancel()
                    raise
        except Exception as error:
            # The channel may know why it was closed before those who listen for that do.
            known = channel._close_exception
            raise self._ended or self._life.meaning(known or error) from None

        def over(future: "asyncio.Future[object]") -> None:
            if channel.message_id_delivery_tag.get(message_id) == tag:
                del channel.message_id_delivery_tag[message_id]
            error = asyncio.CancelledError() if future.cancelled() else future.exception()
            meaning = None if error is None else self._life.meaning(error)
            if meaning is not None and not isinstance(meaning, NotTaken):
                self._ended = self._ended or meaning
            answer(meaning)

        confirmed.add_done_callback(over)

    async def publish(self, exchange: str, key: str, body: bytes, properties: Properties) -> None:
        """Send it and wait until the interior router has it.

        Errors: Refused, Unroutable, ChannelRefused, LinkLost; ValueError.
        """
        told: asyncio.Future[AmqpError | None] = asyncio.get_running_loop().create_future()

        def answer(error: AmqpError | None) -> None:
            if not told.done():
                told.set_result(error)

        await self.send(exchange, key, body, properties, answer)
        error = await told
        if error is not None:
            raise error

    def _closed(self, closing: "asyncio.Future[object]") -> None:
        error = None if closing.cancelled() else closing.exception()
        self._ended = self._ended or self._life.meaning(error or asyncio.CancelledError())


class Sender:
    """Without confirms: for what is worthless when the link is lost."""

    def __init__(self, channel: Channel, life: Life) -> None:
        self._channel = channel
        self._life = life

    async def send(self, exchange: str, key: str, body: bytes, properties: Properties) -> None:
        """Put it on its way; waits while much is unsent. What nobody is bound for vanishes.

        Errors: LinkLost, ChannelRefused (of any earlier message too); ValueError.
        """
        channel = self._channel
        drained: asyncio.Future[None] | None = None
        if self._life.sockets.unsent > _UNSENT and not channel.is_closed:
            drained = channel.create_future()
        frame = _frame(channel, exchange, key, body, properties, drained, mandatory=False)
        try:
            async with channel.lock:
                await channel.write_queue.put(frame)
                if drained is not None:
                    await drained
        except asyncio.CancelledError as error:
            if are_cancelled():
                raise
            raise self._life.meaning(error) from None
        except Exception as error:
            raise self._life.meaning(error) from None


def _frame(
    channel: Channel,
    exchange: str,
    key: str,
    body: bytes,
    properties: Properties,
    drained: "asyncio.Future[None] | None" = None,
    *,
    mandatory: bool,
) -> ChannelFrame:
    size = channel.max_content_size
    try:
        return ChannelFrame.marshall(
            channel_number=channel.number,
            frames=[
                commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory),
                ContentHeader(properties=to_library(properties), body_size=len(body)),
                *(ContentBody(body[at : at + size]) for at in range(0, len(body), size)),
            ],
            drain_future=drained,
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it can't be written as AMQP: {error}") from error
