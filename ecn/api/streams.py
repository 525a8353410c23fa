"""Looks into a device that accepts no connection: its agent opens a stream, and we pass it on.

An operator's request becomes a StreamRequest that the node's next long-poll answer carries; its
agent then posts what was asked for as it comes, or opens a session. Nothing of it is kept: it goes
from one connection into the other, at the pace of the slower one.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from agent.contract import AnyStreamRequest, encoded_request, known_requests
from ecn.api.session_link import SessionLink
from ecn.errors import NotFound, TooMany, Unreachable
from ecn.request_bus import NobodyElse, Passed, RequestBus
from events.ids import NodeId

PATIENCE = 10.0
"""Seconds for an agent to open its stream."""

MOST, MOST_PER_NODE = 200, 10
"""Streams open at once."""

HEARD_WITHIN = 1.0
"""Seconds that the word of another controller may take longer than the agent."""

MOST_SESSIONS = 100
"""Sessions open at once; how many on a node, is decided with the log in hand."""

CHUNKS = 16
"""Chunks of at most 64 KiB that wait for a slow reader before the agent has to."""


class Stream:
    """A log, usage, or events, on its way."""

    def __init__(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        self.node_id = node_id
        self.request = request
        self.opened = asyncio.Event()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS)
        self._ended = False
        self._broken = False
        self._left = asyncio.Event()

    async def take(self, chunks: AsyncIterable[bytes]) -> None:
        """Pass on all that comes, at the reader's pace; returns at its end, or the reader's.

        The reader's end counts also while nothing comes: a log may be quiet for hours.
        """
        passing = asyncio.ensure_future(self._pass_on(chunks))
        left = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait((passing, left), return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
        except BaseException:
            self._broken = True
            raise
        finally:
            passing.cancel()
            left.cancel()
            await asyncio.wait((passing, left))
            self.end()

    async def _pass_on(self, chunks: AsyncIterable[bytes]) -> None:
        async for chunk in chunks:
            await self._chunks.put(chunk)

    def end(self) -> None:
        """Say that nothing more comes. The sender need not wait for a slow reader."""
        self._ended = True
        with suppress(asyncio.QueueFull):
            # For a reader that waits; one that has a full queue to read sees it at the end.
            self._chunks.put_nowait(None)

    def leave(self) -> None:
        """The reader is gone."""
        self._left.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What comes, until the end.

        Errors: Unreachable when the agent opens no stream, or when it ends in its midst.
        """
        await _opened(self.opened)
        while not (self._ended and self._chunks.empty()):
            chunk = await self._chunks.get()
            if chunk is None:
                break
            yield chunk
        if self._broken:
            raise Unreachable("the link to the device broke")


class Door:
    """Where a session's agent is waited for."""

    def __init__(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        self.node_id = node_id
        self.request = request
        self.opened = asyncio.Event()
        self._link: SessionLink | None = None
        self._left = asyncio.Event()

    async def enter(self, link: SessionLink) -> None:
        """The agent is there; returns when the session is over."""
        self._link = link
        self.opened.set()
        await self._left.wait()

    async def entered(self) -> SessionLink:
        """The link to the agent. Errors: Unreachable when it does not come."""
        await _opened(self.opened)
        if self._link is None:
            raise Unreachable("the node's agent came and went")
        return self._link

    def leave(self) -> None:
        """The session is over."""
        self._left.set()


async def _opened(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await event.wait()
    except TimeoutError:
        raise Unreachable(
            f"the node's agent did not answer within {PATIENCE:.0f} seconds"
        ) from None


class Streams:
    """The streams and sessions that are open or asked for."""

    def __init__(
        self,
        wake: Callable[[NodeId], None],
        waits: Callable[[NodeId], bool] = lambda _: True,
        bus: RequestBus | None = None,
    ) -> None:
        """waits: whether the node's agent is with this controller now. bus: to the others."""
        self._wake = wake
        self._waits = waits
        self._bus = bus or NobodyElse()
        self._bus.heard = self._hear
        self._elsewhere: dict[str, str] = {}
        """Of requests of other controllers: who waits for what they lead to."""
        self._heard = asyncio.Event()
        self._streams: dict[str, Stream] = {}
        self._doors: dict[str, Door] = {}
        self._asked: dict[NodeId, list[AnyStreamRequest]] = {}

    @asynccontextmanager
    async def open(self, node_id: NodeId, request: AnyStreamRequest) -> AsyncIterator[Stream]:
        """Ask the node for a stream. Errors: TooMany."""
        on_node = sum(1 for stream in self._streams.values() if stream.node_id == node_id)
        if len(self._streams) >= MOST or on_node >= MOST_PER_NODE:
            raise TooMany("too many logs are being read already", retry_after=PATIENCE)
        stream = Stream(node_id, request)
        self._streams[request.request_id] = stream
        self._ask_and_tell(node_id, request)
        try:
            yield stream
        finally:
            stream.leave()
            del self._streams[request.request_id]
            self.forget(node_id, request)

    @asynccontextmanager
    async def open_session(self, node_id: NodeId, request: AnyStreamRequest) -> AsyncIterator[Door]:
        """Ask the node for a session. Errors: TooMany."""
        if len(self._doors) >= MOST_SESSIONS:
            raise TooMany(
                f"{MOST_SESSIONS} sessions are open at this controller already",
                retry_after=PATIENCE,
            )
        door = Door(node_id, request)
        self._doors[request.request_id] = door
        self._ask_and_tell(node_id, request)
        try:
            yield door
        finally:
            door.leave()
            del self._doors[request.request_id]
            self.forget(node_id, request)

    def _ask_and_tell(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        here = self._waits(node_id)
        self.ask(node_id, request)
        if not here:
            self._bus.tell(node_id, encoded_request(request))

    def _hear(self, passed: Passed) -> None:
        """Another controller asks for something, of an agent that may be with us."""
        for request in known_requests([passed.request]):
            self._elsewhere[request.request_id] = passed.url
            self.ask(passed.node_id, request)
            loop = asyncio.get_running_loop()
            loop.call_later(PATIENCE, self.forget, passed.node_id, request)
            loop.call_later(2 * PATIENCE, self._elsewhere.pop, request.request_id, None)
        self._heard.set()
        self._heard = asyncio.Event()

    async def elsewhere(self, request_id: str) -> str | None:
        """Where something is waited for, if it is not here; None for nowhere.

        The agent may be quicker than the word between controllers.
        """
        if request_id in self._streams or request_id in self._doors:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_WITHIN if self._bus.url else 0):
                while request_id not in self._elsewhere:
                    await self._heard.wait()
        return self._elsewhere.get(request_id)

    def ask(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        """Let the node's next answer carry it."""
        self._asked.setdefault(node_id, []).append(request)
        self._wake(node_id)

    def forget(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        """Nobody waits for it any more."""
        waiting = [each for each in self._asked.get(node_id, ()) if each is not request]
        if waiting:
            self._asked[node_id] = waiting
        else:
            self._asked.pop(node_id, None)

    def take(self, node_id: NodeId) -> list[AnyStreamRequest]:
        """The requests that the node has not been told yet. It is told once."""
        return self._asked.pop(node_id, [])

    def accept(self, node_id: NodeId, request_id: str) -> Stream:
        """The stream that this node's agent opens. Errors: NotFound when nobody waits for it."""
        stream = self._streams.get(request_id)
        if stream is None or stream.node_id != node_id or stream.opened.is_set():
            raise NotFound("stream request", request_id)
        stream.opened.set()
        return stream

    def door(self, node_id: NodeId, request_id: str) -> Door:
        """Where this node's agent enters. Errors: NotFound when nobody waits for it."""
        door = self._doors.get(request_id)
        if door is None or door.node_id != node_id or door.opened.is_set():
            raise NotFound("session request", request_id)
        return door
