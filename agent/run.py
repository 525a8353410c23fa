"""A running agent: builds everything, starts it, and ends it cleanly. The one place that wires.

Called by `cli.py`. The order of an end: nothing new is begun, what is at work finishes, the
controller hears goodbye, the containers run on.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from agent.carry_out import Node
from agent.config_delivery import ConfigDelivery
from agent.contract import Facts
from agent.control_loop import ENGINE_RETRY, ControlLoop
from agent.controller_client import ControllerClient
from agent.desired_state import Known
from agent.docker_engine import DockerEngine
from agent.engine import ContainerEngine
from agent.errors import EngineError, NotProvisioned
from agent.facts import device_facts
from agent.files_delivery import FilesDelivery
from agent.journal import Journal
from agent.local_routes import ROUTES
from agent.local_socket import LocalSockets
from agent.store import Folder, Identity
from agent.streams import Streams
from agent.uplink import Uplink
from agent.volumes import Volumes

log = structlog.get_logger()

DRAIN_WITHIN = 12.0
"""Seconds for actions at work to finish: the longest is a stop with its grace of 10 s."""


async def run(folder: Folder, engine_url: str, stop: asyncio.Event) -> bool:
    """Run until `stop` is set or the node is deprovisioned; True means deprovisioned.

    Errors: NotProvisioned, FolderInUse, FolderUnusable.
    """
    with folder.locked():
        identity = folder.identity()
        if identity is None:
            raise NotProvisioned(folder.path)
        async with DockerEngine(engine_url) as engine:
            if not identity.withdrawn:
                if not await _as_node(folder, identity, engine, stop):
                    return False
                # Written down first: a device that loses power now still has to clear itself.
                folder.keep_identity(replace(identity, withdrawn=True))
            if await _cleared(identity.node_id, engine, stop):
                folder.wipe()
                log.warning("node-removed", node=identity.name)
                return True
            return False


async def _as_node(
    folder: Folder, identity: Identity, engine: ContainerEngine, stop: asyncio.Event
) -> bool:
    """Be that node until stopped; True when the controller withdrew it."""
    node = Node(node_id=identity.node_id, name=identity.name)
    tell = _Later()
    with Journal(folder.journal, on_transition=tell) as journal:
        config = ConfigDelivery(folder.microservices)
        sockets = LocalSockets(node, config, ROUTES)
        volumes = Volumes(FilesDelivery(folder.volumes), on_facts=tell)
        loop = ControlLoop(
            node,
            engine,
            journal,
            config,
            now=lambda: datetime.now(UTC),
            on_facts=tell,
            volumes=volumes,
        )
        listeners: list[Callable[[Known], None]] = [
            config.wish,
            volumes.wish,
            sockets.wish,
            loop.wish,
        ]

        def wish(desired: Known) -> None:
            for listener in listeners:
                listener(desired)

        known = folder.desired_state()
        if known is not None:
            # At once, with or without a controller: the device may have booted far from any.
            wish(known)

        def facts() -> Facts:
            return device_facts(
                engine=loop.engine_facts,
                problem=loop.engine_problem,
                volumes=volumes.problem,
            )

        async with ControllerClient(
            identity.controller, credential=identity.credential, ca_pem=identity.ca_pem
        ) as client:
            streams = Streams(node.node_id, engine, client)
            uplink = Uplink(client, folder, journal, streams, known, wish, facts)
            tell.whom = uplink.tell
            log.info(
                "agent-started",
                node=node.name,
                node_id=node.node_id,
                controller=identity.controller,
            )
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(loop.run()),
                    tasks.create_task(uplink.run()),
                    tasks.create_task(volumes.run()),
                    tasks.create_task(sockets.run()),
                ]
                await _either(tasks, stop, uplink.deprovisioned)
                await loop.drain(DRAIN_WITHIN)
                for task in running:
                    task.cancel()
            await uplink.goodbye()
            log.info("agent-stopped", node=node.name)
            return uplink.deprovisioned.is_set()


class _Later:
    """Passes a call on to somebody who is built after those who call."""

    def __init__(self) -> None:
        self.whom: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        self.whom()


async def _either(tasks: asyncio.TaskGroup, one: asyncio.Event, other: asyncio.Event) -> None:
    waits = [tasks.create_task(one.wait()), tasks.create_task(other.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _cleared(node_id: str, engine: ContainerEngine, stop: asyncio.Event) -> bool:
    """Remove all of the node's containers and networks, however long the engine takes to answer.

    False when stopped before.
    """
    pause = ENGINE_RETRY[0]
    while not stop.is_set():
        try:
            await remove_everything(node_id, engine)
        except EngineError as error:
            log.warning("containers-not-removed", error=str(error), retry_in=pause)
        else:
            return True
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pause = min(ENGINE_RETRY[1], pause * 2)
    return False


async def remove_everything(node_id: str, engine: ContainerEngine) -> int:
    """Remove the node's containers and networks; how many containers there were."""
    containers = await engine.containers(node_id)
    # Asked to end all at once, or their graces would add up.
    outcomes = await asyncio.gather(
        *(engine.stop(c.container_id, c.stop_within) for c in containers), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    for container in containers:
        await engine.remove(container.container_id)
    await engine.remove_networks(node_id, frozenset())
    return len(containers)
