"""What an event says, in a few words for the last column of a table. Pure.

Only a glance: `-o json` has all of it. Unknown types and fields say nothing here, so that a newer
controller's events are shown by an older `ecn`.
"""

import shlex

import msgspec
from msgspec import Struct

from ecn.api.documents import EventDocument
from ecn.api.plan_documents import REVERT_TO

LONGEST_PATCH = 200


class _Status(Struct):
    state: str = ""
    reason: str = ""
    health: str = ""
    repeats: int = 1
    dropped: int = 0


class _Facts(Struct):
    agent_version: str = ""
    engine_version: str = ""
    engine_problem: str = ""
    volume_problem: str = ""
    storage_problem: str = ""
    local_api_problem: str = ""


class _Spec(Struct):
    image: str = ""


class _Broker(Struct):
    url: str = ""


class _Terms(Struct):
    condition: str = ""


class _Said(Struct):
    """The fields of any event that are worth a glance."""

    name: str = ""
    role: str = ""
    reason: str = ""
    description: str = ""
    status: _Status | None = None
    spec: _Spec | None = None
    facts: _Facts | None = None
    broker: _Broker | None = None
    kind: object = None
    command: object = None
    """Of a session, as the kind: the words that were run."""
    exit_code: int | None = None
    ports: object = None
    connections: int | None = None
    patch: object = None
    """Of a twin, as the next."""
    rule: object = None
    instruction: object = None
    """Of an agent, as the rest."""
    version: object = None
    outcome: object = None
    detail: object = None
    messages: object = None
    """Of a route, as the rest: how many were dropped, and of how many bytes."""
    size: object = None
    terms: _Terms | None = None


def details(event: EventDocument) -> str:
    """A glance at its data; "" when there is nothing to see."""
    try:
        said = msgspec.json.decode(event.data, type=_Said)
    except msgspec.ValidationError:
        return ""
    words = []
    if said.status is not None:
        health = f" ({said.status.health})" if said.status.health not in ("", "none") else ""
        words += [said.status.state + health, said.status.reason]
        words.append(f"{said.status.repeats} times" if said.status.repeats > 1 else "")
        words.append(f"{said.status.dropped} dropped before" if said.status.dropped else "")
    if said.broker is not None:
        words.append(f"at {said.broker.url}")
    if said.facts is not None:
        words += [
            f"agent {said.facts.agent_version}",
            f"engine {said.facts.engine_version}" if said.facts.engine_version else "",
            said.facts.engine_problem,
            said.facts.volume_problem,
            said.facts.storage_problem,
            said.facts.local_api_problem,
        ]
    if said.spec is not None:
        words.append(said.spec.image)
    if said.name and said.name != event.subject_name.rpartition("/")[2]:
        words.append(said.name)
    if event.type.startswith("session."):
        words += [_session(said)]
    if event.type.startswith("twin."):
        words += [_twin(said)]
    if event.type.startswith("node.instruct"):
        words += [_instruction(said)]
    if said.terms is not None and said.terms.condition:
        words.append(f"where {said.terms.condition[:LONGEST_PATCH]}")
    if event.type.startswith("route.dropped"):
        words.append(f"{said.messages} messages ({said.size} bytes)")
    words += [said.role, said.reason, said.description]
    if event.causation_id.startswith(REVERT_TO):
        words.append(f"reverted to {event.causation_id.removeprefix(REVERT_TO)}")
    return ", ".join(word for word in words if word)


def _twin(said: _Said) -> str:
    """What changed, or gave way."""
    patch = msgspec.json.encode(said.patch).decode()[:LONGEST_PATCH]
    return f"gave way ({said.rule}): {patch}" if said.rule else patch


def _instruction(said: _Said) -> str:
    """What for, and what came of it."""
    words = f"{said.instruction} {said.outcome or said.version or ''}".rstrip()
    return f"{words}: {said.detail}" if said.detail else words


def _session(said: _Said) -> str:
    """What for, and what was run, or reached."""
    kind = said.kind or "tunnel"
    if said.exit_code is not None:
        return f"{kind}, exit code {said.exit_code}"
    if said.connections is not None:
        return f"{kind}, {said.connections} connections"
    if isinstance(said.ports, list) and said.ports:
        return f"{kind} to {', '.join(str(port) for port in said.ports)}"
    run = said.command if isinstance(said.command, list) else []
    return f"{kind}: {shlex.join(str(word) for word in run)}" if run else str(kind)
