"""The one door to aio-pika: a connection to the interior router, and what goes through it.

Used by the agent's link (`agent/messages/`), the proxies and the controller's webhooks. Nothing
here comes back by itself: a connection that is lost stays lost and says so, and whoever uses it
connects again when it thinks fit; so there is one place that knows how things stand.

aio-pika connects and keeps channels. What is done for each message goes to its lower layer, which
it hands out for that: its own way takes a task for each, and three times the processor.

    async with connected(access, name="agent n1") as connection:
        publisher = await connection.publisher()
        await publisher.publish("ecn.out.n1", "route.r1", b"…", Properties(message_id="…"))
        async with connection.consuming("ecn.in.m1", prefetch=64) as arrivals:
            async for arrival in arrivals:
                …
                arrivals.done(arrival)

Errors and shapes: `routing.amqp_shapes`, which may be imported without aio-pika.
"""

from routing.amqp.connection import Connection, connected
from routing.amqp.consuming import Arrivals
from routing.amqp.publishing import Publisher, Sender

__all__ = ["Arrivals", "Connection", "Publisher", "Sender", "connected"]
