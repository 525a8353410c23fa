"""Application templates as they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import TemplateId
from events.template import (
    TemplateCreated,
    TemplateDeleted,
    TemplateEvents,
    TemplateSettings,
    TemplateUpdated,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "templates", 1


class TemplateRow(Struct, frozen=True, kw_only=True, gc=False):
    """One template."""

    name: str
    settings: TemplateSettings
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
    created_at: datetime
    updated_at: datetime


def table() -> Table[TemplateId, TemplateRow]:
    """An empty table of templates."""
    return Table({"name": lambda row: (row.name,)})


def project(
    world: "World", event: TemplateEvents, recorded: Recorded
) -> Iterator[Put[TemplateId, TemplateRow] | Drop[TemplateId]]:
    """See view.py."""
    key, time = event.template_id, recorded.time
    match event:
        case TemplateCreated():
            yield Put(
                key,
                TemplateRow(
                    name=event.name,
                    settings=event.settings,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case TemplateUpdated():
            row = world.templates[key]
            yield Put(key, replace(row, name=event.name, settings=event.settings, updated_at=time))
        case TemplateDeleted():
            yield Drop(key)
        case _:
            assert_never(event)
