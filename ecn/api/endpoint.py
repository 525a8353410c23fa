"""An endpoint as data: what serves it, who may call it, what goes in and out.

The router, the authorisation and the OpenAPI document are all made from these rows, so that none
of them can say something else than the others.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from ecn.api import misspelt
from ecn.errors import Invalid
from events.user import Role

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(StrEnum):
    """Who may call an endpoint, where it is not a matter of a user's role."""

    ANYONE = "anyone"
    AGENT = "agent"
    ROUTER = "router"
    """An interior proxy: a user of that role, and of no other."""


class Query(Struct, frozen=True):
    """A parameter of the query string."""

    name: str
    description: str
    kind: type = str


AT = Query(
    "at",
    "as of then: a position of the log, or an RFC 3339 time, which means the last position at or "
    "before it",
)
AT_LEAST = Query("at_least", "wait until the controller has seen this position", int)


class Endpoint(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    """As aiohttp writes it, below /api/v1."""
    handler: Handler
    access: Role | Access
    """The least role, or who else."""
    tag: str
    summary: str
    body: type | None = None
    merge: bool = False
    """The body is an RFC 7396 merge patch of that type."""
    answer: type | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    """Other statuses of success, with the same answer."""
    creates: str = ""
    """The kind of thing that is made where there is none: then it answers 201."""
    if_match: bool = False
    """It may be guarded: by `If-Match`, with the ETag of what was seen."""
    queries: tuple[Query, ...] = ()
    at: bool = False
    """A read that can look into the past: with `?at=`, its handler finds the world of then in the
    request (moments.py). All others refuse `at` rather than answer of now."""
    media: str = "application/json"
    file: str = ""
    """The body is a form with a file, in the field of that name."""
    or_list: tuple[tuple[str, type], ...] = ()
    """Other media that the client may accept instead: each a JSON list of these documents."""
    refusals: tuple[int, ...] = ()
    """Statuses beyond those that any endpoint may give."""

    @property
    def all_queries(self) -> tuple[Query, ...]:
        """Its own, and those that it has for being what it is."""
        at = (AT,) if self.at else ()
        at_least = (AT_LEAST,) if self.method == "GET" and isinstance(self.access, Role) else ()
        return (*self.queries, *at, *at_least)


async def read_body(request: web.Request, type_: type[T]) -> T:
    """The body as that type. Errors: Invalid, with the place in the body that is wrong."""
    return parse(await request.read(), type_)


def parse(content: bytes, type_: type[T], *, field: str = "$") -> T:
    """JSON as that type. Errors: Invalid, with the place that is wrong.

    field: where the content stands in the document that the client sent.
    """
    try:
        return msgspec.json.decode(content or b"{}", type=type_)
    except msgspec.ValidationError as e:
        what, _, place = str(e).partition(" - at `")
        place = place.rstrip("`")
        what += misspelt.hint(what, place, type_)
        raise Invalid(what, field=field + place.removeprefix("$")) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Invalid(
            f"the body is no JSON: {e}", next_step="Send a JSON document in UTF-8."
        ) from e


def whole_number(request: web.Request, name: str, *, least: int = 0) -> int | None:
    """A number of the query string. Errors: Invalid."""
    text = request.query.get(name)
    if text is None:
        return None
    # isdecimal alone would let in other scripts' digits; 18 digits fit a Postgres bigint.
    if not (text.isascii() and text.isdecimal() and len(text) <= 18) or int(text) < least:
        raise Invalid(f"{text!r} is no whole number of at least {least}", field=f"?{name}")
    return int(text)


def truth(request: web.Request, name: str) -> bool:
    """A yes or no of the query string; absent is no. Errors: Invalid."""
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0", ""):
        raise Invalid(f"{text!r} is neither true nor false", field=f"?{name}")
    return text in ("true", "1", "")


def choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str | None:
    """One of a few words of the query string. Errors: Invalid."""
    text = request.query.get(name)
    if text is not None and text not in choices:
        raise Invalid(f"{text!r} is none of {', '.join(choices)}", field=f"?{name}")
    return text
