"""A dashboard's page without the page: its model over real HTTP, following the stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.ecn.api.server import BASE, Client
from tests.ecn.dashboard.model import Model


class Told(NamedTuple):
    """One event of the stream."""

    kind: str
    data: bytes

    @property
    def json(self) -> dict[str, object]:
        document = json.loads(self.data)
        assert isinstance(document, dict)
        return document


class Stream:
    """An open stream, put together to events."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines
        self.last_id = -1
        self.comments = 0
        self.retry = 0

    async def next(self) -> Told:
        """The next event. Errors: StopAsyncIteration at the end."""
        kind, data = "", b""
        async for line in self._lines:
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if line == b"\n":
                if data:
                    return Told(kind, data)
            elif name == b"":
                self.comments += 1
            elif name == b"id":
                self.last_id = int(value)
            elif name == b"event":
                kind = value.decode()
            elif name == b"data":
                data = value
            elif name == b"retry":
                self.retry = int(value)
        raise StopAsyncIteration

    async def next_of(self, kind: str) -> Told:
        """The next event of that kind."""
        async with asyncio.timeout(10):
            while True:
                told = await self.next()
                if told.kind == kind:
                    return told


@asynccontextmanager
async def streaming(
    client: Client, after: int | None = None, *, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Stream]:
    """A stream that has begun."""
    query = {} if after is None else {"after": str(after)}
    async with client.session.get(
        client.url + BASE + "/dashboard/stream",
        headers=client.headers(headers),
        params=query,
    ) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        # Frames are longer than the lines that aiohttp reads by itself.
        yield Stream(_lines(response.content.iter_any()))


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    left = b""
    async for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"


async def loaded(client: Client) -> Model:
    """A page that has loaded its snapshot."""
    model = Model()
    model.apply((await client.get("/dashboard/snapshot")).is_good().content)
    return model


async def follow_until(stream: Stream, model: Model, position: int) -> None:
    """Let the model obey up to there."""
    while model.position < position:
        told = await stream.next_of("change")
        model.apply(told.data)
        assert stream.last_id == model.position
