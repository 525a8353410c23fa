"""How times, durations, sizes and states are said and read. Pure."""

from datetime import UTC, datetime, timedelta

import click

from ecn.durations import seconds_of

GOOD = frozenset({"running", "online", "healthy", "created", "up", "open"})
BAD = frozenset(
    {"failed", "failing", "offline", "unhealthy", "backing-off", "unknown", "refusing", "closed"}
)
BUSY = frozenset({"queued", "pulling", "starting", "progressing", "updated", "waiting"})


def age(since: datetime, now: datetime) -> str:
    """How long ago, in its largest fitting unit: `5s`, `3m`, `2h`, `9d`. Never negative."""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size or (unit == "m" and seconds >= size):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def moment(at: datetime) -> str:
    """A time for people, in their zone, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def instant_of(text: str, now: datetime) -> datetime:
    """A time: `10m` (so long ago), `2026-05-01`, `2026-05-01T12:00:00+02:00`. Errors: ValueError.

    Without a zone it is the person's own.
    """
    try:
        return now - timedelta(seconds=seconds_of(text))
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time: write 10m (ago), 2026-05-01 or 2026-05-01T12:00:00Z"
        ) from None


class Duration(click.ParamType[float]):
    """An option's duration, in seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Errors: click's own usage error."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return seconds_of(str(value))
        except ValueError as e:
            self.fail(str(e), param, ctx)


class Instant(click.ParamType[datetime]):
    """An option's time."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Errors: click's own usage error."""
        if isinstance(value, datetime):
            return value
        try:
            return instant_of(str(value), datetime.now(UTC))
        except ValueError as e:
            self.fail(str(e), param, ctx)


def mib(amount: int | None) -> str:
    """Memory: `512 MiB`, `7.8 GiB`."""
    if not amount:
        return ""
    return f"{amount} MiB" if amount < 1024 else f"{amount / 1024:.1f} GiB"


def counted(number: int, noun: str) -> str:
    """`1 microservice`, `2 microservices`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def pairs(labels: dict[str, str]) -> str:
    """Labels: `a=1,b=2`."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def styled(text: str, word: str = "") -> str:
    """The text in the colour of a state; plain where the state has none."""
    state = (word or text).split(" ")[0]
    if state in GOOD:
        return click.style(text, fg="green")
    if state in BAD:
        return click.style(text, fg="red")
    if state in BUSY:
        return click.style(text, fg="yellow")
    return text
