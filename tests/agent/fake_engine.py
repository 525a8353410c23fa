"""A container engine in memory that obeys, and fails when told to.

It passes `tests/contracts/test_container_engine.py`, as the real one does. What its containers do
is read from their command: `["exit", "3"]` ends at once with 3, anything else runs on.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Set
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from agent.contract import EngineEvent, ExecRequest, Health, Registry
from agent.errors import (
    ContainerGone,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ImageNotFound,
    PortTaken,
)
from agent.lifecycle.engine import (
    LABEL_APPLICATION,
    LABEL_MICROSERVICE,
    LABEL_NAME,
    LABEL_NODE,
    LABEL_REVISION,
    LABEL_SPEC,
    STOP_WITHIN,
    Bridge,
    Container,
    EngineFacts,
    EngineState,
    NewContainer,
    Used,
)
from tests.agent.fake_execution import FakeExecution


class _Kept(Struct, kw_only=True):
    container: Container
    made_of: NewContainer
    printed: list[bytes]


class FakeEngine:
    """Knows the images it is given; `registry` are those that it could pull."""

    def __init__(
        self,
        images: Set[str] = frozenset(),
        registry: Set[str] = frozenset(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.images = set(images)
        self.registry = set(registry)
        self.now = now
        self.down = False
        self.failing: dict[str, EngineError] = {}
        """Call name, such as `start`, to what it raises from now on."""
        self.pull_gate: dict[str, asyncio.Event] = {}
        """Pulls of these images wait for the event."""
        self.silent = False
        """Whether events are lost."""
        self.listing_takes = 0.0
        """Seconds between what a list says and its arrival."""
        self.bridged = [Bridge(gateway="127.0.0.2", subnet="127.0.0.0/8", default=True)]
        self.calls: list[tuple[str, str]] = []
        self.happened: list[tuple[str, EngineEvent]] = []
        self.executions: list[FakeExecution] = []
        self.networks: set[tuple[str, str]] = set()
        self._kept: dict[str, _Kept] = {}
        self._next = 0
        self._listeners: list[asyncio.Event] = []

    # What a test does to it

    def end(self, container_id: str, code: int = 137) -> None:
        """As `docker kill` does."""
        kept = self._kept[container_id]
        kept.container = replace(
            kept.container,
            state=EngineState.EXITED,
            exit_code=code,
            finished_at=self.now(),
            health=Health.NONE,
            address="",
        )
        self._tell(kept, "die", f"exit code {code}")
        self._happened()

    def set_health(self, container_id: str, health: Health) -> None:
        kept = self._kept[container_id]
        kept.container = replace(kept.container, health=health)
        self._tell(kept, "health_status", health.value)
        self._happened()

    def go_down(self) -> None:
        self.down = True
        self._happened()

    def of(self, microservice_id: str) -> list[Container]:
        return [
            k.container
            for k in self._kept.values()
            if k.container.microservice_id == microservice_id
        ]

    def made_of(self, container_id: str) -> NewContainer:
        return self._kept[container_id].made_of

    def count(self, call: str, subject: str = "") -> int:
        return sum(1 for c, s in self.calls if c == call and subject in ("", s))

    # The protocol

    async def facts(self) -> EngineFacts:
        self._called("facts", "")
        return EngineFacts(
            version="fake", architecture="x86_64", operating_system="none", cpus=1, memory_mib=512
        )

    async def containers(self, node_id: str) -> list[Container]:
        self._called("containers", node_id)
        listed = [
            k.container
            for k in self._kept.values()
            if k.made_of.labels.get(LABEL_NODE) == node_id
            and LABEL_MICROSERVICE in k.made_of.labels
        ]
        await asyncio.sleep(self.listing_takes)
        return listed

    async def events(self, node_id: str) -> AsyncIterator[None]:
        self._called("events", node_id)
        happened = asyncio.Event()
        self._listeners.append(happened)
        try:
            yield
            while True:
                await happened.wait()
                happened.clear()
                self._called("events", node_id)
                yield
        finally:
            self._listeners.remove(happened)

    async def image_present(self, image: str) -> bool:
        self._called("image_present", image)
        return image in self.images

    async def pull(self, image: str, registry: Registry | None) -> None:
        self._called("pull", image)
        if image in self.pull_gate:
            await self.pull_gate[image].wait()
        await asyncio.sleep(0)
        if image not in self.registry:
            raise ImageNotFound(f"the registry has no image {image}")
        self.images.add(image)

    async def create(self, container: NewContainer) -> str:
        self._called("create", container.name)
        await asyncio.sleep(0)
        if container.spec.image not in self.images:
            raise ImageNotFound(f"the image {container.spec.image} is not on this device")
        self._next += 1
        container_id, labels = f"fake{self._next}", container.labels
        names = {k.container.name for k in self._kept.values()}
        if not container.spec.host_network:
            self.networks.add((container.node_id, container.application))
        self._kept[container_id] = _Kept(
            made_of=container,
            printed=[],
            container=Container(
                container_id=container_id,
                name=f"{container.name}-{self._next}"
                if container.name in names
                else container.name,
                microservice_id=labels.get(LABEL_MICROSERVICE, ""),
                application=labels.get(LABEL_APPLICATION, ""),
                microservice=labels.get(LABEL_NAME, ""),
                spec_digest=labels.get(LABEL_SPEC, ""),
                revision=int(labels.get(LABEL_REVISION, "0")),
                state=EngineState.CREATED,
                created_at=self.now(),
                image_digest=f"sha256:{container.spec.image}",
                stop_within=container.spec.options.stop_within,
            ),
        )
        self._tell(self._kept[container_id], "create", f"image {container.spec.image}")
        self._happened()
        return container_id

    async def start(self, container_id: str) -> None:
        self._called("start", container_id)
        await asyncio.sleep(0)
        kept = self._known(container_id)
        if kept.container.state is EngineState.RUNNING:
            return
        mine = {p.host for p in kept.made_of.spec.ports}
        for other in self._kept.values():
            if other.container.state is EngineState.RUNNING:
                taken = mine & {p.host for p in other.made_of.spec.ports}
                if taken:
                    raise PortTaken(f"the port {min(taken)} is already in use on this device")
        kept.container = replace(
            kept.container,
            state=EngineState.RUNNING,
            started_at=self.now(),
            health=Health.NONE,
            address="127.0.0.1" if kept.made_of.spec.host_network else "192.0.2.1",
        )
        self._tell(kept, "start")
        command = kept.made_of.spec.command
        if command[:1] == ["echo"]:
            kept.printed.append((" ".join(command[1:]) + "\n").encode())
        if command[:1] in (["exit"], ["echo"]):
            self.end(container_id, int(command[1]) if command[0] == "exit" else 0)
        self._happened()

    async def stop(self, container_id: str, within: int = STOP_WITHIN) -> None:
        self._called("stop", container_id)
        await asyncio.sleep(0)
        kept = self._kept.get(container_id)
        if kept is not None and kept.container.state is EngineState.RUNNING:
            self.end(container_id, 143)

    async def remove(self, container_id: str) -> None:
        self._called("remove", container_id)
        await asyncio.sleep(0)
        gone = self._kept.pop(container_id, None)
        if gone is not None:
            self._tell(gone, "destroy")
        self._happened()

    async def rename(self, container_id: str, name: str) -> bool:
        self._called("rename", container_id)
        kept = self._known(container_id)
        if any(k.container.name == name for k in self._kept.values() if k is not kept):
            return False
        kept.container = replace(kept.container, name=name)
        return True

    async def remove_networks(self, node_id: str, keep: Set[str]) -> list[str]:
        self._called("remove_networks", node_id)
        gone = {(n, a) for n, a in self.networks if n == node_id and a not in keep}
        self.networks -= gone
        return sorted(f"ecn-{application}" for _, application in gone)

    async def bridges(self, node_id: str) -> list[Bridge]:
        self._called("bridges", node_id)
        return list(self.bridged)

    async def addresses(self, node_id: str) -> dict[str, str]:
        self._called("addresses", node_id)
        return {
            each.container.address: each.container.microservice_id
            for each in self._kept.values()
            if each.container.address
            and not each.made_of.spec.host_network
            and each.made_of.labels.get(LABEL_NODE) == node_id
        }

    async def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        follow: bool,
        since: datetime | None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        self._called("logs", container_id)
        printed = self._known(container_id).printed
        for line in printed if tail is None else printed[-tail:]:
            yield (self.now().isoformat().encode() + b" " if timestamps else b"") + line

    @asynccontextmanager
    async def execution(
        self, container_id: str, request: ExecRequest
    ) -> AsyncGenerator[FakeExecution]:
        self._called("execution", container_id)
        if self._known(container_id).container.state is not EngineState.RUNNING:
            raise EngineRefused(f"the container {container_id} is not running")
        execution = FakeExecution(request)
        self.executions.append(execution)
        yield execution

    async def end_former_executions(self, node_id: str) -> int:
        self._called("end_former_executions", node_id)
        return 0

    async def used(self, container_id: str) -> Used:
        self._called("used", container_id)
        self._known(container_id)
        return Used(at=self.now(), memory_bytes=1 << 20, processes=1)

    async def happenings(
        self, node_id: str, *, since: datetime | None, follow: bool
    ) -> AsyncIterator[EngineEvent]:
        self._called("happenings", node_id)
        told = 0 if since is not None else len(self.happened)
        changed = asyncio.Event()
        self._listeners.append(changed)
        try:
            while True:
                for of, event in self.happened[told:]:
                    if of == node_id:
                        yield event
                told = len(self.happened)
                if not follow:
                    return
                await changed.wait()
                changed.clear()
        finally:
            self._listeners.remove(changed)

    def _known(self, container_id: str) -> _Kept:
        if container_id not in self._kept:
            raise ContainerGone(f"the container {container_id} is gone")
        return self._kept[container_id]

    def _called(self, call: str, subject: str) -> None:
        if self.down:
            raise EngineUnavailable("the container engine does not answer: told to be down")
        self.calls.append((call, subject))
        if call in self.failing:
            raise self.failing[call]

    def _tell(self, kept: _Kept, action: str, detail: str = "") -> None:
        container = kept.container
        event = EngineEvent(
            at=self.now(),
            microservice_id=container.microservice_id,
            application=container.application,
            name=container.microservice,
            action=action,
            container_id=container.container_id,
            detail=detail,
        )
        self.happened.append((kept.made_of.node_id, event))

    def _happened(self) -> None:
        for listener in () if self.silent else self._listeners:
            listener.set()
