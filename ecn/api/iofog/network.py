"""The network's settings and its default router by ioFog's API."""

from aiohttp import web

from ecn.api.commanding import execute
from ecn.api.iofog.endpoint import Endpoint, answer, body, world
from ecn.commands.network import ChangeNetworkSetting, SetDefaultRouter
from ecn.iofog import network as wire
from events.user import Role


async def list_settings(request: web.Request) -> web.Response:
    """All settings."""
    return answer(wire.settings(world(request)))


async def get_setting(request: web.Request) -> web.Response:
    """One setting."""
    return answer(wire.shown_setting(world(request), request.match_info["key"]))


async def put_setting(request: web.Request) -> web.Response:
    """Let a setting have that value."""
    said = await body(request, wire.Setting)
    await execute(request, ChangeNetworkSetting(key=said.key, value=said.value))
    return answer(wire.changed_setting(world(request), said.key))


async def get_router(request: web.Request) -> web.Response:
    """The default router, a node's or one outside all nodes."""
    return answer(wire.router(world(request)))


async def put_router(request: web.Request) -> web.Response:
    """Let a router outside all nodes be the default."""
    said = await body(request, wire.SetRouter)
    await execute(request, SetDefaultRouter(router=wire.asked_router(said)))
    return answer(wire.changed_router(world(request)))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/config",
        handler=list_settings,
        access=Role.VIEWER,
        tag="config",
        summary="List the network's settings",
        answer=wire.Settings,
    ),
    Endpoint(
        method="GET",
        path="/config/{key}",
        handler=get_setting,
        access=Role.VIEWER,
        tag="config",
        summary="Show a setting",
        answer=wire.ShownSetting,
        refusals=(404,),
    ),
    Endpoint(
        method="PUT",
        path="/config",
        handler=put_setting,
        access=Role.OPERATOR,
        tag="config",
        summary="Change a setting",
        body=wire.Setting,
        liquid=True,
        answer=wire.ChangedSetting,
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path="/router",
        handler=get_router,
        access=Role.VIEWER,
        tag="router",
        summary="Show the default router",
        answer=wire.Router,
        refusals=(404,),
    ),
    Endpoint(
        method="PUT",
        path="/router",
        handler=put_router,
        access=Role.OPERATOR,
        tag="router",
        summary="Set the default router",
        body=wire.SetRouter,
        liquid=True,
        answer=wire.ChangedRouter,
        refusals=(409,),
    ),
)
