"""Nodes as they are: who they are, whether they are heard, what their agents said of the device."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import NodeId
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeEvents,
    NodeFacts,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "nodes", 1


class NodeState(StrEnum):
    """Whether there is a device, and whether it is heard."""

    REGISTERED = "registered"
    """No device is this node yet, or any more."""
    ONLINE = "online"
    OFFLINE = "offline"


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


def table() -> Table[NodeId, NodeRow]:
    """An empty table of nodes."""
    return Table(
        {
            "name": lambda row: (row.name,),
            "key": lambda row: (row.key_hash,) if row.key_hash else (),
            "redeemed_key": lambda row: (row.redeemed_key_hash,) if row.redeemed_key_hash else (),
            "credential": lambda row: (row.credential_hash,) if row.credential_hash else (),
        }
    )


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
            ),
        )
        return
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
        case NodeDeleted():
            yield Drop(event.node_id)
        case _:
            assert_never(event)
