"""Routers, as `ecn get routers` and `ecn describe router` show them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import click
from msgspec import structs

from ecn.api.topology_documents import RouterDocument, RouterKind, Routers
from ecn.cli.client import Client
from ecn.cli.errors import CliError
from ecn.cli.offer_tables import size
from ecn.cli.output import Column, Format, document_text, note, print_table
from ecn.cli.wording import age, moment, styled
from ecn.manifests.shape import did_you_mean

COLUMNS = (
    Column("NAME"),
    Column("KIND"),
    Column("NODE", wide=True),
    Column("HOST"),
    Column("PORTS", flexible=True),
    Column("UPSTREAMS", flexible=True),
    Column("DOWNSTREAMS", wide=True, flexible=True),
    Column("STATE"),
    Column("STORED"),
    Column("NOTE", flexible=True),
)
MEANS = {
    RouterKind.BROKER: "the interior router",
    RouterKind.INTERIOR: "a node's own, to which others lead",
    RouterKind.EDGE: "a node's own",
    RouterKind.SHARED: "none of its own: it uses another one's",
    RouterKind.DEFAULT: "the default router, outside all nodes",
    RouterKind.PROXY: "an interior proxy, which opens public ports",
}


async def show_routers(client: Client, names: Sequence[str], form: Format) -> None:
    """All, or those that were named. Errors: CliError, click.UsageError."""
    if form is Format.MANIFEST:
        raise click.UsageError("routers have no manifests: they are part of their nodes'")
    found = await client.routers()
    if names:
        found = structs.replace(found, items=[_named(found, name) for name in names])
    match form:
        case Format.JSON | Format.YAML:
            click.echo(document_text(found.items[0] if len(names) == 1 else found, form))
        case Format.NAME:
            for each in found.items:
                click.echo(f"router/{each.name}")
        case _ if not found.items:
            note("no routers")
        case _:
            rows = [row(each) for each in found.items]
            print_table(COLUMNS, rows, wide=form is Format.WIDE)


async def router_named(client: Client, name: str) -> RouterDocument:
    """One of them. Errors: CliError."""
    return _named(await client.routers(), name)


def _named(found: Routers, name: str) -> RouterDocument:
    for each in found.items:
        if each.name == name:
            return each
    known = [each.name for each in found.items]
    raise CliError(
        f"there is no router {name!r}",
        next_step=did_you_mean(name, known) if known else "ecn get routers shows those that are",
    )


def row(router: RouterDocument) -> Sequence[str]:
    """One line of COLUMNS."""
    stored = f"{router.stored_messages} ({size(router.stored_bytes)})"
    return (
        router.name,
        router.kind.value,
        router.node or "",
        router.host or "-",
        " ".join(map(str, router.ports)) or "-",
        " ".join(router.upstreams) or "-",
        " ".join(router.downstreams),
        styled(router.state),
        stored if router.stored_messages else "-",
        router.reason,
    )


def lines(router: RouterDocument, now: datetime) -> Iterator[tuple[str, str]]:
    """All about one."""
    yield "Router", router.name
    yield "Kind", f"{router.kind}: {MEANS[router.kind]}"
    yield "State", styled(router.state)
    yield "Reason", router.reason
    if router.heard_at is not None:
        yield "Last heard", f"{moment(router.heard_at)} ({age(router.heard_at, now)} ago)"
    yield "Node", router.node or ""
    yield "Host", router.host
    yield "Ports", ", ".join(map(str, router.ports))
    yield "Upstreams", "\n".join(router.upstreams)
    yield "Downstreams", "\n".join(router.downstreams)
    if router.stored_messages:
        yield "Stored", f"{router.stored_messages} messages, {size(router.stored_bytes)}"
    yield "Connections", str(router.connections) if router.kind is RouterKind.PROXY else ""
