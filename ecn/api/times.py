"""Times in query strings."""

from datetime import UTC, datetime

from aiohttp import web
from msgspec import ValidationError, convert

from ecn.errors import Invalid


def time(request: web.Request, name: str) -> datetime | None:
    """An RFC 3339 time of the query string, in UTC. Errors: Invalid."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        # A plus sign in a query string that was not escaped arrives as a space.
        value = convert(text.replace(" ", "+"), datetime)
        if value.tzinfo is not None:
            return value.astimezone(UTC)  # which has fewer times than there are zones' own
    except (ValidationError, OverflowError) as e:
        raise Invalid(
            f"{text!r} is no RFC 3339 time, as in 2026-01-31T12:00:00Z", field=f"?{name}"
        ) from e
    raise Invalid(f"{text!r} has no time zone: add Z or an offset", field=f"?{name}")
