"""Packets of proxied connections through the interior router, for as long as one link to it lasts.

Imports aio-pika's door: a device does so when it has something to carry.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from routing.amqp import Connection
from routing.amqp_shapes import AmqpError, Arrival, Properties
from routing.proxy.allocation import keep_freed
from routing.proxy.frames import Why
from routing.proxy.multiplexer import Multiplexer

VALID_FOR = 30_000
"""Milliseconds. What the other end did not fetch within them would only make it say so."""
LAST_WORDS = 1.0
"""Seconds for them when it is cancelled."""
OF_A_PACKET = Properties(persistent=False, expires_in=VALID_FOR)

Way = Callable[[str], tuple[str, str]]
"""Exchange and key that lead to a receiver."""
Sender = Callable[[Arrival], str | None]
"""Who sent it, by what the interior router lets nobody else say; None: somebody who may not."""
Stop = Callable[[], Awaitable[None]]


async def carry(
    connection: Connection,
    multiplexer: Multiplexer,
    queue: str,
    *,
    way: Way,
    sender: Sender | None,
    stop: Stop,
    begun: Callable[[], None],
) -> None:
    """Carry until `stop` returns; what is to be said then is sent before this returns.

    sender: None where all who may write to the queue are believed their names.
    begun: called once it carries.

    Nothing is confirmed and nothing acknowledged: a packet that is lost is worth nothing any more,
    and the multiplexer notices. All connections are over afterwards.
    Errors: LinkLost; ChannelRefused, also where another one reads that queue still.
    """
    keep_freed()
    channel = await connection.sender()

    async def send(receiver: str, packet: bytes) -> None:
        exchange, key = way(receiver)
        await channel.send(exchange, key, packet, OF_A_PACKET)

    async def receive() -> None:
        async for arrival in arrivals:
            whose = sender(arrival) if sender is not None else ""
            if whose is not None:
                multiplexer.received(whose, arrival.body)

    try:
        async with connection.consuming(queue, prefetch=0, exclusive=True, no_ack=True) as arrivals:
            begun()
            try:
                async with asyncio.TaskGroup() as tasks:
                    parts = [
                        tasks.create_task(multiplexer.run(send)),
                        tasks.create_task(receive()),
                    ]
                    await stop()
                    for part in parts:
                        part.cancel()
            except BaseExceptionGroup as group:
                raise _first(group) from None
            except asyncio.CancelledError:
                # The other ends would wait for a word until they take the silence for one.
                multiplexer.reset_all(Why.STOPPING, "the proxy at the other end stops")
                with suppress(AmqpError, TimeoutError):
                    async with asyncio.timeout(LAST_WORDS):
                        await multiplexer.flush(send)
                raise
            await multiplexer.flush(send)
    finally:
        multiplexer.lost("the link to the interior router was lost")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One of them; the others say the same."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
