"""The judge of races is judged first: true histories pass it, each planted lie is found."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.deciders.decide import decide
from ecn.errors import Conflict, KeyReused, Refused
from events.envelope import Proposed, Recorded, chain
from events.ids import CommandId
from projections.world import World, fold
from tests.builders import NOW
from tests.system.race_checker import check
from tests.system.race_history import Asked, Attempt, History, Reading, Sighting
from tests.system.race_meaning import command_id_of, commanded, listed, repeated, subject

NAMES = ("a", "b", "c")


class Simulated:
    """A network that keeps its promises: one request after the other, on one log."""

    def __init__(self) -> None:
        self.world = World()
        self.log: list[Recorded] = []
        self.history = History()
        self.time = 0.0
        self._ids = count(1)

    def tick(self) -> float:
        self.time += 1.0
        return self.time

    def sight(self) -> None:
        began = self.tick()
        self.history.sightings.append(
            Sighting(began=began, ended=self.tick(), position=self.world.position)
        )

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> Attempt:
        """Ask, be answered, and see both in the history."""
        self.sight()
        attempt = Attempt(
            request_id=f"request-{next(self._ids)}",
            controller="one",
            actor="user/admin",
            asked=Asked(method=method, path=path, body=body),
            key=key,
            began=self.tick(),
            ended=0.0,
            status=0,
        )
        attempt = replace(self._answered(attempt), ended=self.tick())
        self.history.attempts.append(attempt)
        self.sight()
        return attempt

    def read(self, path: str = "/nodes", at_least: int | None = None) -> None:
        began = self.tick()
        items: list[dict[str, object]] = [
            {"id": row[0], "name": row[1], "settings": {"labels": dict(row[2])}}  # type: ignore[call-overload]
            for row in listed(self.world, path)
        ]
        self.history.readings.append(
            Reading(
                request_id=f"reading-{next(self._ids)}",
                controller="one",
                path=path,
                at_least=at_least,
                began=began,
                ended=self.tick(),
                position=self.world.position,
                items=items,
            )
        )

    def _answered(self, attempt: Attempt) -> Attempt:
        command_id = command_id_of(attempt) if attempt.key else CommandId(attempt.request_id)
        try:
            row = repeated(self.world, attempt)
            if row is not None:
                told = self._told(command_id, row.subject, list(row.events), row.position)
                return replace(attempt, status=200, answer=told, replayed=True)
            made = {
                kind: f"{kind}-{next(self._ids)}"
                for kind in (
                    "node",
                    "application",
                    "registry",
                    *(f"microservice {n}" for n in NAMES),
                )
            }
            events = decide(self.world, commanded(self.world, attempt.asked, made))
        except Refused as refused:
            status = 409 if isinstance(refused, Conflict) else 404
            if isinstance(refused, KeyReused):
                status = 422
            told = {"code": refused.code, "detail": refused.detail}
            return replace(attempt, status=status, answer=told)
        proposed = [
            Proposed(
                event=event,
                actor=attempt.actor,
                command_id=command_id,
                correlation_id=attempt.request_id,
            )
            for event in events
        ]
        new = chain(self.world.head, proposed, NOW)
        self.world = fold(self.world, new)
        self.log += new
        told = self._told(
            command_id,
            new[0].subject if new else subject(self.world, attempt.asked),
            [event.type for event in new],
            self.world.position,
        )
        return replace(attempt, status=200, answer=told)

    def _told(
        self, command_id: str, subject: str, events: list[str], position: int
    ) -> dict[str, object]:
        return {
            "position": position,
            "command_id": command_id,
            "subject": subject,
            "events": events,
        }

    def found(self) -> list[str]:
        return [violation.what for violation in check(self.history, self.log)]

    def replaced(self, attempt: Attempt, **changes: object) -> None:
        """Let the history say something else of it."""
        attempts = self.history.attempts
        attempts[attempts.index(attempt)] = replace(attempt, **changes)

    def unlogged(self, attempt: Attempt) -> None:
        """A log in which it never took place; what came later stays as it was decided."""
        self._log_as([each for each in self.log if each.correlation_id != attempt.request_id])

    def logged_again(self, attempt: Attempt) -> None:
        """A log in which it took place once more, at the end."""
        again = [each for each in self.log if each.correlation_id == attempt.request_id]
        self._log_as([*self.log, *again])

    def _log_as(self, events: list[Recorded]) -> None:
        proposed = [
            Proposed(
                event=each.event,  # type: ignore[arg-type]
                actor=each.actor,
                command_id=each.command_id,
                correlation_id=each.correlation_id,
            )
            for each in events
        ]
        self.log = chain(World().head, proposed, NOW)


names = st.sampled_from(NAMES)
ports = st.lists(st.integers(80, 82), max_size=2, unique=True)
services = st.builds(
    lambda name, on, host: {
        "name": name,
        "node": on,
        "image": "shop/web:1",
        "ports": [{"host": each, "container": 80} for each in host],
    },
    names,
    names,
    ports,
)
requests = st.one_of(
    st.builds(lambda n: ("POST", "/nodes", {"name": n}), names),
    st.builds(lambda n, m: ("PATCH", f"/nodes/{n}", {"name": m}), names, names),
    st.builds(
        lambda n, m: ("PATCH", f"/nodes/{n}", {"settings": {"labels": {"l": m}}}), names, names
    ),
    st.builds(lambda n, f: ("DELETE", f"/nodes/{n}?force={f}", None), names, st.just("true")),
    st.builds(lambda n: ("DELETE", f"/nodes/{n}", None), names),
    st.builds(lambda n, s: ("PUT", f"/applications/{n}", {"microservices": [s]}), names, services),
    st.builds(lambda n: ("DELETE", f"/applications/{n}", None), names),
    st.builds(lambda n: ("POST", f"/applications/{n}/stop", None), names),
    st.builds(lambda n, s: ("POST", f"/applications/{n}/microservices", s), names, services),
    st.builds(
        lambda n, m, h: (
            "PATCH",
            f"/microservices/{n}/{m}",
            {"ports": [{"host": each, "container": 80} for each in h]},
        ),
        names,
        names,
        ports,
    ),
    st.builds(lambda n, m: ("DELETE", f"/microservices/{n}/{m}", None), names, names),
    st.builds(
        lambda n, m, o: ("POST", f"/microservices/{n}/{m}/move", {"node": o}), names, names, names
    ),
    st.builds(lambda n, m: ("PUT", f"/registries/{n}", {"url": f"{m}.example"}), names, names),
    st.builds(lambda n: ("DELETE", f"/registries/{n}", None), names),
)
keys = st.sampled_from([None, None, "k1", "k2", "k3"])


@given(st.lists(st.tuples(requests, keys), max_size=25))
def test_a_history_that_is_true_is_never_accused(
    asked: list[tuple[tuple[str, str, object], str | None]],
) -> None:
    race = Simulated()
    for request, key in asked:
        race.ask(*request, key=key)
        race.read()
    assert race.found() == []


def lost_write(race: Simulated) -> None:
    race.unlogged(race.ask("POST", "/nodes", {"name": "b"}))


def lost_answer_of_a_retry(race: Simulated) -> None:
    first = race.ask("POST", "/nodes", {"name": "b"}, key="k")
    race.ask("POST", "/nodes", {"name": "b"}, key="k")
    race.unlogged(first)


def doubled_write(race: Simulated) -> None:
    race.logged_again(race.ask("PATCH", "/nodes/a", {"settings": {"labels": {"x": "1"}}}))


def doubled_by_a_retry(race: Simulated) -> None:
    race.ask("POST", "/nodes", {"name": "b"}, key="k")
    again = race.ask("POST", "/nodes", {"name": "b"})
    race.ask("DELETE", "/nodes/b")
    more = race.ask("POST", "/nodes", {"name": "b"})
    assert again.status == 409
    keyed = replace(more, key="k")
    race.history.attempts[-1] = keyed


def two_winners(race: Simulated) -> None:
    deleted = race.ask("DELETE", "/nodes/a")
    race.ask("POST", "/nodes", {"name": "a"})
    race.unlogged(deleted)
    race.history.attempts.remove(deleted)


def stale_refusal(race: Simulated) -> None:
    refused = race.ask("POST", "/nodes", {"name": "a"})
    assert refused.status == 409
    race.history.attempts.remove(refused)
    race.ask("DELETE", "/nodes/a")
    race.sight()
    moved = replace(refused, began=race.tick(), ended=race.tick())
    race.history.attempts.append(moved)
    race.sight()


def refusal_for_a_wrong_reason(race: Simulated) -> None:
    refused = race.ask("DELETE", "/nodes/b")
    race.replaced(refused, answer={"code": "name-taken", "detail": "there is one"})


def refused_and_done(race: Simulated) -> None:
    done = race.ask("POST", "/nodes", {"name": "b"})
    race.replaced(done, status=409, answer={"code": "name-taken", "detail": "…"})


def said_that_nothing_was_changed(race: Simulated) -> None:
    done = race.ask("POST", "/nodes", {"name": "b"})
    race.replaced(done, status=503, answer={"code": "log-unavailable"})


def answer_against_real_time(race: Simulated) -> None:
    early = race.ask("POST", "/nodes", {"name": "b"})
    late = replace(early, began=race.tick(), ended=race.tick())
    race.sight()
    race.history.attempts[-1] = replace(late, began=race.tick(), ended=race.tick())


def answer_before_it_stands_in_the_log(race: Simulated) -> None:
    done = race.ask("POST", "/nodes", {"name": "b"})
    race.replaced(done, began=0.1, ended=0.2)


def wrong_position(race: Simulated) -> None:
    done = race.ask("POST", "/nodes", {"name": "b"})
    race.replaced(done, answer={**done.answer, "position": 1})


def nothing_to_do_when_there_was(race: Simulated) -> None:
    done = race.ask("DELETE", "/nodes/a")
    race.unlogged(done)
    race.replaced(done, answer={**done.answer, "events": [], "position": 1})


def nothing_to_do_about_another(race: Simulated) -> None:
    done = race.ask("PATCH", "/nodes/a", {"name": "a"})
    assert done.answer["events"] == []
    race.replaced(done, answer={**done.answer, "subject": "node/None"})


def retry_answered_differently(race: Simulated) -> None:
    race.ask("POST", "/nodes", {"name": "b"}, key="k")
    again = race.ask("POST", "/nodes", {"name": "b"}, key="k")
    race.replaced(again, answer={**again.answer, "subject": "node/other"})


def a_deletion_that_took_another_for_it(race: Simulated) -> None:
    """By a controller that did not know yet that `a` had been renamed."""
    renamed = race.ask("PATCH", "/nodes/a", {"name": "b"})
    deleted = race.ask("DELETE", "/nodes/b")
    assert renamed.status == deleted.status == 200
    race.replaced(deleted, asked=Asked(method="DELETE", path="/nodes/a"))


def reading_of_a_world_that_never_was(race: Simulated) -> None:
    race.read()
    race.history.readings[-1] = replace(race.history.readings[-1], items=[])


def reading_behind_what_was_asked(race: Simulated) -> None:
    race.read()
    race.history.readings[-1] = replace(race.history.readings[-1], at_least=5)


def reading_of_what_is_not_in_the_log_yet(race: Simulated) -> None:
    began, ended = race.tick(), race.tick()
    race.sight()
    race.ask("POST", "/nodes", {"name": "b"})
    race.read()
    race.history.readings[-1] = replace(race.history.readings[-1], began=began, ended=ended)


def unasked_event(race: Simulated) -> None:
    race.history.attempts.remove(race.ask("POST", "/nodes", {"name": "b"}))


def tampered_log(race: Simulated) -> None:
    race.log[0] = replace(race.log[0], actor="user/mallory")


def internal_error(race: Simulated) -> None:
    race.replaced(race.ask("DELETE", "/nodes/b"), status=500)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (lost_write, "lost"),
        (lost_answer_of_a_retry, "lost"),
        (doubled_write, "doubled"),
        (doubled_by_a_retry, "doubled"),
        (two_winners, "two winners"),
        (stale_refusal, "stale refusal"),
        (refusal_for_a_wrong_reason, "stale refusal"),
        (refused_and_done, "refused and done"),
        (said_that_nothing_was_changed, "unchanged and done"),
        (answer_against_real_time, "order"),
        (answer_before_it_stands_in_the_log, "order"),
        (wrong_position, "misplaced"),
        (nothing_to_do_when_there_was, "untrue answer"),
        (nothing_to_do_about_another, "untrue answer"),
        (retry_answered_differently, "answered differently"),
        (a_deletion_that_took_another_for_it, "two winners"),
        (reading_of_a_world_that_never_was, "misread"),
        (reading_behind_what_was_asked, "misread"),
        (reading_of_what_is_not_in_the_log_yet, "misread"),
        (unasked_event, "unasked"),
        (tampered_log, "chain broken"),
        (internal_error, "unexpected"),
    ],
)
def test_a_planted_lie_is_found(plant: Callable[[Simulated], None], what: str) -> None:
    race = Simulated()
    race.ask("POST", "/nodes", {"name": "a"})
    race.ask("POST", "/nodes", {"name": "c"})
    race.read()
    assert race.found() == []
    plant(race)
    assert what in race.found()


def test_an_unknown_answer_may_be_in_the_log_or_not() -> None:
    for landed in (True, False):
        race = Simulated()
        attempt = race.ask("POST", "/nodes", {"name": "a"}, key="k")
        if not landed:
            race.unlogged(attempt)
        race.replaced(attempt, status=0, answer={})
        race.history.sightings.clear()
        assert race.found() == []
