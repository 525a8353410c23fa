"""A microservice's message socket: its messages come and go by it. Loaded with `http.py`.

What comes is stored before its receipt is sent; while the node's store is full it is read no
further, and its sender waits. What goes is the microservice's until it acknowledges; when the
socket goes first, it is offered again, to whoever reads next.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from agent.local_api.conversion import given, taken
from agent.local_api.frames import IoSocket
from agent.local_api.node_state import NodeState
from agent.local_api.unacknowledged import AGAIN_AFTER, Unacknowledged
from agent.messages.routing import Delivery, MessageRefused, StoreFull
from routing.iomessage import (
    ACK,
    MESSAGE,
    BadIoMessage,
    message_frame,
    read_message_frame,
    receipt_frame,
)
from routing.message import Message

log = structlog.get_logger()

WINDOW = 64
"""Messages that may be out without an acknowledgement, and so many bytes, but for one."""
WINDOW_BYTES = 1024 * 1024
AT_ONCE = 256
"""Messages that came and are not stored yet, and so many bytes, but for one. Acknowledgements
behind them are read all the same: they may be what makes room."""
AT_ONCE_BYTES = 1024 * 1024
FULL_PAUSE = 0.5
"""Seconds between attempts while the store is full."""
LOOK_EVERY = 1.0
"""Seconds between looks for what is to be sent again."""
NEXT_WITHIN = 30.0
"""Seconds of one wait for messages."""
LAST_WORDS = 5.0
"""Seconds for writing down what was acknowledged, at the end."""


class MessageSocket:
    """One that is open, of one microservice."""

    def __init__(self, socket: IoSocket, state: NodeState, microservice_id: str) -> None:
        self._socket = socket
        self._state = state
        self._routing = state.routing
        self._clock = state.clock
        self._microservice_id = microservice_id
        self._inbox = state.routing.inbox(microservice_id)
        self._out = Unacknowledged()
        self._in_hand: list[Delivery] = []
        """Taken from the inbox, and not sent yet."""
        self._acknowledged: list[Delivery] = []
        self._came: list[Message] = []
        self._came_bytes = 0
        self._something_came = asyncio.Event()
        self._room = asyncio.Event()
        self._some_acknowledged = asyncio.Event()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Until either side leaves. Errors: ConnectionError."""
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(each)
                    for each in (self._publish(), self._deliver(), self._settle(), self._repeat())
                ]
                await self._listen()
                for task in others:
                    task.cancel()
        finally:
            self._inbox.give_back([*self._out.all(), *self._in_hand])
            # What is not written down in time comes twice, as whatever is not acknowledged.
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self._write_down()

    async def _listen(self) -> None:
        async for frame in self._socket.frames():
            match frame[0]:
                case op if op == MESSAGE:
                    await self._came_in(frame)
                case op if op == ACK:
                    self._heard(frame)
                case _:
                    log.debug("frame-not-understood", microservice=self._microservice_id)

    async def _came_in(self, frame: bytes) -> None:
        try:
            message = taken(read_message_frame(frame))
        except BadIoMessage as error:
            # As with ioFog there is no word for it: its sender hears no receipt.
            log.warning("message-not-taken", microservice=self._microservice_id, because=str(error))
            return
        size = message.size
        while len(self._came) >= AT_ONCE or (
            self._came and self._came_bytes + size > AT_ONCE_BYTES
        ):
            self._room.clear()
            await self._room.wait()
        self._came.append(message)
        self._came_bytes += size
        self._something_came.set()

    async def _publish(self) -> None:
        """All that came while the last ones were stored are stored together."""
        while True:
            await self._something_came.wait()
            self._something_came.clear()
            while self._came:
                batch = list(self._came)
                size = self._came_bytes
                left = await self._store(batch)
                stored = len(batch) - len(left)
                self._came[: len(batch)] = left
                self._came_bytes += sum(each.size for each in left) - size
                self._room.set()
                if left and not stored:
                    await asyncio.sleep(FULL_PAUSE)

    async def _store(self, batch: Sequence[Message]) -> list[Message]:
        """What there was no room for."""
        outcomes = await asyncio.gather(
            *(self._routing.publish(self._microservice_id, each) for each in batch),
            return_exceptions=True,
        )
        left = []
        for message, outcome in zip(batch, outcomes, strict=True):
            match outcome:
                case Message():
                    self._out.receipt(self._clock())
                    await self._socket.send(receipt_frame(outcome.message_id, outcome.created))
                case StoreFull():
                    left.append(message)
                case MessageRefused():
                    log.warning(
                        "message-not-taken",
                        microservice=self._microservice_id,
                        because=str(outcome),
                    )
                case asyncio.CancelledError():
                    raise ConnectionError("the router ends, and its socket with it") from outcome
                case _:
                    raise outcome
        return left

    async def _deliver(self) -> None:
        while True:
            await self._until_there_is_room()
            room = WINDOW - len(self._out)
            self._in_hand = await self._inbox.next(room, NEXT_WITHIN)
            while self._in_hand:
                await self._until_there_is_room()
                delivery = self._in_hand.pop(0)
                try:
                    frame = message_frame(given(delivery.message, delivery.input))
                except BadIoMessage as error:
                    # Nobody can ever be handed it so; and those behind it have to go on.
                    log.error(
                        "message-not-deliverable",
                        message_id=delivery.message.message_id,
                        because=str(error),
                    )
                    self._took(delivery)
                    continue
                self._out.sent(delivery, self._clock())
                await self._socket.send(frame)

    async def _until_there_is_room(self) -> None:
        while True:
            self._moved.clear()
            pause = self._out.holds(self._clock())
            full = len(self._out) >= WINDOW or self._out.bytes >= WINDOW_BYTES
            if not full and not pause:
                return
            try:
                async with asyncio.timeout(pause or None):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def _heard(self, frame: bytes) -> None:
        """An acknowledgement: one byte; of ours also a length and the id of the message."""
        if len(frame) > 2 and frame[1] == len(frame) - 2:
            delivery = self._out.named(frame[2:].decode("ascii", "replace"))
        else:
            delivery = self._out.acknowledged()
        self._moved.set()
        if delivery is not None:
            self._took(delivery)

    def _took(self, delivery: Delivery) -> None:
        self._acknowledged.append(delivery)
        self._some_acknowledged.set()

    async def _settle(self) -> None:
        while True:
            await self._some_acknowledged.wait()
            self._some_acknowledged.clear()
            await self._write_down()

    async def _write_down(self) -> None:
        while self._acknowledged:
            batch = list(self._acknowledged)
            await self._inbox.done(batch)
            del self._acknowledged[: len(batch)]

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for delivery in self._out.overdue(self._clock()):
                log.debug(
                    "message-sent-again",
                    microservice=self._microservice_id,
                    message_id=delivery.message.message_id,
                    after=AGAIN_AFTER,
                )
                await self._socket.send(message_frame(given(delivery.message, delivery.input)))
            if self._socket.stuck:
                raise ConnectionError("nobody reads at the other side")
            if self._out.hopeless:
                raise ConnectionError("messages were sent many times, and not acknowledged")
