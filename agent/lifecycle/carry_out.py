"""One step of the plan, carried out on the engine. Thin: what to do was decided before.

Called by `control_loop.py`, each microservice in its own task. Cancelled or killed at any point it
leaves something that the next plan understands: every container is found by its labels, and which
of two is the right one follows from the spec's digest.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

import structlog
from msgspec import Struct

from agent.contract import ContainerState, Microservice, PullPolicy
from agent.errors import EngineError, EngineUnavailable, ImageNotFound, NetworkGone, NotWell
from agent.images.pulls import Pulls
from agent.lifecycle.engine import (
    LABEL_APPLICATION,
    LABEL_MICROSERVICE,
    LABEL_NAME,
    LABEL_NODE,
    LABEL_REVISION,
    LABEL_SPEC,
    Container,
    ContainerEngine,
    EngineState,
    NewContainer,
)
from agent.lifecycle.last_words import last_words
from agent.lifecycle.memory import Memory, created, restarted, succeeded
from agent.lifecycle.reconcile import spec_digest
from agent.lifecycle.steps import Step, Verb
from agent.local.config_delivery import CONFIG_FILE, MOUNTED_AT, ConfigDelivery
from agent.local.volumes import Volumes
from agent.local_api.environment import Introduction
from agent.storage.journal import Journal

log = structlog.get_logger()

AT_ONCE = 8
"""Engine actions at a time. Pulls do not count: a slow one must hold up nobody."""

STOPS_AT_ONCE = 32
"""Of these more, since they only wait, perhaps for an hour; but each takes a connection."""

STARTS = frozenset({Verb.CREATE, Verb.REPLACE, Verb.START, Verb.RESTART})

Tell = Callable[[ContainerState, str], None]


class Node(Struct, frozen=True, kw_only=True):
    """Whose containers these are."""

    node_id: str
    name: str


class CarryOut:
    """Carries out steps for one node."""

    def __init__(
        self,
        node: Node,
        engine: ContainerEngine,
        pulls: Pulls,
        journal: Journal,
        config: ConfigDelivery,
        now: Callable[[], datetime],
        volumes: Volumes | None = None,
        introduction: Introduction | None = None,
    ) -> None:
        self._node = node
        self._engine = engine
        self._pulls = pulls
        self._journal = journal
        self._config = config
        self._now = now
        self._volumes = volumes
        self._introduction = introduction
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stops = asyncio.Semaphore(STOPS_AT_ONCE)

    async def unwanted(self, step: Step) -> None:
        """Remove the containers of a microservice that does not belong here."""
        await self._remove(step.surplus)

    async def wanted(self, step: Step, wanted: Microservice, tell: Tell) -> None:
        """Do what the step says; raises EngineError when it can't be done.

        tell: hears of pulling and starting, for a container that is being made.
        """
        if step.verb is Verb.GIVE_UP:
            await self._give_up(step)
        await self._remove(step.surplus)
        if self._volumes is not None and step.verb in STARTS:
            await self._volumes.ready(wanted)
        match step.verb:
            case Verb.CREATE:
                await self._make(wanted, None, tell)
                self._remember(step, created)
            case Verb.REPLACE if step.beside:
                # Whether that was a success is seen when it is well.
                await self._make_beside(wanted, tell)
            case Verb.REPLACE:
                if step.cause == "disk-quota" and step.container is not None:
                    self._count_restart(step, step.container)
                await self._make(wanted, step.container, tell)
                self._remember(step, succeeded if step.cause == "disk-quota" else created)
            case Verb.SWITCH if step.container is not None:
                await self._engine.rename(step.container.container_id, container_name(wanted))
                self._remember(step, created)
            case Verb.START | Verb.RESTART if step.container is not None:
                try:
                    await self._start(step, step.container)
                except NetworkGone:
                    # A container stays tied to the network it was made for, by its id.
                    await self._make(wanted, step.container, tell)
                    self._remember(step, created)
            case Verb.STOP if step.container is not None:
                await self._stop(step.container)

    def _remember(self, step: Step, after: Callable[[Memory], Memory]) -> None:
        memory = self._journal.memory(step.microservice_id)
        self._journal.remember(step.microservice_id, after(memory))

    def _count_restart(self, step: Step, container: Container) -> None:
        """Before the start: a crash in between must cost a delay, not lose the count."""
        began = container.started_at or self._now()
        running = container.state is EngineState.RUNNING
        until = self._now() if running else container.finished_at
        ran = ((until or self._now()) - began).total_seconds()
        self._remember(step, lambda memory: restarted(memory, ran))

    async def _start(self, step: Step, container: Container) -> None:
        if step.cause in ("ended", "unhealthy"):
            self._count_restart(step, container)
        if step.verb is Verb.RESTART:
            await self._stop(container)
        async with self._slots:
            await self._engine.start(container.container_id)
        # Started anew by somebody's wish, it has no restarts to its name.
        self._remember(step, created if step.cause == "released" else succeeded)

    async def _make(self, wanted: Microservice, old: Container | None, tell: Tell) -> None:
        """A new container in the place of the old one, which runs until the new one is ready."""
        new = await self._created(wanted, tell)
        try:
            if old is None:
                async with self._slots:
                    await self._engine.start(new)
            else:
                async with self._stops:
                    # Now, not earlier: both may publish the same port. And the start waits for
                    # nobody's turn: until it is done, the microservice is away.
                    await self._engine.stop(old.container_id, old.stop_within)
                    await self._engine.start(new)
        except EngineUnavailable:
            raise  # the engine took its leave: nothing can be put back, the next plan sees
        except EngineError:
            await self._put_back(new, old)
            raise
        if old is not None:
            async with self._slots:
                await self._engine.remove(old.container_id)
                await self._engine.rename(new, container_name(wanted))

    async def _make_beside(self, wanted: Microservice, tell: Tell) -> None:
        """A new container while the old one runs on; under another name, as that one has its."""
        new = await self._created(wanted, tell)
        try:
            async with self._slots:
                await self._engine.start(new)
        except EngineUnavailable:
            raise
        except EngineError:
            await self._engine.remove(new)
            raise

    async def _created(self, wanted: Microservice, tell: Tell) -> str:
        await self._image(wanted, tell)
        tell(ContainerState.STARTING, f"its container is made from {wanted.spec.image}")
        async with self._slots:
            self._config.deliver(wanted)
            return await self._engine.create(self._new_container(wanted, container_name(wanted)))

    async def _put_back(self, new: str, old: Container | None) -> None:
        """A container that would not start is removed, and the old one runs again."""
        await self._engine.remove(new)
        if old is not None and old.state is EngineState.RUNNING:
            await self._engine.start(old.container_id)

    async def _give_up(self, step: Step) -> None:
        """Remove the new container that is not well, and fail with what it said."""
        new = step.surplus[0]
        words = await last_words(self._engine, new)
        await self._remove(step.surplus)
        said = f"; it printed last: {words}" if words else ""
        raise NotWell(f"{step.reason}{said}; the old container stays")

    async def _image(self, wanted: Microservice, tell: Tell) -> None:
        image, policy = wanted.spec.image, wanted.pull
        if not image:
            raise ImageNotFound("it has no image for this device's platform")
        present = await self._engine.image_present(image)
        if policy is PullPolicy.NEVER and not present:
            raise ImageNotFound(
                f"the image {image} is not on this device, and its pull policy is never"
            )
        if policy is PullPolicy.NEVER or (policy is PullPolicy.IF_NOT_PRESENT and present):
            return
        tell(ContainerState.PULLING, f"the image {image} is pulled")
        try:
            await self._pulls.pull(image, wanted.registry)
        except EngineUnavailable:
            raise
        except EngineError as error:
            if policy is not PullPolicy.ON_CREATE or not present:
                raise
            log.warning("local-image-used", image=image, because=str(error))

    def _new_container(self, wanted: Microservice, name: str) -> NewContainer:
        spec, introduction = wanted.spec, self._introduction
        if self._volumes is not None:
            spec = self._volumes.in_place(spec)  # the digest is of what was wished for
        return NewContainer(
            name=name,
            alias=wanted.name,
            application=wanted.application,
            node_id=self._node.node_id,
            spec=spec,
            labels={
                LABEL_NODE: self._node.node_id,
                LABEL_MICROSERVICE: wanted.microservice_id,
                LABEL_APPLICATION: wanted.application,
                LABEL_NAME: wanted.name,
                LABEL_REVISION: str(wanted.revision),
                LABEL_SPEC: spec_digest(wanted.spec),
            },
            env={
                "ECN_MICROSERVICE": wanted.name,
                "ECN_APPLICATION": wanted.application,
                "ECN_NODE": self._node.name,
                "ECN_CONFIG": f"{MOUNTED_AT}/{CONFIG_FILE}",
                **(introduction.environment(wanted.microservice_id, spec) if introduction else {}),
            },
            mounts=[self._config.mount(wanted.microservice_id)],
            extra_hosts=introduction.extra_hosts(spec) if introduction else [],
        )

    async def _stop(self, container: Container) -> None:
        async with self._stops:
            await self._engine.stop(container.container_id, container.stop_within)

    async def _remove(self, containers: tuple[Container, ...]) -> None:
        for container in containers:
            if container.state in (EngineState.RUNNING, EngineState.PAUSED):
                await self._stop(container)
            async with self._slots:
                await self._engine.remove(container.container_id)


def container_name(microservice: Microservice) -> str:
    """For people who look with `docker ps`; the agent itself goes by the labels."""
    name = f"ecn-{microservice.application}-{microservice.name}"
    return re.sub(r"[^a-zA-Z0-9_.-]", "-", name)
