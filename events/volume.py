"""Volumes: files that the controller holds, and nodes have or containers mount."""

from typing import ClassVar

from msgspec import Struct, field

from events.event import Event
from events.ids import NodeId, VolumeId


class VolumeFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One file of a volume."""

    path: str
    """Relative, without `..`."""
    content: bytes
    """Base64 in JSON."""


class VolumeSettings(Struct, frozen=True, kw_only=True, gc=False):
    """What it is, whole."""

    destination: str = ""
    """Absolute path of the folder on the device. Empty: nowhere but in the containers that mount
    it, by a VolumeMount of kind files."""
    permissions: str = "666"
    """Of its files, octal."""
    node_ids: list[NodeId] = field(default_factory=list)
    """Who has it at the destination."""
    files: list[VolumeFile] = field(default_factory=list)


class VolumeEvent(Event, frozen=True, kw_only=True):
    """About one volume."""

    KIND: ClassVar[str] = "volume"
    volume_id: VolumeId


class VolumeCreated(VolumeEvent, frozen=True, kw_only=True, tag="volume.created.v1"):
    """Its nodes, and the containers that mount it, are to have these files."""

    name: str
    settings: VolumeSettings


class VolumeUpdated(VolumeEvent, frozen=True, kw_only=True, tag="volume.updated.v1"):
    """It is this now."""

    settings: VolumeSettings


class VolumeDeleted(VolumeEvent, frozen=True, kw_only=True, tag="volume.deleted.v1"):
    """It is gone. The files on the devices stay: a container may use them still."""


VolumeEvents = VolumeCreated | VolumeUpdated | VolumeDeleted
