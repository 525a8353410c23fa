"""A route written as a query is the same route as one written by its parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.api.documents import RouteManifest
from ecn.api.route_ways import Way, way
from ecn.errors import BadCondition, Invalid
from events.route import RouteTerms
from routing.language import Reading, compiled, parse_condition
from routing.message import Message

NAMES = st.sampled_from(["web", "cache", "a.b", "x-1"])
CONNECTORS = st.sampled_from(["", "temp", "out1"])
CONDITIONS = st.sampled_from(["", "as_number(temp) > 70", "a = 'b' OR c = 'd'"])


@given(st.none() | NAMES, CONNECTORS, st.none() | NAMES, CONNECTORS, CONDITIONS)
def test_a_query_says_what_its_parts_say(
    source: str | None, output: str, destination: str | None, by_input: str, condition: str
) -> None:
    path = "/messages/*" if source is None else f"/messages/modules/{source}/*"
    if source is not None and output:
        path = f"/messages/modules/{source}/outputs/{output}"
    sink, into = "$upstream", ""
    if destination is not None and by_input:
        sink, into = f'BrokeredEndpoint("/modules/{destination}/inputs/{by_input}")', by_input
    where = f" WHERE {condition}" if condition else ""
    found = way(RouteManifest(query=f"FROM {path}{where} INTO {sink}", priority=1))
    parts = RouteManifest(
        source=source or "*",
        output=output if source is not None else "",
        destination=destination if destination is not None and by_input else "$upstream",
        input=into,
        condition=condition,
        priority=1,
    )
    meant = way(parts)
    assert (found.source, found.destination) == (meant.source, meant.destination)
    assert found.terms.output == meant.terms.output
    assert found.terms.input == meant.terms.input
    assert found.terms.priority == 1
    if condition:
        assert parse_condition(found.terms.condition) == parse_condition(meant.terms.condition)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("FROM /messages/* INTO $upstream", Way("*", "$upstream", RouteTerms())),
        (
            "select * from /messages/modules/Web/* into $UPSTREAM",
            Way("web", "$upstream", RouteTerms()),
        ),
        (
            "FROM /twinChangeNotifications WHERE twin_change_includes(a.b) INTO $upstream",
            Way(
                "*",
                "$upstream",
                RouteTerms(twin_changes=True, condition="twin_change_includes(a.b)"),
            ),
        ),
        (
            'FROM /messages/modules/web/outputs/t INTO BrokeredEndpoint("/modules/cache/inputs/i")',
            Way("web", "cache", RouteTerms(output="t", input="i")),
        ),
    ],
)
def test_queries_of_all_kinds(query: str, meant: Way) -> None:
    assert way(RouteManifest(query=query)) == meant


@pytest.mark.parametrize(("output", "fires"), [("", False), ("any", True)])
def test_any_output_becomes_a_condition(output: str, fires: bool) -> None:
    query = "FROM /messages/modules/web/outputs/* WHERE a = 'b' INTO $upstream"
    condition = parse_condition(way(RouteManifest(query=query)).terms.condition)
    message = Message(output=output, properties={"a": "b"}, body=b"")
    assert bool(compiled(condition)(Reading(message, module="web"))) is fires


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(None, None), (0, 0), (90, 90), ("90", 90), ("30m", 1800), ("1h30m", 5400), ("7d", 604800)],
)
def test_a_ttl_is_seconds_or_a_duration(said: int | str | None, seconds: int | None) -> None:
    found = way(RouteManifest(source="a", destination="b", ttl=said))
    assert found.terms.ttl == seconds


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (RouteManifest(), "$.source"),
        (RouteManifest(source="a"), "$.destination"),
        (RouteManifest(query="FROM /messages/* INTO $upstream", source="a"), "$.source"),
        (
            RouteManifest(query="FROM /messages/* INTO $upstream", condition="a = 'b'"),
            "$.condition",
        ),
        (
            RouteManifest(query="FROM /messages/* INTO $upstream", twin_changes=True),
            "$.twin_changes",
        ),
        (RouteManifest(query="FROM /* INTO $upstream"), "$.query"),
        (RouteManifest(source="a", destination="b", ttl="soon"), "$.ttl"),
    ],
)
def test_what_can_be_meant_in_two_ways_or_none_is_refused(said: RouteManifest, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        way(said)
    assert refused.value.field == field


@pytest.mark.parametrize("query", ["", "FROM", "FROM /messages/* WHERE a == 'b' INTO $upstream"])
def test_a_query_that_is_none_is_marked_where_it_is_wrong(query: str) -> None:
    with pytest.raises(Invalid) as refused:
        way(RouteManifest(query=query))
    if query:
        assert isinstance(refused.value, BadCondition)
        assert refused.value.field == "$.query"
        assert "^" in refused.value.detail
