"""Ports of this machine that lead to ports of a container, or of a device, that nobody can reach.

Each connection that is made here becomes one there; all of them share a session with the controller
(routing/proxy/). When that breaks its connections are over, and the next one made begins another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

import click
import msgspec
from msgspec import Struct

from agent.contract import Channel, NoFrame, Packets, SessionEnd, packet_frames, unframed
from ecn.api.documents import Problem
from ecn.api.session_documents import SessionStarted, StartForward
from ecn.cli.errors import CliError, NotAllowed, Refused, Unreachable, printable
from ecn.cli.session_socket import SessionSocket
from routing.proxy.multiplexer import Multiplexer, TooMany
from routing.proxy.pump import BUFFERED, closed, pump
from routing.proxy.stream import Gone

DEVICE = "device"
"""What the multiplexer calls the other end."""
LOST = "the connection to the controller is lost"
NEVER_AGAIN = frozenset({"not-found", "not-allowed"})
"""Codes of refusals that end it: asking again at the next connection would not help."""

Opening = Callable[[], AbstractAsyncContextManager[SessionSocket]]


class Pair(Struct, frozen=True):
    """A port here, 0 for any that is free, and the one that it leads to."""

    local: int
    remote: int


class Forwarding:
    """See the module.

    opening: a socket for a session. about: whose ports they are, for people.
    """

    def __init__(self, opening: Opening, pairs: Sequence[Pair], about: str) -> None:
        self._opening = opening
        self._pairs = pairs
        self._about = about
        self._carried: _Carried | None = None
        self._turn = asyncio.Lock()
        self._left = False
        self._over: asyncio.Future[CliError] = asyncio.get_running_loop().create_future()
        self._tasks: asyncio.TaskGroup

    async def run(self, address: str) -> None:
        """Listen there and carry connections until cancelled.

        Errors: CliError when it can't begin, or may not go on.
        """
        async with asyncio.TaskGroup() as self._tasks:
            # Whatever the body of a group raises comes out of it as a group of errors.
            error = await self._until_over(address)
        raise error

    async def _until_over(self, address: str) -> CliError:
        async with AsyncExitStack() as stack:
            stack.callback(self._leave)
            try:
                places = [
                    await stack.enter_async_context(self._listening(address, pair))
                    for pair in self._pairs
                ]
                await self._session()
            except CliError as error:
                return error
            for pair, place in zip(self._pairs, places, strict=True):
                click.echo(f"{place} leads to {self._about} port {pair.remote}")
            return await self._over

    def _leave(self) -> None:
        self._left = True
        if self._carried is not None:
            self._carried.leave()

    @asynccontextmanager
    async def _listening(self, address: str, pair: Pair) -> AsyncIterator[str]:
        def made(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._left:
                writer.close()
            else:
                self._tasks.create_task(self._made(pair.remote, reader, writer))

        try:
            server = await asyncio.start_server(made, address, pair.local, limit=BUFFERED)
        except OSError as error:
            raise CliError(
                f"can't listen on {address}:{pair.local}: {error.strerror or error}",
                next_step=f"choose another port here: 0:{pair.remote} takes one that is free",
            ) from error
        try:
            host, port = server.sockets[0].getsockname()[:2]
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        finally:
            server.close()

    async def _made(
        self, remote: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Somebody connected here."""
        broken = True
        try:
            carried = await self._session()
            peer = writer.get_extra_info("peername")
            client = f"{peer[0]}:{peer[1]}" if peer else ""
            stream = carried.multiplexer.open(DEVICE, str(remote), client)
            await pump(stream, reader, writer)
            broken = False
        except (Gone, TooMany, CliError) as error:
            _say(f"a connection to port {remote}: {error}")
        except OSError:
            pass  # whoever connected here left, and knows
        finally:
            await closed(writer, at_once=broken)

    async def _session(self) -> "_Carried":
        """The session that is, or a new one. Errors: CliError."""
        async with self._turn:
            if self._left:
                raise CliError("this command ends")
            if self._carried is None:
                begun: asyncio.Future[_Carried] = asyncio.get_running_loop().create_future()
                self._tasks.create_task(self._hold(begun))
                try:
                    return await begun
                except (NotAllowed, Refused) as error:
                    final = not isinstance(error, Refused) or error.problem.code in NEVER_AGAIN
                    if final and not self._over.done():
                        self._over.set_result(error)
                    raise
            return self._carried

    async def _hold(self, begun: "asyncio.Future[_Carried]") -> None:
        """One session, from its beginning to its end."""
        try:
            async with self._opening() as socket:
                start = StartForward(ports=[each.remote for each in self._pairs])
                await socket.say(msgspec.json.encode(start).decode())
                _started(await socket.receive())
                carried = _Carried(socket)
                if begun.cancelled():
                    return
                self._carried = carried
                begun.set_result(carried)
                reason = await carried.run()
            if reason:
                _say(f"the session ended: {reason}; the next connection begins another")
        except CliError as error:
            if not begun.done():
                begun.set_exception(error)
            else:
                _say(f"the session ended: {error}; the next connection begins another")
        finally:
            self._carried = None
            if not begun.done():
                begun.cancel()


class _Carried:
    """Connections in one session, while it lasts."""

    def __init__(self, socket: SessionSocket) -> None:
        self.multiplexer = Multiplexer("operator", asks=False)  # the links ask, each by itself
        self._socket = socket
        self._left = asyncio.Event()

    def leave(self) -> None:
        """It is not wanted any more."""
        self._left.set()

    async def run(self) -> str:
        """Why it ended; empty when nobody wanted it any more."""
        leaving = asyncio.ensure_future(self._left.wait())
        receiving = asyncio.ensure_future(self._receive())
        sending = asyncio.ensure_future(self._send_all())
        parts = (leaving, receiving, sending, asyncio.ensure_future(self._socket.ping()))
        try:
            await asyncio.wait(parts[:3], return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return receiving.result()
            return "" if leaving.done() else LOST
        finally:
            self.multiplexer.lost("the session ended")
            for each in parts:
                each.cancel()
            await asyncio.wait(parts)

    async def _receive(self) -> str:
        packets = Packets()
        while (said := await self._socket.receive()) is not None:
            if isinstance(said, str):
                continue
            try:
                channel, content = unframed(said)
                if channel is Channel.EXIT:
                    return msgspec.json.decode(content, type=SessionEnd).reason
                packet = packets.add(content) if channel is Channel.STDOUT else None
            except (NoFrame, msgspec.DecodeError) as error:
                return f"what came makes no sense: {error}"
            if packet is not None:
                self.multiplexer.received(DEVICE, packet)
        return LOST

    async def _send_all(self) -> None:
        with suppress(Unreachable):  # who receives learns it too, and maybe why
            try:
                await self.multiplexer.run(self._send)
            except* Unreachable as broken:
                raise Unreachable(LOST) from broken
        await asyncio.sleep(1.0)

    async def _send(self, _: str, packet: bytes) -> None:
        for each in packet_frames(Channel.STDIN, packet):
            await self._socket.send(each)


def _started(answer: bytes | str | None) -> None:
    """Errors: Refused, Unreachable."""
    if not isinstance(answer, str):
        raise Unreachable(LOST)
    try:
        msgspec.json.decode(answer, type=SessionStarted)
    except msgspec.DecodeError:
        try:
            raise Refused(msgspec.json.decode(answer, type=Problem))
        except msgspec.DecodeError:
            raise Unreachable("what answers there is not an ECN controller") from None


def _say(text: str) -> None:
    click.echo(printable(text), err=True)
