"""A controller that is looked at, and who speaks to it: one in memory, or a real one.

The one in memory has a clock that begins in the past, so that a history of days takes a moment.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.commands.network import SetBroker
from ecn.commands.node import MarkNodeOffline
from events.ids import NodeId
from events.network import Broker
from tests.ecn.api.server import ADMIN, PASSWORD, Clock, Controller, Network

if TYPE_CHECKING:
    from tests.dashboard.populate import Populated

BASE = "/api/v1"
MIB = 1 << 20
AT_ONCE = 20
"""Requests that are under way together."""


class LaterClock(Clock):
    """Shows a time so far back, and goes on; as late as the real one at last."""

    def __init__(self, behind: timedelta) -> None:
        super().__init__()
        self.behind = behind

    def now(self) -> datetime:
        """What it shows."""
        return datetime.now(UTC) - self.behind

    def advance(self, seconds: float) -> None:
        """So much later, though never later than it really is."""
        self.behind = max(timedelta(0), self.behind - timedelta(seconds=seconds))


class Refusal(Exception):
    """What was asked was refused."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that matter here."""

    nodes: list[dict[str, object]] = msgspec.field(default_factory=list)
    applications: list[dict[str, object]] = msgspec.field(default_factory=list)
    microservices: list[dict[str, object]] = msgspec.field(default_factory=list)
    routes: list[dict[str, object]] = msgspec.field(default_factory=list)


class Scene:
    """Speaks to one controller as anybody."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        *,
        name: str = "admin",
        password: str,
        controller: Controller | None = None,
    ) -> None:
        self.url = url
        self.token = token
        """Of an admin."""
        self.name = name
        self.password = password
        self.controller = controller
        """The one in memory."""
        self._found: Populated | None = None
        self._session = session
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> dict[str, object]:
        """One request, as the admin unless told. Errors: Refusal."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        async with (
            self._gate,
            self._session.request(
                method, self.url + BASE + path, data=content, headers=headers
            ) as response,
        ):
            said = await response.read()
        if response.status >= 400:
            raise Refusal(f"{method} {path}: {response.status} {said.decode()}")
        return msgspec.json.decode(said, type=dict[str, object])

    @property
    def now(self) -> datetime:
        """By the controller's clock, as far as that is known."""
        if self.controller is not None:
            return self.controller.network.clock.now()
        return datetime.now(UTC)

    @property
    def found(self) -> "Populated":
        """What it was filled with."""
        assert self._found is not None
        return self._found

    @found.setter
    def found(self, found: "Populated") -> None:
        self._found = found

    @property
    def behind(self) -> float:
        """Seconds that its clock shows too little."""
        clock = self.controller.network.clock if self.controller is not None else None
        return clock.behind.total_seconds() if isinstance(clock, LaterClock) else 0.0

    def pass_time(self, seconds: float) -> None:
        """So much later. A real controller's time can't be passed."""
        if self.controller is not None:
            self.controller.network.clock.advance(seconds)

    async def interior_router(self, url: str) -> None:
        """Told to agents. A real controller has its own or none."""
        if self.controller is not None:
            await self.controller.execute(SetBroker(broker=Broker(url=url)))

    async def silence(self, node_id: str, token: str) -> None:
        """Nothing is heard of the node any more; a real controller hears that it stops."""
        if self.controller is None:
            await self.ask("POST", "/agent/report", {"goodbye": True}, token=token)
            return
        row = self.controller.live.world.nodes[NodeId(node_id)]
        said = MarkNodeOffline(node_id=NodeId(node_id), last_seen=max(row.since, self.now))
        await self.controller.execute(said)

    def containers_use(self, node_id: str, used: Mapping[str, tuple[float, float]]) -> None:
        """CPU in percent and MiB by microservice: what ioFog's agents tell."""
        if self.controller is None:
            return
        before = self.controller.telemetry.status(NodeId(node_id)) or AgentStatus(at=self.now)
        containers = {
            key: msgspec.structs.replace(
                before.containers.get(key, ContainerUsage()),
                cpu_usage=cpu,
                memory_usage=memory * MIB,
            )
            for key, (cpu, memory) in used.items()
        }
        status = msgspec.structs.replace(
            before, at=self.now, containers={**before.containers, **containers}
        )
        self.controller.telemetry.said(NodeId(node_id), status)

    async def snapshot(self) -> Snapshot:
        """As the dashboard gets it."""
        whole = await self.ask("GET", "/dashboard/snapshot")
        return msgspec.convert(whole["put"], type=Snapshot)


@asynccontextmanager
async def in_memory(*, port: int = 0, behind: timedelta = timedelta(0)) -> AsyncIterator[Scene]:
    """A controller over a log in memory, with admin, otto (operator) and vera (viewer)."""
    async with Network.running() as network:
        network.clock = LaterClock(behind)
        async with network.controller(port=port) as controller:
            yield Scene(
                network.session,
                controller.url,
                ADMIN,
                password=PASSWORD.format("admin"),
                controller=controller,
            )


@asynccontextmanager
async def at(url: str, name: str, password: str, token: str) -> AsyncIterator[Scene]:
    """A real controller."""
    async with aiohttp.ClientSession() as session:
        yield Scene(session, url, token, name=name, password=password)
