"""Merge patches: the RFC to the letter, a difference that makes the other, what a twin may be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.local.merge_patch import (
    DEEPEST,
    LARGEST,
    Document,
    NoDocument,
    assignment,
    changed,
    difference,
    encoded,
    leaves,
    merged,
    patch_document,
    patched,
    same,
    section,
    together,
    without,
)

scalars = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, 1.0, 1.5]),
    st.sampled_from(["", "a", "ü/~"]),
)
keys = st.sampled_from(["a", "b", "c/d", "e~f", "", "ü"])
values = st.recursive(
    scalars,
    lambda within: (
        st.lists(within | st.none(), max_size=2) | st.dictionaries(keys, within, max_size=3)
    ),
    max_leaves=6,
)
documents = st.dictionaries(keys, values, max_size=4)
patches = st.dictionaries(
    keys,
    st.recursive(
        scalars | st.none(), lambda within: st.dictionaries(keys, within, max_size=3), max_leaves=6
    ),
    max_size=4,
)


@given(documents, documents)
def test_the_difference_makes_of_the_one_the_other(old: Document, new: Document) -> None:
    assert same(changed(old, difference(old, new)), new)


@given(documents, patches)
def test_a_patch_and_what_it_really_changes_are_one(old: Document, patch: Document) -> None:
    after = changed(old, patch)
    assert same(changed(old, difference(old, after)), after)
    assert difference(after, changed(after, patch)) == {}


@given(documents, patches)
def test_nothing_that_is_given_is_changed(old: Document, patch: Document) -> None:
    before = msgspec.json.encode([old, patch])
    changed(old, patch)
    difference(old, changed(old, patch))
    assert msgspec.json.encode([old, patch]) == before


@given(documents)
def test_no_difference_is_an_empty_patch(document: Document) -> None:
    assert difference(document, document) == {}


@given(documents, patches, st.data())
def test_the_parts_of_a_patch_make_in_either_order_what_the_whole_makes(
    old: Document, patch: Document, data: st.DataObject
) -> None:
    patch = difference(old, changed(old, patch))
    paths = [path for path, _ in leaves(patch)]
    some = frozenset(data.draw(st.sets(st.sampled_from(paths)) if paths else st.just(set())))
    one, other = without(patch, some), without(patch, frozenset(paths) - some)
    assert {path for path, _ in leaves(other)} == some
    assert same(changed(changed(old, one), other), changed(old, patch))
    assert same(changed(changed(old, other), one), changed(old, patch))


@given(documents)
def test_what_is_kept_is_read_again_and_equal_documents_are_equal_bytes(document: Document) -> None:
    kept = encoded(document)
    assert same(msgspec.json.decode(kept), document)
    assert bytes(encoded(dict(reversed(document.items())))) == bytes(kept)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(target: object, patch: object, result: object) -> None:
    assert merged(target, patch) == result


def test_the_example_of_azure() -> None:
    seven = {"rate": 5, "net": {"dns": ["a"], "mtu": 1500}}
    patch: Document = {"rate": None, "net": {"dns": ["b", "c"]}, "mode": "eco"}
    assert changed(seven, patch) == {"net": {"dns": ["b", "c"], "mtu": 1500}, "mode": "eco"}


def test_true_is_not_one_and_one_is_not_one_point_zero() -> None:
    assert difference({"a": 1, "b": 1}, {"a": True, "b": 1.0}) == {"a": True, "b": 1.0}


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"{}" + b"}" * levels


@pytest.mark.parametrize(
    ("content", "why", "field"),
    [
        (b"[]", "no JSON object", "$"),
        (b"7", "no JSON object", "$"),
        (b"{", "no JSON", "$"),
        (b'"\xff"', "no JSON", "$"),
        (b'{"a":null}', "only a patch", "$.a"),
        (b'{"a":{"b":null}}', "only a patch", "$.a.b"),
        (nested(DEEPEST), "more than 10 levels", "$.a.a.a.a.a.a.a.a.a.a"),
        (b"[" * 100_000, "more than 65536 bytes", "$"),
        (b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "more than 10 levels", "$"),
        (b'{"a\\u0007b":1}', "control character", "$"),
        (b'{"\\u009f":1}', "control character", "$"),
        (b'{"a":["x\\u0000"]}', "NUL", "$.a[0]"),
        (b'{"n":9007199254740993}', "beyond", "$.n"),
        (b'{"n":1e999}', "no JSON", "$"),
        (b'{"' + b"k" * 1025 + b'":1}', "1024 bytes", "$"),
        (b'{"a":"' + b"x" * LARGEST + b'"}', "at most", "$"),
    ],
)
def test_what_is_no_twin_is_refused_with_its_place(content: bytes, why: str, field: str) -> None:
    with pytest.raises(NoDocument, match=why) as refused:
        section(content)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        nested(DEEPEST - 1),
        b'{"a":[null,{"b":null}]}',
        b'{"$metadata":1,"a.b":2,"c d":3,"":4}',
        b'{"n":-9007199254740992,"f":1.5e300}',
        b'{"' + b"k" * 1024 + b'":1}',
        b'{"a":"' + b"x" * (LARGEST - 8) + b'"}',
    ],
)
def test_everything_else_is(content: bytes) -> None:
    assert same(section(content), msgspec.json.decode(content))


def test_a_patch_may_say_null_and_must_not_make_too_much() -> None:
    assert patch_document(b'{"a":null}') == {"a": None}
    half: Document = {"a": "x" * (LARGEST // 2)}
    with pytest.raises(NoDocument, match="at most"):
        patched(half, {"b": "x" * (LARGEST // 2)})
    assert patched(half, {"a": None, "b": "x" * (LARGEST // 2)})


@pytest.mark.parametrize(
    ("text", "patch"),
    [
        ("rate=5", {"rate": 5}),
        ("net.mtu=1500", {"net": {"mtu": 1500}}),
        ("a.b.c=null", {"a": {"b": {"c": None}}}),
        ("name=the lobby", {"name": "the lobby"}),
        ("name=", {"name": ""}),
        ('name="5"', {"name": "5"}),
        ("url=http://x?a=b", {"url": "http://x?a=b"}),
        ('list=[1,"a"]', {"list": [1, "a"]}),
    ],
)
def test_a_property_is_set_by_its_name(text: str, patch: Document) -> None:
    assert assignment(text) == patch


@pytest.mark.parametrize("text", ["rate", "=5", "a..b=1", ".a=1", "a.=1"])
def test_what_names_no_property_sets_none(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=VALUE"):
        assignment(text)


def test_several_are_set_together() -> None:
    both = together(assignment("net.mtu=1500"), assignment("net.dns=null"))
    assert together(both, assignment("rate=5")) == {"net": {"mtu": 1500, "dns": None}, "rate": 5}
