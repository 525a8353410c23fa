"""Why an application is as it is: which of its microservices keep it from running, and why."""

from collections.abc import Iterator

from ecn.api import views
from ecn.api.history_documents import Step
from ecn.history.asking import Question, at
from ecn.history.glance import glance, name_of, node_name
from ecn.history.own import WANTING
from ecn.history.steps import command_of, last_of, made_by, whose
from ecn.history.why_microservice import in_one_line
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationStopped,
    ContainerState,
    Health,
)
from events.ids import START, ApplicationId, MicroserviceId
from projections.world import World

SETTLED = (ContainerState.RUNNING, ContainerState.EXITED)
MOST_HELD = 50
"""Microservices that are told of; of more than these the first will do."""


def application(world: World, key: ApplicationId) -> Question[Step]:
    """The chain of one that is there."""
    row, subject = world.applications[key], f"application/{key}"
    because = []
    if not row.started:
        stopped = yield from last_of(world, subject, ApplicationStopped)
        if stopped is not None:
            because.append((yield from made_by(world, stopped)))
    held = sorted(_held_up(world, key), key=lambda each: world.microservices[each].name)
    for each in held[:MOST_HELD]:
        step = yield from _microservice(world, each)
        because.append(step)
    if row.started:
        own = yield from last_of(world, subject, *WANTING["application"])
        revisions = [
            world.microservices[each].revision
            for each in world.microservices.find("application", key)
        ]
        newest = max([*revisions, own.position if own is not None else START])
        change = yield from at(newest)
        if change is not None:
            text = f"last changed by revision {newest}: {whose(world, change)}"
            because.append((yield from made_by(world, change, text=text)))
    state = views.application(world, key).state
    text = state if row.started else "stopped: it was told to stop"
    if held and row.started:
        verb = "keeps" if len(held) == 1 else "keep"
        text += f": {len(held)} of {_count(world, key)} {verb} it from running"
    return Step(what="state", text=text, more=len(held) > MOST_HELD, because=because)


def gone(world: World, subject: str) -> Question[Step]:
    """The chain of one that is no more. Errors: KeyError when nothing tells of its end."""
    deleted = yield from last_of(world, subject, ApplicationDeleted)
    if deleted is None:
        raise KeyError(subject)
    because = [(yield from command_of(world, deleted))]
    created = yield from last_of(world, subject, ApplicationCreated)
    if created is not None:
        because.append((yield from made_by(world, created)))
    return Step(
        what="state", text="gone: it was deleted", event=glance(world, deleted), because=because
    )


def _held_up(world: World, key: ApplicationId) -> Iterator[MicroserviceId]:
    """Those that should run, and do not as wanted."""
    if not world.applications[key].started:
        return
    for each in world.microservices.find("application", key):
        row, status = world.microservices[each], world.statuses.get(each)
        if row.started and not (
            status is not None
            and status.revision >= row.revision
            and status.state in SETTLED
            and status.health is not Health.UNHEALTHY
        ):
            yield each


def _microservice(world: World, key: MicroserviceId) -> Question[Step]:
    row, status = world.microservices[key], world.statuses.get(key)
    change = yield from at(row.revision)
    name = name_of(world, f"microservice/{key}")
    return Step(
        what="microservice",
        text=f"{name} on {node_name(world, row.node_id)}: {in_one_line(world, key)}",
        event=glance(world, change) if change is not None else None,
        at=status.at if status is not None else None,
        exit_code=status.exit_code if status is not None else None,
    )


def _count(world: World, key: ApplicationId) -> str:
    count = world.microservices.count("application", key)
    return f"{count} microservice{'' if count == 1 else 's'}"
