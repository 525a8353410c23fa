"""The world as an agent needs it: the device's own contract, made from ours. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import UNSET, Raw, convert, json, structs

from agent import contract
from ecn.api import agent_messages
from ecn.commands.node import ContainerReport, OutcomeReport, ReportNode, TwinReport
from events.application import ContainerStatus, HealthCheck, MicroserviceSpec
from events.catalog import SealedSecret
from events.ids import EdgeResourceId, MicroserviceId, NodeId, Position, RegistryId
from events.node import NodeFacts, NodeSettings, Outcome
from events.twin import TwinSection
from projections import desired_state
from projections.edge_resources import EdgeResourceRow, linked
from projections.host_templates import resolved_hosts
from projections.images import image_for, pull_for, registry_for
from projections.microservices import MicroserviceRow
from projections.node_routes import inboxes
from projections.twins import twin_of
from projections.world import World

LONGEST_REASON, LONGEST_FACT = 2000, 256
LONGEST_ROUND = 8
"""Transitions between two that are told as one."""
MOST_TIMES = 10**9
MOST_REPORTS = 1000


def changed_since(
    world: World, node_id: NodeId, since: Position
) -> dict[MicroserviceId, MicroserviceRow]:
    """The node's microservices that a newer event than `since` changed."""
    wanted = desired_state.wanted(world, node_id)
    return {key: row for key, row in wanted.items() if told_revision(world, key, row) > since}


def told_revision(world: World, key: MicroserviceId, row: MicroserviceRow) -> Position:
    """The event that last changed what its agent is told of it, its twin included."""
    return max(row.revision, twin_of(world, key).revision)


def passwords_needed(
    world: World, changed: Mapping[MicroserviceId, MicroserviceRow]
) -> dict[RegistryId, SealedSecret]:
    """The sealed passwords of the registries that those pull from."""
    needed: dict[RegistryId, SealedSecret] = {}
    for row in changed.values():
        registry_id = registry_for(world, row.spec)
        password = world.registries[registry_id].settings.password if registry_id else None
        if registry_id is not None and password is not None:
            needed[registry_id] = password
    return needed


def desired(
    world: World,
    node_id: NodeId,
    *,
    since: Position,
    changed: Mapping[MicroserviceId, MicroserviceRow],
    passwords: Mapping[RegistryId, str],
    stream_requests: Sequence[contract.AnyStreamRequest],
    broker: contract.Broker | None = None,
) -> contract.DesiredState:
    """What the agent is told: what changed, and the ids of all."""
    return contract.DesiredState(
        revision=desired_state.revision(world, node_id),
        since=since,
        changed=[microservice(world, key, row, passwords) for key, row in sorted(changed.items())],
        all_microservices=sorted(world.microservices.find("node", node_id)),
        volumes=[
            contract.Volume(
                volume_id=key,
                name=row.name,
                revision=row.revision,
                # Only where it is wanted itself; elsewhere it is for containers to mount.
                destination=row.settings.destination if node_id in row.settings.node_ids else "",
                permissions=row.settings.permissions,
                files=[
                    contract.VolumeFile(path=each.path, content=each.content)
                    for each in row.settings.files
                ],
            )
            for key, row in sorted(desired_state.volumes_since(world, node_id, since).items())
        ],
        all_volumes=sorted(desired_state.volumes(world, node_id)),
        node=node_config(world.nodes[node_id].settings),
        edge_resources=[_edge_resource(key, row) for key, row in linked(world, node_id).items()],
        instructions=[
            contract.Instruction(told_at=each.told_at, kind=each.instruction, version=each.version)
            for each in world.nodes[node_id].instructions
        ],
        routes=agent_messages.routes(world, node_id),
        inboxes=list(inboxes(world, node_id)),
        broker=broker,
        public_ports=agent_messages.public_ports(world, node_id),
        stream_requests=[contract.encoded_request(each) for each in stream_requests],
    )


def microservice(
    world: World,
    key: MicroserviceId,
    row: MicroserviceRow,
    passwords: Mapping[RegistryId, str],
) -> contract.Microservice:
    """One microservice as its agent is told of it."""
    return contract.Microservice(
        microservice_id=key,
        application=world.applications[row.application_id].name,
        name=row.name,
        revision=row.revision,
        running=desired_state.should_run(world, row),
        spec=_container_spec(world, row),
        restart=contract.RestartPolicy(row.spec.restart),
        pull=contract.PullPolicy(pull_for(world, row.spec)),
        registry=_registry(world, row.spec, passwords),
        probe=_probe(row.spec.health_check),
        start_order=row.spec.start_order,
        depends_on=[
            contract.Dependency(
                microservice=each.microservice, condition=contract.Condition(each.condition)
            )
            for each in row.spec.depends_on
        ],
        replace=contract.ReplaceMode(row.spec.replace),
        twin=_twin(world, key, row.node_id),
        config=row.spec.config,
    )


def _twin(world: World, key: MicroserviceId, node_id: NodeId) -> contract.Twin:
    row = twin_of(world, key)
    return contract.Twin(
        desired=row.desired,
        desired_version=row.desired_version,
        reported_version=row.reported_version,
        # Decided or of no more concern: no number up to that one is still to come.
        edits_through=world.reports.get(node_id) or 0,
    )


def node_config(settings: NodeSettings) -> contract.NodeConfig:
    """How the agent is to go about its work."""
    plain = structs.replace(settings.agent, time_zone="")
    known = convert(plain, contract.NodeConfig, from_attributes=True)
    return structs.replace(
        known,
        location=settings.location or "",
        latitude=settings.latitude,
        longitude=settings.longitude,
        time_zone=settings.agent.time_zone or "",
    )


def wished(settings: NodeSettings, wish: contract.SettingsChange) -> NodeSettings:
    """A node's settings with what its device wants otherwise."""
    said = {k: v for k, v in structs.asdict(wish).items() if v is not UNSET}
    own = {k: said.pop(k) for k in ("location", "latitude", "longitude") if k in said}
    return structs.replace(settings, agent=structs.replace(settings.agent, **said), **own)


def _edge_resource(key: EdgeResourceId, row: EdgeResourceRow) -> contract.EdgeResource:
    settings = row.settings
    return contract.EdgeResource(
        edge_resource_id=key,
        name=row.name,
        version=row.version,
        description=settings.description,
        protocol=settings.protocol,
        endpoints=Raw(json.encode(settings.endpoints)),
        display=Raw(json.encode(settings.display)),
        custom=settings.custom,
        tags=settings.tags,
    )


def _probe(check: HealthCheck | None) -> contract.Probe | None:
    """What the agent asks itself; commands are the engine's."""
    if check is None or (check.http is None and check.tcp is None):
        return None
    return contract.Probe(
        port=check.http.port if check.http is not None else check.tcp or 0,
        http_path=check.http.path if check.http is not None else None,
        http_host=check.http.host if check.http is not None else "",
        interval=check.interval,
        timeout=check.timeout,
        retries=check.retries,
        start_period=check.start_period,
    )


def _engine_check(check: HealthCheck | None) -> contract.HealthCheck | None:
    """What the engine runs. An empty command: not the image's own either."""
    if check is None:
        return None
    if not check.command:
        # The agent's own questions, or none: their times are no part of what a container is made
        # from, so that another interval replaces nothing.
        return contract.HealthCheck()
    return contract.HealthCheck(
        command=check.command,
        interval=check.interval,
        timeout=check.timeout,
        retries=check.retries,
        start_period=check.start_period,
    )


def _container_spec(world: World, row: MicroserviceRow) -> contract.ContainerSpec:
    """With all that the spec only names looked up: for this node, as things are now."""
    check = _engine_check(row.spec.health_check)
    plain = structs.replace(row.spec, health_check=None)
    spec = convert(plain, contract.ContainerSpec, from_attributes=True)
    return structs.replace(
        spec,
        health_check=check,
        image=image_for(world, row.spec, world.nodes[row.node_id]) or "",
        ports=[] if row.spec.host_network else spec.ports,
        extra_hosts=[
            contract.ExtraHost(name=host.name, address=host.address)
            for host in resolved_hosts(world, row.spec)
        ],
        generation=row.rebuilt,
    )


def _registry(
    world: World, spec: MicroserviceSpec, passwords: Mapping[RegistryId, str]
) -> contract.Registry | None:
    registry_id = registry_for(world, spec)
    if registry_id is None:
        return None
    settings = world.registries[registry_id].settings
    return contract.Registry(
        url=settings.url,
        username=settings.username,
        password=passwords.get(registry_id, ""),
        # ioFog keeps certificates in other forms too, which mean nothing to a device.
        ca_pem=settings.certificate if settings.certificate.startswith("-----BEGIN") else "",
    )


def facts(said: contract.Facts) -> NodeFacts:
    """What the device says of itself, as events keep it: bounded, whatever it says."""
    known = convert(said, NodeFacts, from_attributes=True)
    texts = {
        name: _bounded(text, LONGEST_FACT)
        for name, text in structs.asdict(known).items()
        if isinstance(text, str)
    }
    return structs.replace(known, **texts)


def report(node_id: NodeId, said: contract.Report, now: datetime) -> ReportNode:
    """An agent's report as a command. A reason that goes on for ever is cut."""
    return ReportNode(
        node_id=node_id,
        now=now,
        facts=facts(said.facts) if said.facts is not None else None,
        containers=[
            ContainerReport(
                sequence=each.sequence,
                microservice_id=MicroserviceId(each.microservice_id),
                status=_status(each.status),
            )
            for each in said.containers
        ],
        twins=[
            TwinReport(
                sequence=each.sequence,
                microservice_id=MicroserviceId(each.microservice_id),
                section=TwinSection(each.section),
                patch=each.patch,
                whole=each.whole,
                base=each.base,
                at=_with_zone(each.at),
            )
            for each in said.twins
            if each.section in list(TwinSection)
        ],
        outcomes=[
            OutcomeReport(
                sequence=each.sequence,
                told_at=Position(each.told_at),
                outcome=Outcome(each.outcome),
                detail=_bounded(each.detail, LONGEST_REASON),
                at=each.at,
            )
            for each in said.outcomes
            if each.outcome in list(Outcome)
        ],
        drops=agent_messages.drops(said.drops),
        goodbye=said.goodbye,
    )


def _with_zone(at: datetime) -> datetime:
    """A device that names no zone means UTC."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _status(said: contract.ContainerStatus) -> ContainerStatus:
    status = convert(said, ContainerStatus, from_attributes=True)
    return structs.replace(
        status,
        reason=_bounded(status.reason, LONGEST_REASON),
        container_id=_bounded(status.container_id, LONGEST_FACT),
        image_digest=_bounded(status.image_digest, LONGEST_FACT),
        repeats=_count(status.repeats, 1),
        dropped=_count(status.dropped, 0),
        between=tuple(
            structs.replace(passed, reason=_bounded(passed.reason, LONGEST_REASON))
            for passed in status.between[:LONGEST_ROUND]
        ),
    )


def _count(number: int, least: int) -> int:
    return max(least, min(number, MOST_TIMES))


def _bounded(text: str, longest: int) -> str:
    """A NUL can't be stored as text, and of a text that goes on for ever the beginning will do."""
    return text.replace("\x00", "")[:longest]
