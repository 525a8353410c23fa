"""A session: frames of somebody at the centre on one side, a command in a container on the other.

Opened by `streams.py`. It ends with the command; when its reader has left, or was silent for too
long, the command is hung up.
"""

import asyncio
from contextlib import suppress

import msgspec
import structlog

from agent.contract import (
    Channel,
    ExecRequest,
    NoFrame,
    SessionEnd,
    Size,
    frame,
    frames,
    unframed,
)
from agent.errors import AgentError, ControllerUnreachable, EngineError
from agent.lifecycle.engine import ContainerEngine, Execution
from agent.link.session_link import SessionLink

log = structlog.get_logger()

HANG_UP_WITHIN = 15.0
"""Seconds to end a command whose reader has left. The agent's own end waits so long for it."""


async def refuse(link: SessionLink, why: str) -> None:
    """It does not come to anything. Errors: ControllerUnreachable."""
    await _say_end(link, SessionEnd(reason=why))


async def hold(
    link: SessionLink, engine: ContainerEngine, container_id: str, request: ExecRequest
) -> None:
    """Run the command until it ends, or has to. Errors: AgentError."""
    try:
        async with engine.execution(container_id, request) as execution:
            log.info("session-opened", session=request.request_id, container=container_id[:12])
            end = SessionEnd(reason="the agent stops")
            try:
                end = await _Session(link, execution, request).run()
            finally:
                # Also when this task is cancelled: nothing would be left to end the command.
                if end.exit_code is None:
                    await _hung_up(execution)
                log.info("session-closed", session=request.request_id, reason=end.reason)
            await _say_end(link, end)
    except EngineError as error:
        await refuse(link, str(error))


async def _hung_up(execution: Execution) -> None:
    hanging_up = asyncio.ensure_future(execution.hang_up())
    try:
        async with asyncio.timeout(HANG_UP_WITHIN):
            if not await asyncio.shield(hanging_up):
                log.warning("session-command-goes-on")
    except (TimeoutError, EngineError) as error:
        log.warning("session-command-may-go-on", error=str(error))
    except asyncio.CancelledError:
        # Cancelled while at it: finish it all the same, within the bound that was begun.
        await asyncio.wait((hanging_up,), timeout=HANG_UP_WITHIN)
        raise
    finally:
        hanging_up.cancel()


class _Session:
    def __init__(self, link: SessionLink, execution: Execution, request: ExecRequest) -> None:
        self._link = link
        self._execution = execution
        self._request = request
        self._active = asyncio.get_running_loop().time()

    async def run(self) -> SessionEnd:
        """How it ended. An exit code: by itself. Errors: EngineError."""
        parts = [
            asyncio.ensure_future(part)
            for part in (self._outwards(), self._inwards(), self._watch(), self._link.ping())
        ]
        outwards, inwards, watch, _ = parts
        try:
            await asyncio.wait((outwards, inwards, watch), return_when=asyncio.FIRST_COMPLETED)
            for each in (outwards, inwards, watch):
                if each.done():
                    return each.result() or SessionEnd(reason="left by its reader")
        finally:
            for each in parts:
                each.cancel()
            await asyncio.wait(parts)
        raise AssertionError("one of them was done")

    async def _outwards(self) -> SessionEnd:
        try:
            while (piece := await self._execution.output()) is not None:
                for each in frames(*piece):
                    await self._link.send(each)
                self._active = asyncio.get_running_loop().time()
        except ControllerUnreachable as error:
            return SessionEnd(reason=str(error))
        code = await self._execution.exit_code()
        if code is None:
            return SessionEnd(reason="its output ended, and the engine knows no exit code")
        return SessionEnd(exit_code=code, reason="ended")

    async def _inwards(self) -> SessionEnd:
        while (said := await self._link.receive()) is not None:
            self._active = asyncio.get_running_loop().time()
            try:
                channel, content = unframed(said)
                await self._take(channel, content)
            except (NoFrame, msgspec.DecodeError) as error:
                return SessionEnd(reason=f"what came for it makes no sense: {error}")
        return SessionEnd(reason="left by its reader")

    async def _take(self, channel: Channel, content: bytes) -> None:
        match channel:
            case Channel.STDIN if not self._request.input:
                return
            case Channel.STDIN if content:
                await self._execution.feed(content)
            case Channel.STDIN:
                await self._execution.end_input()
            case Channel.RESIZE:
                await self._execution.resize(msgspec.json.decode(content, type=Size))
            case _:
                return  # of no meaning in this direction; a newer controller's, maybe

    async def _watch(self) -> SessionEnd:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._request.longest
        while True:
            idle_ends = self._active + self._request.longest_idle
            now = loop.time()
            if now >= ends:
                return SessionEnd(reason=f"longer than {self._request.longest:.0f} s")
            if now >= idle_ends:
                return SessionEnd(reason=f"nothing said for {self._request.longest_idle:.0f} s")
            await asyncio.sleep(min(ends, idle_ends) - now)


async def _say_end(link: SessionLink, end: SessionEnd) -> None:
    with suppress(AgentError):  # nobody there to hear it
        await link.send(frame(Channel.EXIT, msgspec.json.encode(end)))
