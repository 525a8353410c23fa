"""The rows and columns of each kind of document. Pure: the clock is an argument."""

from collections.abc import Sequence
from datetime import datetime

from ecn.api import documents as d
from ecn.cli.event_details import details
from ecn.cli.output import Column
from ecn.cli.wording import age, mib, moment, pairs, styled
from events.application import Health, PortMapping

Row = Sequence[str]

NODES = (
    Column("NAME"),
    Column("STATE"),
    Column("SINCE"),
    Column("RUNNING"),
    Column("ARCH", wide=True),
    Column("CPUS", wide=True),
    Column("MEMORY", wide=True),
    Column("CPU %", wide=True),
    Column("FREE MEMORY", wide=True),
    Column("FREE DISK", wide=True),
    Column("ENGINE", wide=True),
    Column("AGENT", wide=True),
    Column("HOST", wide=True, flexible=True),
    Column("LABELS", wide=True, flexible=True),
    Column("ID", wide=True),
    Column("NOTE", flexible=True),
)
APPLICATIONS = (
    Column("NAME"),
    Column("STATE"),
    Column("RUNNING"),
    Column("AGE"),
    Column("DESCRIPTION", flexible=True),
    Column("LABELS", wide=True, flexible=True),
    Column("ID", wide=True),
)
MICROSERVICES = (
    Column("NAME"),
    Column("NODE"),
    Column("STATE"),
    Column("SINCE"),
    Column("RESTARTS"),
    Column("IMAGE", flexible=True),
    Column("PORTS", wide=True, flexible=True),
    Column("ID", wide=True),
    Column("NOTE", flexible=True),
)
REGISTRIES = (
    Column("NAME"),
    Column("URL"),
    Column("USERNAME"),
    Column("PASSWORD"),
    Column("AGE"),
    Column("ID", wide=True),
)
USERS = (Column("NAME"), Column("ROLE"), Column("TOKENS"), Column("AGE"), Column("ID", wide=True))
EVENTS = (
    Column("POS"),
    Column("TIME"),
    Column("ACTOR"),
    Column("SUBJECT"),
    Column("WHAT"),
    Column("DETAILS", flexible=True),
)


def node_row(node: d.NodeDocument, now: datetime) -> Row:
    """One line of NODES."""
    facts = node.facts
    return (
        node.name,
        styled(node.state),
        age(node.since, now),
        f"{node.running}/{node.microservices}",
        facts.architecture,
        str(facts.cpus or ""),
        mib(facts.memory_mib),
        *_usage_cells(node, now),
        facts.engine_version,
        facts.agent_version,
        node.settings.host or "",
        pairs(node.settings.labels),
        node.id,
        node_note(node),
    )


def _usage_cells(node: d.NodeDocument, now: datetime) -> tuple[str, str, str]:
    """With its age where it is not of the last minute: the node may be away for long."""
    used = node.usage
    if used is None:
        return "", "", ""
    old = f" ({age(used.at, now)} ago)" if (now - used.at).total_seconds() > 60 else ""
    cells = (
        "" if used.cpu_percent is None else f"{used.cpu_percent:.0f}",
        free_text(used.memory_available_mib),
        free_text(used.disk_free_mib),
    )
    return cells[0], cells[1], cells[2] and cells[2] + old


def free_text(amount: int | None) -> str:
    """What is left: that it is nothing is worth saying."""
    return "0 MiB" if amount == 0 else mib(amount)


def application_row(application: d.ApplicationDocument, now: datetime) -> Row:
    """One line of APPLICATIONS."""
    running = sum(m.status.state == "running" for m in application.microservices)
    return (
        application.name,
        styled(application.state),
        f"{running}/{len(application.microservices)}",
        age(application.created_at, now),
        application.description,
        pairs(application.labels),
        application.id,
    )


def microservice_row(microservice: d.MicroserviceDocument, now: datetime) -> Row:
    """One line of MICROSERVICES."""
    return (
        f"{microservice.application}/{microservice.name}",
        microservice.node,
        styled(state_of(microservice)),
        age(microservice.status.at, now),
        str(microservice.status.restarts),
        microservice.runs_image or microservice.image,
        " ".join(port_text(p) for p in microservice.ports),
        microservice.id,
        microservice_note(microservice),
    )


def registry_row(registry: d.RegistryDocument, now: datetime) -> Row:
    """One line of REGISTRIES."""
    return (
        registry.name,
        registry.url,
        registry.username or "-",
        "set" if registry.has_password else "-",
        age(registry.created_at, now),
        registry.id,
    )


def user_row(user: d.UserDocument, now: datetime) -> Row:
    """One line of USERS."""
    return (user.name, user.role.value, str(user.tokens), age(user.created_at, now), user.id)


def event_row(event: d.EventDocument) -> Row:
    """One line of EVENTS. The kind stands in the subject, and is not said again in the type."""
    kind, _, identity = event.subject.partition("/")
    return (
        str(event.position),
        moment(event.time),
        event.actor_name,
        f"{kind}/{event.subject_name or identity}",
        event_word(event.type).removeprefix(f"{kind}."),
        details(event),
    )


def event_word(type_: str) -> str:
    """The type without its version: `node.registered`."""
    return type_.rpartition(".v")[0] or type_


def state_of(microservice: d.MicroserviceDocument) -> str:
    """Its state, with the health where that says more."""
    status = microservice.status
    if status.state == "running" and status.health not in (Health.NONE, Health.HEALTHY):
        return f"running ({status.health})"
    if status.state == "pulling" and microservice.pull_percent is not None:
        return f"pulling {microservice.pull_percent:.0f} %"
    return status.state.value


def microservice_note(microservice: d.MicroserviceDocument) -> str:
    """What a reader should know beside the state."""
    notes = []
    if microservice.node_state == "registered":
        notes.append(f"node {microservice.node} has no device yet")
    elif microservice.node_state != "online":
        notes.append(f"node is {microservice.node_state}, this is its last word")
    elif not microservice.current:
        notes.append("changing")
    # Of one that simply runs, the reason is that it runs.
    if microservice.status.reason and state_of(microservice) != "running":
        notes.append(microservice.status.reason)
    return "; ".join(notes)


def node_note(node: d.NodeDocument) -> str:
    """Why it is offline, or what is wrong with its engine."""
    notes = []
    if node.state == "registered":
        notes.append(f"no device yet: ecn provision-key {node.name}")
    if node.offline_reason:
        notes.append(node.offline_reason)
    if node.facts.engine_problem:
        notes.append(f"engine: {node.facts.engine_problem}")
    problems = (
        node.facts.volume_problem,
        node.facts.storage_problem,
        node.facts.local_api_problem,
    )
    notes += [each for each in problems if each]
    return "; ".join(notes)


def port_text(port: PortMapping) -> str:
    """`8080->80/tcp`."""
    address = f"{port.address}:" if port.address else ""
    return f"{address}{port.host}->{port.container}/{port.protocol}"


def port_line(port: PortMapping) -> str:
    """`8080->80/tcp, public at 6000 (http, only 10.0.0.0/8)`."""
    public = port.public
    if public is None:
        return port_text(port)
    said = [public.protocol.value]
    if public.allow:
        said.append(f"only {' '.join(public.allow)}")
    if not public.enabled:
        said.append("disabled")
    return f"{port_text(port)}, public at {public.port} ({', '.join(said)})"
