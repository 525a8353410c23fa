"""The catalog by ioFog's API."""

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import execute, first_event, merge
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.commands import catalog as commands
from ecn.errors import NotFound
from ecn.iofog import catalog as wire
from ecn.iofog import numbers
from ecn.iofog.registries import Created
from events.catalog import CatalogItemCreated
from events.ids import CatalogItemId, new_id
from events.user import Role
from projections.catalog import CatalogItemRow
from projections.world import World


async def list_items(request: web.Request) -> web.Response:
    """All items that users see."""
    return answer(wire.items(world(request)))


async def get_item(request: web.Request) -> web.Response:
    """One item."""
    there = world(request)
    return answer(wire.item(there, _found(request, there)[1]))


async def create_item(request: web.Request) -> web.Response:
    """Make one."""
    said = await body(request, wire.CreateItem)
    key = CatalogItemId(new_id())
    command = commands.CreateCatalogItem(
        catalog_item_id=key, name=said.name, settings=wire.created(world(request), said)
    )
    outcome = await execute(request, command)
    made = await first_event(request, outcome, CatalogItemCreated)
    row = world(request).catalog.get(made.catalog_item_id if made is not None else key)
    return answer(Created(numbers.on_the_wire(row.number if row else outcome.position)), 201)


async def update_item(request: web.Request) -> web.Response:
    """Change what is given. Microservices made of it follow."""
    said = await body(request, wire.UpdateItem)

    def command(there: World) -> commands.UpdateCatalogItem:
        key, row = _found(request, there)
        return commands.UpdateCatalogItem(
            catalog_item_id=key,
            name=row.name if said.name is UNSET else said.name,
            settings=wire.updated(there, said, row.settings),
            seen=row.settings,
        )

    await merge(request, command)
    return empty()


async def delete_item(request: web.Request) -> web.Response:
    """Remove it. What every catalog begins with stays."""
    key, _ = _found(request, world(request))
    if wire.is_seed(key):
        raise NotFound("catalog-item", request.match_info["id"])
    await execute(request, commands.DeleteCatalogItem(catalog_item_id=key))
    return empty()


def _found(request: web.Request, there: World) -> tuple[CatalogItemId, CatalogItemRow]:
    text = request.match_info["id"]
    number = numbers.read(text)
    if number is None:
        raise NotFound("catalog-item", text)
    return wire.seen_item(there, number)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/catalog/microservices",
        handler=list_items,
        access=Role.VIEWER,
        tag="catalog",
        summary="List the catalog",
        answer=wire.Items,
    ),
    Endpoint(
        method="POST",
        path="/catalog/microservices",
        handler=create_item,
        access=Role.OPERATOR,
        tag="catalog",
        summary="Make an item",
        body=wire.CreateItem,
        liquid=True,
        answer=Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/catalog/microservices/{id}",
        handler=get_item,
        access=Role.VIEWER,
        tag="catalog",
        summary="Show an item",
        answer=wire.Item,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path="/catalog/microservices/{id}",
        handler=update_item,
        access=Role.OPERATOR,
        tag="catalog",
        summary="Change what is given of an item",
        body=wire.UpdateItem,
        liquid=True,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="/catalog/microservices/{id}",
        handler=delete_item,
        access=Role.OPERATOR,
        tag="catalog",
        summary="Delete an item",
        status=204,
        refusals=(404, 409),
    ),
)
