"""Edge resources as those see them that are linked to them: a node's users, and its agent. Pure."""

from msgspec import Raw, Struct

from ecn.iofog import numbers
from events.edge_resource import ResourceDisplay, ResourceEndpoint
from events.ids import NodeId
from projections.edge_resources import EdgeResourceRow, linked
from projections.world import World


class Display(Struct, frozen=True, omit_defaults=True):
    """How it is shown to people."""

    name: str = ""
    icon: str = ""
    color: str = ""


class LinkedResource(Struct, frozen=True, kw_only=True, rename="camel"):
    """As users see it in a node: without what only agents need."""

    name: str
    description: str | None
    version: str
    interface_protocol: str
    display: Display
    custom: Raw
    orchestration_tags: list[str] = []


class Endpoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """One call that it answers."""

    id: int
    name: str
    description: str | None
    method: str
    url: str
    request_type: str | None
    response_type: str | None
    request_payload_example: str | None
    response_payload_example: str | None
    interface_id: int


class Interface(Struct, frozen=True, kw_only=True, rename="camel"):
    """All calls that it answers."""

    id: int
    edge_resource_id: int
    endpoints: list[Endpoint]


class Resource(Struct, frozen=True, kw_only=True, rename="camel"):
    """As agents see it."""

    id: int
    name: str
    description: str | None
    version: str
    interface_protocol: str
    display: Display
    custom: Raw
    orchestration_tags: list[str] = []
    interface: Interface


def linked_to(world: World, node_id: NodeId) -> list[LinkedResource]:
    """The node's resources, as its users see them."""
    return [
        LinkedResource(
            name=row.name,
            description=row.settings.description or None,
            version=row.version,
            interface_protocol=row.settings.protocol,
            display=display(row.settings.display),
            custom=row.settings.custom,
        )
        for row in linked(world, node_id).values()
    ]


def for_agent(world: World, node_id: NodeId) -> list[Resource]:
    """The node's resources, as its agent sees them."""
    return [
        Resource(
            id=numbers.on_the_wire(row.number),
            name=row.name,
            description=row.settings.description or None,
            version=row.version,
            interface_protocol=row.settings.protocol,
            display=display(row.settings.display),
            custom=row.settings.custom,
            interface=interface(row),
        )
        for row in linked(world, node_id).values()
    ]


def display(shown: ResourceDisplay) -> Display:
    """Only what is said of it."""
    return Display(name=shown.name, icon=shown.icon, color=shown.color)


def interface(row: EdgeResourceRow) -> Interface:
    """Numbers within it are its alone, as far as anybody compares them."""
    number = numbers.on_the_wire(row.number)
    return Interface(
        id=number,
        edge_resource_id=number,
        endpoints=[
            _endpoint(number, place, each)
            for place, each in enumerate(row.settings.endpoints, start=1)
        ],
    )


def _endpoint(interface_id: int, place: int, endpoint: ResourceEndpoint) -> Endpoint:
    return Endpoint(
        id=place,
        name=endpoint.name,
        description=endpoint.description or None,
        method=endpoint.method,
        url=endpoint.url,
        request_type=endpoint.request_type or None,
        response_type=endpoint.response_type or None,
        request_payload_example=endpoint.request_example or None,
        response_payload_example=endpoint.response_example or None,
        interface_id=interface_id,
    )
