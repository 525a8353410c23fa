"""Public ports, as `ecn get public-ports` shows them."""

from collections.abc import Sequence

import click
from msgspec import structs

from ecn.api.public_port_documents import PublicPortDocument
from ecn.cli.client import Client
from ecn.cli.errors import CliError
from ecn.cli.output import Column, Format, document_text, note, print_table
from ecn.cli.wording import styled

COLUMNS = (
    Column("PORT"),
    Column("MICROSERVICE"),
    Column("PROTOCOL", wide=True),
    Column("CONTAINER", wide=True),
    Column("NODE", wide=True),
    Column("LINKS", flexible=True),
    Column("ALLOW", flexible=True),
    Column("LIMITS", wide=True),
    Column("STATE"),
    Column("NOTE", flexible=True),
)


async def show_public_ports(client: Client, names: Sequence[str], form: Format) -> None:
    """All, or those of the microservices that were named. Errors: CliError, click.UsageError."""
    if form in (Format.MANIFEST, Format.NAME):
        raise click.UsageError("public ports are part of their microservices' manifests")
    found = await client.public_ports()
    if names:
        items = [each for each in found.items if each.microservice in names]
        for name in names:
            if not any(each.microservice == name for each in items):
                raise CliError(
                    f"microservice {name!r} has no public port",
                    next_step="ecn get public-ports shows those that are",
                )
        found = structs.replace(found, items=items)
    if form in (Format.JSON, Format.YAML):
        click.echo(document_text(found, form))
    elif not found.items:
        note("no public ports")
    else:
        print_table(COLUMNS, [row(each) for each in found.items], wide=form is Format.WIDE)


def row(port: PublicPortDocument) -> Sequence[str]:
    """As it stands in the table."""
    limits = [
        f"{name} {seconds} s"
        for name, seconds in (("idle", port.longest_idle), ("total", port.longest))
        if seconds
    ]
    return (
        str(port.port),
        port.microservice,
        port.protocol,
        str(port.container),
        port.node,
        " ".join(port.links),
        " ".join(port.allow) or "everybody",
        ", ".join(limits) or "-",
        styled(port.state),
        port.reason,
    )
