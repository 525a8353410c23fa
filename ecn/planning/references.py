"""What a thing of then refers to, so that it is found now: by id if that is still there, else by
the name that it had. Pure."""

from msgspec.structs import replace

from events.application import MicroserviceSpec, PortMapping, VolumeKind, VolumeMount
from events.ids import CatalogItemId
from events.node import DEFAULT_ROUTER
from projections.things import name_of, row_of
from projections.world import World


def as_it_is_named(now: World, then: World, kind: str, key: str) -> str:
    """An id, or the name of then."""
    if row_of(now, kind, key) is not None:
        return key
    row = row_of(then, kind, key)
    return getattr(row, "name", "") or name_of(then, kind, key)


def spec_with_names(now: World, then: World, spec: MicroserviceSpec) -> MicroserviceSpec:
    """The spec with what it refers to."""
    item = spec.catalog_item_id
    if item is not None:
        item = CatalogItemId(as_it_is_named(now, then, "catalog-item", item))
    return replace(
        spec,
        catalog_item_id=item,
        ports=[_port(now, then, port) for port in spec.ports],
        volumes=[_mount(now, then, mount) for mount in spec.volumes],
    )


def _mount(now: World, then: World, mount: VolumeMount) -> VolumeMount:
    if mount.kind is not VolumeKind.FILES:
        return mount
    return replace(mount, source=as_it_is_named(now, then, "volume", mount.source))


def _port(now: World, then: World, port: PortMapping) -> PortMapping:
    public = port.public
    if public is None or public.router == DEFAULT_ROUTER:
        return port
    router = as_it_is_named(now, then, "node", public.router)
    return replace(port, public=replace(public, router=router))
