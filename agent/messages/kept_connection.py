"""A connection to the interior router that is made again and again, as long as it is wanted.

Used by `interior.py`, once for what is sent and once for what is received: RabbitMQ stops reading
from who publishes when it is short of memory, and what it then needs is that receivers go on.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from routing.amqp_shapes import Access, AmqpError

if TYPE_CHECKING:
    from routing.amqp import Connection

log = structlog.get_logger()

FIRST_WINDOW = 1.0
LONGEST_WINDOW = 45.0
"""Seconds. Ten thousand devices lose the same interior router in the same instant: each comes back
anywhere in a window that doubles with each failure."""
SHORTEST = 0.2
STEADY = 30.0
"""Seconds that a connection has to hold until its loss is the first one again."""

UP = ""
Session = Callable[["Connection"], Awaitable[str]]
"""What is done with a connection. Returns why it is to be made anew; cancelled when it is lost."""


async def keep_connected(
    access: Access, name: str, session: Session, told: Callable[[str], None]
) -> None:
    """Until cancelled.

    told: hears why there is none now, as a sentence, or UP.
    """
    # Late: an agent without messages to other nodes never loads it.
    from routing.amqp import connected

    clock = asyncio.get_running_loop().time
    failures = 0
    while True:
        began = clock()
        try:
            async with connected(access, name=name) as connection:
                told(UP)
                why = await _until_lost(connection, session)
        except AmqpError as error:
            why = str(error)
        told(why)
        failures = 0 if clock() - began > STEADY else failures + 1
        window = min(LONGEST_WINDOW, FIRST_WINDOW * 2.0 ** min(failures, 10))
        await asyncio.sleep(SHORTEST + random.uniform(0, window))  # noqa: S311 - nothing secret


async def _until_lost(connection: "Connection", session: Session) -> str:
    """Why it ended."""
    async with asyncio.TaskGroup() as tasks:
        at_work = tasks.create_task(_result(session, connection))
        lost = tasks.create_task(connection.lost.wait())
        await asyncio.wait((at_work, lost), return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        if not at_work.done():
            at_work.cancel()
            return connection.why
        return connection.why if at_work.cancelled() else at_work.result()


async def _result(session: Session, connection: "Connection") -> str:
    return await session(connection)
