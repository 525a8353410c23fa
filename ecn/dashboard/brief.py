"""What an event says, in so few words that it can be sent with every change. Pure.

Fields are named and nested as in the event's own data, so that the page reads both in the same way.
"""

import msgspec
from msgspec import Struct

from events.envelope import Recorded

LONGEST = 200
"""Characters of a text."""


class Part(Struct, frozen=True, omit_defaults=True, gc=False):
    """Some fields of an event's data."""


class BriefStatus(Part, frozen=True):
    """Of a container."""

    state: str = ""
    reason: str = ""
    exit_code: int | None = None
    health: str = "none"
    repeats: int = 1


class BriefFacts(Part, frozen=True):
    """Of a device."""

    agent_version: str = ""
    engine_problem: str = ""
    volume_problem: str = ""
    storage_problem: str = ""
    local_api_problem: str = ""


class BriefSpec(Part, frozen=True):
    """Of a microservice."""

    image: str = ""


class Brief(Part, frozen=True):
    """The fields of any event that a sentence about it needs."""

    name: str = ""
    role: str = ""
    reason: str = ""
    node_id: str = ""
    status: BriefStatus | None = None
    facts: BriefFacts | None = None
    spec: BriefSpec | None = None
    instruction: str = ""
    version: str | int = ""
    outcome: str = ""
    detail: str = ""
    key: str = ""
    """Of a setting."""
    enabled: bool | None = None
    kind: str = ""
    """Of a session."""
    exit_code: int | None = None
    messages: int | None = None


def brief(recorded: Recorded) -> Brief | None:
    """A glance at it; None where there is nothing to see."""
    try:
        said = msgspec.json.decode(recorded.data, type=Brief)
    except msgspec.ValidationError:
        return None  # of a newer writer, who means something else by the same word
    said = msgspec.structs.replace(
        said,
        node_id="" if recorded.subject == f"node/{said.node_id}" else said.node_id,
        reason=said.reason[:LONGEST],
        detail=said.detail[:LONGEST],
    )
    if said.status is not None and len(said.status.reason) > LONGEST:
        short = msgspec.structs.replace(said.status, reason=said.status.reason[:LONGEST])
        said = msgspec.structs.replace(said, status=short)
    return None if said == Brief() else said
