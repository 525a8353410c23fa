"""Hearing that the log has grown: one LISTEN connection per process, reconnected when it breaks.

Everything here is a hint. Whoever relies on it looks by itself now and then.
"""

import asyncio

import structlog
from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy

from events.ids import START, Position
from events.log import StoreUnavailable
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated

SQL = load("events", "sql/log.sql")

CHANNEL = "ecn_event"
PROBE_EVERY = 15.0
"""Seconds. A connection may be dead without anybody having told us."""
LONGEST_PAUSE = 5.0
TELL_AFTER = 0.005
"""Seconds. Who waits is woken once for all that is heard meanwhile, and by then knows of what was
appended here."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Listener:
    """Wakes who waits. `run` is its task; without it, waits simply last."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._newest = START
        self._grown = asyncio.Event()
        self._telling: asyncio.TimerHandle | None = None

    async def wait(self, *, at_most: float, beyond: Position | None) -> Position:
        """See EventLog."""
        if beyond is None or self._newest <= beyond:
            try:
                async with asyncio.timeout(at_most):
                    await self._grown.wait()
            except TimeoutError:
                return START
        # Nothing newer than was known: then something was said that is no position.
        return self._newest if self._newest > (beyond or START) else START

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = 0.1
        while True:
            try:
                await self._listen()
                pause = 0.1
            except StoreUnavailable as e:
                log.warning("not listening to the log", reason=str(e), next_try_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        """Until the connection is lost."""
        connection = await self._pool.connect("ecn-listen")
        lost = asyncio.Event()
        try:
            with translated():
                connection.add_termination_listener(lambda _: lost.set())
                await connection.add_listener(CHANNEL, self._heard)
                # Anything may have been appended while nobody listened.
                self._grown_to(await connection.fetchval(SQL["head_position"]))
                while not lost.is_set():
                    try:
                        async with asyncio.timeout(PROBE_EVERY):
                            await lost.wait()
                    except TimeoutError:
                        await connection.fetchval(SQL["probe"])
        finally:
            await close(connection)

    def _heard(
        self,
        _connection: Connection | PoolConnectionProxy,
        _pid: int,
        _channel: str,
        payload: object,
    ) -> None:
        # Others may notify on this channel too: what is no number is a hint all the same.
        self._grown_to(int(payload) if isinstance(payload, str) and payload.isdigit() else START)

    def _grown_to(self, position: int) -> None:
        self._newest = max(self._newest, Position(position))
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)

    def _tell(self) -> None:
        self._telling = None
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
