"""What is decided about nodes. A device's own word is taken as far as it concerns the device."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.node import (
    DeleteNode,
    DeprovisionNode,
    IssueProvisioningKey,
    MarkNodeOffline,
    NodeCommand,
    ProvisionNode,
    RegisterNode,
    ReportNode,
    UpdateNode,
)
from ecn.deciders import find, rules
from ecn.errors import Conflict, KeyRefused, NameTaken, NodeInUse, NotFound, RevisionMoved
from events.application import ContainerReported, MicroserviceDeleted
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
)
from projections.nodes import NodeRow, NodeState
from projections.world import World


def decide(world: World, command: NodeCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case RegisterNode():
            rules.node_name(command.name)
            rules.node_settings(command.settings)
            if world.nodes.one("name", command.name) is not None:
                raise NameTaken("node", command.name)
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
        case ProvisionNode():
            yield from _provision(world, command)
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
            for microservice_id in placed:
                yield MicroserviceDeleted(microservice_id=microservice_id)
            yield NodeDeleted(node_id=command.node_id)
        case ReportNode():
            yield from _report(world, command)
        case MarkNodeOffline():
            row = world.nodes.get(command.node_id)
            if row is None or row.state is not NodeState.ONLINE or row.since > command.last_seen:
                return  # deleted, or heard of again, since the silence was noticed
            yield NodeWentOffline(
                node_id=command.node_id,
                reason=OfflineReason.SILENT,
                last_seen=command.last_seen,
            )
        case _:
            assert_never(command)


def _update(world: World, command: UpdateNode) -> Iterator[KnownEvent]:
    row = _row(world, command.node_id)
    if (row.name, row.settings) != command.seen:
        raise RevisionMoved("node", row.name)
    rules.node_name(command.name)
    rules.node_settings(command.settings)
    if command.name != row.name:
        if world.nodes.one("name", command.name) is not None:
            raise NameTaken("node", command.name)
        yield NodeRenamed(node_id=command.node_id, name=command.name)
    if command.settings != row.settings:
        yield NodeUpdated(node_id=command.node_id, settings=command.settings)


def _provision(world: World, command: ProvisionNode) -> Iterator[KnownEvent]:
    node_id = world.nodes.one("key", command.key_hash)
    if node_id is None:
        redeemed = world.nodes.one("redeemed_key", command.key_hash)
        if redeemed is None or world.nodes[redeemed].credential_hash != command.credential_hash:
            raise KeyRefused
        return  # the same device asks again, because the first answer was lost on its way
    row = world.nodes[node_id]
    if row.key_expires_at is not None and row.key_expires_at <= command.now:
        raise KeyRefused(row.key_expires_at)
    if (
        world.nodes.one("credential", command.credential_hash) is not None
        or command.credential_hash in world.withdrawn_credentials
    ):
        raise Conflict(
            "this credential was used before",
            next_step="Let the agent make a fresh one: ecn agent provision --replace",
        )
    yield NodeProvisioned(
        node_id=node_id,
        key_hash=command.key_hash,
        credential_hash=command.credential_hash,
        facts=command.facts,
    )


def _report(world: World, command: ReportNode) -> Iterator[KnownEvent]:
    row = world.nodes.get(command.node_id)
    if row is None or row.credential_hash is None:
        return  # deleted while its agent was speaking
    if row.state is not NodeState.ONLINE and not command.goodbye:
        yield NodeCameOnline(node_id=command.node_id)
    if command.facts is not None and command.facts != row.facts:
        yield NodeFactsReported(node_id=command.node_id, facts=command.facts)
    last = world.reports.get(command.node_id) or 0
    for report in sorted(command.containers, key=lambda each: each.sequence):
        microservice = world.microservices.get(report.microservice_id)
        if report.sequence <= last:
            continue  # told before
        if microservice is None or microservice.node_id != command.node_id:
            continue  # moved away or deleted meanwhile: nobody waits for that word
        last = report.sequence
        yield ContainerReported(
            microservice_id=report.microservice_id,
            node_id=command.node_id,
            sequence=report.sequence,
            status=report.status,
        )
    if command.goodbye and row.state is NodeState.ONLINE:
        yield NodeWentOffline(
            node_id=command.node_id, reason=OfflineReason.STOPPED, last_seen=command.now
        )


def _row(world: World, node_id: NodeId) -> NodeRow:
    row = world.nodes.get(node_id)
    if row is None:
        raise NotFound("node", node_id)
    return row
