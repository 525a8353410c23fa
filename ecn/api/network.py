"""The network as a whole over HTTP: its default router, and settings by key."""

from aiohttp import web
from msgspec.structs import asdict

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.moments import asked
from ecn.api.network_documents import NetworkDocument, RouterManifest, SettingManifest
from ecn.commands import network as commands
from events.network import DefaultRouter
from events.node import DEFAULT_ROUTER
from events.user import Role


async def show_network(request: web.Request) -> web.Response:
    """What is set for the network."""
    about = asked(request)
    return json_answer(offer_views.network(about.world, stale=about.stale))


async def set_router(request: web.Request) -> web.Response:
    """Let nodes without another upstream lead there."""
    body = await read_body(request, RouterManifest)
    command = commands.SetDefaultRouter(router=DefaultRouter(**asdict(body)))
    return changed(await execute(request, command), f"network/{DEFAULT_ROUTER}")


async def change_setting(request: web.Request) -> web.Response:
    """Let the setting have that value."""
    key = request.match_info["key"]
    body = await read_body(request, SettingManifest)
    command = commands.ChangeNetworkSetting(key=key, value=body.value)
    return changed(await execute(request, command), f"network/{key}")


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/network",
        handler=show_network,
        access=Role.VIEWER,
        tag="network",
        summary="Show the default router and the network's settings",
        answer=NetworkDocument,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path="/network/router",
        handler=set_router,
        access=Role.OPERATOR,
        tag="network",
        summary="Set the router that nodes lead to; refused while a node carries it",
        body=RouterManifest,
        answer=Changed,
        refusals=(409,),
    ),
    Endpoint(
        method="PUT",
        path="/network/settings/{key}",
        handler=change_setting,
        access=Role.OPERATOR,
        tag="network",
        summary="Change a setting, `default-proxy-host` for instance",
        body=SettingManifest,
        answer=Changed,
    ),
)
