"""Which microservices are made or told otherwise because of an event about something else.

A microservice's container follows from its own spec and from what that names: its application,
its registry or catalog item, its node's platform, the hosts that its templates stand for. Views
that say what changed for whom ask here, so that all of them mean the same. Asked with the world
before the event; the microservice that the event itself is about may be among the answers.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from events.application import (
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceUpdated,
    PublicPort,
)
from events.catalog import CatalogItemUpdated, RegistryUpdated
from events.ids import ApplicationId, MicroserviceId, NodeId
from events.network import DefaultRouterSet, NetworkSettingChanged
from events.node import (
    DEFAULT_ROUTER,
    NodeDeleted,
    NodeFacts,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
)
from projections.catalog import registry_users
from projections.host_templates import Local, Node, Public, Reference
from projections.images import images_of, platform
from projections.public_ports import PROXY_HOST, public_of
from projections.routers import system_node

if TYPE_CHECKING:
    from projections.world import World

EVENTS = (
    ApplicationRenamed
    | ApplicationStarted
    | ApplicationStopped
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceMoved
    | MicroserviceDeleted
    | RegistryUpdated
    | CatalogItemUpdated
    | NodeRegistered
    | NodeRenamed
    | NodeUpdated
    | NodeProvisioned
    | NodeFactsReported
    | NodeDeleted
    | DefaultRouterSet
    | NetworkSettingChanged
)


def affected(world: "World", event: EVENTS) -> set[MicroserviceId]:
    """All of them."""
    return set(_affected(world, event))


def _affected(world: "World", event: EVENTS) -> Iterator[MicroserviceId]:
    match event:
        case ApplicationRenamed():
            members = list(world.microservices.find("application", event.application_id))
            yield from members
            for key in members:
                name = world.microservices[key].name
                yield from _naming(world, _microservice(world, key))
                spec = world.microservices[key].spec
                yield from _naming(world, _references(event.name, name, spec))
        case ApplicationStarted() | ApplicationStopped():
            for key in world.microservices.find("application", event.application_id):
                if world.microservices[key].started:
                    yield key
        case MicroserviceCreated():
            application = _application(world, event.application_id)
            yield from _naming(world, _references(application, event.name, event.spec))
        case MicroserviceMoved():
            row = world.microservices[event.microservice_id]
            yield from _naming(world, [Local(_application(world, row.application_id), row.name)])
        case MicroserviceUpdated():
            row = world.microservices[event.microservice_id]
            # Most changes are of something else, and are seen by every view of a replay.
            if row.spec.ports != event.spec.ports and _public(row.spec) != _public(event.spec):
                application = _application(world, row.application_id)
                before, after = (
                    set(_publics(application, row.name, spec)) for spec in (row.spec, event.spec)
                )
                yield from _naming(world, before | after)
        case MicroserviceRenamed():
            row = world.microservices[event.microservice_id]
            application = _application(world, row.application_id)
            yield from _naming(world, _microservice(world, event.microservice_id))
            yield from _naming(world, _references(application, event.name, row.spec))
        case MicroserviceDeleted():
            yield from _naming(world, _microservice(world, event.microservice_id))
        case RegistryUpdated():
            yield from world.microservices.find("registry", event.registry_id)
            for item in registry_users(world, event.registry_id):
                yield from world.microservices.find("catalog_item", item)
        case CatalogItemUpdated():
            yield from world.microservices.find("catalog_item", event.catalog_item_id)
        case DefaultRouterSet() | NetworkSettingChanged():
            own = isinstance(event, DefaultRouterSet) or event.network_id == PROXY_HOST
            if own and system_node(world) is None:
                yield from _opening(world, [DEFAULT_ROUTER])
        case (
            NodeRegistered()
            | NodeRenamed()
            | NodeUpdated()
            | NodeProvisioned()
            | NodeFactsReported()
            | NodeDeleted()
        ):
            yield from _of_node(world, event)
        case _:
            assert_never(event)


def _of_node(
    world: "World",
    event: NodeRegistered
    | NodeRenamed
    | NodeUpdated
    | NodeProvisioned
    | NodeFactsReported
    | NodeDeleted,
) -> Iterator[MicroserviceId]:
    node_id = event.node_id
    if isinstance(event, NodeRegistered):
        yield from _naming(world, [Node(event.name)])
        if event.settings.system:
            yield from _opening(world, [DEFAULT_ROUTER])
        return
    row = world.nodes[node_id]
    match event:
        case NodeRenamed():
            yield from _naming(world, [Node(row.name), Node(event.name)])
        case NodeUpdated():
            old, new = row.settings, event.settings
            yield from _platform_changed(world, node_id, (old, row.facts), (new, row.facts))
            if old.host != new.host:
                yield from _naming(world, [Node(row.name)])
                for key in world.microservices.find("node", node_id):
                    mine = world.microservices[key]
                    application = _application(world, mine.application_id)
                    yield from _naming(world, [Local(application, mine.name)])
            if (old.host, old.system, old.router) != (new.host, new.system, new.router):
                default = old.system or new.system
                yield from _opening(world, [node_id, DEFAULT_ROUTER] if default else [node_id])
        case NodeProvisioned() | NodeFactsReported():
            settings = row.settings
            yield from _platform_changed(
                world, node_id, (settings, row.facts), (settings, event.facts)
            )
        case NodeDeleted():
            yield from _naming(world, [Node(row.name)])
            default = row.settings.system
            yield from _opening(world, [node_id, DEFAULT_ROUTER] if default else [node_id])
        case _:
            assert_never(event)


def _platform_changed(
    world: "World",
    node_id: NodeId,
    old: tuple[NodeSettings, NodeFacts],
    new: tuple[NodeSettings, NodeFacts],
) -> Iterator[MicroserviceId]:
    """Those that have another image on the platform that the node turns out to be."""
    before, after = platform(*old), platform(*new)
    if before is after:
        return
    for key in world.microservices.find("node", node_id):
        images = images_of(world, world.microservices[key].spec)
        if images.get(before) != images.get(after):
            yield key


def _opening(world: "World", routers: Iterable[str]) -> Iterator[MicroserviceId]:
    """Those that name a public port which opens with one of these routers."""
    for router in routers:
        for key in world.microservices.find("public_router", router):
            row = world.microservices[key]
            application = _application(world, row.application_id)
            yield from _naming(
                world,
                [
                    Public(application, row.name, public.port)
                    for _, public in public_of(world, key)
                    if public.router == router
                ],
            )


def _naming(world: "World", references: Iterable[Reference]) -> Iterator[MicroserviceId]:
    for reference in references:
        yield from world.microservices.find("host_reference", reference)


def _microservice(world: "World", key: MicroserviceId) -> Iterator[Reference]:
    row = world.microservices[key]
    yield from _references(_application(world, row.application_id), row.name, row.spec)


def _references(application: str, name: str, spec: MicroserviceSpec) -> Iterator[Reference]:
    yield Local(application, name)
    yield from _publics(application, name, spec)


def _publics(application: str, name: str, spec: MicroserviceSpec) -> Iterator[Public]:
    for public in _public(spec):
        yield Public(application, name, public.port)


def _public(spec: MicroserviceSpec) -> list[PublicPort]:
    """With only what a host follows from."""
    return [
        replace(mapping.public, schemes=[], queue="", enabled=True)
        for mapping in spec.ports
        if mapping.public is not None
    ]


def _application(world: "World", application_id: ApplicationId) -> str:
    return world.applications[application_id].name
