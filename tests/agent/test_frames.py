"""Frames of sessions, and requests that a newer controller makes up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json

from agent.contract import (
    LARGEST_FRAME,
    Channel,
    DesiredState,
    ExecRequest,
    LogRequest,
    NoFrame,
    encoded_request,
    frame,
    frames,
    known_requests,
    unframed,
)

CHANNELS = st.sampled_from(Channel)


@given(CHANNELS, st.binary(max_size=3000), st.integers(1, 3))
def test_what_was_cut_into_frames_is_whole_again(
    channel: Channel, piece: bytes, times: int
) -> None:
    content = piece * (times * 60)
    cut = list(frames(channel, content))
    assert all(1 < len(each) <= LARGEST_FRAME for each in cut)
    told = [unframed(each) for each in cut]
    assert {each for each, _ in told} <= {channel}
    assert b"".join(each for _, each in told) == content


@given(CHANNELS, st.binary(max_size=100))
def test_a_frame_says_what_it_carries(channel: Channel, content: bytes) -> None:
    assert unframed(frame(channel, content)) == (channel, content)


@given(st.binary(max_size=20))
def test_any_bytes_are_a_frame_or_none(said: bytes) -> None:
    if said and said[0] in list(Channel):
        assert frame(*unframed(said)) == said
    else:
        with pytest.raises(NoFrame):
            unframed(said)


def test_what_is_too_long_is_no_frame() -> None:
    with pytest.raises(NoFrame, match="65537"):
        unframed(bytes(LARGEST_FRAME + 1))


def test_a_request_that_is_not_known_here_hides_no_other_and_no_state() -> None:
    log = LogRequest(request_id="a", microservice_id="m")
    run = ExecRequest(request_id="b", microservice_id="m", command=["ls"])
    said = [
        encoded_request(log),
        Raw(b'{"kind":"hologram","request_id":"c"}'),
        Raw(b'{"kind":"exec","request_id":"d"}'),
        encoded_request(run),
    ]
    answer = json.encode(DesiredState(revision=4, since=3, stream_requests=said))
    state = json.decode(answer, type=DesiredState)
    assert known_requests(state.stream_requests) == [log, run]
