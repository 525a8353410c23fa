"""`ecn describe`: all about one thing, and what happened to it lately."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click
import msgspec

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemDocument
from ecn.api.edge_resource_documents import EdgeResourceDocument
from ecn.api.template_documents import TemplateDocument
from ecn.api.volume_documents import VolumeDocument
from ecn.cli import equipment_text, offer_tables, route_text, routers, tables
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, printable
from ecn.cli.kinds import KindType
from ecn.cli.output import Column, Format, document_text, format_option, table_text, terminal_width
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import age, mib, moment, pairs, styled
from ecn.manifests.kinds import Kind
from events.application import VolumeKind

RECENT = 10
"""Events shown at the end."""
LABEL = 16
"""Cells of the field names' column."""

Line = tuple[str, str]

KINDS = tuple(kind for kind in Kind if kind not in (Kind.EVENT, Kind.NETWORK, Kind.PUBLIC_PORT))


@examples("""
ecn describe node kiosk-7
ecn describe application shop
ecn describe microservice shop/web
ecn describe ms shop/web -o yaml
ecn describe edge-resource camera@1.0.0
ecn describe router kiosk-7
ecn describe node kiosk-7 --at 2026-05-01T12:00
""")
@click.command("describe", cls=Command)
@click.argument("kind", type=KindType(*KINDS))
@click.argument("name")
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def describe(session: Session, kind: Kind, name: str, at: str, form: str) -> None:
    """Show a thing with its state, the reason for it, and its latest events."""

    async def work(client: Client) -> None:
        if kind is Kind.ROUTER:
            await _describe_router(client, name, at, Format(form))
            return
        view = await looking(client, at, tell=form == Format.TABLE)
        client, now = view.client, view.now
        document = await _document(client, kind, name)
        if form != Format.TABLE:
            click.echo(document_text(document, Format(form)))
            return
        for label, value in _lines(document, now):
            _print(label, value)
        if isinstance(document, d.ApplicationDocument) and document.microservices:
            click.echo("\nMicroservices:")
            rows = [tables.microservice_row(m, now) for m in document.microservices]
            _print_indented(tables.MICROSERVICES, rows)
        if isinstance(document, d.ApplicationDocument) and document.routes:
            click.echo("\nRoutes:")
            rows = [route_text.row(each, now) for each in document.routes]
            _print_indented(route_text.COLUMNS, rows)
        query = {"subject": f"{kind}/{document.id}", "order": "desc", "limit": str(RECENT)}
        recent = await client.events(query)
        if recent.items:
            click.echo("\nEvents:")
            rows = [tables.event_row(e) for e in reversed(recent.items)]
            _print_indented(tables.EVENTS, rows)

    session.run(work)


async def _describe_router(client: Client, name: str, at: str, form: Format) -> None:
    """It has no events: what was changed of it stands with its node."""
    if at:
        raise click.UsageError("routers are shown as they are now: without --at")
    router = await routers.router_named(client, name)
    if form is not Format.TABLE:
        click.echo(document_text(router, form))
        return
    for label, value in routers.lines(router, datetime.now(UTC)):
        _print(label, value)


Described = (
    d.NodeDocument
    | d.ApplicationDocument
    | d.MicroserviceDocument
    | d.RegistryDocument
    | offer_tables.Offer
    | d.UserDocument
)


async def _document(client: Client, kind: Kind, name: str) -> Described:
    match kind:
        case Kind.NODE:
            return await client.node(name)
        case Kind.APPLICATION:
            return await client.application(name)
        case Kind.MICROSERVICE:
            return await client.microservice(name)
        case Kind.REGISTRY:
            return await client.registry(name)
        case Kind.CATALOG_ITEM:
            return await client.catalog_item(name)
        case Kind.TEMPLATE:
            return await client.template(name)
        case Kind.ROUTE:
            return await client.route(name)
        case Kind.EDGE_RESOURCE:
            return await client.edge_resource(name)
        case Kind.VOLUME:
            return await client.volume(name)
        case Kind.USER | Kind.EVENT | Kind.NETWORK | Kind.ROUTER | Kind.PUBLIC_PORT:
            for user in (await client.users()).items:
                if name in (user.name, user.id):
                    return user
            raise CliError(f"there is no user {name!r}", next_step="ecn get users")


def _lines(document: Described, now: datetime) -> Iterator[Line]:
    match document:
        case d.NodeDocument():
            yield from _node_lines(document, now)
        case d.ApplicationDocument():
            yield "Application", document.name
            yield "State", styled(document.state)
            yield "Wanted", "running" if document.started else "stopped"
            yield "Description", document.description
            yield "Labels", pairs(document.labels)
            yield from _times(document.created_at, document.updated_at, now)
            yield "Id", document.id
        case d.MicroserviceDocument():
            yield from _microservice_lines(document, now)
        case d.RegistryDocument():
            yield "Registry", document.name
            yield "URL", document.url
            yield "Public", "yes" if document.public else ""
            yield "Reached by", "" if document.secure else "plain HTTP"
            yield "Username", document.username
            yield "E-mail", document.email
            yield "Certificate", "required" if document.requires_certificate else ""
            yield "Password", "set" if document.has_password else "none"
            yield from _times(document.created_at, document.updated_at, now)
            yield "Id", document.id
        case (
            CatalogItemDocument()
            | TemplateDocument()
            | d.RouteDocument()
            | EdgeResourceDocument()
            | VolumeDocument()
        ):
            yield from offer_tables.lines(document, now)
        case d.UserDocument():
            yield "User", document.name
            yield "Role", document.role.value
            yield "Tokens", str(document.tokens)
            yield "Created", f"{moment(document.created_at)} ({age(document.created_at, now)} ago)"
            yield "Id", document.id


def _node_lines(node: d.NodeDocument, now: datetime) -> Iterator[Line]:
    facts, settings = node.facts, node.settings
    yield "Node", node.name
    yield "State", f"{styled(node.state)} for {age(node.since, now)}"
    yield "Note", tables.node_note(node)
    if node.last_seen is not None:
        yield "Last heard", f"{moment(node.last_seen)} ({age(node.last_seen, now)} ago)"
    yield "Microservices", f"{node.running} of {node.microservices} running"
    yield "Description", settings.description
    yield "Labels", pairs(settings.labels)
    yield "Tags", ", ".join(settings.tags)
    yield "Host", settings.host or ""
    yield "Location", settings.location or ""
    yield "Platform", settings.platform.value
    yield "Role", "carries the default router" if settings.system else ""
    yield "Access", equipment_text.access_text(settings.access)
    limit = settings.agent.pull_limit_kib
    yield "Pull limit", f"{limit} KiB/s" if limit else ""
    if settings.router is not None:
        router = settings.router
        leads = ", ".join([*router.upstreams, router.network_router]).strip(", ")
        yield "Router", f"{router.mode}, port {router.messaging_port}{leads and ', to '}{leads}"
    if settings.latitude is not None and settings.longitude is not None:
        yield "Coordinates", f"{settings.latitude}, {settings.longitude}"
    yield "System", " ".join(p for p in (facts.operating_system, facts.architecture) if p)
    yield "CPUs", str(facts.cpus or "")
    yield "Memory", mib(facts.memory_mib)
    yield "Engine", facts.engine_version
    yield "Agent", facts.agent_version
    yield "Kernel", facts.kernel
    yield "Host name", facts.host_name
    yield "Disk", mib(facts.disk_mib)
    yield from _usage_lines(node, now)
    for told in node.instructions:
        version = f" to {told.version}" if told.version else ""
        yield "Told to", f"{told.instruction}{version}: its agent has not spoken of it yet"
    for past in node.outcomes:
        said = f"{past.outcome} {age(past.at, now)} ago"
        yield past.instruction.capitalize(), f"{said}{past.detail and ': '}{past.detail}"
    yield from _times(node.created_at, node.updated_at, now)
    yield "Revision", str(node.revision)
    yield "Id", node.id


def _usage_lines(node: d.NodeDocument, now: datetime) -> Iterator[Line]:
    used = node.usage
    if used is None:
        return
    cpu = "" if used.cpu_percent is None else f"CPU {used.cpu_percent:g} %, "
    memory = tables.free_text(used.memory_available_mib)
    disk = tables.free_text(used.disk_free_mib)
    free = ", ".join(
        [*([f"memory {memory}"] if memory else []), *([f"disk {disk}"] if disk else [])]
    )
    yield "In use", f"{cpu}free: {free or 'unknown'} ({age(used.at, now)} ago)"
    yield (
        "By its agent",
        f"CPU {used.agent_cpu_percent:g} % of a core, memory {used.agent_memory_mib:g} MiB",
    )


def _microservice_lines(ms: d.MicroserviceDocument, now: datetime) -> Iterator[Line]:
    status = ms.status
    wanted = "running"
    if not ms.started:
        wanted = "stopped"
    elif not ms.application_started:
        wanted = "stopped, with its application"
    yield "Microservice", f"{ms.application}/{ms.name}"
    yield "State", f"{styled(tables.state_of(ms))} for {age(status.at, now)}"
    yield "Reason", status.reason
    yield "Wanted", wanted
    if not ms.current:
        yield "Change", "its agent has not carried out the latest change yet"
    yield "Node", ms.node + ("" if ms.node_state == "online" else f" ({ms.node_state})")
    yield "Image", ms.runs_image or "none that suits its node"
    yield "Catalog item", ms.catalog_item or ""
    yield "Images", "\n".join(f"{platform}: {each}" for platform, each in ms.images.items())
    yield "Digest", status.image_digest
    yield "Registry", ms.registry or ""
    yield "Pull", ms.pull.value
    yield "Restart", f"{ms.restart.value} ({status.restarts} so far)"
    yield "Exit code", "" if status.exit_code is None else str(status.exit_code)
    if ms.health_check is not None:
        yield "Health", f"{status.health}: {equipment_text.health_text(ms.health_check)}"
    yield "Entrypoint", _words(ms.entrypoint)
    yield "Command", _words(ms.command)
    yield "Environment", "\n".join(f"{k}={v}" for k, v in ms.env.items())
    yield "Ports", "\n".join(tables.port_line(p) for p in ms.ports)
    yield (
        "Volumes",
        "\n".join(
            f"{v.kind} {v.source or mib(v.size_mib) or '-'} -> {v.target}"
            f"{' (read-only)' if v.read_only or v.kind is VolumeKind.FILES else ''}"
            for v in ms.volumes
        ),
    )
    yield "Extra hosts", "\n".join(f"{h.name} = {h.address}" for h in ms.extra_hosts)
    yield "Network", "the host's" if ms.host_network else ""
    yield "Labels", pairs(ms.labels)
    yield "Memory limit", mib(ms.memory_limit_mib)
    yield "CPU limit", "" if ms.cpu_limit is None else f"{ms.cpu_limit:g} cores"
    yield "Processes", "" if ms.pids_limit is None else f"at most {ms.pids_limit}"
    yield from equipment_text.lines(ms)
    config = msgspec.json.format(bytes(ms.config), indent=2).decode()
    yield "Config", "" if config == "{}" else config
    yield "Container", status.container_id[:12]
    yield from _times(ms.created_at, ms.updated_at, now)
    yield "Revision", str(ms.revision)
    yield "Id", ms.id


def _times(created: datetime, updated: datetime, now: datetime) -> Iterator[Line]:
    yield "Created", f"{moment(created)} ({age(created, now)} ago)"
    if updated != created:
        yield "Changed", f"{moment(updated)} ({age(updated, now)} ago)"


def _words(command: list[str]) -> str:
    return " ".join(word if word and " " not in word else repr(word) for word in command)


def _print(label: str, value: str) -> None:
    """A field, unless it says nothing; more lines stand below the first."""
    if not value:
        return
    first, *others = value.split("\n")
    shown = first if "\x1b[" in first else printable(first)
    click.echo(f"{label + ':':<{LABEL}}{shown}")
    for other in others:
        click.echo(" " * LABEL + printable(other))


def _print_indented(columns: Sequence[Column], rows: list[tables.Row]) -> None:
    width = terminal_width()
    for line in table_text(columns, rows, wide=False, width=width and width - 2):
        click.echo("  " + line)
