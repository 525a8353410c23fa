"""What may be asked of volumes."""

from msgspec import field

from ecn.commands.command import Command
from events.ids import VolumeId
from events.volume import VolumeFile


class ApplyVolume(Command, frozen=True, kw_only=True):
    """Let the volume be this: made where there is none. Nodes by name or id.

    destination: empty for one that is only mounted by microservices.
    """

    volume_id: VolumeId
    """For the case that it has to be made."""
    name: str
    destination: str = ""
    permissions: str = "666"
    nodes: list[str] = field(default_factory=list)
    files: list[VolumeFile] = field(default_factory=list)


class DeleteVolume(Command, frozen=True, kw_only=True):
    """Remove it; the files at its destination stay. Refused while microservices mount it."""

    volume_id: VolumeId


VolumeCommand = ApplyVolume | DeleteVolume
