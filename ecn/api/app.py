"""The web application: every endpoint, what stands around it, and what it may use."""

from aiohttp import web

from ecn.api import (
    agents,
    applications,
    catalog_items,
    deploying,
    edge_resources,
    events,
    forwards,
    history,
    iofog_deploying,
    log,
    master_keys,
    metrics,
    microservices,
    network,
    node_streams,
    nodes,
    openapi,
    openapi_page,
    plans,
    public_ports,
    registries,
    replays,
    router_configuration,
    routers,
    routes,
    sessions,
    status,
    templates,
    twins,
    users,
    volumes,
)
from ecn.api.endpoint import Endpoint
from ecn.api.iofog import app as iofog
from ecn.api.keys import REQUESTS
from ecn.api.middleware import LOOK, Look, mark_started, middlewares
from ecn.dashboard import assets, film, session, snapshots, stream, timeline
from ecn.metrics.measures import RequestMeasures

BODY_LIMIT = 4 << 20
"""Bytes. Log streams are read in pieces and have no limit."""

ENDPOINTS: tuple[Endpoint, ...] = (
    *status.ENDPOINTS,
    *metrics.ENDPOINTS,
    *nodes.ENDPOINTS,
    *applications.ENDPOINTS,
    # Both before what would take `<id>/twin` for an application and a name.
    *twins.ENDPOINTS,
    *sessions.ENDPOINTS,
    *forwards.ENDPOINTS,
    *microservices.ENDPOINTS,
    *node_streams.ENDPOINTS,
    *routes.ENDPOINTS,
    *templates.ENDPOINTS,
    *catalog_items.ENDPOINTS,
    *registries.ENDPOINTS,
    *edge_resources.ENDPOINTS,
    *volumes.ENDPOINTS,
    *network.ENDPOINTS,
    *routers.ENDPOINTS,
    *iofog_deploying.ENDPOINTS,
    *master_keys.ENDPOINTS,
    *users.ENDPOINTS,
    *events.ENDPOINTS,
    *history.ENDPOINTS,
    *plans.ENDPOINTS,
    *deploying.ENDPOINTS,
    *log.ENDPOINTS,
    *replays.ENDPOINTS,
    *agents.ENDPOINTS,
    *router_configuration.ENDPOINTS,
    *public_ports.ENDPOINTS,
    *snapshots.ENDPOINTS,
    *stream.ENDPOINTS,
    *timeline.ENDPOINTS,
    *film.ENDPOINTS,
    *session.ENDPOINTS,
)


def application() -> web.Application:
    """All routes and middlewares. Whoever calls this puts in what keys.py names."""
    by_handler = {each.handler: each for each in ENDPOINTS}
    look = Look()
    app = web.Application(
        middlewares=middlewares(by_handler, look),  # type: ignore[arg-type]
        client_max_size=BODY_LIMIT,
    )
    app[LOOK] = look
    app[REQUESTS] = RequestMeasures()
    app.on_response_prepare.append(mark_started)
    app.add_routes(
        [web.route(each.method, openapi.BASE + each.path, each.handler) for each in ENDPOINTS]
    )
    app.add_routes(openapi_page.routes(ENDPOINTS))
    app.add_routes(assets.ROUTES)
    for resource in iofog.resources():
        app.router.register_resource(resource)
    return app
