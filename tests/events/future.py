"""Events that a newer ecn wrote: of types that this one does not know."""

from msgspec.structs import replace

from events.chaining import digest
from events.envelope import Head, Recorded, UnknownEvent, stored_of
from tests.events.builders import batch

LANDED = "zeppelin.landed.v1"


def from_the_future(
    head: Head, data: bytes = b'{"type":"zeppelin.landed.v1","at":"noon"}'
) -> Recorded:
    """One such event, in its place behind `head`."""
    (event,) = batch(head, now=head.time)
    subject = "zeppelin/1"
    stored = replace(stored_of(event), type=LANDED, subject=subject, data=data)
    return replace(
        event,
        type=LANDED,
        subject=subject,
        data=data,
        hash=digest(
            head.hash,
            stored.position,
            stored.microseconds,
            stored.subject,
            stored.type,
            stored.data,
            stored.actor,
            stored.command_id,
            stored.correlation_id,
            stored.causation_id,
        ),
        event=UnknownEvent(type=LANDED, subject=subject),
    )
