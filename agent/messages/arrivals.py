"""Messages from other nodes: each is offered to its receiver here, and known again.

The broker offers one again when it could not be told that it was taken: the link was cut, or this
agent was killed. What receivers have taken is written down (`Commits.taken`) before the broker is
told, so that none is handed out twice for that.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct

from agent.messages.keeping import Keeping
from agent.messages.lanes import Entry
from agent.messages.store import TAKEN_KEPT
from routing.message import Message


class _Coming(Struct, eq=False):
    """One that is offered, or that its receiver has."""

    entry: Entry
    taken: asyncio.Event
    """Its receiver has taken it, or it will not any more."""
    waiting: int = 0
    """Calls that wait for that."""


class Arrivals:
    """Of one node. count: (publisher, receiver, input) of one that was taken."""

    def __init__(self, keeping: Keeping, count: Callable[[str, str, str], None]) -> None:
        self._keeping = keeping
        self._count = count
        self._gate = asyncio.Lock()
        self._coming: dict[bytes, _Coming] = {}
        self._taken: set[bytes] | None = None
        """None: not read yet."""
        self._order: deque[bytes] = deque()
        keeping.on_taken = self._is_taken
        keeping.is_wanted = self._is_wanted

    async def receive(self, microservice_id: str, message: Message, input_name: str) -> None:
        """See EdgeRouting."""
        async with self._gate:  # in the order of the calls
            await self._keeping.opened.wait()
            taken = await self._known()
            digest = _digest(microservice_id, input_name, message.message_id)
            if digest in taken:
                return
            coming = self._coming.get(digest)
            if coming is None:
                entry = self._keeping.bring(microservice_id, input_name, message, digest)
                coming = self._coming[digest] = _Coming(entry, asyncio.Event())
        coming.waiting += 1
        try:
            await coming.taken.wait()
        finally:
            coming.waiting -= 1
            if not coming.waiting and not coming.taken.is_set() and not coming.entry.leased:
                self._keeping.take_back(coming.entry)
                self._coming.pop(digest, None)

    async def _known(self) -> set[bytes]:
        if self._taken is None:
            read: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
            self._keeping.commits.ask(
                lambda store: store.reading.taken(),
                lambda found: None if read.done() else read.set_result(found),
            )
            self._order = deque(await read)
            self._taken = set(self._order)
        return self._taken

    def _is_taken(self, entry: Entry) -> None:
        if self._taken is not None:
            self._taken.add(entry.digest)
            self._order.append(entry.digest)
            if len(self._order) > TAKEN_KEPT:
                self._taken.discard(self._order.popleft())
        coming = self._coming.pop(entry.digest, None)
        if coming is not None:
            coming.taken.set()
        way = entry.lane.way
        self._count(entry.message.publisher, way.destination, way.input)

    def _is_wanted(self, entry: Entry) -> bool:
        coming = self._coming.get(entry.digest)
        if coming is not None and not coming.waiting:
            del self._coming[entry.digest]
            return False
        return coming is not None


def _digest(microservice_id: str, input_name: str, message_id: str) -> bytes:
    """One message may come to several inputs, and is another one at each."""
    words = f"{microservice_id}\n{input_name}\n{message_id}"
    return blake2b(words.encode(), digest_size=16).digest()
