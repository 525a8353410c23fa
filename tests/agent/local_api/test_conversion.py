"""A message means the same on both sides, and comes out as it went in."""

import json

import pytest
from hypothesis import given as cases
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.local_api.conversion import given, taken
from routing.iomessage import BadIoMessage, IoMessage
from routing.message import JSON, LARGEST, UTF_8, Message
from tests.routing.test_iomessage import messages

texts = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = texts | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
contexts = st.dictionaries(texts, scalars | st.none() | st.lists(st.integers(), max_size=2))


def stamped(message: Message) -> Message:
    """As a router hands it on."""
    return replace(message, message_id="f" * 32, created=9, publisher="m1")


@cases(messages)
def test_every_field_comes_out_as_it_went_in(io: IoMessage) -> None:
    out = given(stamped(taken(io)))
    assert vars(out) == vars(io) | {"id": "f" * 32, "timestamp": 9, "publisher": "m1"}


@cases(contexts, st.binary(max_size=50))
def test_members_of_the_context_are_properties(context: dict[str, object], body: bytes) -> None:
    message = taken(IoMessage(contextdata=json.dumps(context).encode(), contentdata=body))
    assert message.body == body
    expected = {
        name: said if isinstance(said, str) else json.dumps(said)
        for name, said in context.items()
        if isinstance(said, str | int | float) and not name.startswith("$")
    }
    assert message.properties == expected


@cases(st.binary(max_size=100))
def test_a_context_that_is_none_is_no_property(context: bytes) -> None:
    message = taken(IoMessage(contextdata=context))
    assert all(isinstance(each, str) for each in message.properties.values())
    assert given(stamped(message)).contextdata == context


@cases(st.dictionaries(texts, texts), texts, texts, texts, st.binary(max_size=50))
def test_a_message_of_another_kind_can_be_read_and_taken_again(
    properties: dict[str, str], content_type: str, encoding: str, correlation: str, body: bytes
) -> None:
    properties = {name: text for name, text in properties.items() if not name.startswith("$")}
    message = Message(
        properties=properties,
        content_type=content_type,
        content_encoding=encoding,
        correlation_id=correlation,
        body=body,
    )
    io = IoMessage.from_binary(given(stamped(message)).to_binary())
    again = taken(io)
    assert (again.body, again.correlation_id) == (body, correlation)
    if content_type:
        assert again.content_type == content_type
    assert {name: again.properties[name] for name in properties} == properties


def test_system_properties_are_members_with_a_dollar() -> None:
    context = {
        "$outputName": "alarms",
        "$contentType": "text/plain",
        "$contentEncoding": "ascii",
        "$correlationId": "c1",
        "$other": "nothing of ours",
        "room": 7,
        "open": True,
    }
    message = taken(IoMessage(contextdata=json.dumps(context).encode(), infotype="t"))
    assert (message.output, message.content_type, message.content_encoding) == (
        "alarms",
        "text/plain",
        "ascii",
    )
    assert message.correlation_id == "c1"
    assert message.properties == {"infotype": "t", "room": "7", "open": "true"}


def test_iofogs_json_is_json() -> None:
    message = taken(IoMessage(infotype="application/json", infoformat="text/utf-8"))
    assert (message.content_type, message.content_encoding) == (JSON, UTF_8)
    assert message.properties == {}
    made = given(Message(content_type=JSON, content_encoding="UTF-8", body=b"{}"))
    assert (made.infotype, made.infoformat) == ("application/json", "text/utf-8")


def test_fields_of_iofog_are_properties_unless_the_context_says_otherwise() -> None:
    io = IoMessage(tag="t", groupid="g", priority=3, contextdata=b'{"tag":"mine"}')
    assert taken(io).properties == {"tag": "mine", "groupid": "g", "priority": "3"}


def test_the_input_of_a_route_is_heard_of_where_there_is_a_place_for_it() -> None:
    def heard(context: bytes) -> bytes:
        return given(taken(IoMessage(contextdata=context)), "in").contextdata

    assert json.loads(heard(b'{"a":1.50}')) == {"a": 1.5, "$inputName": "in"}
    assert json.loads(heard(b"")) == json.loads(heard(b"\x00")) == {"$inputName": "in"}
    assert heard(b"binary") == b"binary"
    assert heard(b"[1]") == b"[1]"
    made = given(Message(properties={"a": "1"}), "in")
    assert json.loads(made.contextdata) == {"a": "1", "$inputName": "in"}


def test_a_message_has_a_largest_size() -> None:
    taken(IoMessage(contentdata=b"x" * LARGEST))
    with pytest.raises(BadIoMessage, match=str(LARGEST)):
        taken(IoMessage(contentdata=b"x" * LARGEST, contextdata=b"x"))


def test_a_content_type_that_does_not_fit_is_whole_in_the_context() -> None:
    long = "ä" * 200
    made = given(Message(content_type=long))
    assert len(made.infotype.encode()) == 254
    assert taken(made).content_type == long
