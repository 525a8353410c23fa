"""Any two documents: their changes, applied as a patch, make the one of the other."""

import json

import jsonpatch
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ecn.api.history_documents import (
    Aspect,
    Change,
    Difference,
    is_given,
    keys_of,
    pointer,
)
from ecn.history.fields import Tree, changes, leaves, same
from ecn.history.patch import patch

# Without "-": the judge takes it for the end of a list, in objects too.
keys = st.sampled_from(["a", "b", "", "/", "~", "~1", "a/b", "0"])
scalars = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "x", "1"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
documents: st.SearchStrategy[Tree] = st.dictionaries(keys, values, max_size=4)


@given(documents, documents)
def test_changes_make_the_one_document_of_the_other(before: Tree, after: Tree) -> None:
    fields = list(changes(before, after, Aspect.WANTED))
    difference = Difference(subject="node/x", name="x", change=Change.CHANGED, fields=fields)
    operations = msgspec.json.encode(list(patch([difference]))).decode()
    document = json.loads(json.dumps({"node": {"x": before}}))
    assert same(jsonpatch.apply_patch(document, operations), {"node": {"x": after}})
    assert bool(fields) is not same(before, after)


@given(documents, documents)
def test_no_field_is_told_twice_or_within_another(before: Tree, after: Tree) -> None:
    paths = [keys_of(each.path) for each in changes(before, after, Aspect.WANTED)]
    for path in paths:
        assert not any(path[: len(other)] == other for other in paths if other is not path)


@given(documents)
def test_leaves_are_all_there_is_and_stand_where_they_say(document: Tree) -> None:
    found = dict(leaves(document))
    for path, value in found.items():
        inner: object = document
        for key in keys_of(path):
            assert isinstance(inner, dict)
            inner = inner[key]
        assert same(inner, value)
    rebuilt: Tree = {}
    for path, value in found.items():
        *above, last = keys_of(path)
        place = rebuilt
        for key in above:
            within = place.setdefault(key, {})
            assert isinstance(within, dict)
            place = within
        place[last] = value
    assert same(rebuilt, document)


@given(st.lists(keys, min_size=1))
def test_a_pointer_leads_back_to_its_keys(path: list[str]) -> None:
    assert keys_of(pointer(*path)) == path


def test_a_field_that_became_nothing_is_not_one_that_went() -> None:
    (became,) = changes({"a": 1}, {"a": None}, Aspect.WANTED)
    (went,) = changes({"a": 1}, {}, Aspect.WANTED)
    assert is_given(became.after)
    assert not is_given(went.after)
