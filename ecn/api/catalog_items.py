"""The catalog over HTTP: what microservices may be made of."""

from aiohttp import web

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.catalog_documents import CatalogItemDocument, CatalogItemManifest, CatalogItems
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.commands import catalog as commands
from ecn.deciders import find
from events.ids import CatalogItemId, new_id
from events.user import Role
from projections.catalog import catalog_items


async def list_catalog_items(request: web.Request) -> web.Response:
    """All items."""
    about = asked(request)
    items = [offer_views.catalog_item(about.world, key) for key in catalog_items(about.world)]
    items.sort(key=lambda each: each.name)
    return json_answer(CatalogItems(position=about.position, stale=about.stale, items=items))


async def show_catalog_item(request: web.Request) -> web.Response:
    """One item."""
    world = asked(request).world
    key = find.catalog_item(world, request.match_info["catalog_item"])
    return json_answer(offer_views.catalog_item(world, key))


async def apply_catalog_item(request: web.Request) -> web.Response:
    """Let the item be as the body says. Microservices made of it follow."""
    name = request.match_info["catalog_item"]
    body = await read_body(request, CatalogItemManifest)
    command = commands.ApplyCatalogItem(
        catalog_item_id=CatalogItemId(new_id()),
        name=name,
        settings=offer_views.catalog_item_settings(request.app[LIVE].world, body),
    )
    outcome = await execute(request, command)
    subject = outcome.subject
    if not subject:
        subject = f"catalog-item/{find.catalog_item(await decided_on(request, outcome), name)}"
    return changed(outcome, subject, created_or_ok(outcome, "catalog-item"))


async def delete_catalog_item(request: web.Request) -> web.Response:
    """Remove it."""
    key = find.catalog_item(request.app[LIVE].world, request.match_info["catalog_item"])
    outcome = await execute(request, commands.DeleteCatalogItem(catalog_item_id=key))
    return changed(outcome, f"catalog-item/{key}")


_ITEM = "/catalog-items/{catalog_item}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/catalog-items",
        handler=list_catalog_items,
        access=Role.VIEWER,
        tag="catalog",
        summary="List the catalog, with what it has from the beginning",
        answer=CatalogItems,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_ITEM,
        handler=apply_catalog_item,
        access=Role.OPERATOR,
        tag="catalog",
        summary="Create or update an item; microservices made of it follow",
        body=CatalogItemManifest,
        answer=Changed,
        also=(201,),
        creates="catalog-item",
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=_ITEM,
        handler=show_catalog_item,
        access=Role.VIEWER,
        tag="catalog",
        summary="Show an item",
        answer=CatalogItemDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_ITEM,
        handler=delete_catalog_item,
        access=Role.OPERATOR,
        tag="catalog",
        summary="Delete an item that no microservice is made of",
        answer=Changed,
        refusals=(404, 409),
    ),
)
