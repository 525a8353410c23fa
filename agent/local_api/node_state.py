"""What the Local API shows of its node, and who has seen what of it.

Kept by `local_api.py`, read by everything that answers a microservice.
"""

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256

from agent.contract import Microservice
from agent.local_api.callers import Callers
from agent.local_api.edge_resources import edge_resources_text
from agent.local_api.position import Position
from agent.local_api.readers import Readers
from agent.local_api.tokens import Tokens
from agent.messages.routing import EdgeRouting
from agent.storage.desired_state import Known

OPEN, OFF = "open", "off"
"""Of NodeConfig.local_api."""


class NodeState:
    """Of one node. milliseconds: since 1970."""

    def __init__(
        self,
        routing: EdgeRouting,
        callers: Callers,
        tokens: Tokens,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.routing = routing
        self.callers = callers
        self.tokens = tokens
        self.milliseconds = milliseconds
        self.clock = clock
        self.position = Position()
        self.readers = Readers()
        self.subnets: tuple[str, ...] = ()
        """Of the engine's networks: where a caller may be that says itself who it is."""
        self.open = False
        """Whether callers are believed when they say who they are."""
        self._microservices: dict[str, Microservice] = {}
        self.edge_resources = "[]"
        """As ioFog's SDKs read them: JSON text."""
        self._seen_config: dict[str, bytes] = {}
        self._seen_resources: dict[str, bytes] = {}
        self._news = asyncio.Event()

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._microservices = known.microservices
        self.open = known.node.local_api == OPEN
        self.edge_resources = edge_resources_text(known.edge_resources)
        self.position.set_by_operators(known.node.latitude, known.node.longitude)
        self.tokens.know(known.microservices)
        for seen in (self._seen_config, self._seen_resources):
            for gone in seen.keys() - known.microservices.keys():
                del seen[gone]
        self.readers.only(known.microservices)
        self._news.set()
        self._news = asyncio.Event()

    async def news(self) -> None:
        """Wait for the next desired state."""
        await self._news.wait()

    def microservice(self, microservice_id: str) -> Microservice | None:
        """One that belongs here."""
        return self._microservices.get(microservice_id)

    def config_version(self, microservice_id: str) -> bytes:
        """Of its configuration at this moment."""
        found = self._microservices.get(microservice_id)
        return _digest(found.config if found is not None else "")

    def resources_version(self) -> bytes:
        """Of the edge resources at this moment."""
        return _digest(self.edge_resources)

    def saw_config(self, microservice_id: str, version: bytes) -> None:
        """It has read this one, or confirmed that there is another."""
        if microservice_id in self._microservices:
            self._seen_config[microservice_id] = version

    def saw_resources(self, microservice_id: str, version: bytes) -> None:
        """As `saw_config`."""
        if microservice_id in self._microservices:
            self._seen_resources[microservice_id] = version

    def has_new_config(self, microservice_id: str) -> bool:
        """Whether it has yet to hear of the one it should have."""
        return self._seen_config.get(microservice_id) != self.config_version(microservice_id)

    def has_new_resources(self, microservice_id: str) -> bool:
        """As `has_new_config`. Of none, none has to hear who never heard of any."""
        seen = self._seen_resources.get(microservice_id, _digest("[]"))
        return seen != self.resources_version()


def _digest(text: str) -> bytes:
    return sha256(text.encode(errors="replace")).digest()
