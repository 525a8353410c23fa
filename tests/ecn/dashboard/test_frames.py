"""A page that obeys frames has the rows of one that loads everything, wherever frames are cut."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ecn.dashboard import rows
from ecn.dashboard.documents import Frame
from ecn.dashboard.frames import QUICK, SMALL, film, frame, is_quick
from events.application import MicroserviceCreated
from events.envelope import Recorded
from events.ids import MicroserviceId
from projections.world import Folding, World, fold
from tests.builders import EAST, SHOP, slices, world_after
from tests.ecn.dashboard.busy import BEGINNING, PLAIN, busy_logs
from tests.ecn.dashboard.model import Model, shown
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=50, deadline=None)


def loaded(world: World) -> Model:
    """A page that has just loaded that world."""
    model = Model()
    model.apply(msgspec.json.encode(Frame(position=world.position, put=rows.everything(world))))
    return model


@often
@given(histories(), st.integers(0, 60), st.lists(st.integers(0, 200), max_size=8))
def test_a_snapshot_and_the_frames_behind_it_are_the_snapshot_at_their_end(
    history: History, begin: int, cuts: list[int]
) -> None:
    follows(history.log, begin, cuts)


@settings(max_examples=150, deadline=None)
@given(busy_logs(), st.integers(len(BEGINNING), 12), st.lists(st.integers(0, 12), max_size=8))
def test_whatever_shows_something_of_what_changed_is_told_too(
    log: list[Recorded], begin: int, cuts: list[int]
) -> None:
    follows(log, begin, cuts)


def follows(log: list[Recorded], begin: int, cuts: list[int]) -> None:
    """A page that loads the world of then and obeys what comes, cut in these places."""
    begin = min(begin, len(log))
    world = fold(World(), log[:begin])
    model = loaded(world)
    for portion in slices(log[begin:], cuts):
        if not portion:
            continue
        folding = Folding(world)
        folding.fold(portion)
        after = folding.world()
        model.apply(msgspec.json.encode(frame(world, after, folding.changes(), portion)))
        world = after
        assert model.rows == shown(world)
    assert model.events == list(range(begin + 1, len(log) + 1))


@often
@given(histories(), st.integers(1, 9))
def test_a_film_ends_with_what_is_there(history: History, every: int) -> None:
    model = loaded(World())
    for world, each in film(World(), history.log, every=every):
        model.apply(msgspec.json.encode(each))
        assert model.position == world.position
    assert model.rows == shown(history.world)


@settings(max_examples=20, deadline=None)
@given(histories())
def test_a_frame_has_no_row_that_is_as_it_was(history: History) -> None:
    for step in history.steps:
        if not step.recorded:
            continue
        folding = Folding(step.before)
        folding.fold(step.recorded)
        made = frame(step.before, step.world, folding.changes(), step.recorded)
        for kind in rows.KINDS:
            ids = [each.id for each in getattr(made.put, kind)]
            before = shown(step.before)[kind]
            assert len(set(ids)) == len(ids)
            assert all(shown(step.world)[kind][key] != before.get(key) for key in ids)
            assert all(key in before for key in made.drop.get(kind, ()))


@often
@given(histories())
def test_nothing_of_users_and_their_tokens_is_in_any_row(history: History) -> None:
    hashes = [row.password_hash for _, row in history.world.users.items() if row.password_hash]
    hashes += [row.token_hash for _, row in history.world.tokens.items()]
    said = msgspec.json.encode(rows.everything(history.world)).decode()
    assert not [each for each in hashes if f'"{each}"' in said]


def test_a_change_in_a_large_application_is_not_made_a_frame_on_the_loop() -> None:
    members = [
        MicroserviceCreated(
            microservice_id=MicroserviceId(f"m{number}"),
            application_id=SHOP,
            node_id=EAST,
            name=f"m{number}",
            spec=PLAIN,
        )
        for number in range(SMALL + 1)
    ]
    few = world_after(*BEGINNING, *members[:-1])
    many = world_after(*BEGINNING, *members)
    for changed in ({"statuses": ["m0"]}, {"applications": [SHOP]}):
        assert is_quick(few, changed)
        assert not is_quick(many, changed)
    assert is_quick(many, {"nodes": [EAST], "commands": map(str, range(QUICK + 1))})
    assert not is_quick(few, {"nodes": [f"n{number}" for number in range(QUICK + 1)]})
