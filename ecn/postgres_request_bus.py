"""Requests for agents between controllers, over Postgres' LISTEN and NOTIFY.

One connection per controller, which listens and speaks; reconnected when it breaks. What is told
while it is away is lost, as nobody would wait for it any more.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy

from ecn.request_bus import LARGEST, Passed, unheard
from events.ids import NodeId
from events.log import StoreUnavailable
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated

SQL = load("ecn", "sql/request_bus.sql")

CHANNEL = "ecn_request"
PROBE_EVERY = 15.0
LONGEST_PAUSE = 5.0
"""Seconds."""
WAITING = 1000
"""Words that may wait for the connection."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class PostgresRequestBus:
    """See RequestBus. `run` is its task."""

    def __init__(self, pool: PostgresPool, url: str) -> None:
        self.url = url
        self.heard: Callable[[Passed], None] = unheard
        self._pool = pool
        self._words: asyncio.Queue[str] = asyncio.Queue(WAITING)

    def tell(self, node_id: NodeId, request: msgspec.Raw) -> None:
        """See RequestBus."""
        passed = Passed(url=self.url, node_id=node_id, request=request)
        word = msgspec.json.encode(passed)
        if len(word) > LARGEST:
            log.warning("request_too_large_to_pass_on", bytes=len(word))
            return
        try:
            self._words.put_nowait(word.decode())
        except asyncio.QueueFull:
            log.warning("request_not_passed_on", reason="too many wait")

    async def run(self) -> None:
        """Listen and speak until cancelled."""
        pause = 0.1
        while True:
            try:
                await self._talk()
                pause = 0.1
            except StoreUnavailable as error:
                log.warning("not_hearing_other_controllers", reason=str(error), next_try_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _talk(self) -> None:
        """Until the connection is lost. Errors: StoreUnavailable."""
        connection = await self._pool.connect("ecn-requests")
        try:
            with translated():
                await connection.add_listener(CHANNEL, self._hear)
                while True:
                    try:
                        async with asyncio.timeout(PROBE_EVERY):
                            word = await self._words.get()
                    except TimeoutError:
                        await connection.fetchval(SQL["probe"])
                    else:
                        await connection.fetchval(SQL["tell"], CHANNEL, word)
        finally:
            await close(connection)

    def _hear(
        self,
        _connection: Connection | PoolConnectionProxy,
        _pid: int,
        _channel: str,
        payload: object,
    ) -> None:
        try:
            passed = msgspec.json.decode(str(payload), type=Passed)
        except msgspec.DecodeError:
            return  # others may notify on this channel, too
        if passed.url != self.url:
            self.heard(passed)
