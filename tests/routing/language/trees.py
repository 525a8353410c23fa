"""Trees and messages of all kinds, for properties. Trees are well typed, as those that are read."""

import string
from functools import cache
from typing import get_args

import msgspec
from hypothesis import strategies as st

from routing.language.functions import FUNCTIONS, TWIN_CHANGE, Kind
from routing.language.reading import SYSTEM
from routing.language.sources import source_of
from routing.language.tree import (
    And,
    Binary,
    Body,
    Call,
    Expression,
    Input,
    Negative,
    Not,
    Null,
    Number,
    Operator,
    Or,
    Property,
    Query,
    System,
    Text,
    Truth,
    Undefined,
    Upstream,
)
from routing.message import Message

assert len(get_args(Operator)) == 13

NAMES = ("temp", "Severity", "a-b", "x.y", "ünï", "missing", "flag")
TEXTS = ("", "high", "71", "-2.5", "true", "abc", "bc", "1e2", "\U0001f600", "", "nan")
NUMBERS = (0.0, 1.0, -1.0, 2.0, 3.5, 71.0, -0.25, 1e300)
MEMBERS = ("t", "v", "ok", "tags", "gone", "at")

texts = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
names = st.sampled_from(NAMES) | st.text(string.ascii_letters + "_-.", min_size=1, max_size=6).map(
    lambda name: "p" + name
)
segments = st.sampled_from(MEMBERS) | st.integers(0, 3)
bodies = st.lists(segments, max_size=3).map(lambda path: Body(tuple(path)))
systems = st.builds(System, st.sampled_from(sorted(SYSTEM)), st.booleans())
numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False)


@cache
def of_kind(kind: Kind, depth: int) -> st.SearchStrategy[Expression]:
    """Expressions that have such a value, with at most so many levels."""
    return st.deferred(lambda: st.one_of(*_choices(kind, depth)))


def _choices(kind: Kind, depth: int) -> list[st.SearchStrategy[Expression]]:
    choices: list[st.SearchStrategy[Expression]] = []
    match kind:
        case Kind.TEXT:
            choices += [texts.map(Text), names.map(Property), systems]
        case Kind.NUMBER:
            choices += [numbers.map(Number)]
        case Kind.TRUTH:
            choices += [st.booleans().map(Truth)]
        case Kind.NULL:
            choices += [st.just(Null())]
        case Kind.UNDEFINED:
            choices += [st.just(Undefined())]
        case Kind.DYNAMIC:
            choices += [bodies]
    if depth <= 0 or kind in (Kind.NULL, Kind.UNDEFINED, Kind.DYNAMIC):
        return choices
    deeper = depth - 1
    like = loose(kind, deeper)
    choices += [st.builds(lambda x, y: Binary("??", x, y), of_kind(kind, deeper), like)]
    for name, function in FUNCTIONS.items():
        if function.gives is kind and name != TWIN_CHANGE:
            choices.append(_calls(name, deeper))
    if kind is Kind.NUMBER:
        choices += [
            like.map(Negative),
            st.builds(Binary, st.sampled_from(("+", "-", "*", "/", "%")), like, like),
        ]
    if kind is Kind.TEXT:
        choices += [st.builds(lambda x, y: Binary("||", x, y), like, like)]
    if kind is Kind.TRUTH:
        truths = st.lists(loose(kind, deeper) | st.just(Null()), min_size=2, max_size=3)
        several: list[st.SearchStrategy[Expression]] = [
            truths.map(lambda parts: And(tuple(parts))),
            truths.map(lambda parts: Or(tuple(parts))),
        ]
        choices += 3 * several
        choices += [
            like.map(Not),
            _comparisons(deeper),
            _comparisons(deeper),
        ]
    return choices


@cache
def loose(kind: Kind, depth: int) -> st.SearchStrategy[Expression]:
    """What may stand where such a value is needed."""
    exact = of_kind(kind, depth)
    return st.one_of(exact, exact, bodies, st.just(Undefined()))


@cache
def _calls(name: str, depth: int) -> st.SearchStrategy[Expression]:
    function = FUNCTIONS[name]

    def arguments(count: int) -> st.SearchStrategy[Expression]:
        kinds = [
            st.one_of(*(loose(kind, depth) for kind in (Kind.TEXT, Kind.NUMBER, Kind.TRUTH)))
            if function.about_kinds
            else loose(function.kind(position), depth)
            for position in range(count)
        ]
        return st.tuples(*kinds).map(lambda given: Call(name, given))

    most = function.most if function.most is not None else 3
    return st.one_of(*(arguments(count) for count in range(function.fewest, most + 1)))


@cache
def _comparisons(depth: int) -> st.SearchStrategy[Expression]:
    equal: st.SearchStrategy[Operator] = st.sampled_from(["=", "!="])
    every: st.SearchStrategy[Operator] = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])

    def pair(kind: Kind, operators: st.SearchStrategy[Operator]) -> st.SearchStrategy[Expression]:
        return st.builds(Binary, operators, loose(kind, depth), loose(kind, depth))

    return st.one_of(
        pair(Kind.TEXT, every),
        pair(Kind.NUMBER, every),
        pair(Kind.TRUTH, equal),
        st.builds(Binary, equal, loose(Kind.TEXT, depth), st.just(Null())),
    )


conditions = st.one_of(*(loose(Kind.TRUTH, depth) for depth in range(4)))

words = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=8)
sources = st.one_of(
    st.sampled_from(
        ("/*", "/messages/*", "/messages", "/messages/modules/*", "/twinChangeNotifications")
    ),
    words.map(lambda module: f"/messages/modules/{module}/*"),
    words.map(lambda module: f"/messages/modules/{module}/outputs/*"),
    st.tuples(words, words).map(lambda both: f"/messages/modules/{both[0]}/outputs/{both[1]}"),
).map(source_of)
inputs = st.text(st.characters(exclude_characters="/*", exclude_categories=["Cs"]), min_size=1)
sinks = st.one_of(st.just(Upstream()), st.builds(Input, inputs, inputs))
queries = st.builds(Query, sources, st.none() | conditions, sinks)

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, 71, -3, 2.5)),
    st.sampled_from(TEXTS[:7]),
    st.just("2026-11-21T20:00:00Z"),
)
_json = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4)
    ),
    max_leaves=8,
)


def _message(
    properties: dict[str, str], body: object, content_type: str, output: str, twin: bool
) -> Message:
    return Message(
        message_id="0f" * 16,
        created=1_795_290_000_123,
        publisher="id",
        output=output,
        twin_change=twin,
        content_type=content_type,
        content_encoding="utf-8",
        properties=properties,
        body=msgspec.json.encode(body),
    )


messages = st.builds(
    _message,
    st.dictionaries(
        st.sampled_from((*NAMES, "TEMP", "severity", "$messageId", "$outputName")).filter(
            lambda name: name != "missing"
        ),
        st.sampled_from(TEXTS),
        max_size=4,
    ),
    _json,
    st.sampled_from(("application/json", "application/json", "APPLICATION/JSON", "text/plain", "")),
    st.sampled_from(("", "raw")),
    st.booleans(),
)
