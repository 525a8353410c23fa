"""Between what people write and what is decided on: references by name, config as a document.

Pure, both ways: a manifest to a placement, a microservice back to its manifest, and a partial
change merged into it.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from agent.local.merge_patch import changed
from ecn.api.documents import MicroserviceManifest, RouteManifest, spelt_out
from ecn.api.endpoint import parse
from ecn.api.route_ways import way
from ecn.commands.application import Placement, WantedRoute
from ecn.errors import Invalid
from events.application import MicroserviceSpec, PortMapping, VolumeKind, VolumeMount
from events.ids import CatalogItemId, MicroserviceId, NodeId, RouteId, VolumeId
from projections.catalog import catalog_item
from projections.microservices import MicroserviceRow
from projections.world import World

SPEC_FIELDS = tuple(
    name
    for name in MicroserviceSpec.__struct_fields__
    if name not in ("registry_id", "catalog_item_id", "config")
)
"""What a manifest and a spec call and type alike."""


WHAT_TO_RUN = ("image", "images", "catalog_item")
"""A microservice has one of these."""
WHAT_TO_CHECK = ("command", "http", "tcp", "disabled")
"""A health check has one of these."""


def placement(manifest: MicroserviceManifest, microservice_id: MicroserviceId) -> Placement:
    """What the manifest asks for."""
    manifest = spelt_out(manifest)
    spec = MicroserviceSpec(
        **{name: getattr(manifest, name) for name in SPEC_FIELDS},
        catalog_item_id=CatalogItemId(manifest.catalog_item) if manifest.catalog_item else None,
        config=manifest.config
        if isinstance(manifest.config, str)
        else msgspec.json.encode(manifest.config).decode(),
    )
    return Placement(
        microservice_id=microservice_id,
        name=manifest.name,
        node=manifest.node,
        registry=manifest.registry,
        started=manifest.started,
        spec=spec,
    )


def manifest(world: World, row: MicroserviceRow) -> MicroserviceManifest:
    """The manifest that would make this microservice."""
    registry_id = row.spec.registry_id
    spec = replace(
        row.spec,
        ports=ports_as_written(world, row.spec),
        volumes=volumes_as_written(world, row.spec),
    )
    return MicroserviceManifest(
        name=row.name,
        node=world.nodes[row.node_id].name,
        catalog_item=catalog_item_name(world, row.spec),
        registry=world.registries[registry_id].name if registry_id else None,
        started=row.started,
        **{name: getattr(spec, name) for name in SPEC_FIELDS},
        config=_config(row.spec.config),
    )


def catalog_item_name(world: World, spec: MicroserviceSpec) -> str | None:
    """The name of the item that it is made of, if it is made of one."""
    key = spec.catalog_item_id
    item = None if key is None else catalog_item(world, key)
    return None if item is None else item.name


def wanted_routes(said: Iterable[RouteManifest], fresh: Callable[[], str]) -> list[WantedRoute]:
    """The routes that a manifest asks for. fresh: ids for those that have to be made.

    Errors: Invalid.
    """
    meant = [(each.name, way(each, f"$.routes[{index}]")) for index, each in enumerate(said)]
    return [
        WantedRoute(
            route_id=RouteId(fresh()),
            name=name,
            source=each.source,
            destination=each.destination,
            terms=each.terms,
        )
        for name, each in meant
    ]


def ports_as_written(world: World, spec: MicroserviceSpec) -> list[PortMapping]:
    """Its ports with routers by name, and without what nobody but the controller decides."""
    return [
        mapping
        if mapping.public is None
        else replace(
            mapping,
            public=replace(
                mapping.public, router=_router_name(world, mapping.public.router), queue=""
            ),
        )
        for mapping in spec.ports
    ]


def volumes_as_written(world: World, spec: MicroserviceSpec) -> list[VolumeMount]:
    """Its mounts, with the names of the controller's volumes."""
    return [
        mount
        if mount.kind is not VolumeKind.FILES
        else replace(mount, source=volume_name(world, mount.source))
        for mount in spec.volumes
    ]


def volume_name(world: World, source: str) -> str:
    """The name of the volume with that id."""
    row = world.volumes.get(VolumeId(source))
    return source if row is None else row.name


def _router_name(world: World, router: str) -> str:
    row = world.nodes.get(NodeId(router))
    return router if row is None else row.name


def is_system(world: World, application: str) -> bool:
    """Whether the application of that name is part of the installation: no manifest says so."""
    key = world.applications.one("name", application)
    return key is not None and world.applications[key].system


def merged(present: msgspec.Struct, patch: bytes | dict[str, object]) -> bytes:
    """`present` as JSON with an RFC 7396 merge patch applied. Errors: Invalid for no object."""
    target = msgspec.json.decode(msgspec.json.encode(present), type=dict[str, object])
    change = parse(patch, dict[str, object]) if isinstance(patch, bytes) else patch
    try:
        return msgspec.json.encode(changed(target, change))
    except RecursionError as e:
        raise Invalid("is nested too deeply") from e


def patched(present: MicroserviceManifest, patch: bytes) -> MicroserviceManifest:
    """The manifest after a partial change. Errors: Invalid."""
    change = parse(patch, dict[str, object])
    # Who says in one way what to run takes back what was said in another.
    if any(change.get(name) for name in WHAT_TO_RUN):
        change = {**dict.fromkeys(WHAT_TO_RUN), **change}
    check = change.get("health_check")
    if isinstance(check, dict) and any(check.get(name) for name in WHAT_TO_CHECK):
        change = {**change, "health_check": {**dict.fromkeys(WHAT_TO_CHECK), **check}}
    after = parse(merged(present, change), MicroserviceManifest)
    if after.name != present.name:
        raise Invalid("a microservice keeps its name", field="$.name")
    return after


def changed_placement(
    world: World, microservice_id: MicroserviceId, row: MicroserviceRow, patch: bytes
) -> Placement:
    """What a partial change asks for. Errors: Invalid.

    What it leaves alone is named by its id: by the time that this is decided, the name may have
    gone to another node, and nobody asked to move there.
    """
    wanted = placement(patched(manifest(world, row), patch), microservice_id)
    named = parse(patch, dict[str, object])
    spec = wanted.spec
    if spec.catalog_item_id is not None and "catalog_item" not in named:
        spec = replace(spec, catalog_item_id=row.spec.catalog_item_id)
    if "ports" not in named:
        spec = replace(spec, ports=row.spec.ports)
    if "volumes" not in named:
        spec = replace(spec, volumes=row.spec.volumes)
    return replace(
        wanted,
        spec=spec,
        node=wanted.node if "node" in named else row.node_id,
        registry=wanted.registry if "registry" in named else row.spec.registry_id,
    )


def config_document(config: str) -> Raw:
    """A stored config as the document that it is, or the text."""
    is_document = isinstance(_config(config), dict)
    return Raw(config.encode() if is_document else msgspec.json.encode(config))


def _config(config: str) -> dict[str, object] | str:
    try:
        return msgspec.json.decode(config, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError):
        return config
