"""Edge resources as ioFog's clients write and see them. Pure.

As those see them that are linked to them: edge_resource_views.py.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from ecn.errors import NotFound
from ecn.iofog.edge_resource_views import Display, Interface, display, interface
from ecn.iofog.fields import Name
from ecn.iofog.numbers import on_the_wire
from events.edge_resource import EdgeResourceSettings, ResourceDisplay, ResourceEndpoint
from events.ids import EdgeResourceId
from projections.edge_resources import EdgeResourceRow
from projections.world import World

_NUMBER = "(0|[1-9][0-9]*)"
_PRE = "(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
Version = Annotated[
    str,
    Meta(
        pattern=rf"^v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?"
        r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$(?!\n)",
        max_length=128,
    ),
]
"""As semver.org has it, with or without a `v`."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Protocol = Literal["http", "https", "ws", "wss"]


class DisplayBody(Struct, frozen=True, kw_only=True):
    """How it is shown; what is absent stays."""

    name: str | UnsetType | None = UNSET
    icon: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    """Any text: ioFog says what a colour is, and takes all others as well."""


class EndpointBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """One call that it answers."""

    name: Name
    description: str | None = None
    method: Method = "GET"
    url: str = ""
    request_type: str | None = None
    response_type: str | None = None
    request_payload_example: str | None = None
    response_payload_example: str | None = None


class InterfaceBody(Struct, frozen=True, kw_only=True):
    """All calls that it answers."""

    endpoints: list[EndpointBody] | None = None


class UpdateResource(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent stays. Made by PUT, it needs a protocol."""

    name: Name | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    interface_protocol: Protocol | UnsetType = UNSET
    interface: InterfaceBody | UnsetType | None = UNSET
    display: DisplayBody | UnsetType | None = UNSET
    custom: dict[str, object] | UnsetType | None = UNSET
    orchestration_tags: list[str] | UnsetType | None = UNSET


class CreateResource(UpdateResource, frozen=True, kw_only=True, rename="camel"):
    """A resource to be made."""

    name: Name
    version: Version
    interface_protocol: Protocol


class Linked(Struct, frozen=True):
    """The agent that is, or is to be, linked."""

    uuid: str


class ListedResource(Struct, frozen=True, kw_only=True, rename="camel"):
    """A resource, without the calls that it answers."""

    id: int
    name: str
    description: str | None
    version: str
    interface_protocol: str
    display: Display
    custom: Raw
    orchestration_tags: list[str]


class ListedResources(Struct, frozen=True, rename="camel"):
    """All of them, by number."""

    edge_resources: list[ListedResource]


class WholeResource(ListedResource, frozen=True, kw_only=True, rename="camel"):
    """A resource."""

    interface: Interface


class Versions(Struct, frozen=True, rename="camel"):
    """All versions of one resource, by number."""

    edge_resources: list[WholeResource]


def resources(world: World) -> ListedResources:
    """All of them."""
    rows = sorted((row for _, row in world.edge_resources.items()), key=lambda row: row.number)
    return ListedResources([listed(row) for row in rows])


def versions(world: World, name: str) -> Versions:
    """All of one name; none where there is none."""
    rows = [world.edge_resources[key] for key in world.edge_resources.find("name", name)]
    return Versions([whole(row) for row in sorted(rows, key=lambda row: row.number)])


def found(world: World, name: str, version: str) -> EdgeResourceId | None:
    """The one of that name and version."""
    return world.edge_resources.one("name_version", (name, version))


def needed(world: World, name: str, version: str) -> EdgeResourceId:
    """The one of that name and version. Errors: NotFound, as ioFog says it."""
    key = found(world, name, version)
    if key is None:
        raise NotFound("edge-resource", f"{name} version {version}")
    return key


def listed(row: EdgeResourceRow) -> ListedResource:
    """Without the calls that it answers."""
    return ListedResource(
        id=on_the_wire(row.number),
        name=row.name,
        description=row.settings.description or None,
        version=row.version,
        interface_protocol=row.settings.protocol,
        display=display(row.settings.display),
        custom=row.settings.custom,
        orchestration_tags=row.settings.tags,
    )


def just_made(row: EdgeResourceRow) -> ListedResource:
    """As ioFog answers who made it: as if it had no tags."""
    return replace(listed(row), orchestration_tags=[])


def whole(row: EdgeResourceRow) -> WholeResource:
    """With the calls that it answers."""
    head = listed(row)
    return WholeResource(
        **{field: getattr(head, field) for field in head.__struct_fields__},
        interface=interface(row),
    )


def settings(said: UpdateResource, old: EdgeResourceSettings) -> EdgeResourceSettings:
    """What it is to become: what is absent, or null where that means nothing, stays."""
    new = old
    if said.description is not UNSET:
        new = replace(new, description=said.description or "")
    if said.interface_protocol is not UNSET:
        new = replace(new, protocol=said.interface_protocol)
    if said.interface is not UNSET and said.interface is not None:
        new = replace(new, endpoints=[_endpoint(each) for each in said.interface.endpoints or []])
    if said.display is not UNSET and said.display is not None:
        new = replace(new, display=_display(said.display, old.display))
    if said.custom is not UNSET and said.custom is not None:
        new = replace(new, custom=Raw(msgspec.json.encode(said.custom)))
    if said.orchestration_tags is not UNSET and said.orchestration_tags is not None:
        new = replace(new, tags=list(dict.fromkeys(said.orchestration_tags)))
    return new


def _display(said: DisplayBody, old: ResourceDisplay) -> ResourceDisplay:
    return ResourceDisplay(
        name=old.name if said.name is UNSET else said.name or "",
        icon=old.icon if said.icon is UNSET else said.icon or "",
        color=old.color if said.color is UNSET else said.color or "",
    )


def _endpoint(said: EndpointBody) -> ResourceEndpoint:
    return ResourceEndpoint(
        name=said.name,
        description=said.description or "",
        method=said.method,
        url=said.url,
        request_type=said.request_type or "",
        response_type=said.response_type or "",
        request_example=said.request_payload_example or "",
        response_example=said.response_payload_example or "",
    )
