"""What microservices mean to each other on their nodes: references, images, and ports.

`resolve` looks at each by itself, `settle` at several together and at all that is there already.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecn.commands.application import Placement
from ecn.deciders import dependencies, find, host_powers, rules, spec_rules
from ecn.deciders.claims import Claims
from ecn.errors import HostUnknown, NoImage, RouterMissing, UpstreamNotInterior
from events.application import (
    MicroserviceSpec,
    PortMapping,
    PublicPort,
    VolumeKind,
    VolumeMount,
)
from events.ids import MicroserviceId, NodeId
from events.node import DEFAULT_ROUTER, Platform
from projections.host_templates import Present, is_template, resolved
from projections.images import image_for, platform_of
from projections.public_ports import hosting_node, queue_of
from projections.routers import router_of
from projections.world import World


class Resolved(Struct, frozen=True, kw_only=True):
    """A placement with its references looked up."""

    microservice_id: MicroserviceId
    name: str
    node_id: NodeId
    started: bool
    spec: MicroserviceSpec
    field: str
    """Its place in the request."""


def resolve(
    world: World, placement: Placement, microservice_id: MicroserviceId, *, field: str = "$"
) -> Resolved:
    """Check the placement by itself and look up what it names.

    Errors: Invalid, NotFound, RouterMissing, UpstreamNotInterior.
    """
    rules.name(placement.name, field=f"{field}.name")
    spec_rules.spec(placement.spec, field=field)
    registry_id = (
        find.registry(world, placement.registry, field=f"{field}.registry")
        if placement.registry is not None
        else None
    )
    item = placement.spec.catalog_item_id
    if item is not None:
        item = find.catalog_item(world, item, field=f"{field}.catalog_item")
        registry_id = None  # the item says where its images come from
    ports = [
        _resolved_port(world, mapping, microservice_id, field=f"{field}.ports[{index}]")
        for index, mapping in enumerate(placement.spec.ports)
    ]
    volumes = [
        _resolved_mount(world, mount, field=f"{field}.volumes[{index}].source")
        for index, mount in enumerate(placement.spec.volumes)
    ]
    return Resolved(
        microservice_id=microservice_id,
        name=placement.name,
        node_id=find.node(world, placement.node, field=f"{field}.node"),
        started=placement.started,
        spec=replace(
            placement.spec,
            registry_id=registry_id,
            catalog_item_id=item,
            ports=ports,
            volumes=volumes,
        ),
        field=field,
    )


def _resolved_mount(world: World, mount: VolumeMount, *, field: str) -> VolumeMount:
    """The mount with its volume's id, if it is of one of the controller's. Errors: NotFound."""
    if mount.kind is not VolumeKind.FILES:
        return mount
    return replace(mount, source=find.volume(world, mount.source, field=field))


def _resolved_port(
    world: World, mapping: PortMapping, microservice_id: MicroserviceId, *, field: str
) -> PortMapping:
    """The port with its router's id, its queue, and the number that it had already."""
    public = mapping.public
    if public is None:
        return mapping
    had = _present(world, microservice_id, mapping)
    router = public.router
    if had is None or had.router != router:
        router = _router(world, router, field=f"{field}.public.router")
    port = public.port
    if not port and had is not None:
        same = hosting_node(world, had.router) == hosting_node(world, router)
        port = had.port if same else 0
    queue = queue_of(microservice_id, mapping)
    return replace(mapping, public=replace(public, router=router, port=port, queue=queue))


def _present(
    world: World, microservice_id: MicroserviceId, mapping: PortMapping
) -> PublicPort | None:
    """The public port that the container's port has by now."""
    row = world.microservices.get(microservice_id)
    ports = row.spec.ports if row is not None else []
    found = (each.public for each in ports if each.container == mapping.container)
    return next((public for public in found if public is not None), None)


def _router(world: World, ref: str, *, field: str) -> str:
    """The id of the node, named by name or id, whose router takes public ports; or DEFAULT_ROUTER.

    Errors: RouterMissing, UpstreamNotInterior.
    """
    if ref != DEFAULT_ROUTER and ref not in world.nodes:
        ref = world.nodes.one("name", ref) or ref
    router = router_of(world, ref)
    if router is None:
        raise RouterMissing(ref, field=field)
    if router.node_id is not None and not router.interior:
        raise UpstreamNotInterior(ref, field=field)
    return ref


def settle(
    world: World,
    placed: Sequence[Resolved],
    *,
    application: str,
    gone: Iterable[MicroserviceId] = (),
) -> list[Resolved]:
    """Look at them together: images for their nodes, ports that nobody else has, hosts that are
    known, others to wait for that are there, powers that their nodes allow. Public ports without a
    number get one: the first that is free.

    placed: as they will be. application: the name of theirs.
    gone: ids that will not be there any more; what those had is free.
    Errors: NoImage, PowersNotAllowed, PortTaken, NoPublicPort, HostUnknown; NotFound and Invalid
    for what they depend on.
    """
    placed = list(placed)
    gone = set(gone)
    for each in placed:
        _check_image(world, each)
        host_powers.allowed(world, each.node_id, each.name, each.spec, each.field)
    _check_dependencies(world, application, placed, gone)
    claims = Claims(world, moot={*gone, *(each.microservice_id for each in placed)})
    for each in placed:
        claims.take(each.node_id, each.spec.ports, f"{application}/{each.name}", each.field)
    # After all that name a number: one that is chosen is never in another's way.
    placed = [_numbered(claims, each, application) for each in placed]
    hosts = Planned(world, application, placed, gone)
    for each in placed:
        _check_hosts(world, hosts, each)
    return placed


def _check_image(world: World, placed: Resolved) -> None:
    row = world.nodes[placed.node_id]
    platform = platform_of(row)
    if platform is not Platform.UNSPECIFIED and image_for(world, placed.spec, row) is None:
        raise NoImage(placed.name, row.name, platform, field=f"{placed.field}.images")


def _check_dependencies(
    world: World, application: str, placed: Sequence[Resolved], gone: set[MicroserviceId]
) -> None:
    if not any(each.spec.depends_on for each in placed) and not gone:
        return  # nothing that anybody waits for comes or goes
    changed = {*gone, *(each.microservice_id for each in placed)}
    dependencies.check(
        application,
        [dependencies.Waiting(each.name, each.spec.depends_on, each.field) for each in placed],
        dependencies.others(world, application, changed),
    )


def _numbered(claims: Claims, placed: Resolved, application: str) -> Resolved:
    ports: list[PortMapping] = []
    for index, mapping in enumerate(placed.spec.ports):
        public = mapping.public
        if public is not None and not public.port:
            port = claims.choose(
                public.router,
                f"{application}/{placed.name}",
                f"{placed.field}.ports[{index}].public.port",
            )
            public = replace(public, port=port)
        ports.append(replace(mapping, public=public))
    return replace(placed, spec=replace(placed.spec, ports=ports))


def _check_hosts(world: World, hosts: "Planned", placed: Resolved) -> None:
    row = world.microservices.get(placed.microservice_id)
    # What led somewhere once may lead nowhere by now, and all else can be changed all the same.
    had = {each.address for each in row.spec.extra_hosts} if row is not None else set()
    for index, host in enumerate(placed.spec.extra_hosts):
        if not is_template(host.address) or host.address in had:
            continue
        if resolved(world, host.address, hosts) is None:
            field = f"{placed.field}.extra_hosts[{index}].address"
            raise HostUnknown(host.address, field=field)


class Planned(Present):
    """What names lead to once a command is carried out."""

    def __init__(
        self,
        world: World,
        application: str,
        placed: Iterable[Resolved],
        gone: set[MicroserviceId],
    ) -> None:
        super().__init__(world)
        self._application = application
        self._placed = {each.name: (each.node_id, each.spec) for each in placed}
        self._gone = {world.microservices[key].name for key in gone}

    def placed(self, application: str, microservice: str) -> tuple[NodeId, MicroserviceSpec] | None:
        """See Lookup."""
        if application == self._application:
            if microservice in self._placed:
                return self._placed[microservice]
            if microservice in self._gone:
                return None
        return super().placed(application, microservice)
