"""Routes in tables and in full. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ecn.api import documents as d
from ecn.cli.output import Column
from ecn.cli.wording import age, styled

COLUMNS = (
    Column("NAME"),
    Column("FROM"),
    Column("TO"),
    Column("STATE"),
    Column("STORED"),
    Column("IN/S", wide=True),
    Column("OUT/S", wide=True),
    Column("OLDEST", wide=True),
    Column("PRIORITY", wide=True),
    Column("AGE"),
    Column("ID", wide=True),
    Column("WHERE", flexible=True),
    Column("REASON", flexible=True),
)


def row(route: d.RouteDocument, now: datetime) -> Sequence[str]:
    """One line of COLUMNS."""
    status = route.status
    return (
        f"{route.application}/{route.name}",
        _end(route.source, route.output),
        _end(route.destination, route.input),
        "-" if status is None else styled(status.state),
        "-" if status is None else _stored(status.stored, status.stored_bytes),
        _rate(None if status is None else status.rate_in),
        _rate(None if status is None else status.rate_out),
        "-" if status is None or not status.stored else span(status.oldest_seconds),
        "-" if route.priority is None else str(route.priority),
        age(route.created_at, now),
        route.id,
        route.condition,
        "" if status is None else status.reason,
    )


def lines(route: d.RouteDocument) -> Iterator[tuple[str, str]]:
    """All about one, but for what all things have. Empty texts are not shown."""
    yield "Route", f"{route.application}/{route.name}"
    yield "From", _end(route.source, route.output)
    yield "To", _end(route.destination, route.input)
    yield "Takes", "changes of reported properties" if route.twin_changes else ""
    yield "Where", route.condition
    yield "Priority", "" if route.priority is None else f"{route.priority} (0 is the most urgent)"
    yield "Kept for", _ttl(route.ttl)
    yield "Store", "" if route.durable else "in memory alone"
    yield "Webhook", route.webhook
    if route.status is None:
        return
    status = route.status
    yield "State", f"{styled(status.state)}{': ' if status.reason else ''}{status.reason}"
    yield "Stored", _stored(status.stored, status.stored_bytes) if status.stored else "nothing"
    yield "Oldest", span(status.oldest_seconds) if status.stored else ""
    yield "Rates", _rates(status.rate_in, status.rate_out)
    yield "Dropped", _messages(status.dropped) if status.dropped else ""
    yield "Undefined", f"for {_messages(status.undefined)}" if status.undefined else ""
    yield "Nodes", "\n".join(_on_node(each) for each in status.nodes)


def span(seconds: float) -> str:
    """How long something lasted, in its largest fitting unit: `12s`, `3m`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _end(name: str, by: str) -> str:
    return f"{name}:{by}" if by else name


def _ttl(seconds: int | None) -> str:
    if seconds is None:
        return "as long as the node says"
    return span(seconds) if seconds else "ever"


def _stored(messages: int, size: int) -> str:
    if not messages:
        return "0"
    amount = f"{size} B" if size < 1024 else f"{size / 1024:.1f} KiB"
    return f"{messages} ({amount if size < 1 << 20 else f'{size / (1 << 20):.1f} MiB'})"


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def _rates(rate_in: float | None, rate_out: float | None) -> str:
    known = ((rate_in, "in"), (rate_out, "out"))
    return ", ".join(f"{rate:.1f} messages/s {way}" for rate, way in known if rate is not None)


def _on_node(node: d.RouteOnNode) -> str:
    said = f"{node.node}: {node.state}"
    if node.reason:
        said += f" ({node.reason})"
    if node.heard_at is None:
        return said
    counts = [f"{node.accepted} accepted", f"{node.delivered} delivered", f"{node.stored} stored"]
    counts += [f"{node.dropped} dropped"] if node.dropped else []
    return f"{said}; {', '.join(counts)}"
