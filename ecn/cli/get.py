"""`ecn get`: what there is."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from msgspec import Struct, structs

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemDocument, CatalogItems
from ecn.api.edge_resource_documents import EdgeResourceDocument, EdgeResources
from ecn.api.route_documents import Routes
from ecn.api.template_documents import TemplateDocument, Templates
from ecn.api.volume_documents import VolumeDocument, Volumes
from ecn.cli import offer_tables, route_text, tables
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, printable
from ecn.cli.history import latest
from ecn.cli.kinds import KindType
from ecn.cli.manifest_text import manifest_of, manifest_text
from ecn.cli.news import listening
from ecn.cli.output import (
    Column,
    Format,
    document_text,
    format_option,
    note,
    print_table,
    table_text,
    terminal_width,
)
from ecn.cli.public_ports import show_public_ports
from ecn.cli.routers import show_routers
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind
from ecn.manifests.shape import did_you_mean

Item = (
    d.NodeDocument
    | d.ApplicationDocument
    | d.MicroserviceDocument
    | d.RegistryDocument
    | CatalogItemDocument
    | TemplateDocument
    | d.RouteDocument
    | EdgeResourceDocument
    | VolumeDocument
    | d.UserDocument
)
Listing = (
    d.Nodes
    | d.Applications
    | d.Microservices
    | d.Registries
    | CatalogItems
    | Templates
    | Routes
    | EdgeResources
    | Volumes
    | d.Users
)
SETTLE = 0.05
"""Seconds for more events to come in before a watched table is looked at again."""
LOOK_AGAIN = 30.0
"""Seconds after which a watch looks without having heard anything."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    kind: Kind
    names: tuple[str, ...] = ()
    application: str = ""
    node: str = ""
    state: str = ""
    labels: tuple[str, ...] = ()


@examples("""
ecn get nodes
ecn get microservices --application shop
ecn get ms --node kiosk-7 --state failed -o wide
ecn get application shop -o manifest > shop.yaml
ecn get nodes -l site=berlin -o name
ecn get microservices --watch
ecn get microservices --at 2h             # as they were two hours ago
ecn get application shop -o manifest --at 2026-05-01 > shop.yaml
ecn get catalog
ecn get network                           # the default router, and settings
ecn get routers                           # all, where they lead, and how they are
ecn get public-ports                      # where each is reached
""")
@click.command("get", cls=Command)
@click.argument("kind", type=KindType())
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--application", metavar="NAME", default="", help="Microservices of this one.")
@click.option("--node", metavar="NAME", default="", help="Microservices on this one.")
@click.option("--state", metavar="STATE", default="", help="Those in this state.")
@click.option("-l", "--label", "labels", metavar="K=V", multiple=True, help="With this label.")
@click.option("-w", "--watch", is_flag=True, help="Go on and show what changes, until Ctrl-C.")
@at_option
@format_option(*Format)
@connection_options
@pass_session
def get(
    session: Session,
    kind: Kind,
    names: tuple[str, ...],
    application: str,
    node: str,
    state: str,
    labels: tuple[str, ...],
    watch: bool,
    at: str,
    form: str,
) -> None:
    """Show what there is: nodes, applications, microservices, events and so on.

    Without names all of a kind, otherwise those. A microservice or route is named
    APPLICATION/NAME, an edge resource NAME@VERSION. Kinds: nodes, applications, microservices,
    routes, routers, public-ports, templates, catalog-items, registries, edge-resources, volumes,
    network, users, events.
    """
    wanted = Wanted(
        kind=kind, names=names, application=application, node=node, state=state, labels=labels
    )
    _check(wanted)
    chosen = Format(form)
    if watch and at:
        raise click.UsageError("--watch shows what changes from now on: it has no --at")
    if kind is Kind.EVENT:
        session.run(lambda client: latest(client, at=at, form=chosen))
    elif kind is Kind.ROUTER:
        if watch or at:
            raise click.UsageError("routers are shown as they are now: without --watch and --at")
        session.run(lambda client: show_routers(client, names, chosen))
    elif kind is Kind.PUBLIC_PORT:
        if watch or at:
            raise click.UsageError("public ports are shown as they are now: without --watch, --at")
        session.run(lambda client: show_public_ports(client, names, chosen))
    elif kind is Kind.NETWORK:
        session.run(lambda client: _network(client, at, chosen))
    elif watch:
        if chosen not in (Format.TABLE, Format.WIDE):
            raise click.UsageError("--watch shows a table; for programs there is: ecn events -f")
        session.run(lambda client: _watch(client, wanted, wide=chosen is Format.WIDE))
    else:
        session.run(lambda client: _show_at(client, wanted, chosen, at))


async def _network(client: Client, at: str, form: Format) -> None:
    """The one network: its default router, and its settings."""
    if form in (Format.NAME, Format.MANIFEST):
        raise click.UsageError(f"-o {form.value} is for things that have names")
    people = form in (Format.TABLE, Format.WIDE)
    view = await looking(client, at, tell=people)
    found = await view.client.network()
    if not people:
        click.echo(document_text(found, form))
        return
    click.echo(f"Default router: {offer_tables.router_text(found)}")
    there = found.interior_router
    click.echo(f"Interior router: {printable(there.url) if there is not None else 'none'}")
    if found.settings:
        click.echo()
        rows = [offer_tables.setting_row(each, view.now) for each in found.settings]
        print_table(offer_tables.SETTINGS, rows, wide=form is Format.WIDE)


async def _show_at(client: Client, wanted: Wanted, form: Format, at: str) -> None:
    view = await looking(client, at, tell=form in (Format.TABLE, Format.WIDE))
    found = await listing(view.client, wanted, was=bool(at))
    if isinstance(found, Volumes) and form is Format.MANIFEST:
        # Lists leave out what is in the files.
        whole = [await view.client.volume(each.id) for each in found.items]
        found = structs.replace(found, items=whole)
    show(found, wanted, form, view.now)


def show(found: Listing, wanted: Wanted, form: Format, now: datetime) -> None:
    """Print it in the form asked for. now: what ages are counted from."""
    items: Sequence[Item] = found.items
    match form:
        case Format.TABLE | Format.WIDE:
            if not items:
                filtered = wanted.application or wanted.node or wanted.state or wanted.labels
                note(f"no {wanted.kind.plural}{' like that' if filtered else ''}")
                return
            columns, rows = rows_of(items, now)
            print_table(columns, rows, wide=form is Format.WIDE)
        case Format.NAME:
            for item in items:
                click.echo(f"{wanted.kind}/{_name(item)}")
        case Format.MANIFEST:
            click.echo("---\n".join(_manifest(item) for item in items), nl=False)
        case Format.JSON | Format.YAML:
            # One that was named is that document; anything else is the list.
            single = len(wanted.names) == 1
            click.echo(document_text(items[0] if single else found, form))


async def listing(client: Client, wanted: Wanted, *, was: bool = False) -> Listing:
    """Those that were asked for. Errors: CliError when one that was named is not there.

    was: the client looks at the past.
    """
    found = await _all(client, wanted)
    all_items: Sequence[Item] = found.items
    items = [i for i in all_items if _has(_labels(i), wanted.labels)]
    if isinstance(found, d.Applications) and wanted.state:
        items = [
            i for i in items if isinstance(i, d.ApplicationDocument) and i.state == wanted.state
        ]
    if wanted.names:
        by_name = {**{i.id: i for i in items}, **{_name(i): i for i in items}}
        for name in wanted.names:
            if name not in by_name:
                raise CliError(
                    f"there {'was' if was else 'is'} no {wanted.kind} {name!r}",
                    next_step=did_you_mean(name, [_name(i) for i in items])
                    if items
                    else f"ecn get {wanted.kind.plural} shows those that are",
                )
        items = [by_name[name] for name in wanted.names]
    return structs.replace(found, items=items)


async def _all(client: Client, wanted: Wanted) -> Listing:
    match wanted.kind:
        case Kind.NODE:
            return await client.nodes({"state": wanted.state} if wanted.state else None)
        case Kind.APPLICATION:
            return await client.applications()
        case Kind.MICROSERVICE:
            asked = {"application": wanted.application, "node": wanted.node, "state": wanted.state}
            return await client.microservices({k: v for k, v in asked.items() if v})
        case Kind.REGISTRY:
            return await client.registries()
        case Kind.CATALOG_ITEM:
            return await client.catalog_items()
        case Kind.TEMPLATE:
            return await client.templates()
        case Kind.ROUTE:
            asked = {"application": wanted.application, "state": wanted.state}
            return await client.routes({k: v for k, v in asked.items() if v})
        case Kind.EDGE_RESOURCE:
            return await client.edge_resources()
        case Kind.VOLUME:
            return await client.volumes()
        case Kind.USER:
            return await client.users()
        case Kind.EVENT | Kind.NETWORK | Kind.ROUTER | Kind.PUBLIC_PORT:
            raise AssertionError(f"{wanted.kind} is no list of things")


def rows_of(items: Sequence[Item], now: datetime) -> tuple[Sequence[Column], list[Sequence[str]]]:
    """The table of documents of one kind. now: what ages are counted from."""
    columns: Sequence[Column] = ()
    rows: list[Sequence[str]] = []
    for item in items:
        match item:
            case d.NodeDocument():
                columns = tables.NODES
                rows.append(tables.node_row(item, now))
            case d.ApplicationDocument():
                columns = tables.APPLICATIONS
                rows.append(tables.application_row(item, now))
            case d.MicroserviceDocument():
                columns = tables.MICROSERVICES
                rows.append(tables.microservice_row(item, now))
            case d.RegistryDocument():
                columns = tables.REGISTRIES
                rows.append(tables.registry_row(item, now))
            case CatalogItemDocument():
                columns = offer_tables.CATALOG_ITEMS
                rows.append(offer_tables.catalog_item_row(item))
            case TemplateDocument():
                columns = offer_tables.TEMPLATES
                rows.append(offer_tables.template_row(item, now))
            case d.RouteDocument():
                columns = route_text.COLUMNS
                rows.append(route_text.row(item, now))
            case EdgeResourceDocument():
                columns = offer_tables.EDGE_RESOURCES
                rows.append(offer_tables.edge_resource_row(item, now))
            case VolumeDocument():
                columns = offer_tables.VOLUMES
                rows.append(offer_tables.volume_row(item, now))
            case d.UserDocument():
                columns = tables.USERS
                rows.append(tables.user_row(item, now))
    return columns, rows


async def _watch(client: Client, wanted: Wanted, *, wide: bool) -> None:
    """The table, then each row that is not as it was, as soon as an event says so."""
    shown: dict[str, Sequence[str]] = {}
    async with listening(client, None) as news:
        while True:
            news.forget()
            found = await listing(client, wanted)
            items: Sequence[Item] = found.items
            columns, rows = rows_of(items, datetime.now(UTC))
            lasting = {i.id: _lasting(r, columns) for i, r in zip(items, rows, strict=True)}
            changed = [
                r for i, r in zip(items, rows, strict=True) if lasting[i.id] != shown.get(i.id)
            ]
            if changed:
                lines = table_text(columns, changed, wide=wide, width=terminal_width())
                for line in lines[1:] if shown else lines:
                    click.echo(line)
            shown = lasting
            await news.wait(LOOK_AGAIN)
            await asyncio.sleep(SETTLE)


def _lasting(row: Sequence[str], columns: Sequence[Column]) -> Sequence[str]:
    """The row without what merely grows older."""
    return [cell for cell, c in zip(row, columns, strict=True) if c.title not in ("SINCE", "AGE")]


def _check(wanted: Wanted) -> None:
    """Refuse a filter that the kind does not have, rather than ignore it."""
    fitting = {
        Kind.NODE: {"state", "labels"},
        Kind.APPLICATION: {"state", "labels"},
        Kind.MICROSERVICE: {"state", "labels", "application", "node"},
        Kind.ROUTE: {"state", "application"},
    }.get(wanted.kind, set())
    for option in ("application", "node", "state", "labels"):
        if getattr(wanted, option) and option not in fitting:
            raise click.UsageError(f"{wanted.kind.plural} can't be filtered by {option}")
    for label in wanted.labels:
        if "=" not in label:
            raise click.UsageError(f"{label!r} is not a label: write NAME=VALUE")
    if wanted.kind is Kind.NETWORK and wanted.names:
        raise click.UsageError("there is one network: ecn get network")
    if wanted.kind is Kind.EVENT and wanted.names:
        raise click.UsageError("events have no names: ecn audit --subject KIND/NAME")


def _has(labels: dict[str, str], wanted: Sequence[str]) -> bool:
    split = (label.partition("=") for label in wanted)
    return all(labels.get(name) == value for name, _, value in split)


def _labels(item: Item) -> dict[str, str]:
    match item:
        case d.NodeDocument():
            return item.settings.labels
        case d.ApplicationDocument() | d.MicroserviceDocument():
            return item.labels
        case _:
            return {}


def _name(item: Item) -> str:
    match item:
        case d.MicroserviceDocument() | d.RouteDocument():
            return f"{item.application}/{item.name}"
        case EdgeResourceDocument():
            return f"{item.name}@{item.version}"
    return item.name


def _manifest(item: Item) -> str:
    if isinstance(item, d.MicroserviceDocument | d.RouteDocument | d.UserDocument):
        raise click.UsageError(
            "-o manifest is for what has one: microservices and routes stand in their application's"
        )
    return manifest_text(manifest_of(item))
