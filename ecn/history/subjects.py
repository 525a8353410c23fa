"""What a reference means in history: a name or an id, of what is there or of what is gone."""

from collections.abc import Iterator, Sequence

from ecn.deciders import find
from ecn.deciders.standing import FINDERS as OF_THINGS
from ecn.errors import NotFound
from ecn.history.asking import Question, last
from events.filter import EventFilter
from projections.things import row_of
from projections.world import World

PORTION = 2000
"""Names looked at in one go."""


FINDERS = {**OF_THINGS, "user": find.user}


def present(world: World, kind: str, ref: str) -> str | None:
    """The subject of that name or id, if it is there; also one that is gone, by its id."""
    if f"{kind}/{ref}" in world.names:
        return f"{kind}/{ref}"
    try:
        return f"{kind}/{FINDERS[kind](world, ref)}"
    except NotFound:
        return None


def gone(world: World, kind: str, name: str) -> Iterator[list[str]]:
    """The subjects that bore the name at last and are gone, in portions, some of them empty.

    Whoever serves others meanwhile lets them have their turn between two portions: there are as
    many names as there ever were things.
    """
    portion: list[str] = []
    for number, (subject, last_name) in enumerate(world.names.items(), 1):
        of, _, key = subject.partition("/")
        if last_name == name and of == kind and row_of(world, kind, key) is None:
            portion.append(subject)
        if number % PORTION == 0:
            yield portion
            portion = []
    yield portion


def latest_of(world: World, subjects: Sequence[str]) -> Question[str | None]:
    """Of several things that bore one name, the one that was there last."""
    if len(subjects) < 2:
        return subjects[0] if subjects else None
    ends = []
    for subject in subjects:
        end = yield from last(EventFilter(subject=subject), upto=world.position)
        ends.append((end.position if end is not None else 0, subject))
    return max(ends)[1]
