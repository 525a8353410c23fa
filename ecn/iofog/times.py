"""Times as ioFog writes them: milliseconds since 1970, or ISO 8601 with milliseconds, in UTC."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999: there is no later one in either form."""

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<time>\d{2}:\d{2}:\d{2})"
    r"(?:\.(?P<part>\d{1,9}))?(?:Z|\+00:00)",
    re.ASCII,
)


def milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (time - EPOCH) // MILLISECOND


def iso(time: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`."""
    return stamp_text(milliseconds(time))


def stamp_text(stamp: int) -> str:
    """Milliseconds since 1970 as `2026-01-31T12:00:00.000Z`."""
    time = EPOCH + timedelta(milliseconds=min(max(stamp, 0), LATEST))
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def stamp_of(text: str) -> int | None:
    """Milliseconds since 1970 of such a text; None for any other."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    try:
        time = datetime.fromisoformat(f"{found['date']}T{found['time']}+00:00")
    except ValueError:
        return None
    return milliseconds(time) + int((found["part"] or "0").ljust(3, "0")[:3])
