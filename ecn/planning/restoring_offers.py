"""The commands that let stand as it stood what microservices use, and what is set for the network.
Pure."""

from msgspec.structs import replace

from ecn.commands.catalog import CreateCatalogItem, UpdateCatalogItem
from ecn.commands.edge_resource import (
    CreateEdgeResource,
    LinkEdgeResource,
    UnlinkEdgeResource,
    UpdateEdgeResource,
)
from ecn.commands.network import ChangeNetworkSetting, SetDefaultRouter
from ecn.commands.template import CreateTemplate, UpdateTemplate
from ecn.commands.together import (
    CatalogItemStanding,
    EdgeResourceStanding,
    SettingStanding,
    SingleCommand,
    TemplateStanding,
    VolumeStanding,
)
from ecn.commands.volume import ApplyVolume
from ecn.deciders import find
from ecn.errors import NameTaken
from ecn.planning.references import as_it_is_named
from events.ids import CatalogItemId, EdgeResourceId, RegistryId, TemplateId, VolumeId
from events.network import DefaultRouter
from projections.catalog import catalog_item
from projections.world import World


def template_as(
    now: World, here: TemplateId | None, old: TemplateId, stood: TemplateStanding
) -> SingleCommand:
    """A template. here: its id now, None where it is gone; old: the one that it had. As below."""
    row = None if here is None else now.templates.get(here)
    if here is None or row is None:
        return CreateTemplate(template_id=old, name=stood.name, settings=stood.settings)
    return UpdateTemplate(
        template_id=here, name=stood.name, settings=stood.settings, seen=row.settings
    )


def catalog_item_as(
    now: World,
    then: World,
    here: CatalogItemId | None,
    old: CatalogItemId,
    stood: CatalogItemStanding,
) -> SingleCommand:
    """An item of the catalog. Errors: NotFound, for its registry."""
    settings, registry_id = stood.settings, stood.settings.registry_id
    if registry_id is not None:
        named = as_it_is_named(now, then, "registry", registry_id)
        found = find.registry(now, named, field="$.registry")
        settings = replace(settings, registry_id=RegistryId(found))
    row = None if here is None else catalog_item(now, here)
    if here is None or row is None:
        return CreateCatalogItem(catalog_item_id=old, name=stood.name, settings=settings)
    return UpdateCatalogItem(
        catalog_item_id=here, name=stood.name, settings=settings, seen=row.settings
    )


def edge_resource_as(
    now: World,
    then: World,
    here: EdgeResourceId | None,
    old: EdgeResourceId,
    stood: EdgeResourceStanding,
) -> list[SingleCommand]:
    """An edge resource with its links. Errors: NotFound, for nodes."""
    restored: list[SingleCommand] = []
    linked = set()
    if here is None:
        restored.append(
            CreateEdgeResource(
                edge_resource_id=old,
                name=stood.name,
                version=stood.version,
                settings=stood.settings,
            )
        )
    else:
        row = now.edge_resources[here]
        linked = set(row.node_ids)
        restored.append(
            UpdateEdgeResource(
                edge_resource_id=here,
                name=stood.name,
                settings=stood.settings,
                seen=row.settings,
            )
        )
    wanted = {find.node(now, as_it_is_named(now, then, "node", each)) for each in stood.node_ids}
    key = here or old
    restored += [
        UnlinkEdgeResource(edge_resource_id=key, node_id=each) for each in sorted(linked - wanted)
    ]
    restored += [
        LinkEdgeResource(edge_resource_id=key, node_id=each) for each in sorted(wanted - linked)
    ]
    return restored


def volume_as(
    now: World, then: World, here: VolumeId | None, old: VolumeId, stood: VolumeStanding
) -> SingleCommand:
    """A volume with its files. Errors: NameTaken, while another one bears its name."""
    if here is None and now.volumes.one("name", stood.name) is not None:
        # To apply it would change that other one, which may be about to go.
        raise NameTaken("volume", stood.name)
    settings = stood.settings
    return ApplyVolume(
        volume_id=old,
        name=stood.name,
        destination=settings.destination,
        permissions=settings.permissions,
        nodes=[as_it_is_named(now, then, "node", each) for each in settings.node_ids],
        files=settings.files,
    )


def set_as(key: str, stood: DefaultRouter | SettingStanding) -> SingleCommand:
    """What is set for the network."""
    if isinstance(stood, DefaultRouter):
        return SetDefaultRouter(router=stood)
    return ChangeNetworkSetting(key=key, value=stood.value)
