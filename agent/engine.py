"""What the agent needs of a container engine, and the values the two exchange.

`docker_engine.py` speaks to Docker; `tests/agent/fake_engine.py` obeys in memory. Both pass
`tests/contracts/test_container_engine.py`. Every call raises an `EngineError` of `errors.py` and
nothing else; every call has a bound inside.
"""

from collections.abc import AsyncIterator, Set
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from agent.contract import ContainerSpec, Health, Mount, Registry

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
    image_digest: str = ""


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


class EngineFacts(Struct, frozen=True, kw_only=True):
    """The machine as the engine sees it."""

    version: str
    architecture: str
    operating_system: str
    cpus: int
    memory_mib: int


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

    async def stop(self, container_id: str) -> None:
        """Ask it to end, insist after 10 s. One that does not run, or is gone, is fine."""
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

    def logs(
        self, container_id: str, *, tail: int | None, follow: bool, since: datetime | None
    ) -> AsyncIterator[bytes]:
        """What it printed, stdout and stderr as they came. With `follow` until it ends."""
        ...
