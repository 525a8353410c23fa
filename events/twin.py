"""Twins: properties of a microservice that the centre wishes and those that the device reports.

Both sections are JSON objects and have a version of their own, which counts the accepted changes.
Events carry the change as an RFC 7396 merge patch, reduced to what it really changed, and the whole
section after it, at most 32 KiB, with its keys in order.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Raw

from events.event import Event
from events.ids import MicroserviceId, NodeId


class TwinSection(StrEnum):
    """One half of a twin."""

    DESIRED = "desired"
    """What should be: changed from the centre, and at the edge by who stands before the device."""
    REPORTED = "reported"
    """What is: changed by the microservice alone."""


class TwinEvent(Event, frozen=True, kw_only=True):
    """About one microservice's twin."""

    KIND: ClassVar[str] = "microservice"
    microservice_id: MicroserviceId


class TwinDesiredChanged(TwinEvent, frozen=True, kw_only=True, tag="twin.desired-changed.v1"):
    """What should be is now this.

    From a device also with an empty patch: what it was changed to there, it was already.
    """

    version: int
    patch: Raw
    desired: Raw
    node_id: NodeId | None = None
    """The device that it was changed on; None: from the centre."""
    base: int | None = None
    """The version that the device knew, as the next ones None from the centre."""
    at: datetime | None = None
    """That device's clock."""
    sequence: int | None = None
    """Of its agent's reports, as in ContainerReported."""


class TwinReportedChanged(TwinEvent, frozen=True, kw_only=True, tag="twin.reported-changed.v1"):
    """What is, says the microservice, is now this."""

    version: int
    """As the device counts: a number that is left out is a change that was not kept there."""
    patch: Raw
    reported: Raw
    node_id: NodeId
    at: datetime
    sequence: int


class TwinEditOverruled(TwinEvent, frozen=True, kw_only=True, tag="twin.edit-overruled.v1"):
    """A change of what should be, made on the device, or a part of it, did not come to be."""

    patch: Raw
    """What did not."""
    base: int
    """The version that the device knew."""
    rule: str
    """The ConflictRule that decided; `limits` where what came of it would be no twin, `moved` where
    the microservice was on another node by then."""
    node_id: NodeId
    at: datetime
    sequence: int


TwinEvents = TwinDesiredChanged | TwinReportedChanged | TwinEditOverruled
