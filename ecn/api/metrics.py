"""Metrics over the API, for scrapers that have a token."""

from aiohttp import web

from ecn.api.endpoint import Endpoint
from ecn.api.keys import METRICS
from events.user import Role
from routing.metrics.server import answered


async def metrics(request: web.Request) -> web.Response:
    """How the controller and its network are, in numbers."""
    return await answered(request, request.app[METRICS])


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/metrics",
        handler=metrics,
        access=Role.VIEWER,
        tag="status",
        summary="Numbers of the controller and its network, for Prometheus; see docs/metrics.md",
        media="text/plain",
    ),
)
