"""The world as an agent needs it: the device's own contract, made from ours. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import convert, structs

from agent import contract
from ecn.commands.node import ContainerReport, ReportNode
from events.application import ContainerStatus, MicroserviceSpec
from events.catalog import SealedSecret
from events.ids import MicroserviceId, NodeId, Position, RegistryId
from events.node import NodeFacts
from projections import desired_state
from projections.host_templates import resolved_hosts
from projections.images import image_for, pull_for, registry_for
from projections.microservices import MicroserviceRow
from projections.world import World

LONGEST_REASON, LONGEST_FACT = 2000, 256
MOST_REPORTS = 1000


def changed_since(
    world: World, node_id: NodeId, since: Position
) -> dict[MicroserviceId, MicroserviceRow]:
    """The node's microservices that a newer event than `since` changed."""
    wanted = desired_state.wanted(world, node_id)
    return {key: row for key, row in wanted.items() if row.revision > since}


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
    log_requests: list[contract.LogRequest],
) -> contract.DesiredState:
    """What the agent is told: what changed, and the ids of all."""
    volumes = desired_state.volumes(world, node_id)
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
                destination=row.settings.destination,
                permissions=row.settings.permissions,
                files=[
                    contract.VolumeFile(path=each.path, content=each.content)
                    for each in row.settings.files
                ],
            )
            for key, row in sorted(volumes.items())
            if row.revision > since
        ],
        all_volumes=sorted(volumes),
        log_requests=log_requests,
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
        config=row.spec.config,
    )


def _container_spec(world: World, row: MicroserviceRow) -> contract.ContainerSpec:
    """With all that the spec only names looked up: for this node, as things are now."""
    spec = convert(row.spec, contract.ContainerSpec, from_attributes=True)
    return structs.replace(
        spec,
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
        goodbye=said.goodbye,
    )


def _status(said: contract.ContainerStatus) -> ContainerStatus:
    status = convert(said, ContainerStatus, from_attributes=True)
    return structs.replace(
        status,
        reason=_bounded(status.reason, LONGEST_REASON),
        container_id=_bounded(status.container_id, LONGEST_FACT),
        image_digest=_bounded(status.image_digest, LONGEST_FACT),
    )


def _bounded(text: str, longest: int) -> str:
    """A NUL can't be stored as text, and of a text that goes on for ever the beginning will do."""
    return text.replace("\x00", "")[:longest]
