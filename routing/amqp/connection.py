"""A connection to the interior router, from its first byte to its loss."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import aio_pika
from aio_pika.abc import TimeoutType, UnderlayConnection
from aiormq.channel import Channel
from yarl import URL

from routing.amqp.consuming import Arrivals
from routing.amqp.life import Life, are_cancelled, quietly
from routing.amqp.properties import reading_anything
from routing.amqp.publishing import Publisher, Sender
from routing.amqp.sockets import Sockets, not_connected, trusting
from routing.amqp_shapes import Access, CannotConnect, Header, LinkLost

CONNECT_WITHIN = 15.0
ANSWER_WITHIN = 15.0
"""Seconds for what the interior router answers at once when it is well."""
CLOSE_WITHIN = 2.0
HEARTBEAT = 20
"""Seconds between signs of life, both ways. Three that are missing end the connection; a link
that is cut is mostly noticed sooner: see `sockets.py`."""


class Connection:
    """Made by `connected`. Channels are opened by its methods and end with it."""

    def __init__(self, where: str, sockets: Sockets) -> None:
        self._life = Life(where, sockets)
        self._pika: aio_pika.Connection | None = None
        self._asking: Channel | None = None
        self._one_asks = asyncio.Lock()

    @property
    def lost(self) -> asyncio.Event:
        """Set when it is no more; `why` says why."""
        return self._life.lost

    @property
    def why(self) -> str:
        """A sentence, when it is lost."""
        return self._life.why

    async def publisher(self) -> Publisher:
        """A channel of its own, for messages of which the interior router says that it has them.

        Errors: LinkLost.
        """
        channel = await self._channel(confirms=True)
        return Publisher(channel, self._life)

    async def sender(self) -> Sender:
        """A channel of its own, for messages that may be lost. Errors: LinkLost."""
        channel = await self._channel(confirms=False)
        return Sender(channel, self._life)

    @asynccontextmanager
    async def consuming(
        self, queue: str, *, prefetch: int, exclusive: bool = False, no_ack: bool = False
    ) -> AsyncGenerator[Arrivals]:
        """What comes from a queue, over a channel of its own.

        prefetch: how many may be here and not `done`; 0: any number, with `no_ack` alone.
        no_ack: they are the queue's no more once they were sent; a reader that is too slow loses
        its connection.
        Errors: LinkLost; ChannelRefused, also when the queue is taken away later.
        """
        channel = await self._channel(confirms=False)
        arrivals = Arrivals(queue, channel, self._life)
        try:
            async with self._life.asked(ANSWER_WITHIN):
                if prefetch:
                    await channel.basic_qos(prefetch_count=prefetch)
                await arrivals.begin(exclusive=exclusive, no_ack=no_ack)
            yield arrivals
        finally:
            await arrivals.end(CLOSE_WITHIN)

    async def declare_queue(
        self,
        name: str,
        *,
        durable: bool = True,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Mapping[str, Header] | None = None,
    ) -> None:
        """For those who may. Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            await channel.queue_declare(
                name,
                durable=durable,
                exclusive=exclusive,
                auto_delete=auto_delete,
                arguments=dict(arguments or {}),  # type: ignore[arg-type]
            )

    async def declare_exchange(
        self,
        name: str,
        kind: str,
        *,
        durable: bool = True,
        arguments: Mapping[str, Header] | None = None,
    ) -> None:
        """kind: direct, topic, fanout, headers. Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            await channel.exchange_declare(
                name, exchange_type=kind, durable=durable, arguments=dict(arguments or {})
            )

    async def bind_queue(self, queue: str, exchange: str, key: str) -> None:
        """Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            await channel.queue_bind(queue, exchange, key)

    async def unbind_queue(self, queue: str, exchange: str, key: str) -> None:
        """Also one that is not bound. Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            await channel.queue_unbind(queue, exchange, key)

    async def delete_queue(self, name: str) -> None:
        """Also one that is not there. Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            await channel.queue_delete(name)

    async def waiting_in(self, queue: str) -> int:
        """How many messages are ready there. Errors: LinkLost, ChannelRefused."""
        async with self._asked() as channel:
            answer = await channel.queue_declare(queue, passive=True)
            return answer.message_count or 0

    async def blocked(self) -> bool:
        """The interior router takes no messages now: it is short of memory or disk."""
        if self._pika is None or self._pika.transport is None or self.lost.is_set():
            return False
        try:
            async with asyncio.timeout(0):
                await self._pika.transport.ready()
        except TimeoutError:
            return True
        return False

    def abort(self, why: str) -> None:
        """End it without a word: nobody is thought to listen any more."""
        self._life.abort(why)

    async def open(self, url: URL, name: str) -> None:
        """Called by `connected`, once."""
        self._pika = _Pika(url, self._life.sockets, name)
        await self._pika.connect()
        if self._pika.transport is not None:
            self._pika.transport.connection.closing.add_done_callback(self._closed)

    async def close(self) -> None:
        """Called by `connected`. With a word where somebody listens."""
        if self._pika is None:
            return
        try:
            if not self.lost.is_set():
                await quietly(self._pika.close(), CLOSE_WITHIN)
        finally:
            self.abort("closed")
        await quietly(self._pika.close(), CLOSE_WITHIN)

    async def _channel(self, *, confirms: bool) -> Channel:
        async with self._life.asked(ANSWER_WITHIN):
            if self._pika is None or self.lost.is_set():
                raise LinkLost(self.why)
            channel = await self._pika.channel(
                publisher_confirms=confirms, on_return_raises=confirms
            )
            return cast(Channel, await channel.get_underlay_channel())

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[Channel]:
        """A channel for questions; the interior router closes it with each that it refuses."""
        async with self._one_asks:
            if self._asking is None or self._asking.is_closed:
                self._asking = await self._channel(confirms=False)
            async with self._life.asked(ANSWER_WITHIN):
                yield self._asking

    def _closed(self, closing: "asyncio.Future[object]") -> None:
        error = None if closing.cancelled() else closing.exception()
        said = str(getattr(error, "reason", "") or error or "") or "nothing was heard of it"
        self._life.over(
            f"the connection to the interior router at {self._life.where} ended: {said}"
        )


class _Pika(aio_pika.Connection):
    """aio-pika's own, over sockets of ours."""

    def __init__(self, url: URL, sockets: Sockets, name: str) -> None:
        with_heartbeat = url.update_query(heartbeat=str(HEARTBEAT))
        super().__init__(with_heartbeat, client_properties={"connection_name": name})
        self._sockets = sockets

    async def connect(self, timeout: TimeoutType = None) -> None:  # noqa: ASYNC109 - its word
        self.transport = await UnderlayConnection.connect(
            self.url,
            self._on_connection_close,
            timeout=timeout,
            transport_factory=self._sockets,
            **self.kwargs,
        )
        await self._on_connected()


@asynccontextmanager
async def connected(
    access: Access, *, name: str, within: float = CONNECT_WITHIN
) -> AsyncGenerator[Connection]:
    """A connection, until the block is left.

    name: what operators see in RabbitMQ's list. within: seconds.
    Errors: CannotConnect, AccessRefused; none when it is lost later: see `Connection.lost`.
    """
    reading_anything()
    _quiet()
    try:
        url = URL(access.url)
    except ValueError:
        url = URL()
    if url.scheme not in ("amqp", "amqps") or not url.host:
        raise CannotConnect(
            "the address of the interior router has to be amqp://host:port/vhost, or amqps://…"
        )
    port = url.port or (5671 if url.scheme == "amqps" else 5672)
    where = f"{url.host}:{port}"
    tls = await asyncio.to_thread(trusting, access.ca_pem) if url.scheme == "amqps" else None
    connection = Connection(where, Sockets(tls))
    try:
        try:
            async with asyncio.timeout(within):
                await connection.open(
                    url.with_user(access.user).with_password(access.password), name
                )
        except asyncio.CancelledError as error:
            if are_cancelled():
                raise
            raise not_connected(where, error, within) from None
        except Exception as error:
            raise not_connected(where, error, within) from None
        yield connection
    finally:
        await connection.close()


def _quiet() -> None:
    """The library says the same as we do, at length, with tracebacks and frames."""
    for name in ("aiormq", "aio_pika", "pamqp"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_of_interest)


def _of_interest(record: logging.LogRecord) -> bool:
    """The library goes on writing for a moment to a connection that is lost; each time asyncio
    would say so."""
    return record.msg not in ("SSL connection is closed", "socket.send() raised exception.")
