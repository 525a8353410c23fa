"""The documents of twins."""

from datetime import datetime

from msgspec import Raw

from ecn.api.documents import Answer, Page
from events.application import ConflictRule


class TwinFieldDocument(Answer, frozen=True, kw_only=True):
    """Who last changed a field."""

    version: int
    """Of the section, by which it came."""
    at: datetime
    """By the device's clock, if `edge`."""
    by: str
    """Who did: `user/<name>`, `node/<name>`."""
    edge: bool
    """On the device."""


class TwinSectionDocument(Answer, frozen=True, kw_only=True):
    """One half of a twin."""

    version: int
    """How often it was changed; 0 is never."""
    properties: Raw
    """A JSON object."""
    fields: dict[str, TwinFieldDocument]
    """By JSON pointer, each that is no object itself."""


class TwinDocument(Page, frozen=True, kw_only=True):
    """A microservice's twin."""

    microservice_id: str
    application: str
    name: str
    conflicts: ConflictRule
    """Whose change of desired properties counts when both sides made one, apart."""
    desired: TwinSectionDocument
    reported: TwinSectionDocument
