"""From the changes of a plan to the commands that the requests they stand for would become. Pure.

Each is made of the world that the changes before it leave.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar, assert_never

import msgspec

from ecn.api import plan_documents as p
from ecn.api.documents import MicroserviceManifest
from ecn.api.edge_resources import name_and_version
from ecn.api.endpoint import parse
from ecn.api.manifests import changed_placement, is_system, merged, placement, wanted_routes
from ecn.api.offer_views import (
    catalog_item_settings,
    edge_resource_settings,
    template_settings,
    with_router_ids,
)
from ecn.api.planned_subjects import of_subject
from ecn.api.routes import applied as route
from ecn.api.volumes import applied as volume
from ecn.commands import application as applications
from ecn.commands import catalog, edge_resource, node, template
from ecn.commands.together import SingleCommand
from ecn.deciders import find
from ecn.errors import Invalid
from ecn.iofog import deploying
from ecn.planning.decided import Wanted
from ecn.planning.fields import subject_name
from events.catalog import SealedSecret
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    RegistryId,
    RouteId,
    TemplateId,
    VolumeId,
)
from events.node import NodeSettings
from projections.world import World

LONGEST_PASSWORD = 4096
UNSEALED = SealedSecret(secret_id="", ciphertext=b"")
"""Stands for a password that is another one than there is. A plan seals nothing."""

T = TypeVar("T")
Fresh = Callable[[], str]
Translate = Callable[[World, deploying.Document], Sequence[SingleCommand]]
Ordinary = (
    p.ApplyApplication
    | p.ApplyRegistry
    | p.ApplyNode
    | p.ConfigureNode
    | p.ApplyCatalogItem
    | p.ApplyTemplate
    | p.ApplyEdgeResource
    | p.ApplyVolume
    | p.ApplyRoute
    | p.ChangeNode
    | p.CreateMicroservice
    | p.ChangeMicroservice
    | p.Delete
    | p.Start
    | p.Stop
    | p.Move
    | p.Rename
    | p.Rebuild
    | p.Deprovision
    | p.Instruct
)
"""A change that is one command."""


def wanted(
    change: p.AnyChange,
    world: World,
    fresh: Fresh,
    *,
    same_password: bool,
    translate: Translate,
) -> Wanted:
    """The change, to be decided. world: only for its name as people say it.

    fresh: ids for what has to be made. same_password: of a registry: it has this one already.
    translate: a document of ioFog's YAML to the commands that make it so.
    """

    def commands(world: World) -> Sequence[SingleCommand]:
        if isinstance(change, p.ApplyIofogDocument):
            return translate(world, msgspec.to_builtins(change.document))
        return [_command(change, world, fresh, same_password=same_password)]

    return Wanted(about=_about(change, world), commands=commands)


def _command(change: Ordinary, world: World, fresh: Fresh, *, same_password: bool) -> SingleCommand:
    match change:
        case p.ApplyApplication(name=name, manifest=body):
            return applications.ApplyApplication(
                application_id=ApplicationId(fresh()),
                name=name,
                description=body.description,
                labels=body.labels,
                microservices=[_placement(each, fresh) for each in body.microservices],
                routes=wanted_routes(body.routes, fresh),
                system=is_system(world, name),
            )
        case p.ApplyRegistry(name=name, manifest=registry):
            given = registry.password is not None
            if registry.password is not None and len(registry.password) > LONGEST_PASSWORD:
                raise Invalid(f"is longer than {LONGEST_PASSWORD} characters", field="$.password")
            return catalog.ApplyRegistry(
                registry_id=RegistryId(fresh()),
                name=name,
                url=registry.url,
                username=registry.username,
                password=UNSEALED if given and not same_password else None,
                email=registry.email,
                public=registry.public,
                secure=registry.secure,
                certificate=registry.certificate,
                requires_certificate=registry.requires_certificate,
            )
        case p.ApplyCatalogItem(name=name, manifest=item):
            return catalog.ApplyCatalogItem(
                catalog_item_id=CatalogItemId(fresh()),
                name=name,
                settings=catalog_item_settings(world, item),
            )
        case p.ApplyTemplate(name=name, manifest=gaps):
            return template.ApplyTemplate(
                template_id=TemplateId(fresh()), name=name, settings=template_settings(gaps)
            )
        case p.ApplyEdgeResource(name=name, manifest=resource):
            name, version = name_and_version(name)
            return edge_resource.ApplyEdgeResource(
                edge_resource_id=EdgeResourceId(fresh()),
                name=name,
                version=version,
                settings=edge_resource_settings(resource),
            )
        case p.ApplyVolume(name=name, manifest=files):
            return volume(name, files, VolumeId(fresh()))
        case p.ApplyRoute(name=name, manifest=ends):
            return route(world, name, ends, RouteId(fresh()))
        case p.ConfigureNode():
            return _configure_node(change, world, fresh)
        case p.ApplyNode():
            return _apply_node(change, world, fresh)
        case p.ChangeNode():
            return _change_node(change, world)
        case p.CreateMicroservice(application=application, manifest=body):
            return applications.CreateMicroservice(
                application_id=find.application(world, application),
                placement=_placement(body, fresh),
            )
        case p.ChangeMicroservice(microservice=ref):
            key = find.microservice(world, ref)
            row = world.microservices[key]
            after = changed_placement(world, key, row, msgspec.json.encode(change.change))
            return applications.UpdateMicroservice(
                microservice_id=key, placement=after, seen=row.revision
            )
        case p.Delete() | p.Start() | p.Stop() | p.Rename():
            return of_subject(change, world)
        case p.Move(microservice=ref, node=to):
            return applications.MoveMicroservice(
                microservice_id=find.microservice(world, ref), node=to
            )
        case p.Rebuild(microservice=ref):
            return applications.RebuildMicroservice(microservice_id=find.microservice(world, ref))
        case p.Deprovision(node=ref):
            return node.DeprovisionNode(node_id=find.node(world, ref))
        case p.Instruct(node=ref, instruction=instruction, version=version):
            return node.InstructNode(
                node_id=find.node(world, ref), instruction=instruction, version=version
            )
        case _:
            assert_never(change)


def _about(change: p.AnyChange, world: World) -> str:
    match change:
        case p.ApplyApplication(name=name):
            return f"application/{name}"
        case p.ApplyRegistry(name=name):
            return f"registry/{name}"
        case p.ApplyNode(name=name) | p.ConfigureNode(name=name):
            return f"node/{name}"
        case p.ApplyCatalogItem(name=name):
            return f"catalog-item/{name}"
        case p.ApplyTemplate(name=name):
            return f"template/{name}"
        case p.ApplyEdgeResource(name=name):
            return f"edge-resource/{name}"
        case p.ApplyVolume(name=name):
            return f"volume/{name}"
        case p.ApplyRoute(name=name):
            return f"route/{name}"
        case p.ApplyIofogDocument(document=document):
            return deploying.about(msgspec.to_builtins(document))
        case p.ChangeNode(node=ref) | p.Deprovision(node=ref) | p.Instruct(node=ref):
            return subject_name(world, f"node/{ref}")
        case p.CreateMicroservice(application=application, manifest=body):
            return f"microservice/{application}/{body.name}"
        case p.ChangeMicroservice(microservice=ref) | p.Move(microservice=ref):
            return subject_name(world, f"microservice/{ref}")
        case p.Rebuild(microservice=ref):
            return subject_name(world, f"microservice/{ref}")
        case p.Delete(subject=subject) | p.Start(subject=subject) | p.Stop(subject=subject):
            return subject_name(world, subject)
        case p.Rename(subject=subject):
            return subject_name(world, subject)
        case _:
            assert_never(change)


def _placement(body: MicroserviceManifest, fresh: Fresh) -> applications.Placement:
    return placement(body, MicroserviceId(fresh()))


def _apply_node(change: p.ApplyNode, world: World, fresh: Fresh) -> SingleCommand:
    node_id = world.nodes.one("name", change.name)
    if node_id is None:
        return node.RegisterNode(
            node_id=NodeId(fresh()),
            name=change.name,
            settings=with_router_ids(world, change.settings),
        )
    row = world.nodes[node_id]
    return node.UpdateNode(
        node_id=node_id,
        name=row.name,
        settings=with_router_ids(world, change.settings),
        seen=(row.name, row.settings),
    )


def _configure_node(change: p.ConfigureNode, world: World, fresh: Fresh) -> SingleCommand:
    node_id = world.nodes.one("name", change.name)
    present = NodeSettings() if node_id is None else world.nodes[node_id].settings
    settings = parse(merged(present, change.settings), NodeSettings, field="$.settings")
    return _apply_node(p.ApplyNode(name=change.name, settings=settings), world, fresh)


def _change_node(change: p.ChangeNode, world: World) -> SingleCommand:
    node_id = find.node(world, change.node)
    row, said = world.nodes[node_id], change.change
    settings = row.settings
    if said.settings is not msgspec.UNSET:
        settings = parse(merged(settings, said.settings), NodeSettings, field="$.settings")
        settings = with_router_ids(world, settings)
    return node.UpdateNode(
        node_id=node_id,
        name=row.name if said.name is msgspec.UNSET else said.name,
        settings=settings,
        seen=(row.name, row.settings),
    )
