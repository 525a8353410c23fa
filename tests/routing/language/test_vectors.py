"""The worked examples of the reference: 15.2, 15.3 and 15.10."""

import pytest

from routing.language import NotTheLanguage, Reading, compiled, parse_condition, parse_query
from routing.language.sources import matches, message_path, source_of
from routing.message import Message
from routing.selection import Way, chosen

MESSAGE = Message(
    properties={"temp": "71"},
    content_type="application/json",
    content_encoding="utf-8",
    body=b'{"t":{"v":71},"tags":["a","b"]}',
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as_number(temp) > 70", True),
        ("$body.t.v > 70 AND missing = 'x'", None),
        ("$body.t.v > 70 OR missing = 'x'", True),
        ("NOT (missing = 'x')", None),
        ("NOT IS_DEFINED(missing)", True),
        ("$body.t.nothere = null", True),
        ("$body.t = 5", None),
        ("$body.t.v = '71'", False),
        ("$body.t.v != '71'", True),
        ("$body.tags[1] = 'b'", True),
        ("3 % 0 = 1", None),
        ("missing = 'x' AND false", False),
        ("(missing ?? 'x') = 'x'", True),
    ],
)
def test_undefined_logic(text: str, expected: bool | None) -> None:
    assert compiled(parse_condition(text))(Reading(MESSAGE)) is expected


@pytest.mark.parametrize("text", ["temp > 70", "missing ?? 'x' = 'x'", "flag AND temp = '71'"])
def test_what_does_not_compile(text: str) -> None:
    with pytest.raises(NotTheLanguage):
        parse_condition(text)


def test_a_body_that_does_not_say_what_it_is_can_not_be_asked() -> None:
    silent = Message(body=MESSAGE.body)
    assert compiled(parse_condition("$body.t.v > 70"))(Reading(silent)) is None


ROUTES = {
    "probeToGuard": (
        "FROM /messages/modules/probe/outputs/raw"
        ' INTO BrokeredEndpoint("/modules/guard/inputs/in")',
        None,
    ),
    "alarms": ("FROM /messages/modules/guard/* WHERE severity = 'high' INTO $upstream", 0),
    "rest": ("FROM /messages/* INTO $upstream", 5),
}


def taken(message: Message, module: str) -> tuple[list[str], list[str]]:
    path = message_path(module, message.output, twin_change=message.twin_change)
    ways = []
    for name, (text, priority) in ROUTES.items():
        query = parse_query(text)
        if matches(query.source, path):
            condition = compiled(query.condition) if query.condition is not None else None
            sink = repr(query.sink)
            ways.append(Way(route_id=name, sink=sink, priority=priority, condition=condition))
    outcome = chosen(ways, Reading(message, module=module))
    return [way.route_id for way in outcome.taken], [way.route_id for way in outcome.undefined]


def test_one_copy_goes_upstream_by_the_most_urgent_route() -> None:
    high = Message(output="out", properties={"severity": "high"})
    assert taken(high, "guard") == (["alarms"], [])


def test_a_false_condition_leaves_it_to_the_next() -> None:
    low = Message(output="out", properties={"severity": "low"})
    assert taken(low, "guard") == (["rest"], [])


def test_an_undefined_condition_is_not_taken_and_is_told() -> None:
    assert taken(Message(output="out"), "guard") == (["rest"], ["alarms"])


SENT = {
    "output": message_path("m", "o"),
    "no output": message_path("m"),
    "leaf": message_path(""),
    "twin": message_path("m", twin_change=True),
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/*", {"output", "no output", "leaf", "twin"}),
        ("/messages/*", {"output", "no output", "leaf"}),
        ("/messages/modules/*", {"output", "no output"}),
        ("/messages/modules/m/*", {"output", "no output"}),
        ("/messages/modules/m/outputs/*", {"output"}),
        ("/messages/modules/M/OUTPUTS/O", {"output"}),
        ("/messages/modules/mx/*", set()),
        ("/twinChangeNotifications", {"twin"}),
    ],
)
def test_sources(pattern: str, expected: set[str]) -> None:
    source = source_of(pattern)
    assert {kind for kind, path in SENT.items() if matches(source, path)} == expected


def test_a_source_is_no_prefix_of_a_longer_name() -> None:
    assert not matches(source_of("/messages/modules/m/*"), message_path("mx", "o"))
    assert not matches(source_of("/messages/modules/m/*"), message_path("mx"))


def test_a_star_in_the_middle_is_refused() -> None:
    with pytest.raises(NotTheLanguage, match="a \\* stands alone"):
        parse_query("FROM /messages/modules/*/outputs/o INTO $upstream")
