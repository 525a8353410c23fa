"""What an ioFog agent reports: its status as telemetry, and the transitions that are in it. Pure.

Agents are in the field for years: what is odd in a report (a list that is none, a start before
Christ, an unknown microservice) is passed over, never refused, as it would be sent again for ever.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.commands.node import ContainerReport, ReportNode
from ecn.iofog.fields import Natural
from ecn.iofog.states import WORDS, ours
from events.application import ContainerState, ContainerStatus
from events.ids import MicroserviceId, NodeId, Position
from events.node import NodeFacts
from projections.changes import ChangesRow
from projections.desired_state import should_run
from projections.flags import Flag
from projections.microservices import MicroserviceRow
from projections.world import World

T = TypeVar("T")

LONGEST_TEXT, LONGEST_REASON, LONGEST_ID = 10_000, 2_000, 256
LARGEST = 1 << 53
"""No whole number beyond is exact in JSON."""

Amount = Annotated[float, Meta(ge=0)]


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of `PUT agent/status`. What is not said stays as it was."""

    daemon_status: str | UnsetType = UNSET
    daemon_operating_duration: Natural | UnsetType = UNSET
    daemon_last_start: Natural | UnsetType = UNSET
    memory_usage: Amount | UnsetType = UNSET
    disk_usage: Amount | UnsetType = UNSET
    cpu_usage: Amount | UnsetType = UNSET
    memory_violation: bool | UnsetType = UNSET
    disk_violation: bool | UnsetType = UNSET
    cpu_violation: bool | UnsetType = UNSET
    system_available_disk: int | UnsetType = UNSET
    system_available_memory: int | UnsetType = UNSET
    system_total_cpu: float | UnsetType = UNSET
    security_status: str | UnsetType = UNSET
    security_violation_info: str | UnsetType = UNSET
    microservice_status: object = UNSET
    """A text that holds a JSON array; whatever else it may be is taken as it is, or for nothing."""
    repository_count: Natural | UnsetType = UNSET
    repository_status: str | UnsetType = UNSET
    system_time: Natural | UnsetType = UNSET
    last_status_time: Natural | UnsetType = UNSET
    last_command_time: Natural | UnsetType = UNSET
    ip_address: str | UnsetType = UNSET
    ip_address_external: str | UnsetType = UNSET
    processed_messages: Natural | UnsetType = UNSET
    microservice_message_counts: str | UnsetType = UNSET
    message_speed: Amount | UnsetType = UNSET
    tunnel_status: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    ready_to_upgrade: bool | UnsetType = field(name="isReadyToUpgrade", default=UNSET)
    ready_to_rollback: bool | UnsetType = field(name="isReadyToRollback", default=UNSET)


class Container(Struct, frozen=True, kw_only=True):
    """One item of a report."""

    microservice_id: MicroserviceId
    usage: ContainerUsage
    container_id: str
    error: str


def containers(said: object) -> list[Container] | None:
    """What a report says of containers; None when it says nothing."""
    if isinstance(said, str):
        try:
            said = msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError):
            return None
    if not isinstance(said, list):
        return None
    return [each for item in said if (each := _container(item)) is not None]


def _container(said: object) -> Container | None:
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        return None
    word = _text(said.get("status"), LONGEST_ID).upper()
    return Container(
        microservice_id=MicroserviceId(said["id"]),
        usage=ContainerUsage(
            state=word if word in WORDS else "",
            percentage=_number(said.get("percentage")),
            # A container that never began has its start in the year one.
            start_time=max(0, _whole(said.get("startTime"))),
            operating_duration=max(0, _whole(said.get("operatingDuration")))
            if _whole(said.get("startTime")) > 0
            else 0,
            cpu_usage=_number(said.get("cpuUsage")),
            memory_usage=_number(said.get("memoryUsage")),
        ),
        container_id=_text(said.get("containerId"), LONGEST_ID),
        error=_text(said.get("errorMessage"), LONGEST_REASON),
    )


def _text(said: object, longest: int) -> str:
    """A NUL can't be stored as text, and of a text that goes on for ever the beginning will do."""
    return said.replace("\x00", "")[:longest] if isinstance(said, str) else ""


def _number(said: object) -> float:
    """A number, or a text that holds one with commas between thousands. 0 for anything else."""
    match said:
        case bool():
            return 0.0
        case int() | float():
            number = float(said) if abs(said) < LARGEST else 0.0
        case str():
            try:
                number = float(said.replace(",", "")[:40])
            except ValueError:
                return 0.0
        case _:
            return 0.0
    return number if math.isfinite(number) else 0.0


def _whole(said: object) -> int:
    number = _number(said)
    return int(number) if abs(number) < LARGEST else 0


def status(
    before: AgentStatus | None, said: Report, found: Iterable[Container] | None, now: datetime
) -> AgentStatus:
    """What is known of the agent from now on.

    before: what was known. found: its own containers, as said; None: it did not say.
    """
    known = before or AgentStatus(at=now)
    told = {
        name: _bounded(value)
        for name in said.__struct_fields__
        if name != "microservice_status" and (value := getattr(said, name)) is not UNSET
    }
    usages = known.containers if found is None else {c.microservice_id: c.usage for c in found}
    return replace(known, at=now, containers=usages, **told)


def _bounded(value: object) -> object:
    match value:
        case str():
            return _text(value, LONGEST_TEXT)
        case int() if not isinstance(value, bool):
            return max(-LARGEST, min(value, LARGEST))
        case float() if not math.isfinite(value):
            return 0.0
    return value


def transitions(
    world: World, node_id: NodeId, said: Report, found: Sequence[Container] | None, now: datetime
) -> ReportNode:
    """What the log has to be told of the report: nothing, if all is as the world knows it.

    found: the node's own containers, of which only users' microservices have a place in the world;
    None: it did not say.
    """
    row = world.nodes[node_id]
    changed = world.changes.get(node_id) or ChangesRow()
    sequence = world.reports.get(node_id) or 0
    reports: list[ContainerReport] = []
    for container in found or ():
        key = container.microservice_id
        known = world.statuses.get(key)
        status = _status(known, container, _revision(known, changed, world.microservices[key]), now)
        if known is None or _differ(known, status):
            sequence += 1
            reports.append(ContainerReport(sequence=sequence, microservice_id=key, status=status))
    here = None if found is None else {each.microservice_id for each in found}
    for key, status in _removed(world, node_id, changed, here, now):
        sequence += 1
        reports.append(ContainerReport(sequence=sequence, microservice_id=key, status=status))
    return ReportNode(node_id=node_id, now=now, facts=_facts(row.facts, said), containers=reports)


def _removed(
    world: World,
    node_id: NodeId,
    changed: ChangesRow,
    found: Set[MicroserviceId] | None,
    now: datetime,
) -> Iterator[tuple[MicroserviceId, ContainerStatus]]:
    """What should not run, and of which the agent says nothing any more: it removed it."""
    if found is None or _waits(changed):
        return
    for key in sorted(world.microservices.find("node", node_id)):
        row, known = world.microservices[key], world.statuses.get(key)
        gone = known is not None and known.state is not ContainerState.STOPPED
        if gone and key not in found and not should_run(world, row):
            state = ContainerState.STOPPED
            yield key, ContainerStatus(state=state, revision=row.revision, at=now)


def own(world: World, node_id: NodeId, found: Iterable[Container]) -> list[Container]:
    """Those that are users' microservices of that node, each once."""
    ours_ = {
        each.microservice_id: each
        for each in found
        if (row := world.microservices.get(each.microservice_id)) is not None
        and row.node_id == node_id
    }
    return list(ours_.values())


def _status(
    known: ContainerStatus | None, container: Container, revision: int, now: datetime
) -> ContainerStatus:
    state = ours(container.usage.state)
    started = known is not None and known.container_id not in ("", container.container_id)
    return ContainerStatus(
        state=state,
        reason=container.error,
        container_id=container.container_id or ("" if known is None else known.container_id),
        restarts=(known.restarts if known is not None else 0)
        + (1 if started and container.container_id else 0),
        revision=Position(revision),
        at=now,
    )


def _revision(known: ContainerStatus | None, changed: ChangesRow, row: MicroserviceRow) -> int:
    """From which state of the microservice its container is: the newest, once its agent did all
    that it was told of microservices."""
    if not _waits(changed):
        return row.revision
    return 0 if known is None else known.revision


def _waits(changed: ChangesRow) -> bool:
    """Whether the agent has something to do about its microservices."""
    return any(
        changed.stamps.get(flag, 0) > changed.acknowledged
        for flag in (Flag.MICROSERVICE_LIST, Flag.MICROSERVICE_CONFIG)
    )


def _differ(known: ContainerStatus, said: ContainerStatus) -> bool:
    """Whether it is worth an event: not when only the numbers in a sentence count on."""
    return (known.state, known.container_id, known.revision) != (
        said.state,
        said.container_id,
        said.revision,
    ) or (known.state is not ContainerState.RUNNING and _gist(known) != _gist(said))


def _gist(status: ContainerStatus) -> str:
    return re.sub(r"[0-9a-f]*[0-9][0-9a-f]*", "#", status.reason)


def _facts(known: NodeFacts, said: Report) -> NodeFacts | None:
    """None where it says nothing new of the device."""
    version = known.agent_version if said.version is UNSET else _text(said.version, LONGEST_ID)
    return None if version == known.agent_version else replace(known, agent_version=version)


def is_news(world: World, report: ReportNode) -> bool:
    """Whether the log has to be told at all, but for whether the node is online."""
    row = world.nodes[report.node_id]
    return bool(report.containers) or (report.facts is not None and report.facts != row.facts)


def architecture(fog_type: int) -> str:
    """What a device says of itself when it is provisioned; empty where it does not know."""
    return ("", "x86_64", "arm")[fog_type]
