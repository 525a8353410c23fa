"""The documents of volumes."""

from datetime import datetime

from msgspec import field

from ecn.api.documents import Answer, Page, Request
from events.volume import VolumeFile


class VolumeManifest(Request, frozen=True, kw_only=True):
    """A whole volume."""

    destination: str = ""
    """Absolute path of the folder on the devices. Empty: only containers that mount it have it."""
    permissions: str = "666"
    """Of its files, octal."""
    nodes: list[str] = field(default_factory=list)
    """Who has it at the destination, by name or id."""
    files: list[VolumeFile] = field(default_factory=list)
    """Contents in base64."""


class FileDocument(Answer, frozen=True, kw_only=True):
    """A file of a volume."""

    path: str
    size: int
    """Bytes."""
    content: bytes | None = None
    """In base64. Left out where volumes are listed."""


class VolumeDocument(Answer, frozen=True, kw_only=True):
    """A volume."""

    id: str
    name: str
    destination: str
    permissions: str
    nodes: list[str]
    """By name, sorted."""
    microservices: list[str]
    """Those that mount its files, `<application>/<name>`, sorted."""
    files: list[FileDocument]
    created_by: str
    created_at: datetime
    updated_at: datetime


class Volumes(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[VolumeDocument]
