"""What the agent needs of a container engine, and the values the two exchange.

`docker/engine.py` speaks to Docker; `tests/agent/fake_engine.py` obeys in memory. Both pass
`tests/contracts/test_container_engine.py`. Every call raises an `EngineError` of `errors.py` and
nothing else; every call has a bound inside.
"""

from collections.abc import AsyncIterator, Set
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from agent.contract import (
    Channel,
    ContainerSpec,
    EngineEvent,
    ExecRequest,
    ExtraHost,
    Health,
    Mount,
    Registry,
    Size,
)

STOP_WITHIN = 10
"""Seconds to end by itself, of a container that says nothing else."""

HOST_GATEWAY = "host-gateway"
"""The address at which a container reaches the device, as the engine knows it by itself."""

LABEL_NODE = "ecn.node"
LABEL_MICROSERVICE = "ecn.microservice"
LABEL_APPLICATION = "ecn.application"
LABEL_NAME = "ecn.name"
LABEL_REVISION = "ecn.revision"
LABEL_SPEC = "ecn.spec"


class EngineState(StrEnum):
    """Where the engine says a container stands."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"
    REMOVING = "removing"


class Container(Struct, frozen=True, kw_only=True):
    """One of ours. Containers without our labels, or of another node's agent, never get here."""

    container_id: str
    name: str
    microservice_id: str
    application: str
    microservice: str = ""
    """The microservice's name when the container was made."""
    spec_digest: str
    """Of the spec it was created from."""
    revision: int
    state: EngineState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    """Of its last end; None while it never ended."""
    out_of_memory: bool = False
    health: Health = Health.NONE
    health_said: str = ""
    """What the last failing health check said; empty while it is well."""
    image_digest: str = ""
    address: str = ""
    """Where the device reaches its ports; empty while it does not run."""
    stop_within: int = STOP_WITHIN
    """Seconds that it is given to end by itself."""


class NewContainer(Struct, frozen=True, kw_only=True):
    """All that a container is created with."""

    name: str
    """Wanted; the engine adds a suffix when another container has it."""
    alias: str
    """What other microservices of the application resolve it by."""
    application: str
    node_id: str
    spec: ContainerSpec
    labels: dict[str, str]
    """Ours; they win over those of the spec."""
    env: dict[str, str] = field(default_factory=dict)
    """Ours; they win over those of the spec."""
    mounts: list[Mount] = field(default_factory=list)
    extra_hosts: list[ExtraHost] = field(default_factory=list)
    """Ours. An address may be HOST_GATEWAY; such a name is left out where there is none."""


class Bridge(Struct, frozen=True, kw_only=True):
    """A network in which the device has an address of its own."""

    gateway: str
    """That address, of IPv4."""
    subnet: str
    """The addresses of those in it, as `172.17.0.0/16`."""
    default: bool = False
    """The engine's own, whose gateway HOST_GATEWAY means."""


class EngineFacts(Struct, frozen=True, kw_only=True):
    """The machine as the engine sees it."""

    version: str
    architecture: str
    operating_system: str
    cpus: int
    memory_mib: int


class Used(Struct, frozen=True, kw_only=True):
    """What a container has used since it was started, and uses at this moment."""

    at: datetime
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    """0: none of its own."""
    received_bytes: int = 0
    sent_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    processes: int = 0


class Execution(Protocol):
    """A command that runs inside a container."""

    async def output(self) -> tuple[Channel, bytes] | None:
        """The next piece, of STDOUT or STDERR; None once there is no more."""
        ...

    async def feed(self, content: bytes) -> None:
        """Give it something to read, at the pace at which it reads."""
        ...

    async def end_input(self) -> None:
        """It has read all there is. Nothing to a terminal, which has no end of input."""
        ...

    async def resize(self, size: Size) -> None:
        """Its terminal has another size."""
        ...

    async def exit_code(self) -> int | None:
        """After the output has ended; None where the engine does not know."""
        ...

    async def hang_up(self) -> bool:
        """Nobody is there any more: end it, by force if need be. Whether it is gone."""
        ...


class ContainerEngine(Protocol):
    """A container engine on this device."""

    async def facts(self) -> EngineFacts:
        """Version and size."""
        ...

    async def containers(self, node_id: str) -> list[Container]:
        """Those that the agent of this node made, in whatever state."""
        ...

    def events(self, node_id: str) -> AsyncIterator[None]:
        """Something happened to one of them: look again. Ends with EngineUnavailable."""
        ...

    async def image_present(self, image: str) -> bool:
        """Whether a container could be created from it without a registry."""
        ...

    async def pull(self, image: str, registry: Registry | None) -> None:
        """Fetch it, with the registry's credentials if the image comes from there."""
        ...

    async def create(self, container: NewContainer) -> str:
        """Its id. Makes the application's network when it is the first there."""
        ...

    async def start(self, container_id: str) -> None:
        """Run it; resumes a paused one. One that runs already is left running."""
        ...

    async def stop(self, container_id: str, within: int = STOP_WITHIN) -> None:
        """Ask it to end, insist after so many seconds. Not running, or gone, is fine."""
        ...

    async def remove(self, container_id: str) -> None:
        """Gone, running or not, with its anonymous volumes. Already gone is fine."""
        ...

    async def rename(self, container_id: str, name: str) -> bool:
        """Whether it has the name now; False when another container has it."""
        ...

    async def remove_networks(self, node_id: str, keep: Set[str]) -> list[str]:
        """Remove our networks of applications not in `keep`; which were removed."""
        ...

    async def bridges(self, node_id: str) -> list[Bridge]:
        """The engine's default network and those of this node: where the device can be reached."""
        ...

    async def addresses(self, node_id: str) -> dict[str, str]:
        """Ids of the microservices of this node that run, by each address of their containers;
        none of one on the device's network."""
        ...

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        follow: bool,
        since: datetime | None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """What it printed, stdout and stderr as they came. With `follow` until it ends.

        since: that very moment included. timestamps: an RFC 3339 time and a space before each line.
        """
        ...

    def execution(
        self, container_id: str, request: ExecRequest
    ) -> AbstractAsyncContextManager[Execution]:
        """Run a command inside it. What still runs at the end goes on, unless it is hung up."""
        ...

    async def end_former_executions(self, node_id: str) -> int:
        """End what an agent that was killed left running in containers: how many commands."""
        ...

    async def used(self, container_id: str) -> Used:
        """What it uses. The engine may take a second for it, and some milliseconds of its time."""
        ...

    def happenings(
        self, node_id: str, *, since: datetime | None, follow: bool
    ) -> AsyncIterator[EngineEvent]:
        """What happened to containers of this node, as far back as the engine remembers, and,
        with `follow`, what happens from now on; without `since` only that."""
        ...
