"""What is not in the log, in parts: each has just what is different since the one before.

Looked at now and then for all dashboards together, in slices: with a thousand nodes others must not
wait for it. Numbers are rounded, so that mere noise is no news.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.api import route_status
from ecn.api.interior_status import interior_router
from ecn.broker.keeper import BrokerKeeper
from ecn.dashboard.documents import (
    ContainerUsageItem,
    FlowItem,
    InteriorRouterItem,
    NodeUsageItem,
    TelemetryPart,
)
from ecn.presence import Presence
from ecn.telemetry import Telemetry
from events.application import ContainerState
from events.ids import MicroserviceId, NodeId, RouteId
from projections.live import Live
from projections.nodes import NodeState
from projections.world import World

T = TypeVar("T")

EVERY = 5.0
"""Seconds."""

SLICE = 50
"""Nodes or routes that are looked at before others get their turn."""

OLD = timedelta(seconds=10)
"""What is older may have been said anew, to another controller."""

ALIVE = timedelta(seconds=20)
"""After so long it is told that a node was heard, though it said nothing else."""

MIB = 1 << 20


class Pulse:
    """See the module. `beat` is to be called by one at a time."""

    def __init__(
        self,
        live: Live,
        telemetry: Telemetry,
        presence: Presence,
        keeper: BrokerKeeper | None,
        clock: Callable[[], datetime],
        *,
        every: float = EVERY,
    ) -> None:
        self.every = every
        """Seconds from one beat to the next."""
        self._live = live
        self._telemetry = telemetry
        self._presence = presence
        self._keeper = keeper
        self._clock = clock
        self._nodes: dict[str, NodeUsageItem] = {}
        self._microservices: dict[str, ContainerUsageItem] = {}
        self._routes: dict[str, FlowItem] = {}
        self._interior_router: InteriorRouterItem | None = None

    def whole(self) -> TelemetryPart:
        """All that was told so far, as it was told last."""
        return TelemetryPart(
            nodes=dict(self._nodes),
            microservices=dict(self._microservices),
            routes=dict(self._routes),
            interior_router=self._interior_router,
        )

    async def beat(self) -> TelemetryPart:
        """What is different since the last time."""
        world = self._live.world
        await self._look(world)
        nodes: dict[str, NodeUsageItem] = {}
        containers: dict[str, ContainerUsageItem] = {}
        routes: dict[str, FlowItem] = {}
        present: set[str] = set()
        async for node_id in _slowly(world.nodes):
            said = self._telemetry.status(node_id)
            usage = _usage(said, self._presence.last_heard(node_id))
            if usage is not None and _is_news(self._nodes.get(node_id), usage):
                nodes[node_id] = usage
            for key, item in _containers(world, node_id, said):
                present.add(key)
                if self._microservices.get(key) != item:
                    containers[key] = item
        for key in self._microservices.keys() - present:
            if MicroserviceId(key) in world.microservices:
                containers[key] = ContainerUsageItem()  # nothing is said of it any more
        async for route_id in _slowly(world.routes):
            flow = _flow(world, route_id, self._telemetry)
            if self._routes.get(route_id) != flow:
                routes[route_id] = flow
        said_of_router = interior_router(world, self._keeper)
        router = InteriorRouterItem(state=said_of_router.state, reason=said_of_router.reason)
        news = TelemetryPart(
            nodes=nodes,
            microservices=containers,
            routes=routes,
            interior_router=None if router == self._interior_router else router,
        )
        self._learn(world, news, present)
        return news

    def _learn(self, world: World, news: TelemetryPart, present: set[str]) -> None:
        self._nodes = {**self._nodes, **news.nodes}
        self._microservices = {**self._microservices, **news.microservices}
        self._routes = {**self._routes, **news.routes}
        self._interior_router = news.interior_router or self._interior_router
        for gone in [key for key in self._nodes if NodeId(key) not in world.nodes]:
            del self._nodes[gone]
        for gone in self._microservices.keys() - present:
            del self._microservices[gone]
        for gone in [key for key in self._routes if RouteId(key) not in world.routes]:
            del self._routes[gone]

    async def _look(self, world: World) -> None:
        """Learn what other controllers heard of those that we have not heard lately ourselves."""
        now = self._clock()
        quiet: list[NodeId] = []
        async for node_id in _slowly(world.nodes):
            said = self._telemetry.status(node_id)
            online = world.nodes[node_id].state is NodeState.ONLINE
            if said is None or (online and now - said.at > OLD):
                quiet.append(node_id)
        for start in range(0, len(quiet), 2 * SLICE):
            await self._telemetry.look(quiet[start : start + 2 * SLICE])


async def _slowly(keys: Iterable[T]) -> AsyncIterator[T]:
    """All of them, with a pause after each slice."""
    every = iter(keys)
    while some := list(islice(every, SLICE)):
        for each in some:
            yield each
        await asyncio.sleep(0)


def _usage(said: AgentStatus | None, heard: datetime | None) -> NodeUsageItem | None:
    if said is None:
        return None if heard is None else NodeUsageItem(at=heard)
    return NodeUsageItem(
        at=said.at if heard is None else max(said.at, heard),
        cpu_percent=None if said.system_total_cpu is None else float(round(said.system_total_cpu)),
        memory_available_mib=_coarse(said.system_available_memory),
        disk_free_mib=_coarse(said.system_available_disk),
        agent_cpu_percent=_roughly(said.cpu_usage),
        agent_memory_mib=_roughly(said.memory_usage),
    )


def _coarse(count: int | None) -> int | None:
    """Bytes as MiB, of which three digits matter."""
    if count is None:
        return None
    mib = count // MIB
    return round(mib, 3 - len(str(mib))) if mib >= 1000 else mib


def _roughly(number: float) -> float:
    """Two digits of it."""
    return float(f"{number:.2g}")


def _is_news(old: NodeUsageItem | None, new: NodeUsageItem) -> bool:
    if old is None or old.at is None or new.at is None:
        return True
    return new.at - old.at >= ALIVE or replace(new, at=old.at) != old


def _containers(
    world: World, node_id: NodeId, said: AgentStatus | None
) -> Iterator[tuple[str, ContainerUsageItem]]:
    for key, used in ({} if said is None else said.containers).items():
        row = world.microservices.get(MicroserviceId(key))
        if row is not None and row.node_id == node_id:
            item = _container(world, MicroserviceId(key), used)
            if item != ContainerUsageItem():
                yield key, item


def _container(world: World, key: MicroserviceId, used: ContainerUsage) -> ContainerUsageItem:
    status = world.statuses.get(key)
    pulls = status is not None and status.state is ContainerState.PULLING
    return ContainerUsageItem(
        cpu_percent=_roughly(used.cpu_usage),
        memory_mib=_roughly(used.memory_usage / MIB),
        pull_percent=used.percentage if pulls and used.percentage > 0 else None,
    )


def _flow(world: World, key: RouteId, telemetry: Telemetry) -> FlowItem:
    now = route_status.status(world, key, telemetry.status)
    return FlowItem(
        state=now.state,
        reason=now.reason,
        stored=now.stored,
        stored_bytes=now.stored_bytes,
        rate_in=now.rate_in,
        rate_out=now.rate_out,
        dropped=now.dropped,
    )
