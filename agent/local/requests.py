"""A request of a microservice to its agent, what it is answered, and what routes know of who asks.

Between the sockets (`socket.py`, `http.py`), which keep a `Local` for each
microservice, and the routes (`routes.py`, `twin_routes.py`), which read it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from msgspec import Struct

from agent.contract import EdgeResource, Microservice
from agent.lifecycle.carry_out import Node
from agent.local.problems import LocalRefused

HELD = 16
"""Requests of one microservice that wait for something to change."""
ANSWERED = 4
"""Requests of one microservice at a time, but for those that wait: an answer may be 1 MiB."""
LONGEST_WAIT = 300.0
"""Seconds."""


class Asked(Struct, frozen=True, kw_only=True):
    """A request, whole."""

    method: str
    path: str
    etag: str = ""
    """Of `If-None-Match`, as `Answer.etag`."""
    wait: float = 0.0
    """Of `Prefer: wait=N`: seconds that the answer may be held, at most LONGEST_WAIT."""
    content_type: str = ""
    body: bytes = b""


class Answer(Struct, frozen=True, kw_only=True):
    """What it is answered with. etag: without quotes; empty is none."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    etag: str = ""


class Local:
    """One microservice, as its own socket shows it. The routes read it; the sockets keep it."""

    def __init__(self, node: Node, microservice: Microservice) -> None:
        self.node = node
        self.microservice = microservice
        self.edge_resources: list[EdgeResource] = []
        self._news = asyncio.Event()
        self._held = 0
        self.answering = asyncio.Semaphore(ANSWERED)

    @property
    def microservice_id(self) -> str:
        """Whose it is."""
        return self.microservice.microservice_id

    def tell(self) -> None:
        """Something that its routes show may have changed: those who wait look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def current(self, asked: Asked, read: Callable[[], Answer]) -> Answer:
        """What `read` gives, once its etag is not the one that the asker has; 304 when it stays so.

        read: called again after each `tell`. Errors: LocalRefused when too many wait already.
        """
        answer = read()
        if answer.etag != asked.etag:
            return answer
        with self._holding(), suppress(TimeoutError):
            async with asyncio.timeout(asked.wait):
                while answer.etag == asked.etag:
                    news = self._news
                    await news.wait()
                    answer = read()
        return answer if answer.etag != asked.etag else Answer(status=304, etag=answer.etag)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        if self._held >= HELD:
            raise LocalRefused(
                429,
                "too-many-held",
                f"{HELD} requests of this microservice are being held already",
                next_step="hold one, and read its answer everywhere",
            )
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1


Route = Callable[[Local, Asked], Awaitable[Answer]]
Routes = Mapping[tuple[str, str], Route]
"""By method and path."""
