"""Applications as they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
)
from events.envelope import Recorded
from events.ids import ApplicationId
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "applications", 2
EVENTS = (
    ApplicationCreated
    | ApplicationRenamed
    | ApplicationUpdated
    | ApplicationStarted
    | ApplicationStopped
    | ApplicationDeleted
)


class ApplicationRow(Struct, frozen=True, kw_only=True, gc=False):
    """One application."""

    name: str
    description: str
    labels: dict[str, str]
    started: bool
    system: bool
    """Part of the installation: left out where users list theirs."""
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
    created_at: datetime
    updated_at: datetime


def table() -> Table[ApplicationId, ApplicationRow]:
    """An empty table of applications."""
    return Table({"name": lambda row: (row.name,), "number": lambda row: (row.number,)})


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[ApplicationId, ApplicationRow] | Drop[ApplicationId]]:
    """See view.py."""
    time = recorded.time
    match event:
        case ApplicationCreated():
            yield Put(
                event.application_id,
                ApplicationRow(
                    name=event.name,
                    description=event.description,
                    labels=event.labels,
                    started=event.started,
                    system=event.system,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case ApplicationRenamed():
            row = world.applications[event.application_id]
            yield Put(event.application_id, replace(row, name=event.name, updated_at=time))
        case ApplicationUpdated():
            row = world.applications[event.application_id]
            yield Put(
                event.application_id,
                replace(
                    row,
                    description=event.description,
                    labels=event.labels,
                    system=event.system,
                    updated_at=time,
                ),
            )
        case ApplicationStarted() | ApplicationStopped():
            row = world.applications[event.application_id]
            started = isinstance(event, ApplicationStarted)
            yield Put(event.application_id, replace(row, started=started, updated_at=time))
        case ApplicationDeleted():
            yield Drop(event.application_id)
        case _:
            assert_never(event)
