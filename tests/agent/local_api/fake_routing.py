"""An edge router in memory that obeys, and is full when told to."""

import asyncio
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from agent.contract import RouteStatus
from agent.messages.routing import Delivery, MessageRefused, Outgoing, StoreFull
from routing.message import Message


class FakeInbox:
    """What waits, in its order."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []
        self.out: dict[int, Delivery] = {}
        self.taken: list[str] = []
        """Ids of messages."""
        self.came = asyncio.Event()
        self.readers = 0

    def put(self, delivery: Delivery) -> None:
        self.waiting.append(delivery)
        self.came.set()

    async def next(self, most: int, wait: float) -> list[Delivery]:
        self.readers += 1
        assert self.readers == 1, "for one reader at a time"
        try:
            if not self.waiting:
                self.came.clear()
                try:
                    async with asyncio.timeout(wait):
                        await self.came.wait()
                except TimeoutError:
                    return []
            given, self.waiting = self.waiting[:most], self.waiting[most:]
            self.out |= {each.number: each for each in given}
            return given
        finally:
            self.readers -= 1

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        await asyncio.sleep(0)
        for each in deliveries:
            del self.out[each.number]
            self.taken.append(each.message.message_id)

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            del self.out[each.number]
        self.waiting = sorted([*deliveries, *self.waiting], key=lambda each: each.number)
        if self.waiting:
            self.came.set()


class FakeRouting:
    """`routes` leads each publisher's messages to an inbox."""

    def __init__(self) -> None:
        self.full = False
        self.refuses = ""
        self.breaks: BaseException | None = None
        self.routes: dict[str, str] = {}
        self.published: list[Message] = []
        self.archive: list[Message] = []
        self._inboxes: dict[str, FakeInbox] = {}
        self._next = 0
        self.input = ""

    def inbox(self, microservice_id: str) -> FakeInbox:
        return self._inboxes.setdefault(microservice_id, FakeInbox())

    async def publish(self, publisher: str, message: Message) -> Message:
        if self.breaks:
            raise self.breaks
        if self.full:
            raise StoreFull
        if self.refuses:
            raise MessageRefused(self.refuses)
        self._next += 1
        number = self._next
        message = replace(
            message, message_id=f"{number:032x}", created=1000 + number, publisher=publisher
        )
        await asyncio.sleep(0)
        self.published.append(message)
        if publisher in self.routes:
            self.put(self.routes[publisher], message)
        return message

    def put(self, receiver: str, message: Message) -> None:
        self._next += 1
        self.inbox(receiver).put(
            Delivery(number=self._next, message=message, route="r", input=self.input)
        )

    async def archived(
        self, publisher: str, receiver: str, begin: int, end: int, most_bytes: int
    ) -> list[Message]:
        return [
            each
            for each in self.archive
            if each.publisher == publisher and begin <= each.created <= end
        ]

    async def next_outgoing(
        self, most: int, most_bytes: int, without: Collection[str] = ()
    ) -> list[Outgoing]:
        raise NotImplementedError

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        raise NotImplementedError

    def give_back_outgoing(self, outgoing: Sequence[Outgoing]) -> None:
        raise NotImplementedError

    async def receive(self, microservice_id: str, message: Message, input_name: str) -> None:
        raise NotImplementedError

    def stalled(self, route_id: str, reason: str) -> None:
        raise NotImplementedError

    def linked(self, state: str, reason: str) -> None:
        raise NotImplementedError

    def statuses(self) -> list[RouteStatus]:
        return []
