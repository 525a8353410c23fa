"""What is decided on a device's own word, which is taken as far as it concerns the device."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.node import (
    AcknowledgeChanges,
    ContainerReport,
    DropReport,
    MarkNodeOffline,
    OutcomeReport,
    ProvisionNode,
    ReportNode,
    TwinReport,
)
from ecn.deciders import twin
from ecn.errors import Conflict, KeyRefused
from events.application import ContainerReported
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.node import (
    InstructionCarriedOut,
    NodeCameOnline,
    NodeChangesAcknowledged,
    NodeFactsReported,
    NodeProvisioned,
    NodeWentOffline,
    OfflineReason,
)
from events.route import RouteDropped
from projections import changes
from projections.nodes import NodeState
from projections.twins import TwinRow, after, twin_of
from projections.world import World

Numbered = ContainerReport | TwinReport | OutcomeReport | DropReport
DeviceCommand = ProvisionNode | ReportNode | AcknowledgeChanges | MarkNodeOffline


def decide(world: World, command: DeviceCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when nothing is new. Errors: Refused."""
    match command:
        case ProvisionNode():
            yield from _provision(world, command)
        case ReportNode():
            yield from _report(world, command)
        case AcknowledgeChanges():
            changed = world.changes.get(command.node_id)
            if changed is None:
                return  # deleted while its agent was at it
            # An agent that says it did more than there was is told what comes next all the same.
            through = min(command.through, changes.latest(changed))
            stamps = {*changed.stamps.values(), *changed.rebuilds.values()}
            if any(changed.acknowledged < stamp <= through for stamp in stamps):
                yield NodeChangesAcknowledged(node_id=command.node_id, through=through)
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


Twins = dict[MicroserviceId, TwinRow]


def _one(world: World, twins: Twins, node_id: NodeId, report: Numbered) -> Iterator[KnownEvent]:
    """What one numbered word leads to; nothing, where nobody waits for that word any more.

    twins: as the words of the same report before this one leave them.
    """
    match report:
        case ContainerReport():
            if _here(world, node_id, report.microservice_id):
                yield ContainerReported(
                    microservice_id=report.microservice_id,
                    node_id=node_id,
                    sequence=report.sequence,
                    status=report.status,
                )
        case TwinReport():
            if _here(world, node_id, report.microservice_id):
                key = report.microservice_id
                row = twins.get(key) or twin_of(world, key)
                rule = world.microservices[key].spec.twin_conflicts
                for event in twin.from_device(row, rule, node_id, report):
                    row = twins[key] = after(row, event, f"node/{node_id}", report.at)
                    yield event
            elif report.microservice_id in world.microservices:
                yield from twin.left_behind(node_id, report)
        case OutcomeReport():
            for told in world.nodes[node_id].instructions:
                if told.told_at == report.told_at:
                    yield InstructionCarriedOut(
                        node_id=node_id,
                        instruction=told.instruction,
                        told_at=told.told_at,
                        sequence=report.sequence,
                        outcome=report.outcome,
                        detail=report.detail,
                        at=report.at,
                    )
        case DropReport():
            # Also of a route that is gone: that may be why. Of one that never was: nothing.
            if f"route/{report.route_id}" in world.names:
                yield RouteDropped(
                    route_id=report.route_id,
                    node_id=node_id,
                    sequence=report.sequence,
                    reason=report.reason,
                    messages=report.messages,
                    size=report.size,
                    since=report.since,
                    at=report.at,
                )
        case _:
            assert_never(report)


def _here(world: World, node_id: NodeId, microservice_id: MicroserviceId) -> bool:
    """Whether it belongs to the node: not moved away or deleted meanwhile."""
    microservice = world.microservices.get(microservice_id)
    return microservice is not None and microservice.node_id == node_id


def _report(world: World, command: ReportNode) -> Iterator[KnownEvent]:
    row = world.nodes.get(command.node_id)
    if row is None or row.credential_hash is None:
        return  # deleted while its agent was speaking
    if row.state is not NodeState.ONLINE and not command.goodbye:
        yield NodeCameOnline(node_id=command.node_id)
    if command.facts is not None and command.facts != row.facts:
        yield NodeFactsReported(node_id=command.node_id, facts=command.facts)
    last = world.reports.get(command.node_id) or 0
    said: list[Numbered] = [
        *command.containers,
        *command.twins,
        *command.outcomes,
        *command.drops,
    ]
    numbered = sorted(said, key=lambda each: each.sequence)
    twins: Twins = {}
    for report in numbered:
        if report.sequence <= last:
            continue  # told before
        for event in _one(world, twins, command.node_id, report):
            last = report.sequence
            yield event
    if command.goodbye and row.state is NodeState.ONLINE:
        yield NodeWentOffline(
            node_id=command.node_id, reason=OfflineReason.STOPPED, last_seen=command.now
        )
