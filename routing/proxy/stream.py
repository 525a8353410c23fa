"""One proxied connection, as whoever carries its bytes sees it: to be read, written and ended.

`Multiplexer` makes them, and gives them what comes; `pump.py` joins them to sockets.
"""

import asyncio
from collections import deque
from typing import Protocol

from routing.proxy.flow import Flow, Pool, Violation
from routing.proxy.frames import (
    LARGEST_DATA,
    Credit,
    Data,
    End,
    Frame,
    Opened,
    Reset,
    Why,
)


class Gone(Exception):
    """The connection is over, both ways, though not all was said."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text or why.name.lower().replace("_", " "))
        self.why = why


class Way(Protocol):
    """What a stream needs of the way to its other end."""

    def say(self, frame: Frame) -> None:
        """Let it be sent, after all that was said before."""
        ...

    async def room(self) -> None:
        """Wait until little of what was said waits to be sent."""
        ...

    def forget(self, connection: int) -> None:
        """Nothing more is to be said or heard of it."""
        ...


class Stream:
    """See the module. For one reader and one writer. now: the loop's clock."""

    def __init__(self, connection: int, way: Way, pool: Pool, now: float) -> None:
        self.connection = connection
        self.flow = Flow(pool)
        self.begun_at = self.used_at = now
        """The loop's clock: when it began, and when bytes last came or went."""
        self.opened = False
        """Whether the other end has taken it."""
        self.opened_at: float | None = None
        """The loop's clock, of who opened it."""
        self.longest = self.longest_idle = 0.0
        """Seconds; 0: for ever."""
        self.heard_in: bytes | None = None
        """The other end's session in which it was heard of."""
        self.read_bytes = self.written_bytes = 0
        self._way = way
        self._came: deque[bytes] = deque()
        self._gone: Gone | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._finished = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def over(self) -> bool:
        """Nothing more can be read or written."""
        return self._gone is not None or self.flow.over

    async def read(self) -> bytes:
        """What came; b"" once there will be no more. Whoever has passed it on calls `taken`.

        Errors: Gone.
        """
        while not self._came:
            if self._gone is not None:
                raise self._gone
            if self.flow.heard_end:
                return b""
            self._readable.clear()
            await self._readable.wait()
        content = self._came[0] if len(self._came) == 1 else b"".join(self._came)
        self._came.clear()
        return content

    async def finished(self) -> None:
        """Wait until both have said all. Errors: Gone."""
        await self._finished.wait()
        if self._gone is not None:
            raise self._gone

    def taken(self, size: int) -> None:
        """So many bytes of what was read are where they should be: as many more may come."""
        if self._gone is not None:
            return
        more = self.flow.taken(size)
        self.read_bytes += size
        if more:
            self._way.say(Credit(self.connection, more))
        self._settle()

    async def write(self, content: bytes) -> None:
        """Send it, at the pace at which the other end takes it. Errors: Gone."""
        start = 0
        while start < len(content):
            await self._way.room()
            if self._gone is not None:
                raise self._gone
            if not self.flow.credit:
                self._writable.clear()
                await self._writable.wait()
                continue
            piece = content[start : start + min(self.flow.credit, LARGEST_DATA)]
            self.flow.sent(len(piece))
            self.written_bytes += len(piece)
            self.used_at = self._loop.time()
            self._way.say(Data(self.connection, piece))
            start += len(piece)

    def end(self) -> None:
        """No more will be written."""
        if self._gone is None and not self.flow.said_end:
            self.flow.said_end = True
            self._way.say(End(self.connection))
            self._settle()

    def accept(self) -> None:
        """Tell the other end that the connection stands."""
        if self._gone is None:
            self._way.say(Opened(self.connection))
        self.opened = True

    def reset(self, why: Why, text: str = "") -> None:
        """End it at once, both ways, and tell the other end. Nothing, once it is over."""
        if not self.over:
            self._way.say(Reset(self.connection, why, text))
            self.drop(why, text)

    def drop(self, why: Why, text: str) -> None:
        """It is over, and there is nobody to be told."""
        if self.over:
            return
        self._gone = Gone(why, text)
        self._came.clear()
        self.flow.close()
        self._way.forget(self.connection)
        self._readable.set()
        self._writable.set()
        self._finished.set()

    def hear(self, frame: Opened | Data | Credit | End | Reset) -> None:
        """What the other end said of it. What it may not say resets it."""
        try:
            self._hear(frame)
        except Violation as error:
            self.reset(Why.BROKEN, f"the other end broke the agreement: {error}")

    def _hear(self, frame: Opened | Data | Credit | End | Reset) -> None:
        match frame:
            case Data():
                self.flow.received(len(frame.content))
                self._came.append(frame.content)
                self.used_at = self._loop.time()
                self._readable.set()
            case Credit():
                self.flow.allowed(frame.more)
                self._writable.set()
            case Opened():
                self.opened, self.opened_at = True, self._loop.time()
            case End():
                self.flow.ended()
                self._readable.set()
                self._settle()
            case Reset():
                self.drop(frame.why, frame.text)

    def _settle(self) -> None:
        """Both have said all: it needs no place any more."""
        if self.flow.over:
            self.flow.close()
            self._way.forget(self.connection)
            self._finished.set()
