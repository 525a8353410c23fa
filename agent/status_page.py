"""What `ecn-agent status` shows: the agent's folder and the engine side by side.

Reads only; works beside a running agent and without a controller. No secret is in what it shows.
"""

import sys

import msgspec
from msgspec import Struct, field
from rich.console import Console
from rich.table import Table

from agent.contract import ContainerStatus
from agent.docker_engine import DockerEngine
from agent.errors import EngineError
from agent.journal import Journal
from agent.memory import clock_time
from agent.store import Folder


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
    engine_problem: str = ""
    microservices: list[MicroserviceStatus] = field(default_factory=list)


async def device_status(folder: Folder, engine_url: str) -> DeviceStatus:
    """Gather it. An engine that does not answer is part of the picture, no error."""
    identity = folder.identity()
    if identity is None:
        return DeviceStatus(folder=str(folder.path), provisioned=False, agent_runs=folder.in_use())
    known = folder.desired_state()
    noted: dict[str, ContainerStatus] = {}
    waiting = 0
    if folder.journal.exists():
        with Journal(folder.journal) as journal:
            noted, waiting = journal.last_told(), journal.waiting()
    actual, problem = {}, ""
    try:
        async with DockerEngine(engine_url) as engine:
            actual = {c.microservice_id: c for c in await engine.containers(identity.node_id)}
    except EngineError as error:
        problem = str(error)
    return DeviceStatus(
        folder=str(folder.path),
        provisioned=True,
        agent_runs=folder.in_use(),
        node_id=identity.node_id,
        name=identity.name,
        controller=identity.controller,
        desired_revision=known.revision if known else None,
        waiting_transitions=waiting,
        engine_problem=problem,
        microservices=[
            MicroserviceStatus(
                microservice_id=m.microservice_id,
                application=m.application,
                name=m.name,
                image=m.spec.image,
                should_run=m.running,
                revision=m.revision,
                container=actual[m.microservice_id].name if m.microservice_id in actual else "",
                engine_state=(
                    actual[m.microservice_id].state.value if m.microservice_id in actual else ""
                ),
                last_noted=noted.get(m.microservice_id),
            )
            for m in (known.microservices.values() if known else ())
        ],
    )


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
    facts.add_row("agent", "runs" if status.agent_runs else "does not run")
    facts.add_row("engine", status.engine_problem or "answers")
    revision = status.desired_revision
    facts.add_row("desired state", "never received" if revision is None else f"at {revision}")
    facts.add_row("not told yet", f"{status.waiting_transitions} transitions")
    console.print(facts)
    table = Table(box=None, header_style="bold")
    for column in ("MICROSERVICE", "IMAGE", "WANTED", "ENGINE", "STATE", "SINCE", "REASON"):
        table.add_column(column, overflow="fold", no_wrap=column == "MICROSERVICE")
    for m in sorted(status.microservices, key=lambda m: (m.application, m.name)):
        last = m.last_noted
        table.add_row(
            f"{m.application}/{m.name}",
            m.image,
            "running" if m.should_run else "stopped",
            m.engine_state or "-",
            last.state.value if last else "-",
            clock_time(last.at) if last else "-",
            last.reason if last else "",
        )
    console.print(table)
