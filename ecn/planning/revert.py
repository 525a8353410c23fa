"""Reverts: several things as they stood at an earlier position, as one command. Pure."""

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ecn.api.plan_documents import Caution
from ecn.commands.together import Part, SingleCommand, Subject, Together
from ecn.deciders import find
from ecn.deciders.standing import name_of, standing
from ecn.errors import Invalid, NotFound, NotRestorable
from ecn.planning.decided import Decided, Wanted, decided
from ecn.planning.restoring import Then, cautions, restoring
from events.ids import NodeId
from projections.world import World


class Revert(Struct, frozen=True, kw_only=True):
    """What a revert is."""

    decided: list[Decided]
    """By subject, in the order in which it is done."""
    command: Together
    """All of it; without the subjects that are refused."""
    cautions: list[Caution] = field(default_factory=list)


def subject(now: World, then: World, text: str) -> Subject:
    """What `<kind>/<name or id>` means, now or then.

    Errors: Invalid, NotFound; NotRestorable for what is never restored, or means two things.
    """
    kind, slash, ref = text.partition("/")
    if not slash or not ref:
        raise Invalid(f"{text!r} names nothing: write <kind>/<name>, as in application/shop")
    match kind:
        case "node":
            return Subject(kind, _node(now, then, ref))
        case "application":
            key = _found(now, then, kind, ref, find.application)
            return Subject(kind, _name(now, then, f"application/{key}"))
        case "registry":
            key = _found(now, then, kind, ref, find.registry)
            return Subject(kind, _name(now, then, f"registry/{key}"))
        case "microservice":
            key = _found(now, then, kind, ref, find.microservice)
            return Subject(kind, _name(now, then, f"microservice/{key}"))
        case "user":
            raise NotRestorable(
                "who may log in, and as what, is not rolled back: what was taken from somebody "
                "must not come back by the way",
                next_step="Change it as it should be: ecn update user, ecn create user",
            )
    raise Invalid(f"{kind!r} is no kind: there are node, application, microservice and registry")


def revert(now: World, then: Then, subjects: Sequence[Subject]) -> Revert:
    """Restore all of them, in an order in which each is possible."""
    waiting = list(dict.fromkeys(subjects))
    world, done, parts, warnings = now, list[Decided](), list[Part](), list[Caution]()
    # What needs another of them to be restored first waits for it: a port that it still has, a
    # node that is not there yet. What is refused when nothing else is left to do is refused.
    while waiting:
        still, refused = list[Subject](), list[Decided]()
        waiting.sort(key=lambda each: _order(then, each))
        for each in waiting:
            about = f"{each.kind}/{name_of(world, each)}"
            result, commands = _decided(world, then, each, about)
            if result.refused is not None:
                still.append(each)
                refused.append(result)
                continue
            warnings += cautions(world, then, each, about)
            world = result.after
            done.append(result)
            parts.append(Part(about, tuple(commands)))
        if len(still) == len(waiting):
            done += [replace(each, before=world, after=world) for each in refused]
            break
        waiting = still
    seen = {each: standing(now, each) for each in subjects}
    return Revert(decided=done, command=Together(parts=tuple(parts), seen=seen), cautions=warnings)


def _decided(
    world: World, then: Then, each: Subject, label: str
) -> tuple[Decided, Sequence[SingleCommand]]:
    made = list[SingleCommand]()

    def commands(world: World) -> Sequence[SingleCommand]:
        made.extend(restoring(world, then, each))
        return made

    return decided(world, Wanted(about=label, commands=commands)), made


def _order(then: Then, each: Subject) -> tuple[int, str]:
    """What others refer to comes first, but goes last."""
    restored = standing(then.world, each) is not None
    return RANKS.index((each.kind, restored)), each.key


RANKS = (
    ("node", True),
    ("registry", True),
    ("application", False),
    ("microservice", False),
    ("application", True),
    ("microservice", True),
    ("registry", False),
    ("node", False),
)
"""Kinds, and whether they are restored or go."""


def _node(now: World, then: World, ref: str) -> NodeId:
    for world in (now, then):
        if ref in world.nodes:
            return NodeId(ref)
    ids = {each for world in (now, then) if (each := world.nodes.one("name", ref)) is not None}
    if not ids:
        raise NotFound("node", ref)
    if len(ids) > 1:
        raise NotRestorable(
            f"node {ref!r} is another one now than it was at position {then.position}",
            next_step="Give the id of the one that you mean: node/" + " or node/".join(sorted(ids)),
        )
    return ids.pop()


def _found(
    now: World, then: World, kind: str, ref: str, finder: Callable[[World, str], str]
) -> str:
    for world in (now, then):
        try:
            return finder(world, ref)
        except NotFound:
            continue
    raise NotFound(kind, ref)


def _name(now: World, then: World, subject_: str) -> str:
    return now.names.get(subject_) or then.names.get(subject_) or subject_.partition("/")[2]
