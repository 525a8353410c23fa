"""The links that every chain of reasons ends with: an event, the command behind it, who asked."""

from collections.abc import Sequence

from ecn.api.history_documents import Aspect, FieldChange, Step
from ecn.api.plan_documents import REVERT_TO
from ecn.history.asking import Question, last, latest
from ecn.history.fields import changes
from ecn.history.glance import actor_name, glance, name_of, said
from ecn.history.own import WANTING, family, versions
from events.envelope import Recorded
from events.event import Event
from events.filter import EventFilter
from events.ids import Position
from projections.world import World

MOST = 10
"""Events that a step shows beside its own."""

NEAR = 2000
"""Positions around an event within which others of its request are looked for: the log has no
index for them."""

WHO = {
    "controller": "the controller itself",
    "unknown device": "a device that nobody knew yet",
}


def made_by(
    world: World, recorded: Recorded, *, what: str = "revision", text: str = ""
) -> Question[Step]:
    """An event with what it changed, its command and its actor behind it."""
    fields = yield from changed_fields(world, recorded)
    command = yield from command_of(world, recorded)
    return Step(
        what=what,
        text=text or whose(world, recorded),
        event=glance(world, recorded),
        fields=fields,
        names=_mentioned(world, fields),
        because=[command],
    )


def command_of(world: World, recorded: Recorded) -> Question[Step]:
    """The command that led to the event, what else it led to, and who gave it."""
    wanted = EventFilter(command_id=recorded.command_id)
    found = yield from latest(wanted, upto=world.position, limit=MOST + 2)
    others = [each for each in found if each.position != recorded.position]
    text = f"command {recorded.command_id}"
    if recorded.correlation_id and recorded.correlation_id != recorded.command_id:
        text += f" of request {recorded.correlation_id}"
        # One request may lead to several commands: a client may name it for all that it does.
        wanted = EventFilter(correlation_id=recorded.correlation_id)
        known = {each.position for each in found}
        of_request = yield from latest(
            wanted,
            upto=Position(min(world.position, recorded.position + NEAR)),
            limit=MOST + 2,
            after=Position(max(0, recorded.position - NEAR)),
        )
        others += [
            each
            for each in of_request
            if each.position not in known and each.position != recorded.position
        ]
        others.sort(key=lambda each: -each.position)
    return Step(
        what="command",
        text=text,
        events=[glance(world, each) for each in others[:MOST]],
        more=len(others) > MOST,
        because=[actor_of(world, recorded)],
    )


def actor_of(world: World, recorded: Recorded) -> Step:
    """Who asked for it."""
    actor = actor_name(world, recorded.actor)
    text = WHO.get(actor, actor)
    if recorded.causation_id:
        text += f", because of {_cause(recorded.causation_id)}"
    return Step(what="actor", text=text)


def changed_fields(world: World, recorded: Recorded) -> Question[list[FieldChange]]:
    """The fields that the event changed in what is wanted of its subject. None of a creation."""
    kind = recorded.subject.partition("/")[0]
    if not isinstance(recorded.event, WANTING.get(kind, ())[1:]):
        return []
    history = yield from versions(recorded.subject, world.names, upto=recorded.position)
    if not history or history[-1].recorded.position != recorded.position:
        return []
    return list(changes(history[-1].before or {}, history[-1].after or {}, Aspect.WANTED))


def about(subject: str, kind: type[Event]) -> EventFilter:
    """Events of that kind about the subject, of whatever version."""
    return EventFilter(subject=subject, type_prefix=family(kind))


def last_of(
    world: World, subject: str, *kinds: type[Event], upto: Position | None = None
) -> Question[Recorded | None]:
    """The newest event about the subject that is of one of the kinds."""
    found: list[Recorded] = []
    end = world.position if upto is None else upto
    for kind in kinds:
        one = yield from last(about(subject, kind), upto=end)
        found += [one] if one is not None else []
    return max(found, key=lambda each: each.position, default=None)


def many(world: World, text: str, events: Sequence[Recorded]) -> Step:
    """As many of these events as a step shows, the newest first."""
    return Step(
        what="reports",
        text=text,
        events=[glance(world, each) for each in events[:MOST]],
        more=len(events) > MOST,
    )


def whose(world: World, recorded: Recorded) -> str:
    """`microservice shop/web updated`."""
    kind = recorded.subject.partition("/")[0]
    return f"{kind} {name_of(world, recorded.subject)} {said(world, recorded)}"


def _cause(causation_id: str) -> str:
    if causation_id.startswith(REVERT_TO):
        return f"a revert to position {causation_id.removeprefix(REVERT_TO)}"
    return f"event {causation_id}" if causation_id.isdecimal() else f"command {causation_id}"


def _mentioned(world: World, fields: Sequence[FieldChange]) -> dict[str, str]:
    nodes = {
        f"node/{value}"
        for field in fields
        if field.path == "/node_id"
        for value in (field.before, field.after)
    }
    return {node: name_of(world, node) for node in sorted(nodes) if node in world.names}
