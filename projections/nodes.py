"""Nodes as they are: who they are, whether they are heard, what their agents said of the device."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import NodeId, Position
from events.node import (
    DEFAULT_ROUTER,
    Instruction,
    InstructionCarriedOut,
    NodeCameOnline,
    NodeChangesAcknowledged,
    NodeDeleted,
    NodeDeprovisioned,
    NodeEvents,
    NodeFacts,
    NodeFactsReported,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    Outcome,
    ProvisioningKeyIssued,
    RouterMode,
    TunnelClosed,
    TunnelOpened,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "nodes", 3


class NodeState(StrEnum):
    """Whether there is a device, and whether it is heard."""

    REGISTERED = "registered"
    """No device is this node yet, or any more."""
    ONLINE = "online"
    OFFLINE = "offline"


class TunnelRow(Struct, frozen=True, kw_only=True, gc=False):
    """The SSH tunnel that the device holds, or held last."""

    host: str
    user: str
    remote_port: int
    local_port: int
    open: bool = True


class OpenInstruction(Struct, frozen=True, kw_only=True, gc=False):
    """Something that the agent was told to do, and has not said what became of it."""

    told_at: Position
    instruction: Instruction
    version: str


class LastOutcome(Struct, frozen=True, kw_only=True, gc=False):
    """What became of the last instruction of its kind."""

    told_at: Position
    instruction: Instruction
    outcome: Outcome
    detail: str
    at: datetime
    """The device's clock."""


class NodeRow(Struct, frozen=True, kw_only=True, gc=False):
    """One node."""

    name: str
    settings: NodeSettings
    created_at: datetime
    updated_at: datetime
    since: datetime
    """When it came into its state."""
    state: NodeState = NodeState.REGISTERED
    offline_reason: OfflineReason | None = None
    last_seen: datetime | None = None
    """As the log knows it: set when the node goes offline."""
    facts: NodeFacts = NodeFacts()
    key_hash: str | None = None
    key_expires_at: datetime | None = None
    credential_hash: str | None = None
    redeemed_key_hash: str | None = None
    """Of the key that the present credential was given for: asking again is no second use."""
    tunnel: TunnelRow | None = None
    instructed: dict[Instruction, Position] = field(default_factory=dict)
    """What its agent was told to do, each with the last time it was."""
    instructions: list[OpenInstruction] = field(default_factory=list)
    """Those that its agent has not spoken about yet, the oldest first."""
    outcomes: list[LastOutcome] = field(default_factory=list)
    """Of those that it has: the last of each kind, the latest last."""
    number: int
    """The event that made it: stable, and its alone."""
    created_by: str
    """The actor."""


def table() -> Table[NodeId, NodeRow]:
    """An empty table of nodes."""
    return Table(
        {
            "name": lambda row: (row.name,),
            "key": lambda row: (row.key_hash,) if row.key_hash else (),
            "redeemed_key": lambda row: (row.redeemed_key_hash,) if row.redeemed_key_hash else (),
            "credential": lambda row: (row.credential_hash,) if row.credential_hash else (),
            "created_by": lambda row: (row.created_by,),
            "system": lambda row: (True,) if row.settings.system else (),
            "upstream": _upstreams,
            "network_router": _network_router,
        }
    )


def _upstreams(row: NodeRow) -> tuple[str, ...]:
    """The routers that its own connects to, as they were named."""
    router = row.settings.router
    if router is None or router.mode is RouterMode.NONE:
        return ()
    return tuple(dict.fromkeys(router.upstreams))


def _network_router(row: NodeRow) -> tuple[str, ...]:
    """The router that its agent uses instead of one of its own, as it was named."""
    router = row.settings.router
    if router is None or router.mode is not RouterMode.NONE:
        return ()
    return (router.network_router or DEFAULT_ROUTER,)


def project(
    world: "World", event: NodeEvents, recorded: Recorded
) -> Iterator[Put[NodeId, NodeRow] | Drop[NodeId]]:
    """See view.py."""
    time = recorded.time
    if isinstance(event, NodeRegistered):
        yield Put(
            event.node_id,
            NodeRow(
                name=event.name,
                settings=event.settings,
                created_at=time,
                updated_at=time,
                since=time,
                number=recorded.position,
                created_by=recorded.actor,
            ),
        )
        return
    if isinstance(event, NodeChangesAcknowledged):
        return  # see changes.py
    row = world.nodes[event.node_id]
    match event:
        case NodeRenamed():
            yield Put(event.node_id, replace(row, name=event.name, updated_at=time))
        case NodeUpdated():
            yield Put(event.node_id, replace(row, settings=event.settings, updated_at=time))
        case ProvisioningKeyIssued():
            yield Put(
                event.node_id,
                replace(row, key_hash=event.key_hash, key_expires_at=event.expires_at),
            )
        case NodeProvisioned():
            yield Put(
                event.node_id,
                replace(
                    row,
                    state=NodeState.ONLINE,
                    since=time,
                    offline_reason=None,
                    facts=event.facts,
                    key_hash=None,
                    key_expires_at=None,
                    credential_hash=event.credential_hash,
                    redeemed_key_hash=event.key_hash,
                    # What the former device was told is nothing to this one.
                    instructions=[],
                ),
            )
        case NodeDeprovisioned():
            yield Put(
                event.node_id,
                replace(
                    row,
                    state=NodeState.REGISTERED,
                    since=time,
                    offline_reason=None,
                    key_hash=None,
                    key_expires_at=None,
                    credential_hash=None,
                    redeemed_key_hash=None,
                    instructions=[],
                ),
            )
        case NodeCameOnline():
            yield Put(
                event.node_id,
                replace(row, state=NodeState.ONLINE, since=time, offline_reason=None),
            )
        case NodeWentOffline():
            yield Put(
                event.node_id,
                replace(
                    row,
                    state=NodeState.OFFLINE,
                    since=time,
                    offline_reason=event.reason,
                    last_seen=event.last_seen,
                ),
            )
        case NodeFactsReported():
            yield Put(event.node_id, replace(row, facts=event.facts))
        case NodeInstructed():
            instructed = {**row.instructed, event.instruction: recorded.position}
            # One of a kind: told twice before it was done once, it is done once.
            open_ones = [each for each in row.instructions if each.instruction != event.instruction]
            open_ones.append(
                OpenInstruction(
                    told_at=recorded.position,
                    instruction=event.instruction,
                    version=event.version,
                )
            )
            yield Put(event.node_id, replace(row, instructed=instructed, instructions=open_ones))
        case InstructionCarriedOut():
            left = [each for each in row.instructions if each.told_at != event.told_at]
            last = LastOutcome(
                told_at=event.told_at,
                instruction=event.instruction,
                outcome=event.outcome,
                detail=event.detail,
                at=event.at,
            )
            others = [each for each in row.outcomes if each.instruction != event.instruction]
            yield Put(event.node_id, replace(row, instructions=left, outcomes=[*others, last]))
        case TunnelOpened():
            tunnel = TunnelRow(
                host=event.host,
                user=event.user,
                remote_port=event.remote_port,
                local_port=event.local_port,
            )
            yield Put(event.node_id, replace(row, tunnel=tunnel))
        case TunnelClosed():
            if row.tunnel is not None:
                closed = replace(row.tunnel, open=False)
                yield Put(event.node_id, replace(row, tunnel=closed))
        case NodeDeleted():
            yield Drop(event.node_id)
        case _:
            assert_never(event)
