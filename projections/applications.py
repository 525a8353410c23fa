"""Applications as they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
)
from events.envelope import Recorded
from events.ids import ApplicationId
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "applications", 1
EVENTS = (
    ApplicationCreated
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
    created_at: datetime
    updated_at: datetime


def table() -> Table[ApplicationId, ApplicationRow]:
    """An empty table of applications."""
    return Table({"name": lambda row: (row.name,)})


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
                    started=True,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case ApplicationUpdated():
            row = world.applications[event.application_id]
            yield Put(
                event.application_id,
                replace(row, description=event.description, labels=event.labels, updated_at=time),
            )
        case ApplicationStarted() | ApplicationStopped():
            row = world.applications[event.application_id]
            started = isinstance(event, ApplicationStarted)
            yield Put(event.application_id, replace(row, started=started, updated_at=time))
        case ApplicationDeleted():
            yield Drop(event.application_id)
        case _:
            assert_never(event)
