"""The documents of routes by themselves; within an application they stand in documents.py."""

from ecn.api.documents import Page, Request, RouteDocument


class CreateRoute(Request, frozen=True, kw_only=True):
    """A route of an application that is there. As in a manifest."""

    name: str = ""
    source: str
    destination: str


class ApplyRoute(Request, frozen=True, kw_only=True):
    """Where the route of that name leads."""

    source: str
    destination: str


class Routes(Page, frozen=True, kw_only=True):
    """Sorted by application and name."""

    items: list[RouteDocument]
