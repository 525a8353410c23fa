"""Why a node is online, or is not."""

from ecn.api.history_documents import Step
from ecn.history.asking import Question, latest
from ecn.history.glance import OFFLINE, glance
from ecn.history.steps import MOST, about, command_of, last_of, made_by, many
from events.envelope import Recorded
from events.event import Event
from events.ids import START, NodeId
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeWentOffline,
    ProvisioningKeyIssued,
)
from projections.nodes import NodeRow, NodeState
from projections.world import World


def node(world: World, node_id: NodeId) -> Question[Step]:
    """The chain of one that is there."""
    row, subject = world.nodes[node_id], f"node/{node_id}"
    state = yield from state_event(world, node_id)
    provisioned = yield from last_of(world, subject, NodeProvisioned)
    because = []
    if state is not None and isinstance(state.event, NodeDeprovisioned):
        because.append((yield from command_of(world, state)))
    if row.facts.engine_problem:
        event = yield from state_event(world, node_id, engine=True)
        because.append(_step("wait", f"engine: {row.facts.engine_problem}", world, event))
    because += yield from _earlier(world, subject, state, provisioned)
    if row.state is not NodeState.REGISTERED and provisioned is not None:
        if state is None or provisioned.position != state.position:
            because.append(_step("revision", "a device became this node", world, provisioned))
        because += yield from _key_of(world, subject, provisioned)
    elif row.key_expires_at is not None:
        issued = yield from last_of(world, subject, ProvisioningKeyIssued)
        if issued is not None:
            text = f"its provisioning key can be redeemed until {row.key_expires_at:%F %T} UTC"
            because.append((yield from made_by(world, issued, what="wait", text=text)))
    if state is None or not isinstance(state.event, NodeRegistered):
        because += yield from _registration(world, subject)
    else:
        because.append((yield from command_of(world, state)))
    return Step(
        what="state",
        text=state_text(row),
        event=glance(world, state) if state is not None else None,
        because=because,
    )


def gone(world: World, subject: str) -> Question[Step]:
    """The chain of one that is no more. Errors: KeyError when nothing tells of its end."""
    deleted = yield from last_of(world, subject, NodeDeleted)
    if deleted is None:
        raise KeyError(subject)
    because = [(yield from command_of(world, deleted))]
    because += yield from _earlier(world, subject, deleted, None)
    because += yield from _registration(world, subject)
    return Step(
        what="state", text="gone: it was deleted", event=glance(world, deleted), because=because
    )


def state_text(row: NodeRow) -> str:
    """The state, and what is known of the reason."""
    match row.state:
        case NodeState.ONLINE:
            return "online"
        case NodeState.OFFLINE:
            reason = f": {OFFLINE[row.offline_reason]}" if row.offline_reason else ""
            seen = f", last heard {row.last_seen:%F %T} UTC" if row.last_seen else ""
            return f"offline{reason}{seen}"
        case NodeState.REGISTERED:
            # Facts stay when a device is parted from its node.
            ever = "any more" if row.facts.agent_version else "yet"
            return f"registered: no device is this node {ever}"


def unheard(row: NodeRow) -> str:
    """Of a node that is not online: a clause for those that wait for it."""
    if row.state is NodeState.REGISTERED:
        return f"node {row.name} has no device"
    return f"node {row.name} is {state_text(row)}"


def state_event(
    world: World, node_id: NodeId, *, engine: bool = False
) -> Question[Recorded | None]:
    """The event that brought the node into its state; engine: that told how its engine is."""
    states = (NodeCameOnline, NodeWentOffline, NodeProvisioned, NodeDeprovisioned, NodeRegistered)
    told = (NodeFactsReported, NodeProvisioned)
    kinds: tuple[type[Event], ...] = told if engine else states
    return (yield from last_of(world, f"node/{node_id}", *kinds))


def _earlier(
    world: World, subject: str, state: Recorded | None, provisioned: Recorded | None
) -> Question[list[Step]]:
    """Its coming and going before the present state, since a device is this node."""
    found: list[Recorded] = []
    since = provisioned.position if provisioned is not None else START
    for kind in (NodeCameOnline, NodeWentOffline):
        wanted = about(subject, kind)
        found += yield from latest(wanted, upto=world.position, limit=MOST + 2, after=since)
    found = [each for each in found if state is None or each.position != state.position]
    found.sort(key=lambda each: -each.position)
    if not found:
        return []
    return [many(world, "before that", found)]


def _key_of(world: World, subject: str, provisioned: Recorded) -> Question[list[Step]]:
    """Who let a device become the node."""
    issued = yield from last_of(world, subject, ProvisioningKeyIssued, upto=provisioned.position)
    if issued is None:
        return []
    text = "the device had a key that was made for it"
    return [(yield from made_by(world, issued, text=text))]


def _registration(world: World, subject: str) -> Question[list[Step]]:
    registered = yield from last_of(world, subject, NodeRegistered)
    return [] if registered is None else [(yield from made_by(world, registered))]


def _step(what: str, text: str, world: World, event: Recorded | None) -> Step:
    return Step(what=what, text=text, event=glance(world, event) if event is not None else None)
