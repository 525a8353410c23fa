"""Sees to it that a session that was opened in the log is closed in it, whatever happens.

A handler that ends, be it cancelled, leaves its closing here. Each running controller holds a lock
under a name of its own; the one that leads closes the sessions of those whose lock is free: they
were killed, or are cut off.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from ecn.batch import Issued
from ecn.commands.session import CloseSession
from ecn.presence_store import Leadership
from ecn.writer import Writer
from events.ids import CommandId, new_id
from events.log import LogError, OutcomeUnknown, StoreUnavailable
from projections.live import Live

LEADER = "sessions"
GLANCES_FOR = timedelta(minutes=10)
"""Whoever reads a log and reads it again within this time goes on looking: it is told once."""
MOST_GLANCES = 10_000

LOOK_EVERY = 5.0
AGAIN_AFTER = 1.0
LAST_WORDS_WITHIN = 2.0
"""Seconds."""

log = structlog.get_logger()


class _Closing(Struct, frozen=True):
    actor: str
    command: CloseSession


class SessionKeeper:
    """See the module. `run` is its task."""

    def __init__(
        self,
        live: Live,
        writer: Writer,
        leadership: Leadership,
        clock: Callable[[], datetime],
        *,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._live = live
        self._writer = writer
        self._leadership = leadership
        self._clock = clock
        self._look_every = look_every
        self._closings: deque[_Closing] = deque()
        self._news = asyncio.Event()
        self._glances: dict[tuple[str, str], datetime] = {}
        self.controller = new_id()
        """What sessions of this controller say of who holds them."""

    def close(
        self,
        session_id: str,
        reason: str,
        *,
        actor: str,
        exit_code: int | None = None,
        connections: int | None = None,
    ) -> None:
        """It is over; the log will say so as soon as it can be written."""
        command = CloseSession(
            session_id=session_id,
            reason=reason,
            exit_code=exit_code,
            connections=connections,
            now=self._clock(),
        )
        self._closings.append(_Closing(actor, command))
        self._news.set()

    def glanced(self, actor: str, microservice_id: str) -> bool:
        """Whether they looked here a moment ago; from now on they did.

        A dashboard that reads the end of a log every few seconds must not fill our own.
        """
        now, key = self._clock(), (actor, microservice_id)
        before = self._glances.pop(key, None)
        if before is not None and now - before < GLANCES_FOR:
            self._glances[key] = before
            return True
        if len(self._glances) >= MOST_GLANCES:
            del self._glances[next(iter(self._glances))]
        self._glances[key] = now
        return False

    async def run(self) -> None:
        """Close what is over, and what nobody holds, until cancelled."""
        looking = asyncio.ensure_future(self._look())
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                if not await self._write():
                    await asyncio.sleep(AGAIN_AFTER)
                    self._news.set()
        finally:
            looking.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_WITHIN):
                    await self._write()

    async def _write(self) -> bool:
        """Whether all that was to be closed is."""
        while self._closings:
            closing = self._closings[0]
            command_id = CommandId(new_id())
            try:
                await self._writer.execute(
                    Issued(
                        command=closing.command,
                        actor=closing.actor,
                        command_id=command_id,
                        correlation_id=command_id,
                    )
                )
            except (LogError, OutcomeUnknown, StoreUnavailable) as error:
                # What was written after all is seen to be when it is tried again.
                log.warning("session_not_closed", reason=str(error))
                return False
            except Exception:
                log.exception("session_close_failed")
            self._closings.popleft()
        return True

    async def _look(self) -> None:
        while True:
            try:
                await self.sweep()
            except (LogError, StoreUnavailable) as error:
                log.warning("sessions_not_swept", reason=str(error))
            except Exception:
                # A fault of ours here must not end the controller; the next round may do.
                log.exception("session_sweep_failed")
            await asyncio.sleep(self._look_every)

    async def sweep(self) -> None:
        """Say that we are there, and close what is held by nobody. Errors: StoreUnavailable."""
        if not await self._leadership.try_lead(_held_by(self.controller)):
            # We were taken for gone, and our sessions were closed: go on under another name.
            self.controller = new_id()
            await self._leadership.try_lead(_held_by(self.controller))
        if not await self._leadership.try_lead(LEADER):
            return
        rows = list(self._live.world.sessions.items())
        others = {row.controller for _, row in rows} - {self.controller}
        gone = {each for each in others if await self._leadership.try_lead(_held_by(each))}
        for session_id, row in rows:
            if row.controller in gone:
                reason = "its controller ended, or was cut off"
                self.close(session_id, reason, actor="controller")


def _held_by(controller: str) -> str:
    return f"controller {controller}"
