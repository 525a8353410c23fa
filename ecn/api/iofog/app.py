"""ioFog's API beside ours: a table of routes of its own under /api/v3, and what stands around them.

Each request is counted and given its id by the application's own middleware (middleware.py); all
else that the two APIs do differently is here: paths, who asks, errors, headers.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog
from aiohttp import web
from aiohttp.web_urldispatcher import (
    AbstractResource,
    AbstractRoute,
    ResourceRoute,
    UrlMappingMatchInfo,
)
from msgspec.structs import replace
from yarl import URL

from ecn.api import openapi_page
from ecn.api.commanding import COMMAND_ID, NAMELESS, again, name_command
from ecn.api.endpoint import Access
from ecn.api.iofog import (
    agent_reports,
    agent_tasks,
    agents,
    applications,
    catalog,
    diagnostics,
    edge_resources,
    errors,
    general,
    hardware,
    image_snapshots,
    microservice_mappings,
    microservices,
    network,
    node_orders,
    nodes,
    registries,
    routes,
    templates,
    tunnels,
    users,
)
from ecn.api.iofog.authentication import Authentication
from ecn.api.iofog.described import BASE, IOFOG
from ecn.api.iofog.endpoint import ENDPOINT, Endpoint, empty
from ecn.api.iofog.route_table import RouteTable
from ecn.api.keys import CLOCK, LIVE
from ecn.api.middleware import STARTED
from ecn.batch import repetition
from events.ids import CommandId

ENDPOINTS: tuple[Endpoint, ...] = (
    *general.ENDPOINTS,
    *users.ENDPOINTS,
    *registries.ENDPOINTS,
    *catalog.ENDPOINTS,
    *network.ENDPOINTS,
    *templates.ENDPOINTS,
    *edge_resources.ENDPOINTS,
    *applications.ENDPOINTS,
    *microservices.ENDPOINTS,
    *microservice_mappings.ENDPOINTS,
    *routes.ENDPOINTS,
    *nodes.ENDPOINTS,
    *node_orders.ENDPOINTS,
    *hardware.ENDPOINTS,
    *tunnels.ENDPOINTS,
    *agents.ENDPOINTS,
    *agent_tasks.ENDPOINTS,
    *agent_reports.ENDPOINTS,
    *image_snapshots.ENDPOINTS,
    *diagnostics.ENDPOINTS,
)

Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]


def resources(endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> list[AbstractResource]:
    """What the application's router has to know."""
    authentication = Authentication()
    served = [
        (each.method, each.path, _serving(each, authentication))
        for each in (*endpoints, *_of_itself(endpoints))
    ]
    return [_Paths(BASE, served), _Paths("/", served)]


def _of_itself(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, Endpoint]:
    """The description of the others, for programs and for people."""
    described, readable = openapi_page.handlers(endpoints, IOFOG)
    document = Endpoint(
        method="GET",
        path="/openapi.json",
        handler=described,
        access=Access.ANYONE,
        tag="general",
        summary="This description",
    )
    page = replace(document, path="/docs", handler=readable, media="text/html")
    return document, page


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """The headers that every answer has. An answer in pieces is dressed before it begins."""
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Timestamp"] = str(int(request.app[CLOCK]().timestamp() * 1000))
    headers["ECN-Position"] = str(request.app[LIVE].world.position)


def _serving(endpoint: Endpoint, authentication: Authentication) -> Serving:
    """The endpoint with all that stands around it."""

    async def answered(request: web.Request) -> web.StreamResponse:
        actor = await authentication(request, endpoint)
        if endpoint.method in ("GET", "HEAD") and not endpoint.changes:
            return await endpoint.handler(request)
        await name_command(request, actor)
        structlog.contextvars.bind_contextvars(command_id=request[COMMAND_ID])
        if endpoint.answer is None and _done_before(request):
            # What it was about may be gone by now: the retried delete succeeded.
            return empty(endpoint.status)
        return await again(request, endpoint.handler)

    async def serve(request: web.Request) -> web.StreamResponse:
        request[ENDPOINT] = endpoint
        request[NAMELESS] = True
        try:
            response = await answered(request)
        except Exception as e:
            if STARTED in request or isinstance(e, ConnectionResetError):
                raise  # the middleware cuts it off, or sees that nobody is there to answer
            response = errors.told(request, e)
        if not response.prepared:
            dress(request, response)
        return response

    return serve


def _done_before(request: web.Request) -> bool:
    return repetition(request.app[LIVE].world, CommandId(request[COMMAND_ID])) is not None


async def _nothing(request: web.Request) -> web.StreamResponse:
    response = errors.no_such_path(request)
    dress(request, response)
    return response


async def _preflight(request: web.Request) -> web.StreamResponse:
    """What a browser asks before it sends a request to another origin."""
    response = web.Response(status=204)
    dress(request, response)
    response.headers["Access-Control-Allow-Methods"] = "GET,HEAD,PUT,PATCH,POST,DELETE"
    asked = request.headers.get("Access-Control-Request-Headers")
    if asked:
        response.headers["Access-Control-Allow-Headers"] = asked
        response.headers["Vary"] = "Access-Control-Request-Headers"
    return response


class _Paths(AbstractResource):
    """All paths below BASE, matched by our own table.

    The router finds resources by the beginning of a path, and minds case; one that stands for all
    paths takes what is not written as usual.
    """

    def __init__(self, begin: str, served: Sequence[tuple[str, str, Serving]]) -> None:
        super().__init__()
        self._begin = begin
        self._table = RouteTable(
            (method, path, ResourceRoute(method, serving, self)) for method, path, serving in served
        )
        self._nothing = ResourceRoute("*", _nothing, self)
        self._preflight = ResourceRoute("OPTIONS", _preflight, self)

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        """See AbstractResource."""
        path = request.rel_url.raw_path
        if not self.raw_match(path):
            return None, set()
        found = self._table.find(request.method, path[len(BASE) :])
        if found is not None:
            route, named = found
            return UrlMappingMatchInfo(named, route), set()
        other = self._preflight if request.method == "OPTIONS" else self._nothing
        return UrlMappingMatchInfo({}, other), set()

    @property
    def canonical(self) -> str:
        """See AbstractResource."""
        return self._begin

    def raw_match(self, path: str) -> bool:
        """See AbstractResource."""
        return path[: len(BASE)].lower() == BASE and path[len(BASE) : len(BASE) + 1] in ("", "/")

    def url_for(self, **_: str) -> URL:
        """See AbstractResource."""
        return URL(self._begin)

    def add_prefix(self, prefix: str) -> None:
        """See AbstractResource."""
        raise NotImplementedError(f"{BASE} stands where it stands, and not under {prefix}")

    def get_info(self) -> dict[str, str]:  # type: ignore[override]
        """See AbstractResource."""
        return {"path": self._begin}

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(())

    def __len__(self) -> int:
        return 0
