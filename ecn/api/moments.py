"""Moments of the past in requests: a position of the log, or a time, which names one.

`?at=` of a read is resolved here, around its handler (middleware.py): the handler takes the world
that it is asked about from the request, by `asked`, and need not know whether that is now.
"""

from datetime import UTC, datetime

import msgspec
from aiohttp import web
from msgspec import Struct

from ecn.api.endpoint import AT, Endpoint
from ecn.api.keys import LIVE, LOG, PAST
from ecn.errors import Invalid
from events.ids import Position
from projections.world import World


class Asked(Struct, frozen=True, kw_only=True):
    """The world that a read is about."""

    world: World
    past: bool
    """`at` was given: nothing is shown that is not in the log, such as who is heard now."""
    stale: bool
    """There may be news that the world lacks. Never of the past: it stays as it was."""

    @property
    def position(self) -> Position:
        """What the answer is valid for."""
        return self.world.position


ASKED: web.RequestKey[Asked] = web.RequestKey("ASKED", Asked)


def asked(request: web.Request) -> Asked:
    """The world that the request asks about. For handlers of endpoints that have `at`."""
    return request[ASKED]


def asks_of_the_past(request: web.Request) -> bool:
    """Whether the request names a moment."""
    return AT.name in request.query


async def ask(request: web.Request, endpoint: Endpoint) -> None:
    """Put into the request what `asked` gives. Before the handler is called.

    Errors: Invalid for a moment that is none, that is to come, or that the endpoint has no past
    for; LogUnavailable.
    """
    field = f"?{AT.name}"
    if endpoint.at:
        live = request.app[LIVE]
        if asks_of_the_past(request):
            position = await position_of(request, request.query[AT.name], field=field)
            world = await request.app[PAST].world_at(position)
            request[ASKED] = Asked(world=world, past=True, stale=False)
        else:
            request[ASKED] = Asked(world=live.world, past=False, stale=live.stale)
    elif asks_of_the_past(request) and not any(each.name == AT.name for each in endpoint.queries):
        raise Invalid(
            f"{request.method} {request.path} is of now only, and can't be asked as of then",
            field=field,
            next_step="Leave `at` out. What happened up to then is in /api/v1/events?at=…",
        )


async def position_of(request: web.Request, text: str, *, field: str) -> Position:
    """The position that a moment means: `1234`, or the last one at or before an RFC 3339 time.

    A time to come means now. field: where the text stands in the request.
    Errors: Invalid, also for a position to come; LogUnavailable.
    """
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        end = await _grown_to(request, int(text))
        if int(text) > end:
            raise Invalid(
                f"position {text} is to come: the log ends at {end}",
                field=field,
                next_step=f"Ask for {end} or an earlier one, or leave it out for now.",
            )
        return Position(int(text))
    found = await request.app[LOG].position_at(_time(text, field))
    return min(found, await _grown_to(request, found))


async def _grown_to(request: web.Request, wanted: int) -> Position:
    """Where the log ends, asked anew if this controller has not come that far."""
    live = request.app[LIVE]
    if live.world.position < wanted:
        await live.catch_up()
    return live.world.position


def _time(text: str, field: str) -> datetime:
    try:
        # A plus sign in a query string that was not escaped arrives as a space.
        time = msgspec.convert(text.replace(" ", "+"), datetime)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as e:
        raise Invalid(
            f"{text!r} is no moment: give a position, or a time as in 2026-01-31T12:00:00Z",
            field=field,
            next_step="Give the position of an event, or an RFC 3339 time with its zone.",
        ) from e
    raise Invalid(
        f"{text!r} has no time zone",
        field=field,
        next_step=f"Say which: {text}Z for UTC, or an offset, as in {text}+02:00.",
    )
