"""A running agent: builds everything, starts it, and ends it cleanly. The one place that wires.

Called by `cli.py`. The order of an end: nothing new is begun, what is at work finishes, the
controller hears goodbye, the containers run on.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

import structlog
from msgspec.structs import replace

from agent.contract import Facts
from agent.device.facts import agent_version, booted_at, device_facts, on_own_network
from agent.device.own_life import OwnLife, Surroundings
from agent.device.upgrade import recover
from agent.docker.engine import DockerEngine
from agent.errors import EngineError, NotProvisioned
from agent.images.care import ImageCare
from agent.images.store import ImageStore
from agent.lifecycle.carry_out import Node
from agent.lifecycle.control_loop import ENGINE_RETRY, ControlLoop
from agent.lifecycle.engine import ContainerEngine
from agent.link.controller_client import ControllerClient
from agent.link.streams import Streams
from agent.link.uplink import Uplink
from agent.local.config_delivery import ConfigDelivery
from agent.local.files_delivery import FilesDelivery
from agent.local.routes import ROUTES
from agent.local.socket import LocalSockets
from agent.local.twin_routes import twin_routes
from agent.local.twin_store import TwinStore
from agent.local.twins import Twins
from agent.local.volumes import Volumes
from agent.local_api.callers import Callers
from agent.local_api.environment import Introduction
from agent.local_api.local_api import LocalApi
from agent.local_api.node_state import NodeState
from agent.local_api.tokens import Tokens, secret_in
from agent.messages.interior import InteriorLink
from agent.messages.router import EdgeRouter
from agent.metrics import AgentLook, Readings
from agent.proxy.edge import EdgeProxy
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity

log = structlog.get_logger()

DRAIN_WITHIN = 12.0
"""Seconds for actions at work to finish: the longest is a stop with its grace of 10 s."""


class Ended(StrEnum):
    """Why an agent's run was over."""

    STOPPED = "stopped"
    DEPROVISIONED = "deprovisioned"
    TO_BEGIN_ANEW = "to-begin-anew"
    """Another version of it is to be started, or this one with less memory."""


async def run(folder: Folder, around: Surroundings, stop: asyncio.Event) -> Ended:
    """Run until `stop` is set, the node is deprovisioned, or the agent has to begin anew.

    Errors: NotProvisioned, FolderInUse, FolderUnusable.
    """
    with folder.locked():
        recover(around.prefix, folder)
        identity = folder.identity()
        if identity is None:
            raise NotProvisioned(folder.path)
        async with DockerEngine(around.engine_url) as engine:
            if not identity.withdrawn:
                ended = await _as_node(folder, identity, engine, engine.images, around, stop)
                if ended is not Ended.DEPROVISIONED:
                    return ended
                # Written down first: a device that loses power now still has to clear itself.
                folder.keep_identity(replace(identity, withdrawn=True))
            if await _cleared(identity.node_id, engine, stop):
                folder.wipe()
                log.warning("node-removed", node=identity.name)
                return Ended.DEPROVISIONED
            return Ended.STOPPED


async def _as_node(
    folder: Folder,
    identity: Identity,
    engine: ContainerEngine,
    images: ImageStore,
    around: Surroundings,
    stop: asyncio.Event,
) -> Ended:
    """Be that node until stopped, or until the controller withdrew it."""
    node = Node(node_id=identity.node_id, name=identity.name)
    tell = _Later()
    with Journal(folder.journal, on_transition=tell) as journal:
        config = ConfigDelivery(folder.microservices, on_facts=tell)
        twins = Twins(
            TwinStore(journal),
            config,
            now=lambda: datetime.now(UTC),
            clock=time.monotonic,
            tell=lambda microservice_id: sockets.tell(microservice_id),
            on_reported=lambda microservice_id, patch: router.twin_changed(microservice_id, patch),
        )
        sockets = LocalSockets(node, config, {**ROUTES, **twin_routes(twins)})
        volumes = Volumes(FilesDelivery(folder.volumes), on_facts=tell)
        router = EdgeRouter(folder.messages, journal, node=node.name, on_news=tell)
        interior = InteriorLink(node.node_id, router)
        proxy = EdgeProxy(node.node_id, engine, reaches=not on_own_network())
        care = ImageCare(
            node.node_id, folder, engine, images, lambda: datetime.now(UTC), on_news=tell
        )
        tokens = Tokens(secret_in(folder.local_api_secret))
        callers = Callers(node.node_id, engine, time.monotonic)
        local_api = LocalApi(
            node.node_id,
            engine,
            NodeState(router, callers, tokens),
            on_facts=tell,
            port=around.local_api_port,
        )
        loop = ControlLoop(
            node,
            engine,
            journal,
            config,
            now=lambda: datetime.now(UTC),
            on_facts=tell,
            volumes=volumes,
            puller=care.fetching,
            over=care.quotas.over,
            booted_at=lambda: booted_at(datetime.now(UTC)),
            reaches=not on_own_network(),
            introduction=Introduction(tokens, around.local_api_port),
            on_happening=local_api.something_happened,
        )
        life = OwnLife(
            around,
            folder,
            journal,
            stop=stop,
            engine_seen=lambda: loop.engine_facts is not None and not loop.engine_problem,
            prune=care.pruning.now,
            usage=lambda: care.usage.latest,
        )
        listeners: list[Callable[[Known], None]] = [
            life.wish,
            twins.wish,
            config.wish,
            care.wish,
            volumes.wish,
            sockets.wish,
            router.wish,
            interior.wish,
            proxy.wish,
            local_api.wish,
            loop.wish,
        ]

        look: AgentLook | None = None
        if around.metrics is not None:
            look = AgentLook(
                node.node_id,
                engine,
                router,
                Readings(
                    version=agent_version(),
                    controller_problem=lambda: uplink.problem,
                    interior_problem=lambda: interior.problem,
                    local_api_connections=lambda: local_api.connections,
                    proxied_connections=lambda: proxy.connections,
                ),
            )
            listeners.append(look.wish)

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
                problem=loop.problem,
                folder=folder.path,
                volumes="; ".join(each for each in (volumes.problem, config.problem) if each),
                storage="; ".join(each for each in (journal.problem, router.problem) if each),
                local_api=local_api.problem,
            )

        async with ControllerClient(
            identity.controller, credential=identity.credential, ca_pem=identity.ca_pem
        ) as client:
            streams = Streams(node.node_id, engine, client, reaches=not on_own_network())
            uplink = Uplink(
                client,
                folder,
                journal,
                streams,
                known,
                wish,
                facts,
                care.usage.now,
                router.news,
            )
            tell.whom = uplink.tell
            life.heard_at = lambda: uplink.heard_at
            life.controller_problem = lambda: uplink.problem
            life.deprovision = uplink.deprovisioned.set
            local_api.change_settings = client.change_settings
            log.info(
                "agent-started",
                node=node.name,
                node_id=node.node_id,
                controller=identity.controller,
            )
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(streams.end_former()),
                    tasks.create_task(router.run()),
                    tasks.create_task(proxy.run()),
                    tasks.create_task(loop.run()),
                    tasks.create_task(life.run()),
                    tasks.create_task(uplink.run()),
                    tasks.create_task(volumes.run()),
                    tasks.create_task(care.run()),
                    tasks.create_task(sockets.run()),
                ]
                if look is not None and around.metrics is not None:
                    from routing.metrics.server import serve_always  # memory that most never need

                    running.append(tasks.create_task(serve_always(*around.metrics, look)))
                served = tasks.create_task(local_api.run())
                linked = tasks.create_task(interior.run())
                await _either(tasks, stop, uplink.deprovisioned)
                await loop.drain(DRAIN_WITHIN)
                # While the router still writes down what is acknowledged and confirmed last.
                served.cancel()
                linked.cancel()
                await asyncio.wait([served, linked])
                for task in running:
                    task.cancel()
            await uplink.goodbye()
            log.info("agent-stopped", node=node.name)
            if uplink.deprovisioned.is_set():
                return Ended.DEPROVISIONED
            return Ended.TO_BEGIN_ANEW if life.begins_anew else Ended.STOPPED


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
