"""Twins as they are: both sections, their versions, and who last changed which field when.

A field is a leaf of the section, named by its JSON pointer; an object that was emptied member by
member is none. Of the desired section also those are remembered that are gone, since a change that
was made apart may be about them: the newest MOST_GONE, and for all others the version below which
nothing is known (`forgotten`).

A microservice without a row has an empty twin of version 0: `twin_of`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from events.application import MicroserviceDeleted
from events.envelope import Recorded
from events.ids import MicroserviceId, Position
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinEvents, TwinReportedChanged
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "twins", 1
EVENTS = TwinEvents | MicroserviceDeleted

MOST_GONE = 256


def _nothing() -> Raw:
    """An empty object. A factory: some of msgspec's readers take a default only so."""
    return Raw(b"{}")


class Stamp(Struct, frozen=True, kw_only=True):
    """The last change of one field."""

    version: int
    """Of the section, by which it came."""
    at: datetime
    """By the device's clock where it was made on the device, else the log's time."""
    by: str
    """The actor of the event."""
    edge: bool
    """Made on the device."""


class TwinRow(Struct, frozen=True, kw_only=True):
    """One twin. Sections are JSON objects with their keys in order."""

    desired: Raw = field(default_factory=_nothing)
    desired_version: int = 0
    desired_fields: dict[str, Stamp] = field(default_factory=dict)
    """By pointer."""
    gone: dict[str, Stamp] = field(default_factory=dict)
    """By pointer, of fields that were removed, or were values before they were objects."""
    forgotten: int = 0
    """The highest version of the centre's whose removed fields are not all in `gone`."""
    central: int = 0
    """The last version that was made from the centre."""
    reported: Raw = field(default_factory=_nothing)
    reported_version: int = 0
    reported_fields: dict[str, Stamp] = field(default_factory=dict)
    revision: Position = Position(0)
    """The event that last changed what its agent is told: all but what the agent says itself."""


EMPTY = TwinRow()


def table() -> Table[MicroserviceId, TwinRow]:
    """An empty table of twins."""
    return Table({})


def twin_of(world: "World", key: MicroserviceId) -> TwinRow:
    """The microservice's twin; an empty one where nothing was ever said."""
    return world.twins.get(key) or EMPTY


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[MicroserviceId, TwinRow] | Drop[MicroserviceId]]:
    """See view.py."""
    key = event.microservice_id
    match event:
        case MicroserviceDeleted():
            yield Drop(key)
        case TwinDesiredChanged() | TwinReportedChanged() | TwinEditOverruled():
            row = after(twin_of(world, key), event, recorded.actor, recorded.time)
            if not isinstance(event, TwinReportedChanged):
                row = replace(row, revision=recorded.position)
            yield Put(key, row)
        case _:
            assert_never(event)


def after(row: TwinRow, event: TwinEvents, actor: str, time: datetime) -> TwinRow:
    """The row behind the event, but for its revision. time: of the log, for the centre's."""
    match event:
        case TwinEditOverruled():
            return row
        case TwinReportedChanged():
            stamp = Stamp(version=event.version, at=event.at, by=actor, edge=True)
            return replace(
                row,
                reported=event.reported,
                reported_version=event.version,
                reported_fields=_stamped(row.reported_fields, {}, event.patch, stamp)[0],
            )
        case TwinDesiredChanged():
            edge = event.node_id is not None
            stamp = Stamp(version=event.version, at=event.at or time, by=actor, edge=edge)
            fields, gone = _stamped(row.desired_fields, row.gone, event.patch, stamp)
            gone, dropped = _bounded(gone)
            return replace(
                row,
                desired=event.desired,
                desired_version=event.version,
                desired_fields=fields,
                gone=gone,
                forgotten=max(row.forgotten, dropped),
                central=row.central if edge else event.version,
            )
        case _:
            assert_never(event)


def _stamped(
    fields: dict[str, Stamp], gone: dict[str, Stamp], patch: Raw, stamp: Stamp
) -> tuple[dict[str, Stamp], dict[str, Stamp]]:
    """Fields, and those gone, after a patch that changes each of its leaves."""
    fields, gone = dict(fields), dict(gone)
    for path, removed in _leaves(msgspec.json.decode(patch, type=dict[str, object])):
        # What was below it went with it, and is covered by its stamp.
        for stamps in (fields, gone):
            for below in [each for each in stamps if each.startswith(f"{path}/")]:
                del stamps[below]
        for above in _above(path):
            if above in fields:  # a value, or an empty object, until now
                gone[above] = fields.pop(above)
        fields.pop(path, None)
        gone.pop(path, None)
        (gone if removed else fields)[path] = stamp
    return fields, gone


def _bounded(gone: dict[str, Stamp]) -> tuple[dict[str, Stamp], int]:
    """The newest of them, and the highest version of the centre's that was dropped."""
    if len(gone) <= MOST_GONE:
        return gone, 0
    newest = sorted(gone.items(), key=lambda each: (-each[1].version, each[0]))
    dropped = max((each.version for _, each in newest[MOST_GONE:] if not each.edge), default=0)
    return dict(newest[:MOST_GONE]), dropped


def _leaves(patch: dict[str, object], above: str = "") -> Iterator[tuple[str, bool]]:
    """Pointer of each field of a patch, and whether it is removed."""
    for key, value in patch.items():
        path = f"{above}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value is None


def _above(path: str) -> Iterator[str]:
    end = path.rfind("/")
    while end > 0:
        path = path[:end]
        yield path
        end = path.rfind("/")
