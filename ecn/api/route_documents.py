"""The documents of routes by themselves; within an application they stand in documents.py."""

from ecn.api.documents import Page, RouteDocument, RouteWay


class CreateRoute(RouteWay, frozen=True, kw_only=True):
    """A route of an application that is there. As in a manifest."""

    name: str = ""


class ApplyRoute(RouteWay, frozen=True, kw_only=True):
    """Where the route of that name leads, and what goes there."""


class Routes(Page, frozen=True, kw_only=True):
    """Sorted by application and name."""

    items: list[RouteDocument]
