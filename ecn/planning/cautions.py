"""What somebody should know before it is done: devices that are away, moves, what is destroyed."""

from collections.abc import Iterable, Iterator

from ecn.api.plan_documents import Caution, Doing
from ecn.deciders import dependencies, find
from ecn.planning.actions import Placed
from events.application import VolumeKind
from events.catalog import RegistryDeleted
from events.envelope import KnownEvent
from events.ids import MicroserviceId
from events.node import NodeDeleted, NodeDeprovisioned
from projections.nodes import NodeRow, NodeState
from projections.world import World


def of_event(event: KnownEvent, before: World) -> Iterator[Caution]:
    """What an event means that can't be undone by its opposite."""
    match event:
        case NodeDeleted() | NodeDeprovisioned():
            row = before.nodes[event.node_id]
            if row.credential_hash is not None:
                yield Caution(
                    code="device-parted",
                    about=f"node/{row.name}",
                    says="its device is parted from it, and removes all containers of this node",
                    next_step="to have it back, provision the device with a new key",
                )
        case RegistryDeleted():
            registry = before.registries[event.registry_id]
            if registry.settings.password is not None:
                yield Caution(
                    code="password-destroyed",
                    about=f"registry/{registry.name}",
                    says="its password is destroyed: no revert brings it back",
                )


def of_node(row: NodeRow, doings: Iterable[Doing]) -> Iterator[Caution]:
    """Why the agent of a node won't do at once what it should."""
    if not set(doings) - {Doing.NOTHING}:
        return
    about = f"node/{row.name}"
    if row.state is NodeState.REGISTERED:
        yield Caution(
            code="no-device",
            about=about,
            says="it has no device: nothing happens there until it has",
            next_step=f"ecn provision-key {row.name}",
        )
    elif row.state is NodeState.OFFLINE:
        yield Caution(
            code="node-offline",
            about=about,
            says=f"it is offline since {row.since:%Y-%m-%d %H:%M:%SZ}: what is planned there "
            "happens when it is back",
            next_step=f"ecn describe node {row.name}",
        )
    if row.facts.engine_problem:
        yield Caution(
            code="engine-away",
            about=about,
            says=f"its container engine can't be used: {row.facts.engine_problem}",
            next_step=f"ecn describe node {row.name}",
        )


def of_moves(before: World, after: World, placed: Iterable[Placed]) -> Iterator[Caution]:
    """What a move means for what is moved."""
    for each in placed:
        if each.left is None:
            continue
        about = f"microservice/{each.action.microservice}"
        leaves, comes = before.nodes[each.left], after.nodes[each.node_id]
        if each.action.action is Doing.CREATE:
            yield from _gap(about, leaves, comes)
        volumes = after.microservices[each.microservice_id].spec.volumes
        # What the controller holds moves along, and a tmpfs holds nothing.
        follows = (VolumeKind.TMPFS, VolumeKind.FILES)
        if any(volume.kind not in follows for volume in volumes):
            yield Caution(
                code="volumes-stay",
                about=about,
                says=f"what it keeps in volumes stays on {leaves.name}",
            )


def of_dependencies(
    before: World, after: World, keys: Iterable[MicroserviceId]
) -> Iterator[Caution]:
    """Who waits for something no longer, or never will, as that is on another node.

    keys: the microservices that are made or told otherwise.
    """
    told = {key for key in keys if key in after.microservices}
    told |= set(dependencies.dependents(after, told))
    for key in sorted(told):
        was = before.microservices.get(key)
        known = [] if was is None else dependencies.elsewhere(before, was)
        for name, node in dependencies.elsewhere(after, after.microservices[key]):
            if (name, node) not in known:
                yield Caution(
                    code="not-waited-for",
                    about=f"microservice/{find.microservice_name(after, key)}",
                    says=f"it does not wait for {name}, which is on another node, {node}",
                    next_step="put both on one node, or let it bear that the other is not there",
                )


def _gap(about: str, leaves: NodeRow, comes: NodeRow) -> Iterator[Caution]:
    there, gone = comes.state is NodeState.ONLINE, leaves.state is NodeState.ONLINE
    if there and gone:
        says = (
            f"{leaves.name} removes it while {comes.name} creates it: it is down for as long as "
            "creating takes, image included, and may run twice for a moment"
        )
    elif leaves.state is NodeState.REGISTERED:
        return  # it ran nowhere; what its new node does is said of that
    elif there:
        says = f"it runs twice until {leaves.name} is back and removes it"
    elif gone:
        says = f"it runs nowhere until {comes.name} is there to create it"
    else:
        says = (
            f"it runs on {leaves.name} until that is back and removes it, "
            f"and on {comes.name} once that is there"
        )
    yield Caution(code="move", about=about, says=says)
