"""What agents will do to containers when one world follows another.

It is the agent's own planner that says so (`agent.lifecycle.reconcile`), asked about a device that
had settled: each container as the world before wants it, and as far as that device has told.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from agent import contract
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory, noted
from agent.lifecycle.reconcile import plan, spec_digest
from agent.lifecycle.steps import Verb
from ecn.api.agent_documents import microservice
from ecn.api.plan_documents import ContainerAction, Doing
from ecn.deciders import find
from events.application import ContainerState, MicroserviceEvent
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.twin import TwinDesiredChanged
from events.volume import VolumeUpdated
from projections import consequences
from projections.images import registry_for
from projections.nodes import NodeState
from projections.volumes import mounted_by
from projections.world import World

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOW = LONG_AGO + timedelta(days=1)
"""A device that settled has nothing left to wait for, so that any clock will do."""

DOING = {
    Verb.CREATE: Doing.CREATE,
    Verb.REPLACE: Doing.REPLACE,
    Verb.START: Doing.START,
    Verb.RESTART: Doing.RESTART,
    Verb.STOP: Doing.STOP,
    Verb.REMOVE: Doing.REMOVE,
}


class Placed(Struct, frozen=True):
    """An action, and the node whose agent takes it."""

    node_id: NodeId
    microservice_id: MicroserviceId
    action: ContainerAction
    left: NodeId | None = None
    """The node that it comes from."""


def touched(event: KnownEvent, world: World) -> Iterator[MicroserviceId]:
    """The microservices whose agents hear something new because of the event."""
    if isinstance(event, MicroserviceEvent | TwinDesiredChanged):
        yield event.microservice_id
    if isinstance(event, consequences.EVENTS):
        yield from consequences.affected(world, event)
    if isinstance(event, VolumeUpdated):
        yield from world.microservices.find("volume", event.volume_id)


def actions(before: World, after: World, keys: Iterable[MicroserviceId]) -> Iterator[Placed]:
    """What becomes of the containers of these microservices; a move is two actions."""
    for key in sorted(set(keys)):
        was, now = before.microservices.get(key), after.microservices.get(key)
        if was is not None and now is not None and was.node_id == now.node_id:
            if (action := _on_its_node(before, after, key)) is not None:
                yield Placed(now.node_id, key, action)
            continue
        if was is not None:
            to = after.nodes[now.node_id].name if now is not None else ""
            yield Placed(was.node_id, key, _gone(before, key, to))
        if now is not None:
            left = None if was is None else was.node_id
            of = "" if left is None else before.nodes[left].name
            yield Placed(now.node_id, key, _new(after, key, of), left)


def _gone(world: World, key: MicroserviceId, to: str) -> ContainerAction:
    name, container = find.microservice_name(world, key), _settled(world, key)
    says = f"it moves to {to}" if to else "it is wanted no more"
    if container is None:
        says = f"{says}; it has no container here"
    return ContainerAction(
        microservice=name,
        action=_doing(None, container, key),
        because=["node"] if to else [],
        says=says,
        moves_to=to,
    )


def _new(world: World, key: MicroserviceId, of: str) -> ContainerAction:
    wanted = _wanted(world, key)
    says = f"it comes from {of}" if of else "it is new here"
    first = ", ".join(f"{name} is {condition}" for name, condition in _before(world, key))
    says = f"{says}; it starts when {first}" if first and wanted.running else says
    return ContainerAction(
        microservice=find.microservice_name(world, key),
        action=_doing(wanted, None, key),
        because=["node"] if of else [],
        says=says if wanted.running else f"{says}; {_why_not(world, key)}",
        moves_from=of,
    )


def _on_its_node(before: World, after: World, key: MicroserviceId) -> ContainerAction | None:
    was, now, container = _wanted(before, key), _wanted(after, key), _settled(before, key)
    causes = _different(was.spec, now.spec)
    config = ["config"] if was.config != now.config else []
    if _desired(was) != _desired(now):
        config.append("twin")
    if was.spec == now.spec and _files(before, key) != _files(after, key):
        config.append("files")
    running = ["started"] if was.running != now.running else []
    beside = _different(was, now, "restart", "pull", "start_order", "depends_on", "replace")
    if was.probe != now.probe and "health_check" not in causes:
        beside.append("health_check")
    if _registry(before, key) != _registry(after, key):
        beside.append("registry")
    because = [*running, *causes, *beside, *config]
    if not because:
        return None
    doing = _doing(now, container, key, held=not was.running)
    if doing is Doing.NOTHING and config and container and container.state is EngineState.RUNNING:
        doing = Doing.CONFIGURE
    match doing:
        case Doing.REPLACE:
            because, says = [*running, *causes], "a container is made from what changed"
            if now.replace is contract.ReplaceMode.BLUE_GREEN:
                says = f"{says}; the old one runs until that is well"
        case Doing.CONFIGURE:
            what = "they are" if config[-1] == "files" else "it is"
            because, says = config, f"{what} delivered; the container runs on"
        case Doing.STOP:
            says = _why_not(after, key)
        case Doing.START if running:
            says = "it shall run again; made anew, if it was changed while it was stopped"
        case Doing.START | Doing.RESTART:
            says = f"its new restart policy is {now.restart}"
        case Doing.NOTHING if not now.running:
            says = _why_not(after, key)
        case Doing.NOTHING:
            says = "the container stays as it is; it counts from the next time it matters"
        case _:
            says = "it shall run"
    return ContainerAction(
        microservice=find.microservice_name(after, key), action=doing, because=because, says=says
    )


def _desired(told: contract.Microservice) -> object:
    return None if told.twin is None else told.twin.desired


def _doing(
    wanted: contract.Microservice | None,
    container: Container | None,
    key: MicroserviceId,
    *,
    held: bool = False,
) -> Doing:
    """What the agent's planner does about it. held: it was told not to run before."""
    verb = _verb(wanted, container, key, held=held)
    return DOING.get(verb, Doing.NOTHING) if verb is not None else Doing.NOTHING


def _verb(
    wanted: contract.Microservice | None,
    container: Container | None,
    key: MicroserviceId,
    *,
    held: bool,
) -> Verb | None:
    desired = {} if wanted is None else {str(key): wanted}
    memory = noted(Memory(), 0, running=not held)
    steps = plan(desired, [] if container is None else [container], {key: memory}, NOW).steps
    return steps[0].verb if steps else None


def _wanted(world: World, key: MicroserviceId) -> contract.Microservice:
    return microservice(world, key, world.microservices[key], passwords={})


def _files(world: World, key: MicroserviceId) -> list[object]:
    """What is in the volumes of the controller's that its container mounts."""
    mounted = mounted_by(world.microservices[key].spec)
    settings = [world.volumes[each].settings for each in mounted if each in world.volumes]
    return [(each.files, each.permissions) for each in settings]


def _settled(world: World, key: MicroserviceId) -> Container | None:
    """Its container on a device that did all it was told; none where there is no device."""
    if world.nodes[world.microservices[key].node_id].state is NodeState.REGISTERED:
        return None
    wanted, told = _wanted(world, key), world.statuses.get(key)
    container = Container(
        container_id="",
        name="",
        microservice_id=key,
        application=wanted.application,
        spec_digest=spec_digest(wanted.spec),
        revision=wanted.revision,
        state=EngineState.RUNNING,
        created_at=LONG_AGO,
        started_at=LONG_AGO,
    )
    ended = replace(container, state=EngineState.EXITED, finished_at=LONG_AGO, exit_code=0)
    if not wanted.running:
        # Also a stopped one is kept, if it was ever made.
        return ended if told is not None and told.container_id else None
    if told is None:
        return container
    seen = replace(container, health=contract.Health(told.health))
    if told.state is ContainerState.EXITED:
        seen = replace(ended, exit_code=told.exit_code)
    # What the agent would do anyway is not what this is about.
    at_rest = _verb(wanted, seen, key, held=False) in (Verb.UNCHANGED, Verb.SETTLED)
    return seen if at_rest else container


def _before(world: World, key: MicroserviceId) -> Iterator[tuple[str, str]]:
    """Whom it waits for: those on its node; for others nobody there can wait."""
    row = world.microservices[key]
    for each in row.spec.depends_on:
        other = world.microservices.one("name", (row.application_id, each.microservice))
        if other is not None and world.microservices[other].node_id == row.node_id:
            yield each.microservice, each.condition


def _registry(world: World, key: MicroserviceId) -> object:
    registry_id = registry_for(world, world.microservices[key].spec)
    return None if registry_id is None else (registry_id, world.registries[registry_id].settings)


def _different(was: Struct, now: Struct, *names: str) -> list[str]:
    return [
        name for name in names or was.__struct_fields__ if getattr(was, name) != getattr(now, name)
    ]


def _why_not(world: World, key: MicroserviceId) -> str:
    row = world.microservices[key]
    return "it is stopped" if not row.started else "its application is stopped"
