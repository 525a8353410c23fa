"""Who reads a microservice's messages: one at a time, and the last who came.

A new message socket takes the place of the one before, as with ioFog: whoever held that may be
long gone without a word. While there is one, `/v2/messages/next` finds nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager

Leave = Callable[[], None]


class Readers:
    """Of the microservices of one node."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Lock] = {}
        self._sockets: dict[str, Leave] = {}
        self._controls: dict[str, Leave] = {}

    def only(self, microservices: Collection[str]) -> None:
        """These are here, and no others: whoever else is in has to leave."""
        for sockets in (self._sockets, self._controls):
            for gone in sockets.keys() - set(microservices):
                sockets[gone]()
        for gone in self._turns.keys() - set(microservices):
            if not self._turns[gone].locked():
                del self._turns[gone]

    def has_socket(self, microservice_id: str) -> bool:
        """Whether its messages go to one."""
        return microservice_id in self._sockets

    @asynccontextmanager
    async def by_socket(self, microservice_id: str, leave: Leave) -> AsyncGenerator[None]:
        """Read by a socket, once the one before has left. leave: asks this one to, at once."""
        with_former = self._sockets.get(microservice_id)
        self._sockets[microservice_id] = leave
        if with_former is not None:
            with_former()
        try:
            async with self._turn(microservice_id):
                yield
        finally:
            if self._sockets.get(microservice_id) is leave:
                del self._sockets[microservice_id]

    @asynccontextmanager
    async def by_question(self, microservice_id: str) -> AsyncGenerator[None]:
        """Read once."""
        async with self._turn(microservice_id):
            yield

    @asynccontextmanager
    async def control(self, microservice_id: str, leave: Leave) -> AsyncGenerator[None]:
        """Be its control socket."""
        former = self._controls.get(microservice_id)
        self._controls[microservice_id] = leave
        if former is not None:
            former()
        try:
            yield
        finally:
            if self._controls.get(microservice_id) is leave:
                del self._controls[microservice_id]

    def _turn(self, microservice_id: str) -> asyncio.Lock:
        return self._turns.setdefault(microservice_id, asyncio.Lock())
