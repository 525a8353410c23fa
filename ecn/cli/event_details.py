"""What an event says, in a few words for the last column of a table. Pure.

Only a glance: `-o json` has all of it. Unknown types and fields say nothing here, so that a newer
controller's events are shown by an older `ecn`.
"""

import msgspec
from msgspec import Struct

from ecn.api.documents import EventDocument


class _Status(Struct):
    state: str = ""
    reason: str = ""


class _Spec(Struct):
    image: str = ""


class _Said(Struct):
    """The fields of any event that are worth a glance."""

    name: str = ""
    role: str = ""
    reason: str = ""
    description: str = ""
    status: _Status | None = None
    spec: _Spec | None = None


def details(event: EventDocument) -> str:
    """A glance at its data; "" when there is nothing to see."""
    try:
        said = msgspec.json.decode(event.data, type=_Said)
    except msgspec.ValidationError:
        return ""
    words = []
    if said.status is not None:
        words += [said.status.state, said.status.reason]
    if said.spec is not None:
        words.append(said.spec.image)
    if said.name and said.name != event.subject_name.rpartition("/")[2]:
        words.append(said.name)
    words += [said.role, said.reason, said.description]
    return ", ".join(word for word in words if word)
