"""What restores things to how they stood at an earlier position: commands, or why there are none.

References are followed by id where what they name is still there, else by the name it had then:
a microservice returns to the node that it ran on, also if that was renamed, and to another node
of that name if it was replaced. Ids return too, so that their history goes on, and a container
that a device never removed is right again.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ecn.api.plan_documents import Caution
from ecn.commands.application import (
    ApplyApplication,
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    Placement,
    StartApplication,
    StopApplication,
    UpdateMicroservice,
)
from ecn.commands.catalog import DeleteRegistry, RestoreRegistry
from ecn.commands.node import RegisterNode, UpdateNode
from ecn.commands.together import (
    ApplicationStanding,
    MicroserviceStanding,
    NodeStanding,
    Part,
    SingleCommand,
    Subject,
    Together,
)
from ecn.deciders import find
from ecn.deciders.standing import microservice_id, name_of, standing
from ecn.errors import Invalid, NotFound, NotRestorable
from ecn.planning.decided import Decided, Wanted, decided
from events.catalog import RegistrySettings
from events.ids import ApplicationId, MicroserviceId, NodeId, RegistryId
from projections.nodes import NodeState
from projections.world import World


class Then(Struct, frozen=True):
    """What is to be restored to."""

    world: World
    lost: frozenset[str] = frozenset()
    """Ids of the secrets of that world that can't be opened any more."""


class Revert(Struct, frozen=True, kw_only=True):
    """What a revert is."""

    decided: list[Decided]
    """By subject, in the order in which it is done."""
    command: Together
    """All of it; without the subjects that are refused."""
    cautions: list[Caution] = field(default_factory=list)


def subject(now: World, then: World, text: str) -> Subject:
    """What `<kind>/<name or id>` means, now or then.

    Errors: Invalid, NotFound; NotRestorable for what is never restored, or means two things.
    """
    kind, slash, ref = text.partition("/")
    if not slash or not ref:
        raise Invalid(f"{text!r} names nothing: write <kind>/<name>, as in application/shop")
    match kind:
        case "node":
            return Subject(kind, _node(now, then, ref))
        case "application":
            key = _found(now, then, kind, ref, find.application)
            return Subject(kind, _name(now, then, f"application/{key}"))
        case "registry":
            key = _found(now, then, kind, ref, find.registry)
            return Subject(kind, _name(now, then, f"registry/{key}"))
        case "microservice":
            key = _found(now, then, kind, ref, find.microservice)
            return Subject(kind, _name(now, then, f"microservice/{key}"))
        case "user":
            raise NotRestorable(
                "who may log in, and as what, is not rolled back: what was taken from somebody "
                "must not come back by the way",
                next_step="Change it as it should be: ecn update user, ecn create user",
            )
    raise Invalid(f"{kind!r} is no kind: there are node, application, microservice and registry")


def revert(now: World, then: Then, subjects: Sequence[Subject]) -> Revert:
    """Restore all of them, in an order in which each is possible."""
    waiting = list(dict.fromkeys(subjects))
    world, done, parts, cautions = now, list[Decided](), list[Part](), list[Caution]()
    # What needs another of them to be restored first waits for it: a port that it still has, a
    # node that is not there yet. What is refused when nothing else is left to do is refused.
    while waiting:
        still, refused = list[Subject](), list[Decided]()
        waiting.sort(key=lambda each: _order(then, each))
        for each in waiting:
            about = f"{each.kind}/{name_of(world, each)}"
            result, commands = _decided(world, then, each, about)
            if result.refused is not None:
                still.append(each)
                refused.append(result)
                continue
            cautions += _cautions(world, then, each, about)
            world = result.after
            done.append(result)
            parts.append(Part(about, tuple(commands)))
        if len(still) == len(waiting):
            done += [replace(each, before=world, after=world) for each in refused]
            break
        waiting = still
    seen = {each: standing(now, each) for each in subjects}
    return Revert(decided=done, command=Together(parts=tuple(parts), seen=seen), cautions=cautions)


def _decided(
    world: World, then: Then, each: Subject, label: str
) -> tuple[Decided, Sequence[SingleCommand]]:
    made = list[SingleCommand]()

    def commands(world: World) -> Sequence[SingleCommand]:
        made.extend(restoring(world, then, each))
        return made

    return decided(world, Wanted(about=label, commands=commands)), made


def restoring(now: World, then: Then, each: Subject) -> list[SingleCommand]:
    """The commands that let it stand as it did. Errors: NotRestorable."""
    match standing(then.world, each):
        case NodeStanding() as stood:
            return [_node_as(now, NodeId(each.key), stood)]
        case RegistrySettings() as stood:
            return [_registry_as(now, then, each.key, stood)]
        case MicroserviceStanding() as stood:
            return [_microservice_as(now, then.world, each.key, stood)]
        case ApplicationStanding() as stood:
            return _application_as(now, then.world, each.key, stood)
    return _gone(now, then.world, each)


def _gone(now: World, then: World, each: Subject) -> list[SingleCommand]:
    """It was not there then."""
    name = name_of(now, each)
    match each.kind:
        case "application":
            application_id = now.applications.one("name", each.key)
            return [DeleteApplication(application_id=application_id)] if application_id else []
        case "microservice":
            key = microservice_id(now, each.key)
            return [DeleteMicroservice(microservice_id=key)] if key else []
        case "registry":
            registry_id = now.registries.one("name", each.key)
            return [DeleteRegistry(registry_id=registry_id)] if registry_id else []
    if each.key not in now.nodes:
        return []
    raise NotRestorable(
        f"there was no node {name!r} at position {then.position}, and a revert deletes no node: "
        "its device would be parted from it for good",
        next_step=f"Delete it if you mean it: ecn delete node {name}",
    )


def _node_as(now: World, node_id: NodeId, stood: NodeStanding) -> SingleCommand:
    row = now.nodes.get(node_id)
    if row is None:
        return RegisterNode(node_id=node_id, name=stood.name, settings=stood.settings)
    return UpdateNode(
        node_id=node_id,
        name=stood.name,
        settings=stood.settings,
        seen=(row.name, row.settings),
    )


def _registry_as(now: World, then: Then, name: str, stood: RegistrySettings) -> SingleCommand:
    if stood.password is not None and stood.password.secret_id in then.lost:
        raise NotRestorable(
            f"the password that registry {name!r} had is destroyed, and nothing keeps a copy",
            next_step="Deploy the registry as it should be, with password_from: ecn deploy -f FILE",
        )
    registry_id = then.world.registries.one("name", name)
    return RestoreRegistry(registry_id=registry_id or RegistryId(name), name=name, settings=stood)


def _application_as(
    now: World, then: World, name: str, stood: ApplicationStanding
) -> list[SingleCommand]:
    old = then.applications.one("name", name)
    application_id = now.applications.one("name", name) or old or ApplicationId(name)
    restored: list[SingleCommand] = [
        ApplyApplication(
            application_id=application_id,
            name=name,
            description=stood.description,
            labels=stood.labels,
            microservices=[
                _placement(now, then, f"{name}/{member}", as_it_was)
                for member, as_it_was in stood.microservices.items()
            ],
        )
    ]
    kind = StartApplication if stood.started else StopApplication
    return [*restored, kind(application_id=application_id)]


def _microservice_as(
    now: World, then: World, key: str, stood: MicroserviceStanding
) -> SingleCommand:
    placement, present = _placement(now, then, key, stood), microservice_id(now, key)
    if present is not None:
        return UpdateMicroservice(
            microservice_id=present,
            placement=placement,
            seen=now.microservices[present].revision,
        )
    application = key.partition("/")[0]
    application_id = now.applications.one("name", application)
    if application_id is None:
        raise NotRestorable(
            f"its application {application!r} is not there any more",
            next_step=f"Revert the application: application/{application}",
        )
    return CreateMicroservice(application_id=application_id, placement=placement)


def _placement(now: World, then: World, key: str, stood: MicroserviceStanding) -> Placement:
    registry_id = stood.spec.registry_id
    registry = None
    if registry_id is not None:
        there = registry_id in now.registries
        registry = registry_id if there else then.registries[registry_id].name
    there = stood.node_id in now.nodes
    return Placement(
        microservice_id=microservice_id(then, key) or MicroserviceId(key),
        name=key.partition("/")[2],
        node=stood.node_id if there else then.nodes[stood.node_id].name,
        registry=registry,
        started=stood.started,
        spec=stood.spec,
    )


def _cautions(now: World, then: Then, each: Subject, about: str) -> list[Caution]:
    """What a restored thing is not."""
    if each.kind == "registry":
        was, is_ = standing(then.world, each), standing(now, each)
        if (
            isinstance(was, RegistrySettings)
            and isinstance(is_, RegistrySettings)
            and is_.password is not None
            and was.password != is_.password
        ):
            return [
                Caution(
                    code="password-destroyed",
                    about=about,
                    says="the password that it has now is destroyed: no revert brings it back",
                )
            ]
    if each.kind == "node":
        node, past = now.nodes.get(NodeId(each.key)), then.world.nodes.get(NodeId(each.key))
        parted = node is None or node.state is NodeState.REGISTERED
        if past is not None and past.state is not NodeState.REGISTERED and parted:
            return [
                Caution(
                    code="needs-a-key",
                    about=about,
                    says="its device does not come back by itself: it needs a new key",
                    next_step=f"ecn provision-key {past.name}",
                )
            ]
    return []


def _order(then: Then, each: Subject) -> tuple[int, str]:
    """What others refer to comes first, but goes last."""
    restored = standing(then.world, each) is not None
    return RANKS.index((each.kind, restored)), each.key


RANKS = (
    ("node", True),
    ("registry", True),
    ("application", False),
    ("microservice", False),
    ("application", True),
    ("microservice", True),
    ("registry", False),
    ("node", False),
)
"""Kinds, and whether they are restored or go."""


def _node(now: World, then: World, ref: str) -> NodeId:
    for world in (now, then):
        if ref in world.nodes:
            return NodeId(ref)
    ids = {each for world in (now, then) if (each := world.nodes.one("name", ref)) is not None}
    if not ids:
        raise NotFound("node", ref)
    if len(ids) > 1:
        raise NotRestorable(
            f"node {ref!r} is another one now than it was at position {then.position}",
            next_step="Give the id of the one that you mean: node/" + " or node/".join(sorted(ids)),
        )
    return ids.pop()


def _found(
    now: World, then: World, kind: str, ref: str, finder: Callable[[World, str], str]
) -> str:
    for world in (now, then):
        try:
            return finder(world, ref)
        except NotFound:
            continue
    raise NotFound(kind, ref)


def _name(now: World, then: World, subject_: str) -> str:
    return now.names.get(subject_) or then.names.get(subject_) or subject_.partition("/")[2]
