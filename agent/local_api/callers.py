"""Which microservice an address belongs to, for `http.py`.

A container's address is free for the next one as soon as it ends, perhaps for a container that is
not even ours. So nothing is believed for long: what was seen counts until the engine says that
something happened to a container, or for some seconds, and then the engine is asked again, before
the caller is let in. Asked once for all who wait: a stranger can't make it work for nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address

import structlog

from agent.errors import EngineError
from agent.lifecycle.engine import ContainerEngine

log = structlog.get_logger()

BELIEVED = 5.0
"""Seconds, when the engine says nothing: its events may be lost."""
ANSWER_WITHIN = 2.0
"""Seconds for the engine, while somebody waits."""
PAUSE = 1.0
"""Seconds without a question after one that had no answer."""


class Callers:
    """Of one node. clock: seconds that do not jump."""

    def __init__(self, node_id: str, engine: ContainerEngine, clock: Callable[[], float]) -> None:
        self._node_id = node_id
        self._engine = engine
        self._clock = clock
        self._seen: Mapping[str, str] = {}
        self._seen_at: float | None = None
        """When that was asked; None: it is not to be believed any more."""
        self._happened = 0
        self._not_before = float("-inf")
        self._asking = asyncio.Lock()

    def something_happened(self) -> None:
        """To a container: ask again before anybody is believed."""
        self._happened += 1
        self._seen, self._seen_at = {}, None

    async def who(self, address: str) -> str | None:
        """Id of the microservice that has this address at this moment; None: none of ours."""
        came = self._clock()
        if self._fresh(came - BELIEVED):
            return self._seen.get(address)
        async with self._asking:
            # Whoever was before us in the row may have asked after we came.
            if not self._fresh(came):
                return (await self._answer()).get(address)
            return self._seen.get(address)

    def _fresh(self, since: float) -> bool:
        return self._seen_at is not None and self._seen_at >= since

    async def _answer(self) -> Mapping[str, str]:
        """As the engine says: true of whoever was there when it was asked, whatever happens
        while it answers. One that did not answer is left alone for a moment."""
        asked_at, happened = self._clock(), self._happened
        if asked_at < self._not_before:
            return self._seen
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                seen = await self._engine.addresses(self._node_id)
        except (EngineError, TimeoutError) as error:
            # What was seen counts on: without an engine nobody is given somebody's address.
            log.debug("callers-not-looked-up", error=str(error))
            self._not_before = self._clock() + PAUSE
            return self._seen
        if happened == self._happened:
            self._seen, self._seen_at = seen, asked_at
        return seen


def plain_address(host: str) -> str:
    """As the engine writes it: an IPv4 address that came in by IPv6 is one of IPv4."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
