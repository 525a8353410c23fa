"""Moments of the past in requests: a position of the log, or a time, which names one."""

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from ecn.api.keys import LIVE, LOG
from ecn.errors import Invalid
from events.ids import Position


async def position_of(request: web.Request, text: str, *, field: str) -> Position:
    """The position that a moment means: `1234`, or the last one at or before an RFC 3339 time.

    A time to come means now. field: where the text stands in the request.
    Errors: Invalid, also for a position to come; LogUnavailable.
    """
    end = request.app[LIVE].world.position
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        if int(text) > end:
            raise Invalid(f"position {text} is to come: the log ends at {end}", field=field)
        return Position(int(text))
    try:
        # A plus sign in a query string that was not escaped arrives as a space.
        time = msgspec.convert(text.replace(" ", "+"), datetime)
    except msgspec.ValidationError as e:
        raise Invalid(
            f"{text!r} is no moment: give a position, or a time as in 2026-01-31T12:00:00Z",
            field=field,
        ) from e
    if time.tzinfo is None:
        raise Invalid(f"{text!r} has no time zone: add Z or an offset", field=field)
    return min(await request.app[LOG].position_at(time.astimezone(UTC)), end)
