"""What `ecn-agent status` shows: the agent's folder, the engine, and the agent itself if it runs.

Reads only; works beside a running agent and without a controller. No secret is in what it shows.
"""

import sys
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field
from rich.console import Console
from rich.table import Table

from agent.contract import ContainerStatus, Health, PullProgress
from agent.device.control_socket import Living, Wish, ask
from agent.docker.engine import DockerEngine
from agent.errors import EngineError
from agent.images.disk import amount, room_at
from agent.lifecycle.engine import Container
from agent.lifecycle.memory import Memory, clock_time
from agent.lifecycle.reconcile import plan
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder

MIB = 1 << 20


class MicroserviceStatus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One microservice: what should be, what the engine has, what was noted last."""

    microservice_id: str
    application: str
    name: str
    image: str
    should_run: bool
    revision: int
    container: str = ""
    """Its name at the engine."""
    engine_state: str = ""
    last_noted: ContainerStatus | None = None
    health: Health = Health.NONE
    """As noted last."""
    next_attempt: datetime | None = None
    """When something that failed, or a restart, is due."""
    pull: PullProgress | None = None
    """While it waits for its image."""


class DeviceStatus(Struct, frozen=True, kw_only=True):
    """The whole page."""

    folder: str
    provisioned: bool
    agent_runs: bool
    node_id: str = ""
    name: str = ""
    controller: str = ""
    desired_revision: int | None = None
    """None while no desired state was ever received."""
    waiting_transitions: int = 0
    """Not accepted by the controller yet."""
    living: Living | None = None
    """What the running agent says; None where none runs."""
    disk_total_mib: int = 0
    """Of the file system that the agent's folder is on, as the next."""
    disk_free_mib: int = 0
    engine_problem: str = ""
    microservices: list[MicroserviceStatus] = field(default_factory=list)


async def device_status(folder: Folder, engine_url: str) -> DeviceStatus:
    """Gather it. An engine that does not answer is part of the picture, no error."""
    identity = folder.identity()
    if identity is None:
        return DeviceStatus(folder=str(folder.path), provisioned=False, agent_runs=folder.in_use())
    known = folder.desired_state()
    noted: dict[str, ContainerStatus] = {}
    memories: dict[str, Memory] = {}
    waiting = 0
    if folder.journal.exists():
        with Journal(folder.journal) as journal:
            noted, memories = journal.last_told(), journal.memories()
            waiting = journal.waiting()
    actual: list[Container] = []
    problem = ""
    try:
        async with DockerEngine(engine_url) as engine:
            actual = await engine.containers(identity.node_id)
    except EngineError as error:
        problem = str(error)
    living = await ask(folder.path, Wish.STATUS)
    room = room_at(folder.path)
    return DeviceStatus(
        folder=str(folder.path),
        provisioned=True,
        agent_runs=folder.in_use(),
        node_id=identity.node_id,
        name=identity.name,
        controller=identity.controller,
        desired_revision=known.revision if known else None,
        waiting_transitions=waiting,
        living=living,
        disk_total_mib=room.total // MIB if room else 0,
        disk_free_mib=room.free // MIB if room else 0,
        engine_problem=problem,
        microservices=_microservices(known, actual, noted, memories, living, problem),
    )


def _microservices(
    known: Known | None,
    actual: list[Container],
    noted: dict[str, ContainerStatus],
    memories: dict[str, Memory],
    living: Living | None,
    problem: str,
) -> list[MicroserviceStatus]:
    """One for each that should be here."""
    if known is None:
        return []
    # What the agent itself would say is next; without the engine nothing is.
    todo = plan(known.microservices, actual, memories, datetime.now(UTC)).steps
    due = {} if problem else {step.microservice_id: step.until for step in todo}
    chosen = {step.microservice_id: step.container for step in todo}
    pulls = living.usage.pulls if living is not None and living.usage is not None else {}
    found = []
    for key, wanted in known.microservices.items():
        container, last = chosen.get(key), noted.get(key)
        found.append(
            MicroserviceStatus(
                microservice_id=key,
                application=wanted.application,
                name=wanted.name,
                image=wanted.spec.image,
                should_run=wanted.running,
                revision=wanted.revision,
                container=container.name if container is not None else "",
                engine_state=container.state.value if container is not None else "",
                last_noted=last,
                health=last.health if last is not None else Health.NONE,
                next_attempt=due.get(key),
                pull=pulls.get(key),
            )
        )
    return found


def as_json(status: DeviceStatus) -> str:
    """For programs."""
    return msgspec.json.format(msgspec.json.encode(status), indent=2).decode()


def as_table(status: DeviceStatus, console: Console | None = None) -> None:
    """For people, on standard output."""
    # Into a file or a pipe without the terminal's width, which would fold every column.
    console = console or Console(width=None if sys.stdout.isatty() else 240)
    if not status.provisioned:
        console.print(f"Not provisioned: there is no identity in {status.folder}.", soft_wrap=True)
        return
    facts = Table.grid(padding=(0, 2))
    facts.add_row("node", f"{status.name} ({status.node_id})")
    facts.add_row("controller", status.controller)
    living = status.living
    facts.add_row("last contact", _contact(living))
    facts.add_row("agent", _agent(status))
    facts.add_row("engine", status.engine_problem or "answers")
    revision = status.desired_revision
    facts.add_row("desired state", "never received" if revision is None else f"at {revision}")
    facts.add_row("not told yet", f"{status.waiting_transitions} transitions")
    free, total = amount(status.disk_free_mib * MIB), amount(status.disk_total_mib * MIB)
    facts.add_row("disk", f"{free} of {total} free")
    console.print(facts)
    table = Table(box=None, header_style="bold")
    for column in (
        "MICROSERVICE",
        "IMAGE",
        "WANTED",
        "ENGINE",
        "STATE",
        "HEALTH",
        "SINCE",
        "NEXT",
        "REASON",
    ):
        table.add_column(column, overflow="fold", no_wrap=column == "MICROSERVICE")
    for m in sorted(status.microservices, key=lambda m: (m.application, m.name)):
        last = m.last_noted
        table.add_row(
            f"{m.application}/{m.name}",
            m.image,
            "running" if m.should_run else "stopped",
            m.engine_state or "-",
            last.state.value if last else "-",
            m.health.value if m.health is not Health.NONE else "-",
            clock_time(last.at) if last else "-",
            clock_time(m.next_attempt) if m.next_attempt else "-",
            f"{_pulling(m)}{last.reason if last else ''}",
        )
    console.print(table)


def _agent(status: DeviceStatus) -> str:
    living = status.living
    if living is None:
        return "runs, and does not answer" if status.agent_runs else "does not run"
    trial = ", on trial after an upgrade" if living.on_trial else ""
    return f"{living.version} runs since {clock_time(living.started_at)} as {living.pid}{trial}"


def _contact(living: Living | None) -> str:
    if living is None:
        return "not known while the agent does not run"
    heard = clock_time(living.heard_at) if living.heard_at else "none since the agent's start"
    return f"{heard}; now: {living.controller_problem}" if living.controller_problem else heard


def _pulling(m: MicroserviceStatus) -> str:
    if m.pull is None or not m.pull.total_bytes:
        return ""
    return f"{100 * m.pull.done_bytes // m.pull.total_bytes} % of the image is here; "
