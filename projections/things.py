"""The things that people speak of, by the word for their kind: each a row of the kind's table."""

from collections.abc import Hashable

from events.ids import CatalogItemId
from events.node import DEFAULT_ROUTER
from projections.applications import ApplicationRow
from projections.catalog import CatalogItemRow, catalog_item
from projections.edge_resources import EdgeResourceRow
from projections.microservices import MicroserviceRow
from projections.network import BROKER, SETTING, NetworkRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.routes import RouteRow
from projections.templates import TemplateRow
from projections.users import UserRow
from projections.view import Table
from projections.volumes import VolumeRow
from projections.world import World

TABLES = {
    "node": "nodes",
    "application": "applications",
    "microservice": "microservices",
    "route": "routes",
    "template": "templates",
    "catalog-item": "catalog",
    "registry": "registries",
    "edge-resource": "edge_resources",
    "volume": "volumes",
    "network": "network",
    "user": "users",
}
"""By kind, what its table is called. What the catalog has from the beginning is no row."""

Row = (
    NodeRow
    | ApplicationRow
    | MicroserviceRow
    | RouteRow
    | TemplateRow
    | CatalogItemRow
    | RegistryRow
    | EdgeResourceRow
    | VolumeRow
    | NetworkRow
    | UserRow
)


def row_of(world: World, kind: str, key: str) -> Row | None:
    """The row of a thing that is there; also of what the catalog has from the beginning.

    Errors: KeyError for a kind that is none.
    """
    if kind == "catalog-item":
        return catalog_item(world, CatalogItemId(key))
    row = table_of(world, kind).get(row_key(kind, key))
    return row if isinstance(row, Row) else None


def table_of(world: World, kind: str) -> Table[Hashable, object]:
    """All rows of a kind. Errors: KeyError for a kind that is none."""
    table: Table[Hashable, object] = getattr(world, TABLES[kind])
    return table


def row_key(kind: str, key: str) -> str:
    """The row that `<kind>/<key>` is: the network's settings stand apart from its routers."""
    return f"{SETTING}{key}" if kind == "network" and key not in (DEFAULT_ROUTER, BROKER) else key


def subject_of(kind: str, key: str) -> str:
    """The subject that the row is of: the other way round."""
    return f"{kind}/{key.removeprefix(SETTING) if kind == 'network' else key}"


def name_of(world: World, kind: str, key: str) -> str:
    """What people call it in this world, or called it last; its id if it never had a name."""
    named = world.names.get(f"{kind}/{key}")
    if named is None and kind == "catalog-item":
        seed = catalog_item(world, CatalogItemId(key))
        named = None if seed is None else seed.name
    return named or key
