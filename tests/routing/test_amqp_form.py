"""A message as properties, headers and body, and back."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame, header

from routing.amqp.properties import from_library, reading_anything, to_library
from routing.amqp_form import PACKED, Envelope, NoMessage, Received, read, written
from routing.amqp_shapes import Arrival, Header, Properties
from routing.message import IoFields, Message

IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
ANY_TEXT = st.text(max_size=400)
NUMBERS = st.integers(-(2**63), 2**64 - 1)
IO = st.builds(
    IoFields,
    tag=ANY_TEXT, group_id=ANY_TEXT, sequence_number=NUMBERS, sequence_total=NUMBERS,
    priority=NUMBERS, auth_id=ANY_TEXT, hash=ANY_TEXT, difficulty_target=NUMBERS,
    context_data=st.binary(max_size=50) | st.just(b"c" * 200_000),
)  # fmt: skip
MESSAGES = st.builds(
    Message,
    message_id=IDS,
    created=st.integers(0, 4_000_000_000_000),
    publisher=ANY_TEXT,
    output=ANY_TEXT,
    twin_change=st.booleans(),
    content_type=ANY_TEXT,
    content_encoding=ANY_TEXT,
    correlation_id=ANY_TEXT,
    properties=st.dictionaries(ANY_TEXT, ANY_TEXT | st.just("x" * 50_000), max_size=5),
    body=st.binary(max_size=200),
    io=st.none() | IO,
)
ENVELOPES = st.builds(
    Envelope,
    route_id=st.uuids().map(str),
    route=st.text(max_size=60),
    application=st.text(max_size=60),
    input=ANY_TEXT,
    priority=st.none() | st.integers(0, 9),
    expires_at=st.integers(0, 10_000),
)
TEXTS_OF_JSON = st.text(st.characters(codec=None, categories=None), max_size=20)
"""Halves of pairs among them."""


def over_the_wire(properties: Properties, body: bytes) -> Arrival:
    """As the library writes and reads it."""
    reading_anything()
    one = header.ContentHeader(properties=to_library(properties), body_size=len(body))
    data = frame.marshal(one, 1)
    assert len(data) < 131_072, "it has to be in one frame"
    _, _, other = frame.unmarshal(data)
    assert isinstance(other, header.ContentHeader)
    return Arrival(
        tag=1, body=body, properties=from_library(other.properties), exchange="", key="",
        redelivered=False,
    )  # fmt: skip


@given(MESSAGES, ENVELOPES)
@settings(deadline=None)
def test_what_was_written_is_read_the_same(message: Message, envelope: Envelope) -> None:
    properties, body = written(message, envelope, 5_000)
    assert read(over_the_wire(properties, body)) == Received(
        message=message, route_id=envelope.route_id, route=envelope.route,
        application=envelope.application, input=envelope.input,
    )  # fmt: skip
    left = None if envelope.expires_at == 0 else max(0, envelope.expires_at - 5_000)
    assert properties.expires_in == left


@given(TEXTS_OF_JSON, TEXTS_OF_JSON, st.integers())
def test_what_has_no_bytes_goes_as_far_as_it_can(one: str, other: str, number: int) -> None:
    message = Message(
        message_id="0" * 32, output=one, content_type=other, properties={one: other},
        io=IoFields(tag=one, sequence_number=number * 2**40),
    )  # fmt: skip
    envelope = Envelope(route_id="r", route=one, application=other, input=one)
    properties, body = written(message, envelope, 0)
    assert read(over_the_wire(properties, body)).message.message_id == "0" * 32


HEADERS: st.SearchStrategy[Header] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["ecn-route", "ecn-created", "ecn-io", "ecn-input", "ecn-publisher", "p-x", "x-death"]
)


@given(
    st.builds(
        Properties,
        message_id=IDS.map(lambda each: each + ".r") | st.text(max_size=60),
        kind=st.sampled_from(["", "message", PACKED, "twin-change", "x"]),
        headers=st.dictionaries(NAMES, HEADERS),
    ),
    st.binary(),
)
def test_what_others_wrote_is_read_or_refused(properties: Properties, body: bytes) -> None:
    arrival = Arrival(
        tag=1, body=body, properties=properties, exchange="", key="", redelivered=False
    )
    with suppress(NoMessage):
        read(arrival)


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_bytes_that_are_no_properties_end_no_connection(data: bytes, flags: int) -> None:
    reading_anything()
    one = header.ContentHeader(body_size=0)
    one.unmarshal(b"\x00\x3c\x00\x00" + bytes(8) + (flags & 0xFFFE).to_bytes(2, "big") + data)
    from_library(one.properties)


def test_a_timestamp_of_no_calendar_does_no_harm() -> None:
    reading_anything()
    one = header.ContentHeader(body_size=0)
    one.unmarshal(b"\x00\x3c\x00\x00" + bytes(8) + (64).to_bytes(2, "big") + b"\xff" * 8)
    assert from_library(one.properties).timestamp == 0


def test_an_operator_reads_it_without_our_code() -> None:
    message = Message(
        message_id="0123456789abcdef0123456789abcdef", created=1_700_000_000_123, publisher="m1",
        content_type="application/json", properties={"level": "high"}, body=b'{"t": 21}',
    )  # fmt: skip
    envelope = Envelope(
        route_id="r1", route="alarms", application="shop", priority=0, expires_at=1_700_000_060_000
    )
    properties, body = written(message, envelope, 1_700_000_000_500)
    assert body == b'{"t": 21}'
    assert properties == Properties(
        message_id="0123456789abcdef0123456789abcdef.r1", timestamp=1_700_000_000,
        content_type="application/json", app_id="shop", kind="message", priority=9,
        expires_in=59_500,
        headers={
            "ecn-route": "alarms", "ecn-publisher": "m1", "ecn-created": 1_700_000_000_123,
            "p-level": "high",
        },
    )  # fmt: skip


def test_without_an_id_it_is_no_message() -> None:
    with pytest.raises(NoMessage, match="message_id"):
        read(over_the_wire(Properties(message_id="hello"), b""))
