"""Microservices as ioFog's clients write them: from a body to what the domain is asked for. Pure.

The way back is microservice_documents.py.
"""

import zlib
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ecn.commands.application import Placement
from ecn.iofog import catalog, registries
from ecn.iofog import microservice_bodies as bodies
from ecn.iofog.nodes import PLATFORMS
from ecn.iofog.refusals import invalid
from events.application import (
    ExtraHost,
    MicroserviceSpec,
    PortMapping,
    PublicPort,
    PublicProtocol,
    PullPolicy,
    VolumeKind,
    VolumeMount,
)
from events.ids import MicroserviceId
from events.node import DEFAULT_ROUTER
from projections.host_templates import is_template, references
from projections.microservices import MicroserviceRow
from projections.world import World

T = TypeVar("T")

RESERVED_PORTS = (54321, 54322)
"""The agent's own, on every device."""
LEAST_LOG = 1
"""MB, also where 0 is said."""


def wanted(
    world: World,
    microservice_id: MicroserviceId,
    said: bodies.UpdateMicroservice,
    before: MicroserviceRow | None,
) -> Placement:
    """The microservice as it should be: what is said, over what it was.

    before: None where there is none yet. Its name stays; a new one is another command.
    Errors: Refusal; NotFound for what the body names and is not there.
    """
    name = before.name if before is not None else _or(said.name, "")
    spec = _made_of(world, name, said, before.spec if before is not None else MicroserviceSpec())
    spec = replace(
        spec,
        command=_or(said.cmd, spec.command),
        env=spec.env if said.env is UNSET else {each.key: each.value for each in said.env},
        ports=spec.ports if said.ports is UNSET else ports(said.ports),
        volumes=spec.volumes
        if said.volume_mappings is UNSET
        else _with_files(volumes(said.volume_mappings), spec.volumes),
        extra_hosts=spec.extra_hosts if said.extra_hosts is UNSET else hosts(said.extra_hosts),
        host_network=_or(said.root_host_access, spec.host_network),
        log_limit_mib=_log_limit(said, before),
        config=spec.config if said.config in (UNSET, "") else config(said.config),
    )
    return Placement(
        microservice_id=microservice_id,
        name=name,
        node=_node(said, before),
        registry=spec.registry_id,
        started=before.started if before is not None else True,
        spec=spec,
    )


def as_it_is(microservice_id: MicroserviceId, row: MicroserviceRow) -> Placement:
    """The placement that changes nothing."""
    return Placement(
        microservice_id=microservice_id,
        name=row.name,
        node=row.node_id,
        registry=row.spec.registry_id,
        started=row.started,
        spec=row.spec,
    )


def ports(said: list[bodies.Port]) -> list[PortMapping]:
    """Port mappings. Public ports that nobody chooses are left to the decider. Errors: Refusal."""
    mappings = []
    for each in said:
        if each.external in RESERVED_PORTS:
            raise invalid(f"Port '{each.external}' is reserved for internal use")
        if each.proxy:
            raise invalid("Ports by way of an outside proxy broker are not known here: use public")
        mappings.append(
            PortMapping(
                host=each.external,
                container=each.internal,
                protocol=each.protocol,
                public=None if each.public is None else _public(each.internal, each.public),
            )
        )
    return mappings


def volumes(said: list[bodies.VolumeMapping]) -> list[VolumeMount]:
    """Volume mappings. At one place in the container is one thing: the last that is said."""
    mounts = {}
    for each in said:
        mounts[each.container_destination] = VolumeMount(
            target=each.container_destination,
            source=each.host_destination,
            kind=VolumeKind(each.type),
            read_only=each.access_mode.strip().lower() == "ro",
        )
    return list(mounts.values())


def _with_files(said: list[VolumeMount], before: list[VolumeMount]) -> list[VolumeMount]:
    """What is said, and the mounts of the controller's files, which bodies of ioFog's never say."""
    taken = {each.target for each in said}
    files = (each for each in before if each.kind is VolumeKind.FILES)
    return [*said, *(each for each in files if each.target not in taken)]


def hosts(said: list[bodies.ExtraHost]) -> list[ExtraHost]:
    """Extra hosts. Errors: Refusal for a template that can mean nothing."""
    for each in said:
        if is_template(each.address) and not references(each.address):
            template = each.address.removeprefix("${").removesuffix("}")
            raise invalid(f"{template} is not a valid host template")
    return [ExtraHost(name=each.name, address=each.address) for each in said]


def volume_number(mount: VolumeMount) -> int:
    """The id of a volume mapping on the wire: always the same for the same place in a container."""
    return zlib.crc32(mount.target.encode()) % 0x7FFFFFFF + 1


def config(said: str) -> str:
    """The text as it stands, but for JSON whose quotation marks were escaped once too often."""
    unescaped = said.replace('\\"', '"')
    if unescaped != said and not _is_json(said) and _is_json(unescaped):
        return unescaped
    return said


def _made_of(
    world: World, name: str, said: bodies.UpdateMicroservice, spec: MicroserviceSpec
) -> MicroserviceSpec:
    """With what the container is made of, and where that comes from."""
    images = {
        PLATFORMS[each.fog_type_id].value: each.container_image
        for each in _or(said.images, [])
        if each.container_image and each.fog_type_id
    }
    if isinstance(said.catalog_item_id, int):
        key, item = catalog.seen_item(world, said.catalog_item_id, field="$.catalogItemId")
        if images and not images.items() <= item.settings.images.items():
            raise invalid(f"Catalog item {said.catalog_item_id} does not match provided images")
        return replace(
            spec, image="", images={}, catalog_item_id=key, registry_id=None, pull=_pulling(spec)
        )
    for_all = [each.container_image for each in _or(said.images, []) if not each.fog_type_id]
    if images:
        spec = replace(spec, image="", images=images, catalog_item_id=None)
    elif any(for_all):
        spec = replace(spec, image=for_all[0], images={}, catalog_item_id=None)
    elif said.images is not UNSET or (said.catalog_item_id is None and spec.catalog_item_id):
        raise invalid(f"Microservice {name} does not have valid images")
    if spec.catalog_item_id is not None or said.registry_id is UNSET:
        return spec
    registry_id = registries.registry_id(world, said.registry_id, field="$.registryId")
    cached = said.registry_id == registries.FROM_CACHE
    pull = PullPolicy.NEVER if cached else _pulling(spec)
    return replace(spec, registry_id=registry_id, pull=pull)


def _pulling(spec: MicroserviceSpec) -> PullPolicy:
    """As before, but for what was never pulled."""
    return PullPolicy.IF_NOT_PRESENT if spec.pull is PullPolicy.NEVER else spec.pull


def _node(said: bodies.UpdateMicroservice, before: MicroserviceRow | None) -> str:
    named = _or(said.iofog_uuid, "") or _or(said.agent_name, "")
    if named:
        return named
    if before is None:
        raise invalid("Invalid ioFog UUID 'undefined'")
    return before.node_id


def _log_limit(said: bodies.UpdateMicroservice, before: MicroserviceRow | None) -> int:
    if said.log_size is UNSET:
        return LEAST_LOG if before is None else before.spec.log_limit_mib
    return max(LEAST_LOG, said.log_size)


def _public(internal: int, public: bodies.Public) -> PublicPort:
    for scheme in public.schemes:
        if not scheme.startswith("http") and public.protocol is not PublicProtocol.TCP:
            raise invalid(
                f"Public port {internal} has a scheme of {scheme} and cannot use protocol http"
            )
    return PublicPort(
        schemes=public.schemes,
        protocol=public.protocol,
        enabled=public.enabled,
        router=public.router.host or DEFAULT_ROUTER,
        port=public.router.port,
    )


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _or(said: T | UnsetType, before: T) -> T:
    return before if isinstance(said, UnsetType) else said
