"""Frames of proxied connections: what is packed comes out, and hostile bytes are told so."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.proxy.frames import (
    LARGEST_DATA,
    Credit,
    Data,
    End,
    Frame,
    NoPacket,
    Open,
    Opened,
    Packet,
    Ping,
    Pong,
    Reset,
    Why,
    encoded,
    packed,
    unpacked,
)

NUMBERS = st.integers(0, 2**32 - 1)
TEXTS = st.text(max_size=60)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Open, NUMBERS, TEXTS, TEXTS),
    st.builds(Opened, NUMBERS),
    st.builds(Data, NUMBERS, st.binary(min_size=1, max_size=300)),
    st.builds(Credit, NUMBERS, NUMBERS),
    st.builds(End, NUMBERS),
    st.builds(Reset, NUMBERS, st.sampled_from(Why), TEXTS),
    st.just(Ping()),
    st.just(Pong()),
)
PACKETS = st.builds(
    Packet,
    TEXTS,
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**64 - 1),
    st.lists(FRAMES, max_size=6),
)


def as_bytes(packet: Packet) -> bytes:
    frames = [encoded(frame) for frame in packet.frames]
    return packed(packet.sender, packet.session, packet.number, frames)


@given(PACKETS)
def test_what_is_packed_comes_out(packet: Packet) -> None:
    assert unpacked(as_bytes(packet)) == packet


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_no_packet(said: bytes) -> None:
    with suppress(NoPacket):
        unpacked(said)


@given(PACKETS, st.data())
def test_a_damaged_packet_is_another_packet_or_none(packet: Packet, data: st.DataObject) -> None:
    said = bytearray(as_bytes(packet))
    place = data.draw(st.integers(0, len(said) - 1))
    said[place] ^= data.draw(st.integers(1, 255))
    del said[data.draw(st.integers(0, len(said))) :]
    with suppress(NoPacket):
        unpacked(bytes(said))


def test_a_kind_that_only_newer_versions_know_is_left_out() -> None:
    newer = bytes((99, 0, 0, 0, 1, 0, 0, 0, 2)) + b"??"
    said = packed("n", bytes(8), 0, [newer, encoded(End(1))])
    assert unpacked(said).frames == [End(1)]


def test_a_reason_that_only_newer_versions_know_breaks_the_connection_all_the_same() -> None:
    said = bytearray(packed("n", bytes(8), 0, [encoded(Reset(1, Why.IDLE, "for good"))]))
    said[-9] = 200
    assert unpacked(bytes(said)).frames == [Reset(1, Why.BROKEN, "for good")]


def test_a_long_text_is_cut_between_letters() -> None:
    (frame,) = unpacked(packed("n", bytes(8), 0, [encoded(Reset(1, Why.IDLE, "ü" * 999))])).frames
    assert isinstance(frame, Reset)
    assert frame.text == "ü" * 256


@pytest.mark.parametrize("size", [0, LARGEST_DATA + 1])
def test_data_has_a_byte_at_least_and_a_bound(size: int) -> None:
    with pytest.raises(NoPacket):
        unpacked(packed("n", bytes(8), 0, [encoded(Data(1, bytes(size)))]))
