"""What comes from the interior router. `interior.py` keeps the connection.

Each microservice of the node has a queue there; a message stays in it until its receiver has taken
it, and comes again when this agent or the connection ends before. So nothing is kept here, and a
slow receiver costs no more than the messages that are on loan.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from agent.messages.routing import EdgeRouting, MessageRefused
from routing.addresses import in_queue
from routing.amqp_form import NoMessage, Received, read
from routing.amqp_shapes import NOT_ALLOWED, NOT_FOUND, AmqpError, Arrival, ChannelRefused

if TYPE_CHECKING:
    from routing.amqp import Arrivals, Connection

log = structlog.get_logger()

ON_LOAN = ((4, 64), (16, 16))
"""Up to so many receivers, each may have so many messages on loan; with more of them LEAST_ON_LOAN.
At 256 KiB for the largest of messages that bounds what all of them hold."""
LEAST_ON_LOAN = 4
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds until a queue that was not there is asked for again."""


class Receiving:
    """For one node."""

    def __init__(self, routing: EdgeRouting, told: Callable[[str], None]) -> None:
        """told: hears what is wrong while there is a connection; empty: nothing."""
        self._routing = routing
        self._told = told
        self._wanted: Sequence[str] = ()
        self._changed = asyncio.Event()
        self._problems: dict[str, str] = {}
        """By microservice."""

    def wish(self, microservice_ids: Sequence[str]) -> None:
        """Whose queues are to be read from now on."""
        self._wanted = tuple(microservice_ids)
        self._changed.set()

    async def run(self, connection: "Connection") -> str:
        """Until cancelled."""
        readers: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._problems.clear()
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                on_loan = _on_loan(len(self._wanted))
                wanted = {(microservice_id, on_loan) for microservice_id in self._wanted}
                gone = [readers.pop(reader) for reader in readers.keys() - wanted]
                for reader in gone:
                    reader.cancel()
                if gone:
                    # Or one that is read anew would have two readers, and no order.
                    await asyncio.wait(gone)
                for one in sorted(wanted - readers.keys()):
                    readers[one] = tasks.create_task(self._read(connection, *one))
                await self._changed.wait()

    async def _read(self, connection: "Connection", microservice_id: str, on_loan: int) -> None:
        """One queue, until cancelled or the connection is lost."""
        failures = 0
        try:
            while not connection.lost.is_set():
                try:
                    async with connection.consuming(
                        in_queue(microservice_id), prefetch=on_loan
                    ) as arrivals:
                        failures = 0
                        self._tell(microservice_id, "")
                        await self._hand_over_all(microservice_id, arrivals)
                except AmqpError as error:
                    self._tell(microservice_id, _sentence(error))
                window = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
                failures += 1
                await asyncio.sleep(random.uniform(window / 2, window))  # noqa: S311
        finally:
            self._tell(microservice_id, "")

    async def _hand_over_all(self, microservice_id: str, arrivals: "Arrivals") -> None:
        """Errors: AmqpError, when no more come."""
        over: AmqpError | None = None
        async with asyncio.TaskGroup() as tasks:
            handing: set[asyncio.Task[None]] = set()
            try:
                async for arrival in arrivals:
                    try:
                        received = read(arrival)
                    except NoMessage as error:
                        log.warning(
                            "message-rejected", microservice_id=microservice_id, why=str(error)
                        )
                        arrivals.reject(arrival)
                        continue
                    task = tasks.create_task(
                        self._hand_over(microservice_id, arrivals, arrival, received)
                    )
                    handing.add(task)
                    task.add_done_callback(handing.discard)
            except AmqpError as error:
                over = error
            # They come again: from another connection, or for another node.
            for task in handing:
                task.cancel()
        if over is not None:
            raise over

    async def _hand_over(
        self, microservice_id: str, arrivals: "Arrivals", arrival: Arrival, received: Received
    ) -> None:
        try:
            await self._routing.receive(microservice_id, received.message, received.input)
        except MessageRefused as error:
            log.warning("message-rejected", microservice_id=microservice_id, why=str(error))
            arrivals.reject(arrival)
        else:
            arrivals.done(arrival)

    def _tell(self, microservice_id: str, problem: str) -> None:
        if problem:
            self._problems[microservice_id] = problem
        else:
            self._problems.pop(microservice_id, None)
        self._told(next(iter(self._problems.values()), ""))


def _on_loan(receivers: int) -> int:
    for up_to, count in ON_LOAN:
        if receivers <= up_to:
            return count
    return LEAST_ON_LOAN


def _sentence(error: AmqpError) -> str:
    if isinstance(error, ChannelRefused) and error.code in (NOT_FOUND, NOT_ALLOWED):
        return "the controller has not made the queue of a microservice of this node yet"
    return str(error)
