import json

import pytest
from ecn_sdk.iomessage import IoMessage
from ecn_sdk.message import Body, moment, received, to_send
from hypothesis import given
from hypothesis import strategies as st

from agent.local_api.conversion import given as as_delivered
from agent.local_api.conversion import taken
from routing.iomessage import IoMessage as TheAgents

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXT.filter(lambda name: not name.startswith("$"))
VALUES = TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
BODIES = st.binary(max_size=20) | TEXT | _json


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def through_the_agent(message: IoMessage) -> IoMessage:
    """What the receiver's SDK gets of what the sender's has made."""
    came = TheAgents.from_document(message.to_document())
    given_on = as_delivered(taken(came), "in")
    return IoMessage.from_binary(given_on.to_binary())


@given(BODIES, st.dictionaries(NAMES, VALUES, max_size=4), TEXT, TEXT)
def test_a_message_comes_out_as_it_went_in(
    body: Body, properties: dict[str, str | int | float | bool], output: str, correlation: str
) -> None:
    sent = to_send(
        body, publisher="m1", properties=properties, output=output, correlation_id=correlation
    )
    got = received(through_the_agent(sent))
    assert got.properties == {name: as_text(value) for name, value in properties.items()}
    assert (got.input, got.output, got.correlation_id) == ("in", output, correlation)
    if isinstance(body, bytes):
        assert got.body == body
        assert got.content_type == ""
    elif isinstance(body, str):
        assert got.text() == body
        assert got.content_type == "text/plain"
    else:
        assert got.json() == body
        assert (got.content_type, got.content_encoding) == ("application/json", "utf-8")


@given(BODIES, st.dictionaries(NAMES, VALUES, max_size=4))
def test_conditions_see_what_was_given(
    body: Body, properties: dict[str, str | int | float | bool]
) -> None:
    message = taken(
        TheAgents.from_document(
            to_send(body, publisher="m1", properties=properties, output="raw").to_document()
        )
    )
    assert message.output == "raw"
    for name, value in properties.items():
        assert message.properties[name] == as_text(value)


@given(st.binary(max_size=64))
def test_context_data_of_others_is_never_a_problem(data: bytes) -> None:
    got = received(IoMessage(contextdata=data, contentdata=b"x"))
    assert got.body == b"x"
    assert got.io.contextdata == data


def test_a_property_can_not_pose_as_the_systems() -> None:
    with pytest.raises(ValueError, match="begins with \\$"):
        to_send(b"", publisher="m1", properties={"$outputName": "x"})


def test_a_time_that_no_calendar_has_is_the_last_of_days() -> None:
    assert moment(2**63).year == 9999
    assert moment(0).year == 1970
