"""ioFog's messages survive every form, as every sender writes them; other bytes are no worse."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.iomessage import (
    BadIoMessage,
    IoMessage,
    message_frame,
    read_message_frame,
    read_receipt_frame,
    receipt_frame,
)

_ascii = st.characters(codec="utf-8")
short = st.text(_ascii, max_size=60)
ints = st.integers(0, 2**31 - 1)
longs = st.integers(0, 2**63 - 1)
data = st.binary(max_size=200)

messages = st.builds(
    IoMessage,
    id=short,
    tag=st.text(_ascii, max_size=300),
    groupid=short,
    sequencenumber=ints,
    sequencetotal=ints,
    priority=ints,
    timestamp=longs,
    publisher=short,
    authid=short,
    authgroup=short,
    chainposition=longs,
    hash=short,
    previoushash=short,
    nonce=short,
    difficultytarget=ints,
    infotype=short,
    infoformat=short,
    contextdata=data,
    contentdata=data,
)

AN_EXAMPLE = IoMessage(
    publisher="abc", infotype="t", infoformat="f", contentdata=b"\x01\x02", timestamp=5
)
AS_JAVA_WRITES_IT = bytes.fromhex(
    "0004 00 0000 00 00 00 00 08 03 0000 0000 00 0000 0000 0000 00 01 01 00000000 00000002"
    "0000000000000005 616263 74 66 0102"
)
AS_GO_WRITES_IT = bytes.fromhex(
    # Zeros have one byte, and so has context data that is not there.
    "0004 00 0000 00 01 01 01 01 03 0000 0000 01 0000 0000 0000 01 01 01 00000001 00000002"
    "00 00 00 05 616263 00 00 74 66 00 0102"
)


@given(messages)
def test_what_is_written_in_binary_is_read_as_it_was(message: IoMessage) -> None:
    assert IoMessage.from_binary(message.to_binary()) == message
    assert read_message_frame(message_frame(message)) == message


@given(messages)
def test_what_is_written_as_json_is_read_as_it_was(message: IoMessage) -> None:
    document = json.loads(json.dumps(message.to_document()))
    assert IoMessage.from_document(document) == message
    assert len(document) == 20  # every key, set or not: SDKs read them without asking


def test_the_bytes_of_iofogs_agent() -> None:
    assert AN_EXAMPLE.to_binary() == AS_JAVA_WRITES_IT


def test_the_bytes_of_iofogs_sdks_mean_the_same() -> None:
    # Their context data of one zero byte cannot be told from none that is meant.
    assert IoMessage.from_binary(AS_GO_WRITES_IT) == replace(AN_EXAMPLE, contextdata=b"\x00")


def test_text_that_is_no_utf_8_is_read_as_iofogs_node_sdk_writes_it() -> None:
    binary = IoMessage(tag="Kuh").to_binary().replace(b"Kuh", b"K\xfch")
    assert IoMessage.from_binary(binary).tag == "Küh"
    long = IoMessage(infotype="t" * 255).to_binary().replace(b"t", b"\xfc")
    with pytest.raises(BadIoMessage):  # it would not fit where it has to be written again
        IoMessage.from_binary(long)


@given(st.integers(0, 2**31 - 1), st.integers(0, 8))
def test_numbers_of_any_width_are_read(number: int, width: int) -> None:
    width = max(width, (number.bit_length() + 7) // 8)
    binary = bytearray(IoMessage(publisher="p").to_binary())
    binary[6] = width  # of the sequence number, the first to have data before the publisher
    binary[33:33] = number.to_bytes(width, "big")
    assert IoMessage.from_binary(binary).sequencenumber == number


@given(st.binary(max_size=400))
@example(b"")
def test_whatever_bytes_come_they_are_a_message_or_none(noise: bytes) -> None:
    for read in (IoMessage.from_binary, read_message_frame, read_receipt_frame):
        with suppress(BadIoMessage):
            read(noise)


@given(messages, st.data())
def test_a_message_with_damaged_bytes_is_a_message_or_none(
    message: IoMessage, draw: st.DataObject
) -> None:
    binary = bytearray(message.to_binary())
    for _ in range(draw.draw(st.integers(1, 4))):
        binary[draw.draw(st.integers(0, len(binary) - 1))] = draw.draw(st.integers(0, 255))
    try:
        read = IoMessage.from_binary(binary)
    except BadIoMessage:
        return
    assert IoMessage.from_binary(read.to_binary()) == read


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*AN_EXAMPLE.to_document(), "other"]), json_values))
def test_whatever_a_document_says_it_is_a_message_or_none(document: dict[str, object]) -> None:
    try:
        read = IoMessage.from_document(document)
    except BadIoMessage:
        return
    assert IoMessage.from_binary(read.to_binary()) == read


def test_what_is_no_object_is_none() -> None:
    with pytest.raises(BadIoMessage):
        IoMessage.from_document(["a message"])


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("version", 3),
        ("version", "four"),
        ("priority", -1),
        ("priority", True),
        ("timestamp", 2**63),
        ("infotype", "t" * 256),
        ("tag", 7),
        ("publisher", "\ud800"),
        ("contentdata", "not base64!"),
        ("contextdata", "ä"),
    ],
)
def test_what_is_wrong_is_named(field: str, said: object) -> None:
    with pytest.raises(BadIoMessage) as refused:
        IoMessage.from_document({**AN_EXAMPLE.to_document(), field: said})
    assert refused.value.field == field


def test_numbers_in_quotes_data_without_padding_and_null_are_taken() -> None:
    read = IoMessage.from_document(
        {"version": "4", "priority": "7", "contentdata": "AQI", "contextdata": None, "tag": None}
    )
    assert read == IoMessage(priority=7, contentdata=b"\x01\x02")


@given(st.text("0123456789abcdef", min_size=32, max_size=32), longs)
def test_a_receipt_is_read_as_it_was_written(message_id: str, timestamp: int) -> None:
    assert read_receipt_frame(receipt_frame(message_id, timestamp)) == (message_id, timestamp)
    assert len(receipt_frame(message_id, timestamp)) == 43


def test_what_does_not_fit_the_binary_form_is_said() -> None:
    with pytest.raises(BadIoMessage) as refused:
        IoMessage(infotype="t" * 256).to_binary()
    assert refused.value.field == "infotype"
