"""Many connections with many others over one carrier: who is told what, in which packets.

Used by the interior proxy, which opens connections to nodes, and by the edge proxy of a node, which
takes them. All methods belong to one event loop, and none but `run` and the streams' own waits.

A packet carries all frames that wait for the same receiver, so that many small ones cost the broker
as much as one. Of what is received nothing is acknowledged at the broker: a lost packet shows by
its number, and then all connections with its sender are reset. So they are when a sender begins
anew, and when it says nothing for SILENCE though it was asked.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from os import urandom

import structlog

from routing.proxy.flow import Pool
from routing.proxy.frames import (
    Credit,
    Frame,
    NoPacket,
    Open,
    Ping,
    Pong,
    Reset,
    Why,
    encoded,
    packed,
    unpacked,
)
from routing.proxy.stream import Stream

log = structlog.get_logger()

Send = Callable[[str, bytes], Awaitable[None]]
"""Hand a packet for that receiver to the broker, at the pace at which that takes them."""
Accept = Callable[[Stream, Open, str], None]
"""Somebody, the last argument, opens a connection. Called at once; it must be quick."""

MOST = 1024
"""Connections at a time."""
POOL = 32 << 20
"""Bytes; see flow.py. What all connections may hold is this and MOST times FIRST."""
AT_ONCE = 512 << 10
"""Bytes of a packet, beyond which no further frame is put into it."""
WAITING = 1 << 20
"""Bytes that wait to be sent to one receiver, beyond which connections wait with theirs."""
ASK_AFTER, SILENCE = 15.0, 45.0
"""Seconds without a word of somebody with whom there are connections."""
FORGET_AFTER = 60.0
OPEN_WITHIN = 15.0
TICK = 1.0


class TooMany(Exception):
    """All connections that may be are."""


class _Peer:
    """Whom we speak with. A `Way` for its streams."""

    def __init__(self, name: str, wake: asyncio.Event, now: float) -> None:
        self.name = name
        self.streams: dict[int, Stream] = {}
        self.heard_at = now
        self.asked_at = 0.0
        self.heard_session: bytes | None = None
        self.expected = 0
        self.session = urandom(8)
        self.number = 0
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self._wake = wake
        self._room = asyncio.Event()
        self._room.set()

    def say(self, frame: Frame) -> None:
        content = encoded(frame)
        self.waiting.append(content)
        self.waiting_bytes += len(content)
        if self.waiting_bytes > WAITING:
            self._room.clear()
        self._wake.set()

    async def room(self) -> None:
        await self._room.wait()

    def forget(self, connection: int) -> None:
        self.streams.pop(connection, None)

    def next_packet(self, sender: str) -> bytes:
        frames: list[bytes] = []
        size = 0
        while self.waiting and size < AT_ONCE:
            frames.append(self.waiting.popleft())
            size += len(frames[-1])
        self.waiting_bytes -= size
        if self.waiting_bytes <= WAITING:
            self._room.set()
        packet = packed(sender, self.session, self.number, frames)
        self.number += 1
        return packet

    def drop_all(self, why: Why, text: str, *, told: bool) -> None:
        for stream in list(self.streams.values()):
            if told:
                stream.reset(why, text)
            else:
                stream.drop(why, text)

    def free(self) -> None:
        """Nothing said to it matters any more."""
        self.waiting.clear()
        self.waiting_bytes = 0
        self._room.set()


class Multiplexer:
    """See the module.

    name: by which the others answer. accept: None where nobody may open connections from outside.
    """

    def __init__(
        self,
        name: str,
        accept: Accept | None = None,
        *,
        pool: int = POOL,
        most: int = MOST,
        asks: bool = True,
    ) -> None:
        """asks: an end that is silent is asked whether it is there, and taken for lost when it does
        not answer; not, where the carrier itself knows. On a slow link an answer waits behind data.
        """
        self.name = name
        self._asks = asks
        self._accept = accept
        self._pool = Pool(pool)
        self._most = most
        self._peers: dict[str, _Peer] = {}
        self._opened = 0
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def connections(self) -> int:
        """How many there are."""
        return sum(len(peer.streams) for peer in self._peers.values())

    def open(self, receiver: str, port_id: str, client: str) -> Stream:
        """A connection to that public port, by the node that has it. Errors: TooMany."""
        if self.connections >= self._most:
            raise TooMany(f"there are {self._most} connections, and no more may be")
        peer = self._peer(receiver)
        self._opened = (self._opened + 1) % 2**32
        stream = self._stream(peer, self._opened)
        peer.say(Open(stream.connection, port_id, client))
        return stream

    def received(self, sender: str, body: bytes) -> None:
        """A packet came from there. One that is none is left out.

        sender: by what the broker lets nobody else say; empty: by its own word.
        """
        try:
            packet = unpacked(body)
        except NoPacket as error:
            log.warning("packet-unreadable", sender=sender, reason=str(error))
            return
        peer = self._peer(sender or packet.sender)
        peer.heard_at = self._loop.time()
        self._in_order(peer, packet.session, packet.number)
        for frame in packet.frames:
            self._heard(peer, frame)

    def lost(self, why: str) -> None:
        """The broker is away: all connections are over. Others begin with new sessions."""
        for peer in self._peers.values():
            peer.drop_all(Why.LOST, why, told=False)
            peer.free()
        self._peers.clear()

    def reset_all(self, why: Why, text: str, receiver: str | None = None) -> None:
        """End all connections, or those with one, and say so."""
        for peer in list(self._peers.values()):
            if receiver is None or peer.name == receiver:
                peer.drop_all(why, text, told=True)

    async def run(self, send: Send) -> None:
        """Send what is said, and look after the time, until cancelled; whatever `send` raises
        ends it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(send))
            tasks.create_task(self._tick())

    async def flush(self, send: Send) -> None:
        """Send what waits to be sent. For an end, after `run`."""
        for peer in list(self._peers.values()):
            while peer.waiting:
                await send(peer.name, peer.next_packet(self.name))

    def _peer(self, name: str) -> _Peer:
        peer = self._peers.get(name)
        if peer is None:
            peer = self._peers[name] = _Peer(name, self._wake, self._loop.time())
        return peer

    def _stream(self, peer: _Peer, connection: int) -> Stream:
        stream = Stream(connection, peer, self._pool, self._loop.time())
        peer.streams[connection] = stream
        return stream

    def _in_order(self, peer: _Peer, session: bytes, number: int) -> None:
        if peer.heard_session == session:
            if number != peer.expected:
                log.warning("packets-lost", sender=peer.name)
                peer.drop_all(Why.LOST, "something was lost on the way", told=True)
        else:
            if peer.heard_session is not None:
                log.info("other-end-began-anew", sender=peer.name)
            # It knows nothing of connections of before; what was never answered may be on its way.
            for stream in list(peer.streams.values()):
                if stream.heard_in is not None:
                    stream.reset(Why.LOST, "the other end began anew")
            peer.heard_session = session
        peer.expected = number + 1

    def _heard(self, peer: _Peer, frame: Frame) -> None:
        match frame:
            case Ping():
                peer.say(Pong())
            case Pong():
                pass
            case Open():
                self._asked(peer, frame)
            case _:
                stream = peer.streams.get(frame.connection)
                if stream is not None:
                    stream.heard_in = peer.heard_session
                    stream.hear(frame)
                elif not isinstance(frame, Reset | Credit):
                    # Of one that is over here; the other end may not know that yet, and what it
                    # hears of one that it has forgotten it ignores.
                    peer.say(Reset(frame.connection, Why.LOST, "no such connection"))

    def _asked(self, peer: _Peer, frame: Open) -> None:
        if self._accept is None or frame.connection in peer.streams:
            peer.say(Reset(frame.connection, Why.UNKNOWN_PORT, "nothing is opened here"))
        elif self.connections >= self._most:
            peer.say(Reset(frame.connection, Why.TOO_MANY, "the node carries no more connections"))
        else:
            stream = self._stream(peer, frame.connection)
            stream.heard_in = peer.heard_session
            stream.opened = True  # whoever opened it waits, not we
            self._accept(stream, frame, peer.name)

    async def _send(self, send: Send) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # One packet for each in turn: a busy one keeps nobody waiting for long.
            while waiting := [peer for peer in self._peers.values() if peer.waiting]:
                for peer in waiting:
                    if peer.waiting:
                        await send(peer.name, peer.next_packet(self.name))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            for peer in list(self._peers.values()):
                self._look_after(peer, now)

    def _look_after(self, peer: _Peer, now: float) -> None:
        silent = now - peer.heard_at
        if not peer.streams:
            if silent > FORGET_AFTER and not peer.waiting:
                del self._peers[peer.name]
            return
        for stream in list(peer.streams.values()):
            _limited(stream, now)
        if not self._asks:
            return
        if silent > SILENCE:
            log.warning("other-end-silent", receiver=peer.name, seconds=round(silent))
            peer.drop_all(Why.SILENT, "nothing is heard of the other end", told=False)
            peer.free()
        elif silent > ASK_AFTER and now - peer.asked_at > ASK_AFTER:
            peer.asked_at = now
            peer.say(Ping())


def _limited(stream: Stream, now: float) -> None:
    """End it where it was too long without a word, or too long altogether."""
    if not stream.opened and now - stream.begun_at > OPEN_WITHIN:
        stream.reset(Why.SILENT, f"the node did not answer within {OPEN_WITHIN:g} s")
    elif stream.longest and now - stream.begun_at > stream.longest:
        stream.reset(Why.TOO_LONG, f"it lasted {stream.longest:g} s, and may not last longer")
    elif stream.longest_idle and now - stream.used_at > stream.longest_idle:
        stream.reset(Why.IDLE, f"nothing was said for {stream.longest_idle:g} s")
