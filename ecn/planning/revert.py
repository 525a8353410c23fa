"""Reverts: several things as they stood at an earlier position, as one command. Pure."""

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ecn.api.plan_documents import Caution
from ecn.commands.command import ByDevice, ByToken
from ecn.commands.together import Part, SingleCommand, Subject, Together
from ecn.deciders.standing import FINDERS, KINDS, name_of, standing
from ecn.errors import Invalid, NotFound, NotRestorable
from ecn.planning.decided import Decided, Wanted, decided
from ecn.planning.restoring import Then, cautions, restoring
from projections.things import row_of
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
    if kind == "user":
        raise NotRestorable(
            "who may log in, and as what, is not rolled back: what was taken from somebody "
            "must not come back by the way",
            next_step="Change it as it should be: ecn update user, ecn create user",
        )
    if kind not in FINDERS:
        raise Invalid(f"{kind!r} is no kind: there are {', '.join(KINDS)}")
    here, old = _found(now, kind, ref), _found(then, kind, ref)
    if here is None and old is None:
        raise NotFound(kind, ref)
    if here is None or old is None or here == old:
        # Where it has another name at the other moment, it is known by its id.
        return Subject(kind, here or old or "")
    if row_of(now, kind, old) is None and kind != "node":
        return Subject(kind, here, was=old)
    raise NotRestorable(
        f"{kind} {ref!r} is another one now than it was at position {then.position}",
        next_step=f"Give the id of the one that you mean: {kind}/"
        + f" or {kind}/".join(sorted((here, old))),
    )


def revert(
    now: World,
    then: Then,
    subjects: Sequence[Subject],
    *,
    sent: ByToken | ByDevice | None = None,
) -> Revert:
    """Restore all of them, in an order in which each is possible. sent: in whose name."""
    waiting = list(dict.fromkeys(subjects))
    world, done, parts, warnings = now, list[Decided](), list[Part](), list[Caution]()
    # What needs another of them to be restored first waits for it: a port that it still has, a
    # node that is not there yet. What is refused when nothing else is left to do is refused.
    while waiting:
        still, refused = list[Subject](), list[Decided]()
        waiting.sort(key=lambda each: _order(then, each))
        for each in waiting:
            about = f"{each.kind}/{name_of(now, each)}"
            result, commands = _decided(world, then, each, about, sent)
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
    world: World, then: Then, each: Subject, label: str, sent: ByToken | ByDevice | None
) -> tuple[Decided, Sequence[SingleCommand]]:
    made = list[SingleCommand]()

    def commands(world: World) -> Sequence[SingleCommand]:
        made.extend(restoring(world, then, each))
        return made

    return decided(world, Wanted(about=label, commands=commands), sent=sent), made


def _order(then: Then, each: Subject) -> tuple[int, str]:
    """What others refer to comes first, but goes last."""
    restored = standing(then.world, each) is not None
    return RANKS.index((each.kind, restored)), each.key


RANKS = (
    ("node", True),
    ("registry", True),
    ("catalog-item", True),
    ("template", True),
    ("edge-resource", True),
    ("volume", True),
    ("network", True),
    ("network", False),
    ("application", False),
    ("route", False),
    ("microservice", False),
    ("application", True),
    ("microservice", True),
    ("route", True),
    ("volume", False),
    ("edge-resource", False),
    ("template", False),
    ("catalog-item", False),
    ("registry", False),
    ("node", False),
)
"""Kinds, and whether they are restored or go."""


def _found(world: World, kind: str, ref: str) -> str | None:
    try:
        return FINDERS[kind](world, ref)
    except NotFound:
        return None
