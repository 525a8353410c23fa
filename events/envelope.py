"""The envelope of an event: who, when, why, and its place in the chain of hashes.

Pure: bytes to events and back, and the hash that makes history impossible to edit unseen. The
log stores exactly what stands in a `Recorded`; the hash covers exactly what is stored.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
from msgspec import Struct

from events.application import ApplicationEvents
from events.catalog import CatalogEvents
from events.chaining import ChainBroken as ChainBroken
from events.chaining import Place, Stored, digest, follow
from events.edge_resource import EdgeResourceEvents
from events.event import Event
from events.ids import START, CommandId, Position
from events.network import NetworkEvents
from events.node import NodeEvents
from events.route import RouteEvents
from events.session import SessionEvents
from events.template import TemplateEvents
from events.twin import TwinEvents
from events.upcasting import is_old, upcast
from events.user import UserEvents
from events.volume import VolumeEvents

KnownEvent = (
    NodeEvents
    | ApplicationEvents
    | TwinEvents
    | SessionEvents
    | CatalogEvents
    | RouteEvents
    | TemplateEvents
    | EdgeResourceEvents
    | VolumeEvents
    | NetworkEvents
    | UserEvents
)

EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class UnknownEvent(Struct, frozen=True, kw_only=True, gc=False):
    """An event that a newer controller wrote. Kept and shown, never folded."""

    type: str
    subject: str


class Head(Struct, frozen=True, gc=False):
    """The end of the log: what the next event is chained to."""

    position: Position
    hash: bytes
    time: datetime


GENESIS = Head(START, bytes(32), EPOCH)
"""The end of an empty log."""


class Proposed(Struct, frozen=True, kw_only=True, gc=False):
    """An event that was decided and has no place in the log yet."""

    event: KnownEvent
    actor: str
    """`user/<name>`, `node/<id>` or `controller`."""
    command_id: CommandId
    correlation_id: str
    """Shared by all that one outside request led to."""
    causation_id: str = ""
    """The event (`<position>`) or command that made somebody issue the command, if known."""


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """An event in its place. `data` are the exact bytes that were appended."""

    position: Position
    time: datetime
    """The writer's clock at the append, never before the predecessor's: a time names a place."""
    subject: str
    type: str
    data: bytes
    actor: str
    command_id: CommandId
    correlation_id: str
    causation_id: str
    previous_hash: bytes
    hash: bytes
    event: KnownEvent | UnknownEvent

    @property
    def head(self) -> Head:
        """The end of a log whose last event this is."""
        return Head(self.position, self.hash, self.time)


class Bare(Struct, frozen=True, gc=False):
    """An event in its place without what led to it: as much as a projection looks at.

    Of millions of events that are only folded, the rest costs a tenth of the time.
    """

    position: Position
    time: datetime
    subject: str
    type: str
    actor: str
    command_id: CommandId
    hash: bytes
    event: KnownEvent | UnknownEvent

    @property
    def head(self) -> Head:
        """See Recorded."""
        return Head(self.position, self.hash, self.time)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[KnownEvent] = msgspec.json.Decoder(KnownEvent)
_TYPES: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(KnownEvent)}
_KNOWN_TYPES = frozenset(_TYPES.values())


def encode(event: Event) -> bytes:
    """JSON, type included: what the log keeps and the hash covers."""
    return _encoder.encode(event)


def decode(type_: str, subject: str, data: bytes) -> KnownEvent | UnknownEvent:
    """The event in `data`, or UnknownEvent when a newer version wrote its type.

    Errors: msgspec.ValidationError when a known type does not read: the log is damaged.
    """
    if type_ not in _KNOWN_TYPES:
        current = upcast(type_, data)
        if current is None:
            return UnknownEvent(type=type_, subject=subject)
        data = current
    return _decoder.decode(data)


def is_known(type_: str) -> bool:
    """Whether events of that type can be read here, be it as those of a newer version."""
    return type_ in _KNOWN_TYPES or is_old(type_)


def microseconds_of(time: datetime) -> int:
    """Since the epoch: what the hash covers of a time."""
    return (time - EPOCH) // _MICROSECOND


def bare(event: Recorded) -> Bare:
    """The event without what led to it."""
    return Bare(
        event.position,
        event.time,
        event.subject,
        event.type,
        event.actor,
        event.command_id,
        event.hash,
        event.event,
    )


def stored_of(event: Recorded) -> Stored:
    """The event as the log stores it."""
    return Stored(
        event.position,
        microseconds_of(event.time),
        event.subject,
        event.type,
        event.data,
        event.actor,
        event.command_id,
        event.correlation_id,
        event.causation_id,
        event.previous_hash,
        event.hash,
    )


def chain(head: Head, proposed: Iterable[Proposed], now: datetime) -> list[Recorded]:
    """Give each proposed event its place behind `head`.

    now: aware; where the clock stands before the head's time, the head's time is kept.
    """
    time = max(now.astimezone(UTC), head.time)
    microseconds = microseconds_of(time)
    position, previous = head.position, head.hash
    chained: list[Recorded] = []
    for item in proposed:
        position = Position(position + 1)
        event = item.event
        type_, data, subject = _TYPES[type(event)], encode(event), event.subject
        own = digest(
            previous,
            position,
            microseconds,
            subject,
            type_,
            data,
            item.actor,
            item.command_id,
            item.correlation_id,
            item.causation_id,
        )
        chained.append(
            Recorded(
                position=position,
                time=time,
                subject=subject,
                type=type_,
                data=data,
                actor=item.actor,
                command_id=item.command_id,
                correlation_id=item.correlation_id,
                causation_id=item.causation_id,
                previous_hash=previous,
                hash=own,
                event=event,
            )
        )
        previous = own
    return chained


def verify(head: Head, events: Sequence[Recorded]) -> Head:
    """Follow the chain over `events`, which come right after `head`; the new head.

    Errors: ChainBroken at the first event that does not follow.
    """
    follow(Place(head.position, head.hash, microseconds_of(head.time)), map(stored_of, events))
    return events[-1].head if events else head
