"""Volumes as they are: files that the controller holds and nodes have."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.application import MicroserviceSpec, VolumeKind
from events.envelope import Recorded
from events.ids import Position, VolumeId
from events.volume import VolumeCreated, VolumeDeleted, VolumeEvents, VolumeSettings, VolumeUpdated
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "volumes", 2


class VolumeRow(Struct, frozen=True, kw_only=True, gc=False):
    """One volume."""

    name: str
    settings: VolumeSettings
    revision: Position
    """The event that last changed any of it."""
    number: int
    created_by: str
    created_at: datetime
    updated_at: datetime


def table() -> Table[VolumeId, VolumeRow]:
    """An empty table of volumes."""
    return Table(
        {
            "name": lambda row: (row.name,),
            "node": lambda row: tuple(dict.fromkeys(row.settings.node_ids)),
            "created_by": lambda row: (row.created_by,),
        }
    )


def mounted_by(spec: MicroserviceSpec) -> tuple[VolumeId, ...]:
    """The volumes whose files the container mounts, each once."""
    mounts = (each for each in spec.volumes if each.kind is VolumeKind.FILES)
    return tuple(dict.fromkeys(VolumeId(each.source) for each in mounts))


def project(
    world: "World", event: VolumeEvents, recorded: Recorded
) -> Iterator[Put[VolumeId, VolumeRow] | Drop[VolumeId]]:
    """See view.py."""
    time = recorded.time
    match event:
        case VolumeCreated():
            yield Put(
                event.volume_id,
                VolumeRow(
                    name=event.name,
                    settings=event.settings,
                    revision=recorded.position,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case VolumeUpdated():
            row = world.volumes[event.volume_id]
            row = replace(row, settings=event.settings, revision=recorded.position, updated_at=time)
            yield Put(event.volume_id, row)
        case VolumeDeleted():
            yield Drop(event.volume_id)
        case _:
            assert_never(event)
