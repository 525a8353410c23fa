"""Packets in the frames of a session: what goes in comes out, and nothing grows without bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import LARGEST_FRAME, Channel, NoFrame, Packets, packet_frames, unframed
from agent.contract.packets import LARGEST_PACKET

ROOM = LARGEST_FRAME - 2
SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from([ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 1]),
    st.integers(LARGEST_FRAME - 5, 3 * LARGEST_FRAME),
)


@given(st.lists(SIZES, max_size=6))
def test_packets_come_out_as_they_went_in_and_no_frame_is_too_large(sizes: list[int]) -> None:
    sent = [bytes([number]) * size for number, size in enumerate(sizes)]
    packets, got = Packets(), []
    for packet in sent:
        said = list(packet_frames(Channel.STDIN, packet))
        assert len(said) == max(1, -(-len(packet) // ROOM))
        for each in said:
            assert len(each) <= LARGEST_FRAME
            channel, content = unframed(each)
            assert channel is Channel.STDIN
            whole = packets.add(content)
            if whole is not None:
                got.append(whole)
    assert got == sent


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_whatever_comes_is_a_piece_or_no_frame(contents: list[bytes]) -> None:
    packets = Packets()
    for content in contents:
        try:
            packets.add(content)
        except NoFrame:
            assert content[:1] not in (b"\0", b"\1")


def test_a_packet_that_never_ends_is_refused() -> None:
    packets = Packets()
    piece = b"\1" + b"x" * (LARGEST_FRAME - 2)
    for _ in range(LARGEST_PACKET // (LARGEST_FRAME - 2)):
        packets.add(piece)
    with pytest.raises(NoFrame, match="at most"):
        packets.add(piece)
