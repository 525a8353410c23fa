"""Whether what clients were told can be true of one log: pure, for test_race.py.

The log is taken as it is; every answer has to be explained by it. Each attempt has bounds: the
log cannot have been shorter than what anybody knew before it began, nor longer than what somebody
saw after it ended. Then the log is folded once, and at each position everything that may have
been decided there is decided again, by race_meaning.py.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from ecn.errors import KeyReused, Refused
from events.envelope import GENESIS, ChainBroken, KnownEvent, Recorded, UnknownEvent, verify
from events.ids import START, Position
from projections.world import World, fold
from tests.system.race_history import Attempt, History, Reading
from tests.system.race_meaning import command_id_of, decided, listed, repeated, shown, subject

LOST, GOOD, REFUSED, AWAY = 0, (200, 201), (404, 409, 422), 503
NOTHING_CHANGED = "log-unavailable"
"""The code of a 503 that promises that nothing was written."""


class Violation(Struct, frozen=True):
    """Something that can't be true of one log."""

    what: str
    """In a word or two: `lost`, say. What planted ones are recognised by."""
    detail: str


class _Pending(Struct, eq=False):
    """Something that has to be true at a position from `first` to `last`."""

    about: Attempt | Reading
    first: int
    last: int
    nearly: str = ""
    """What it would have been instead, at the last position looked at."""


def check(history: History, events: Sequence[Recorded], since: Position = START) -> list[Violation]:
    """All that is wrong. since: where the log ended when the race began."""
    try:
        verify(GENESIS, events)
    except ChainBroken as e:
        return [Violation("chain broken", str(e))]
    bounds = _Bounds(history, len(events))
    found: list[Violation] = []
    led_to = _by_attempt(history, events[since:], found)
    for attempt in history.attempts:
        found += _answered_wrongly(attempt, led_to.get(attempt.request_id, []), bounds)
    found += _keys(history, led_to)
    found += _replay(history, events, led_to, bounds)
    return found


class _Bounds:
    """Between which positions the log ended while something was asked."""

    def __init__(self, history: History, end: int) -> None:
        answered = [
            (each.began, each.ended, position)
            for each in history.attempts
            if each.status in GOOD and isinstance(position := each.answer.get("position"), int)
        ]
        read = [(each.began, each.ended, each.position) for each in history.readings]
        sighted = [(each.began, each.ended, each.position) for each in history.sightings]
        # Whatever was known when it ended was so before all that began later.
        known = sorted((ended, position) for _, ended, position in (*answered, *read, *sighted))
        self._known_at = [ended for ended, _ in known]
        self._known = [0, *_running_max(position for _, position in known)]
        # Only Postgres itself says how long the log was; an answer may lag behind.
        later = sorted(((began, position) for began, _, position in sighted), reverse=True)
        self._later_at = [-began for began, _ in later]
        self._later = [end, *_running_min(end, (position for _, position in later))]

    def of(self, began: float, ended: float) -> tuple[int, int]:
        """The first and the last position at which it may have been decided."""
        first = self._known[bisect_left(self._known_at, began)]
        return first, self._later[bisect_left(self._later_at, -ended)]


def _running_max(positions: Iterable[int]) -> list[int]:
    most, result = 0, list[int]()
    for position in positions:
        most = max(most, position)
        result.append(most)
    return result


def _running_min(end: int, positions: Iterable[int]) -> list[int]:
    least, result = end, list[int]()
    for position in positions:
        least = min(least, position)
        result.append(least)
    return result


def _by_attempt(
    history: History, events: Sequence[Recorded], found: list[Violation]
) -> dict[str, list[Recorded]]:
    """The events that each attempt led to, in order; what nobody asked for is a violation."""
    asked = {each.request_id for each in history.attempts}
    led_to: dict[str, list[Recorded]] = defaultdict(list)
    for event in events:
        led_to[event.correlation_id].append(event)
        if event.correlation_id not in asked:
            found.append(Violation("unasked", f"event {event.position}, {event.type}"))
        elif led_to[event.correlation_id][0].command_id != event.command_id:
            found.append(Violation("doubled", f"{event.correlation_id} is two commands"))
    return led_to


def _answered_wrongly(
    attempt: Attempt, events: list[Recorded], bounds: _Bounds
) -> Iterable[Violation]:
    """What one attempt was told, against the events that it led to."""
    first, last = bounds.of(attempt.began, attempt.ended)
    if attempt.status not in (LOST, *GOOD, *REFUSED, AWAY):
        yield Violation("unexpected", f"{attempt.name}: {attempt.answer}")
    positions = [event.position for event in events]
    if positions and positions != list(range(positions[0], positions[0] + len(positions))):
        yield Violation("doubled", f"{attempt.name} stands in the log twice: {positions}")
        return
    if positions and positions[0] <= first:
        yield Violation(
            "order", f"{attempt.name} stands at {positions[0]}, and began when {first} was known"
        )
    if attempt.status in REFUSED and events:
        yield Violation("refused and done", f"{attempt.name} has events {positions}")
    if attempt.status == AWAY and attempt.answer.get("code") == NOTHING_CHANGED and events:
        yield Violation("unchanged and done", f"{attempt.name} has events {positions}")
    if attempt.status not in GOOD:
        return
    told = attempt.answer
    if attempt.replayed:
        if events:
            yield Violation("doubled", f"{attempt.name} is told as a retry's, and has events")
        return
    said = told.get("events")
    if said != [event.type for event in events]:
        what = "doubled" if isinstance(said, list) and len(said) < len(events) else "lost"
        yield Violation(what, f"{attempt.name} was told {told}; in the log stand {positions}")
    elif events and (
        (told.get("position"), told.get("subject")) != (positions[-1], events[0].subject)
        or told.get("command_id") != events[0].command_id
    ):
        yield Violation("misplaced", f"{attempt.name} was told {told}; it stands at {positions}")
    elif events and positions[-1] > last:
        yield Violation(
            "order", f"{attempt.name} stands at {positions[-1]}, beyond {last} after its answer"
        )


def _keys(history: History, led_to: dict[str, list[Recorded]]) -> Iterable[Violation]:
    """All attempts with one key and one content are one command."""
    commands: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in history.attempts:
        if attempt.key is not None:
            commands[command_id_of(attempt)].append(attempt)
    for command_id, attempts in commands.items():
        done = [each for each in attempts if led_to.get(each.request_id)]
        if len(done) > 1:
            yield Violation("doubled", f"{command_id} took effect by {[a.name for a in done]}")
        for each in done:
            if led_to[each.request_id][0].command_id != command_id:
                yield Violation("misplaced", f"{each.name} is no {command_id}")
        # A command that had nothing to do leaves no trace, and is decided again when repeated.
        with_events = [each for each in attempts if each.status in GOOD and each.answer["events"]]
        answers = {
            (each.status, str(sorted(each.answer.items(), key=lambda item: item[0])))
            for each in with_events
        }
        if len(answers) > 1:
            yield Violation("answered differently", f"{[(a.name, a.answer) for a in with_events]}")
        if with_events and not done:
            yield Violation("lost", f"{with_events[0].name} was told {with_events[0].answer}")


def _replay(
    history: History,
    events: Sequence[Recorded],
    led_to: dict[str, list[Recorded]],
    bounds: _Bounds,
) -> Iterable[Violation]:
    """Fold the log once, and decide everything again where it may have been decided."""
    attempts = {each.request_id: each for each in history.attempts}
    waiting = _to_be_true(history, led_to, bounds)
    open_: list[_Pending] = []
    world = World()
    for position in range(len(events) + 1):
        if position:
            world = fold(world, [events[position - 1]])
        open_ += waiting.pop(position, [])
        still = []
        for pending in open_:
            pending.nearly = _contradiction(world, pending.about)
            if not pending.nearly:
                continue
            if position < pending.last:
                still.append(pending)
                continue
            yield _never_true(pending)
        open_ = still
        if position < len(events):
            at_first = led_to.get(events[position].correlation_id, [])
            attempt = attempts.get(events[position].correlation_id)
            if attempt and at_first and at_first[0].position == position + 1:
                yield from _decided_otherwise(world, attempt, at_first)
    for pending in (*open_, *(each for late in waiting.values() for each in late)):
        yield _never_true(pending)


def _to_be_true(
    history: History, led_to: dict[str, list[Recorded]], bounds: _Bounds
) -> dict[int, list[_Pending]]:
    """By the first position: refusals, answers that there was nothing to do, and readings."""
    waiting: dict[int, list[_Pending]] = defaultdict(list)
    for attempt in history.attempts:
        first, last = bounds.of(attempt.began, attempt.ended)
        if attempt.status in GOOD and not attempt.answer.get("events"):
            said = attempt.answer.get("position")
            within = isinstance(said, int) and first <= said <= last
            # Said for one position, and so only true there; outside of the bounds, nowhere.
            first, last = (said, said) if isinstance(said, int) and within else (first, -1)
        elif attempt.status in GOOD and attempt.replayed:
            pass
        elif attempt.status not in REFUSED or led_to.get(attempt.request_id):
            continue
        waiting[first].append(_Pending(attempt, first, last))
    for reading in history.readings:
        first, last = bounds.of(reading.began, reading.ended)
        wanted = reading.at_least or 0
        good = wanted <= reading.position <= last
        at = reading.position if good else 0
        waiting[at].append(_Pending(reading, at, at if good else -1))
    return waiting


def _never_true(pending: _Pending) -> Violation:
    about = pending.about
    if isinstance(about, Reading):
        return Violation(
            "misread",
            f"{about.path} ({about.request_id} at {about.controller}, at least {about.at_least}) "
            f"was told for {about.position}: {pending.nearly or 'out of its bounds'}",
        )
    what = "stale refusal" if about.status in REFUSED else "untrue answer"
    return Violation(
        what,
        f"{about.name} {about.asked.body} was told {about.answer}; from {pending.first} to "
        f"{pending.last} it would have been: {pending.nearly or 'nothing such'}",
    )


def _contradiction(world: World, about: Attempt | Reading) -> str:
    """What would have been told in this world instead; empty when it is just what was told."""
    if isinstance(about, Reading):
        there, told = listed(world, about.path), shown(about.path, about.items)
        return "" if there == told else f"there is {there}, shown was {told}"
    try:
        row = repeated(world, about)
        if row is not None:
            same = about.replayed and about.answer.get("position") == row.position
            return "" if same else f"a retry of {row}"
        events = decided(world, about.asked, [])
    except Refused as refused:
        said = (about.answer.get("code"), about.answer.get("detail"))
        same = about.status in REFUSED and said == (refused.code, refused.detail)
        return "" if same else f"{refused.code}: {refused.detail}"
    if events or about.status not in GOOD or about.replayed:
        return f"done, with {[type(event).__name__ for event in events]}"
    about_what = subject(world, about.asked)
    return "" if about.answer.get("subject") == about_what else f"of {about_what}"


def _decided_otherwise(
    world: World, attempt: Attempt, events: list[Recorded]
) -> Iterable[Violation]:
    """What was done has to be just what was to be done there."""
    there: list[KnownEvent | UnknownEvent] = [each.event for each in events]
    try:
        if repeated(world, attempt) is not None:
            yield Violation("doubled", f"{attempt.name} was in the log before {events[0].position}")
            return
        wanted: list[KnownEvent] = decided(world, attempt.asked, events)
    except (Refused, KeyReused) as refused:
        yield Violation(
            "two winners",
            f"{attempt.name} {attempt.asked.body} stands at {events[0].position}, where it had to "
            f"be refused: {refused.code}, {refused.detail}",
        )
        return
    if wanted != there:
        yield Violation(
            "decided otherwise",
            f"{attempt.name} {attempt.asked.body} stands at {events[0].position} with {there}, and "
            f"should have led to {wanted}",
        )
