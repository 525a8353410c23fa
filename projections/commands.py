"""Commands that came with an idempotency key: what they led to, so that a retry is answered alike.

Kept for a day after the day they were carried out on, by the log's own clock, so that every
controller and every replay forgets the same ones at the same event.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import CommandId, Position
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "commands", 1
KEYED = "key-"
"""How the id of a command with an idempotency key begins: `key-<scope>-<fingerprint>`."""


class CommandRow(Struct, frozen=True, kw_only=True, gc=False):
    """What a command led to."""

    command_id: CommandId
    subject: str
    """Of its first event."""
    events: tuple[str, ...]
    position: Position
    """Of its last event."""
    time: datetime


def scope(command_id: CommandId) -> str:
    """The part of a keyed command's id that a retry shares, whatever its body is."""
    return command_id.rpartition("-")[0]


def table() -> Table[str, CommandRow]:
    """An empty table of commands, keyed by scope."""
    return Table({"day": lambda row: (row.time.date(),)})


def project(
    world: "World", _: object, recorded: Recorded
) -> Iterator[Put[str, CommandRow] | Drop[str]]:
    """See view.py. Asked only of events whose command was keyed."""
    key = scope(recorded.command_id)
    row = world.commands.get(key)
    if row is not None and row.command_id == recorded.command_id:
        events = (*row.events, recorded.type)
        yield Put(key, replace(row, events=events, position=recorded.position, time=recorded.time))
        return
    yield from _forgotten(world, recorded.time.date())
    yield Put(
        key,
        CommandRow(
            command_id=recorded.command_id,
            subject=recorded.subject,
            events=(recorded.type,),
            position=recorded.position,
            time=recorded.time,
        ),
    )


def _forgotten(world: "World", today: date) -> Iterator[Drop[str]]:
    before = today - timedelta(days=1)
    for day in world.commands.values("day"):
        if isinstance(day, date) and day < before:
            for key in world.commands.find("day", day):
                yield Drop(key)
