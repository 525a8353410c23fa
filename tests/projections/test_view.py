"""Tables: a change makes a new one, and indexes always say what the rows say."""

from hypothesis import given
from hypothesis import strategies as st

from projections.view import Draft, Drop, Put, Table
from tests.ecn.deciders.histories import indexes, recomputed

Row = tuple[str, int]

KEYS = st.sampled_from("abcde")
ROWS = st.tuples(st.text("xyz", max_size=3), st.integers(0, 2))
CHANGES = st.lists(
    st.one_of(st.builds(Put[str, Row], KEYS, ROWS), st.builds(Drop[str], KEYS)), max_size=25
)


def table() -> Table[str, Row]:
    """Indexed by each of a row's letters, which are none to three, and by its number."""
    return Table(
        {"letter": lambda row: tuple(sorted(set(row[0]))), "number": lambda row: (row[1],)}
    )


@given(CHANGES)
def test_a_table_is_a_mapping_with_indexes(changes: list[Put[str, Row] | Drop[str]]) -> None:
    rows, model = table(), dict[str, Row]()
    for change in changes:
        rows = rows.changed(change)
        if isinstance(change, Put):
            model[change.key] = change.row
        else:
            model.pop(change.key, None)
        assert dict(rows.items()) == model
        assert set(rows) == set(model)
        assert len(rows) == len(model)
        found = recomputed(rows)
        assert indexes(rows) == found
        for name, value in found:
            assert set(rows.find(name, value)) == found[name, value]
            assert rows.count(name, value) == len(found[name, value])
            assert rows.one(name, value) in found[name, value]
        assert set(rows.values("letter")) == {value for name, value in found if name == "letter"}


@given(CHANGES)
def test_a_change_leaves_the_table_it_was_made_from(
    changes: list[Put[str, Row] | Drop[str]],
) -> None:
    versions = [table()]
    copies: list[dict[str, Row]] = [{}]
    for change in changes:
        versions.append(versions[-1].changed(change))
        copies.append(dict(versions[-1].items()))
    for version, copy in zip(versions, copies, strict=True):
        assert dict(version.items()) == copy
        assert indexes(version) == recomputed(version)


@given(CHANGES, CHANGES)
def test_a_draft_reads_as_the_table_that_comes_of_it(
    first: list[Put[str, Row] | Drop[str]], then: list[Put[str, Row] | Drop[str]]
) -> None:
    below = table()
    for change in first:
        below = below.changed(change)
    kept = dict(below.items())
    draft, stepwise = Draft(below), below
    for change in then:
        draft.obey(change)
        stepwise = stepwise.changed(change)
        assert dict(draft.items()) == dict(stepwise.items())
        assert draft == stepwise
        assert set(draft) == set(stepwise)
        assert len(draft) == len(stepwise)
        for key in "abcde":
            assert draft.get(key) == stepwise.get(key)
            assert (key in draft) == (key in stepwise)
        for name in ("letter", "number"):
            assert set(draft.values(name)) == set(stepwise.values(name))
            for value in {"x", "y", "z", 0, 1, 2}:
                assert set(draft.find(name, value)) == set(stepwise.find(name, value))
                assert draft.count(name, value) == stepwise.count(name, value)
    made = draft.table()
    assert made == stepwise
    assert indexes(made) == recomputed(made)
    assert dict(below.items()) == kept
    obeyed = dict(kept)
    for key, row in draft.changes().items():
        if row is None:
            obeyed.pop(key, None)
        else:
            obeyed[key] = row
    assert obeyed == dict(made.items())


@given(CHANGES)
def test_a_table_made_of_rows_is_the_table_that_lived_through_it(
    changes: list[Put[str, Row] | Drop[str]],
) -> None:
    lived = table()
    for change in changes:
        lived = lived.changed(change)
    filled = table().filled(dict(lived.items()))
    assert filled == lived
    assert indexes(filled) == indexes(lived)


@given(CHANGES)
def test_tables_are_equal_when_their_rows_are(changes: list[Put[str, Row] | Drop[str]]) -> None:
    rows = table()
    for change in changes:
        rows = rows.changed(change)
    again = table()
    for key, row in rows.items():
        again = again.changed(Put(key, row))
    assert again == rows
    assert again != rows.changed(Put("new", ("x", 1)))
    assert rows != dict(rows.items())


def test_dropping_what_is_not_there_does_nothing() -> None:
    rows = table()
    assert rows.changed(Drop("a")) is rows


def test_what_nobody_put_is_not_found() -> None:
    rows = table().changed(Put("a", ("x", 1)))
    assert rows.get("b") is None
    assert "b" not in rows
    assert list(rows.find("number", 2)) == []
    assert rows.one("number", 2) is None
    assert rows.count("number", 2) == 0
