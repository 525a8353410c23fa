"""Rows, columns and lines of what microservices use: the catalog, templates, edge resources,
volumes, network settings. Pure; `tables.py`, `route_text.py`, `describe.py` have the other kinds.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemDocument
from ecn.api.edge_resource_documents import EdgeResourceDocument
from ecn.api.network_documents import NetworkDocument, SettingDocument
from ecn.api.template_documents import TemplateDocument
from ecn.api.volume_documents import VolumeDocument
from ecn.cli import route_text
from ecn.cli.output import Column
from ecn.cli.wording import age, counted, moment

Row = Sequence[str]
Line = tuple[str, str]
Offer = (
    CatalogItemDocument | TemplateDocument | d.RouteDocument | EdgeResourceDocument | VolumeDocument
)

CATALOG_ITEMS = (
    Column("NAME"),
    Column("X86", flexible=True),
    Column("ARM", flexible=True),
    Column("REGISTRY"),
    Column("USED"),
    Column("CATEGORY", wide=True),
    Column("PUBLISHER", wide=True),
    Column("ID", wide=True),
    Column("DESCRIPTION", flexible=True),
)
TEMPLATES = (
    Column("NAME"),
    Column("VARIABLES", flexible=True),
    Column("MICROSERVICES"),
    Column("AGE"),
    Column("ID", wide=True),
    Column("DESCRIPTION", flexible=True),
)
EDGE_RESOURCES = (
    Column("NAME"),
    Column("VERSION"),
    Column("PROTOCOL"),
    Column("NODES", flexible=True),
    Column("TAGS", wide=True, flexible=True),
    Column("AGE"),
    Column("ID", wide=True),
    Column("DESCRIPTION", flexible=True),
)
VOLUMES = (
    Column("NAME"),
    Column("DESTINATION"),
    Column("FILES"),
    Column("SIZE"),
    Column("NODES", flexible=True),
    Column("MOUNTED BY", flexible=True),
    Column("AGE"),
    Column("ID", wide=True),
)
SETTINGS = (Column("KEY"), Column("VALUE", flexible=True), Column("AGE"))


def catalog_item_row(item: CatalogItemDocument) -> Row:
    """One line of CATALOG_ITEMS."""
    return (
        item.name,
        item.images.get("x86", "-"),
        item.images.get("arm", "-"),
        "(on the device)" if item.from_cache else item.registry or "-",
        str(item.microservices),
        item.category,
        item.publisher,
        item.id,
        item.description,
    )


def template_row(template: TemplateDocument, now: datetime) -> Row:
    """One line of TEMPLATES."""
    members = _members(template)
    return (
        template.name,
        ", ".join(each.key for each in template.variables) or "-",
        str(len(members)),
        age(template.created_at, now),
        template.id,
        template.description,
    )


def edge_resource_row(resource: EdgeResourceDocument, now: datetime) -> Row:
    """One line of EDGE_RESOURCES."""
    return (
        resource.name,
        resource.version,
        resource.protocol,
        ", ".join(resource.nodes) or "-",
        ", ".join(resource.tags),
        age(resource.created_at, now),
        resource.id,
        resource.description,
    )


def volume_row(volume: VolumeDocument, now: datetime) -> Row:
    """One line of VOLUMES."""
    return (
        volume.name,
        volume.destination or "-",
        str(len(volume.files)),
        size(sum(each.size for each in volume.files)),
        ", ".join(volume.nodes) or "-",
        ", ".join(volume.microservices) or "-",
        age(volume.created_at, now),
        volume.id,
    )


def setting_row(setting: SettingDocument, now: datetime) -> Row:
    """One line of SETTINGS."""
    return setting.key, setting.value, age(setting.updated_at, now)


def size(count: int) -> str:
    """Bytes for people: `812 B`, `1.4 KiB`, `2.0 GiB`."""
    if count < 1024:
        return f"{count} B"
    value, units = count / 1024, iter(("KiB", "MiB", "GiB"))
    unit = next(units)
    while value >= 1024 and (larger := next(units, "")):
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}"


def router_text(network: NetworkDocument) -> str:
    """Where nodes lead that have no other upstream."""
    router = network.default_router
    if router is None:
        return "none"
    ports = f"{router.messaging_port}, {router.edge_port}, {router.inter_router_port}"
    carried = f", carried by node {router.node}" if router.node else ""
    return f"{router.host} (ports {ports}){carried}"


def lines(document: Offer, now: datetime) -> Iterator[Line]:
    """All about one."""
    match document:
        case CatalogItemDocument():
            yield "Catalog item", document.name
            yield "Description", document.description
            for platform, image in sorted(document.images.items()):
                yield f"Image ({platform})", image
            yield "Registry", document.registry or ""
            yield "Pull", "never: a device has it" if document.from_cache else ""
            yield "Category", document.category
            yield "Publisher", document.publisher
            yield "Config example", document.config_example
            yield "Used by", counted(document.microservices, "microservice")
            yield "Origin", "there from the beginning" if document.seeded else ""
        case TemplateDocument():
            yield "Template", document.name
            yield "Description", document.description
            yield (
                "Variables",
                "\n".join(
                    _variable(each.key, each.default, each.description)
                    for each in document.variables
                ),
            )
            yield "Application", msgspec.json.format(bytes(document.application), indent=2).decode()
        case d.RouteDocument():
            yield from route_text.lines(document)
        case EdgeResourceDocument():
            yield "Edge resource", document.name
            yield "Version", document.version
            yield "Description", document.description
            yield "Protocol", document.protocol
            yield (
                "Endpoints",
                "\n".join(f"{each.name}: {each.method} {each.url}" for each in document.endpoints),
            )
            yield "Nodes", ", ".join(document.nodes)
            yield "Tags", ", ".join(document.tags)
            shown = document.display
            yield (
                "Display",
                " ".join(each for each in (shown.name, shown.icon, shown.color) if each),
            )
            custom = msgspec.json.format(bytes(document.custom), indent=2).decode()
            yield "Custom", "" if custom == "{}" else custom
        case VolumeDocument():
            yield "Volume", document.name
            yield "Destination", document.destination
            yield "Permissions", document.permissions
            yield "Nodes", ", ".join(document.nodes)
            yield "Mounted by", ", ".join(document.microservices)
            yield "Files", "\n".join(f"{each.path} ({size(each.size)})" for each in document.files)
    if document.created_at is not None and document.updated_at is not None:
        created, updated = document.created_at, document.updated_at
        yield "Created", f"{moment(created)} ({age(created, now)} ago)"
        if updated != created:
            yield "Changed", f"{moment(updated)} ({age(updated, now)} ago)"
    yield "Id", document.id


def _variable(key: str, default: object, description: str) -> str:
    said = key if default is UNSET else f"{key} = {msgspec.json.encode(default).decode()}"
    return f"{said}  {description}".rstrip()


def _members(template: TemplateDocument) -> list[object]:
    application: dict[str, object] = msgspec.json.decode(template.application)
    members = application.get("microservices")
    return members if isinstance(members, list) else []
