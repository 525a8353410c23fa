"""What operators decide about nodes. What devices say of themselves is in device.py."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.node import (
    AcknowledgeChanges,
    CloseTunnel,
    DeleteNode,
    DeprovisionNode,
    InstructNode,
    IssueProvisioningKey,
    MarkNodeOffline,
    NodeCommand,
    OpenTunnel,
    ProvisionNode,
    RegisterNode,
    ReportNode,
    UpdateNode,
)
from ecn.deciders import device, find, gone, host_powers, node_rules, router, rules
from ecn.errors import NameTaken, NodeInUse, NotFound, RevisionMoved
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import (
    NodeDeprovisioned,
    NodeInstructed,
    NodeRegistered,
    NodeRenamed,
    NodeUpdated,
    ProvisioningKeyIssued,
    RouterMode,
    TunnelClosed,
    TunnelOpened,
)
from projections.nodes import NodeRow, TunnelRow
from projections.world import World


def decide(world: World, command: NodeCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case RegisterNode():
            rules.node_name(command.name)
            node_rules.settings(command.settings)
            if world.nodes.one("name", command.name) is not None:
                raise NameTaken("node", command.name)
            router.check(world, command.node_id, command.name, command.settings)
            yield NodeRegistered(
                node_id=command.node_id, name=command.name, settings=command.settings
            )
        case UpdateNode():
            yield from _update(world, command)
        case IssueProvisioningKey():
            _row(world, command.node_id)
            yield ProvisioningKeyIssued(
                node_id=command.node_id,
                key_hash=command.key_hash,
                expires_at=command.expires_at,
            )
        case DeprovisionNode():
            if _row(world, command.node_id).credential_hash is not None:
                yield NodeDeprovisioned(node_id=command.node_id)
        case DeleteNode():
            if command.node_id not in world.nodes:
                return  # a retried delete has already succeeded
            placed = sorted(world.microservices.find("node", command.node_id))
            if placed and not command.force:
                names = [find.microservice_name(world, each) for each in placed]
                raise NodeInUse(world.nodes[command.node_id].name, sorted(names))
            yield from gone.node(world, command.node_id)
        case InstructNode():
            _row(world, command.node_id)
            node_rules.version(command.version)
            yield NodeInstructed(
                node_id=command.node_id,
                instruction=command.instruction,
                version=command.version,
            )
        case OpenTunnel():
            yield from _open(world, command)
        case CloseTunnel():
            tunnel = _row(world, command.node_id).tunnel
            if tunnel is not None and tunnel.open:
                yield TunnelClosed(node_id=command.node_id)
        case ProvisionNode() | ReportNode() | AcknowledgeChanges() | MarkNodeOffline():
            yield from device.decide(world, command)
        case _:
            assert_never(command)


def _update(world: World, command: UpdateNode) -> Iterator[KnownEvent]:
    row = _row(world, command.node_id)
    if (row.name, row.settings) != command.seen:
        raise RevisionMoved("node", row.name)
    rules.node_name(command.name)
    node_rules.settings(command.settings)
    if command.name != row.name:
        if world.nodes.one("name", command.name) is not None:
            raise NameTaken("node", command.name)
        yield NodeRenamed(node_id=command.node_id, name=command.name)
    if command.settings != row.settings:
        router.check(world, command.node_id, command.name, command.settings)
        host_powers.still_allowed(world, command.node_id, command.settings)
        kept = command.settings.router
        if kept is None or kept.mode is RouterMode.NONE:
            yield from router.leave(world, command.node_id)
        yield NodeUpdated(node_id=command.node_id, settings=command.settings)


def _open(world: World, command: OpenTunnel) -> Iterator[KnownEvent]:
    present = _row(world, command.node_id).tunnel
    for part in ("host", "user"):
        rules.text(getattr(command, part), field=f"$.{part}")
    for part in ("remote_port", "local_port"):
        rules.port(getattr(command, part), field=f"$.{part}")
    wanted = TunnelRow(
        host=command.host,
        user=command.user,
        remote_port=command.remote_port,
        local_port=command.local_port,
    )
    if wanted != present:
        yield TunnelOpened(
            node_id=command.node_id,
            host=command.host,
            user=command.user,
            remote_port=command.remote_port,
            local_port=command.local_port,
        )


def _row(world: World, node_id: NodeId) -> NodeRow:
    row = world.nodes.get(node_id)
    if row is None:
        raise NotFound("node", node_id)
    return row
