"""The answers of history: differences, reasons, blame. As documents.py: shared with the `ecn`.

Paths of fields are JSON pointers (RFC 6901) within the document of their subject: `/env/TITLE`.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, UnsetType, field

from ecn.api.documents import Answer


class Aspect(StrEnum):
    """Of what a field speaks."""

    WANTED = "wanted"
    """What people asked for."""
    REPORTED = "reported"
    """What devices told."""


class Change(StrEnum):
    """What became of a thing between two moments."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class FieldChange(Answer, frozen=True, kw_only=True):
    """A field before and after. Absent: there was no such field, or is none any more."""

    path: str
    aspect: Aspect
    before: object = UNSET
    after: object = UNSET


class Difference(Answer, frozen=True, kw_only=True):
    """How one thing differs."""

    subject: str
    """`node/<id>` for instance."""
    name: str
    """As people say it; `<application>/<name>` of a microservice."""
    change: Change
    document: dict[str, object] | None = None
    """All of it: as it was made to be, or as it was at last. None of what merely changed."""
    fields: list[FieldChange] = field(default_factory=list)
    """Of what changed."""
    names: dict[str, str] = field(default_factory=dict)
    """The names of the subjects that are mentioned by id."""


class Differences(Answer, frozen=True, kw_only=True):
    """How the network differs between two moments."""

    from_: int = field(name="from")
    """The position of the earlier moment; of the later one, if they were asked the other way."""
    from_time: datetime | None = None
    """When the event at the position was recorded; None before the first one."""
    to: int | None
    """None where the other side is no moment: manifests."""
    to_time: datetime | None = None
    items: list[Difference]
    """By kind, then by name."""


class PatchOperation(Answer, frozen=True, kw_only=True):
    """One step of a JSON patch (RFC 6902) from the tree of one moment to that of the other.

    The tree: an object of kinds, each an object of documents by id.
    """

    op: str
    """add, remove or replace."""
    path: str
    value: object = UNSET


class EventGlance(Answer, frozen=True, kw_only=True):
    """An event, as far as a reader needs it to go on."""

    position: int
    time: datetime
    type: str
    subject: str
    subject_name: str
    actor: str
    actor_name: str
    """As `actor`, with a node's name in place of its id."""
    command_id: str
    correlation_id: str
    text: str
    """What happened, in a few words."""


class Step(Answer, frozen=True, kw_only=True):
    """One link of the chain from what is, back to who did it."""

    what: str
    """state, wait, reports, revision, command, actor, microservice, past."""
    text: str
    event: EventGlance | None = None
    """The event that made it so."""
    at: datetime | None = None
    """When, by the device's own clock, for what a device reported."""
    exit_code: int | None = None
    """Of the last time that the container ended, as reported."""
    fields: list[FieldChange] = field(default_factory=list)
    """What the event changed."""
    names: dict[str, str] = field(default_factory=dict)
    """The names of the subjects that the fields mention by id."""
    events: list[EventGlance] = field(default_factory=list)
    """What else belongs to it, the latest first: earlier reports, what a command led to besides."""
    more: bool = False
    """There are more such events than are shown."""
    because: list["Step"] = field(default_factory=list)


class Why(Answer, frozen=True, kw_only=True):
    """Why something is as it is."""

    position: int
    """The position of the log that the answer is valid for."""
    subject: str
    name: str
    chain: Step


class BlamedField(Answer, frozen=True, kw_only=True):
    """A field, and the event that gave it its value."""

    path: str
    value: object
    is_default: bool
    """A manifest need not say it."""
    event: EventGlance


class Blame(Answer, frozen=True, kw_only=True):
    """Who set what."""

    position: int
    """The position of the log that the answer is valid for."""
    subject: str
    name: str
    fields: list[BlamedField]


def pointer(*keys: str) -> str:
    """The JSON pointer to what stands under these keys."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def keys_of(path: str) -> list[str]:
    """The keys of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def is_given(value: object) -> bool:
    """Whether there is such a field at all."""
    return not isinstance(value, UnsetType)
