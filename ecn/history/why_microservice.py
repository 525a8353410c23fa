"""Why a microservice is as it is: what was reported, what it waits for, who wanted it so."""

from collections.abc import Iterator, Sequence

from ecn.api.history_documents import Step
from ecn.history.asking import Question, at, latest
from ecn.history.glance import glance, name_of, status_text
from ecn.history.steps import MOST, about, command_of, last_of, made_by, many
from ecn.history.why_node import state_event, unheard
from events.application import (
    ApplicationDeleted,
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.envelope import Recorded
from events.filter import EventFilter
from events.ids import MicroserviceId, Position
from events.node import NodeDeleted
from events.twin import TwinDesiredChanged, TwinEditOverruled
from projections.desired_state import should_run
from projections.microservices import MicroserviceRow
from projections.nodes import NodeState
from projections.twins import twin_of
from projections.world import World


def microservice(world: World, key: MicroserviceId) -> Question[Step]:
    """The chain of one that is there."""
    row, status = world.microservices[key], world.statuses.get(key)
    subject = f"microservice/{key}"
    reports: Sequence[Recorded] = ()
    if status is not None:
        wanted = about(subject, ContainerReported)
        since = Position(min(status.revision or row.revision, row.revision))
        # Of the newest one is the state; those before it tell how it came to that.
        reports = yield from latest(wanted, upto=world.position, limit=MOST + 2)
        reports = [each for each in reports if each.position > since or each is reports[0]]
    because = yield from _waits(world, subject, row, status)
    if len(reports) > 1:
        because.append(many(world, "before that", reports[1:]))
    because += yield from _revisions(world, subject, row, status)
    because += yield from _twin(world, key)
    return Step(
        what="state",
        text=in_one_line(world, key),
        event=glance(world, reports[0]) if reports else None,
        at=status.at if status is not None else None,
        exit_code=_last_exit_code(status, reports),
        because=because,
    )


def in_one_line(world: World, key: MicroserviceId) -> str:
    """State and reason, and what it waits for if nothing was reported as wanted."""
    row, status = world.microservices[key], world.statuses.get(key)
    waits = [text for _, text in _reasons_to_wait(world, row, status)]
    state = status_text(status) if status is not None else ContainerState.QUEUED.value
    return "; ".join([state, *waits])


def gone(world: World, subject: str) -> Question[Step]:
    """The chain of one that is no more. Errors: KeyError when nothing tells of its end."""
    deleted = yield from last_of(world, subject, MicroserviceDeleted)
    if deleted is None:
        raise KeyError(subject)
    command = yield from command_of(world, deleted)
    together = yield from latest(
        EventFilter(command_id=deleted.command_id), upto=world.position, limit=1
    )
    text = "gone: it was deleted"
    if together and isinstance(together[0].event, ApplicationDeleted | NodeDeleted):
        with_whom = together[0].subject
        text += f" with its {with_whom.partition('/')[0]} {name_of(world, with_whom)}"
    because = [command]
    before = yield from latest(
        about(subject, ContainerReported), upto=deleted.position, limit=MOST + 1
    )
    if before:
        because.append(many(world, "before that, its agent reported", before))
    makings = (MicroserviceCreated, MicroserviceUpdated, MicroserviceMoved)
    made = yield from last_of(world, subject, *makings, upto=deleted.position)
    if made is not None:
        because.append((yield from made_by(world, made, text=_last_made(world, made))))
    return Step(what="state", text=text, event=glance(world, deleted), because=because)


def _last_made(world: World, made: Recorded) -> str:
    return f"as it was last: {glance(world, made).text}"


def _reasons_to_wait(
    world: World, row: MicroserviceRow, status: ContainerStatus | None
) -> Iterator[tuple[str, str]]:
    """What it is that keeps the state from being what is wanted: a word for it, and a sentence."""
    node, application = world.nodes[row.node_id], world.applications[row.application_id]
    if not application.started:
        yield "application", f"application {application.name} is stopped"
    if not row.started:
        yield "stopped", "it is stopped itself"
    if node.state is not NodeState.ONLINE:
        last_word = ", this is its last word" if status is not None else ""
        yield "node", unheard(node) + last_word
    elif node.facts.engine_problem:
        yield "engine", f"node {node.name} can't use its engine: {node.facts.engine_problem}"
    elif status is None:
        yield "agent", f"the agent of node {node.name} has not reported it yet"
    elif status.revision < row.revision:
        yield "agent", f"the agent of node {node.name} has not carried out the latest change yet"


def _waits(
    world: World, subject: str, row: MicroserviceRow, status: ContainerStatus | None
) -> Question[list[Step]]:
    """The reasons to wait, each with the event behind it where there is one."""
    steps = []
    for word, text in _reasons_to_wait(world, row, status):
        event = None
        match word:
            case "application":
                application = f"application/{row.application_id}"
                event = yield from last_of(world, application, ApplicationStopped)
            case "stopped":
                event = yield from last_of(world, subject, MicroserviceStopped)
            case "node" | "engine":
                event = yield from state_event(world, row.node_id, engine=word == "engine")
            case _:
                pass
        # The stop that made the present revision is told as such, with all that is behind it.
        if event is not None and event.position != row.revision:
            steps.append((yield from made_by(world, event, what="wait", text=text)))
        elif word in ("node", "agent", "engine"):
            steps.append(Step(what="wait", text=text))
    return steps


def _revisions(
    world: World, subject: str, row: MicroserviceRow, status: ContainerStatus | None
) -> Question[list[Step]]:
    """What it was made from and, where that is not the same, what is wanted now."""
    steps = []
    made_from = status.revision if status is not None else Position(0)
    if 0 < made_from < row.revision:
        recorded = yield from at(made_from)
        if recorded is not None:
            text = f"made from revision {made_from}: {_what(world, recorded, subject)}"
            steps.append((yield from made_by(world, recorded, text=text)))
    recorded = yield from at(row.revision)
    if recorded is not None:
        current = made_from >= row.revision
        words = "made from" if current and should_run(world, row) else "wanted since"
        text = f"{words} revision {row.revision}: {_what(world, recorded, subject)}"
        steps.append((yield from made_by(world, recorded, text=text)))
    return steps


def _twin(world: World, key: MicroserviceId) -> Question[list[Step]]:
    """What last happened to its desired properties, on either side."""
    if not twin_of(world, key).revision:
        return []
    kinds = (TwinDesiredChanged, TwinEditOverruled)
    last = yield from last_of(world, f"microservice/{key}", *kinds)
    if last is None:
        return []
    text = f"its twin: {glance(world, last).text}"
    return [(yield from made_by(world, last, what="twin", text=text))]


def _what(world: World, recorded: Recorded, subject: str) -> str:
    """What happened; of whom, unless it is the one that is asked about."""
    seen = glance(world, recorded)
    whose = "" if recorded.subject == subject else f"its {seen.subject.partition('/')[0]} was "
    return whose + seen.text


def _last_exit_code(status: ContainerStatus | None, reports: Sequence[Recorded]) -> int | None:
    if status is not None and status.exit_code is not None:
        return status.exit_code
    for each in reports:
        if isinstance(each.event, ContainerReported) and each.event.status.exit_code is not None:
            return each.event.status.exit_code
    return None
