"""Requests on their way through a public port: what is added, what passes, what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.proxy.requests import LONGEST_HEAD, BadRequest, Requests

ADDED = b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"

BODIES = st.binary(max_size=300)
NAMES = st.sampled_from([b"Accept", b"X-One", b"cookie", b"Content-Type"])
VALUES = st.from_regex(rb"[ -~]{0,20}", fullmatch=True)
HEADERS = st.lists(st.tuples(NAMES, VALUES).map(lambda each: each[0] + b": " + each[1] + b"\r\n"))


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request, and what is to come out."""
    head = draw(st.sampled_from([b"GET", b"POST", b"PUT"])) + b" /a?b=c HTTP/1.1\r\n"
    head += b"".join(draw(HEADERS))
    body = draw(BODIES)
    match draw(st.integers(0, 2)):
        case 0:
            body = b""
        case 1:
            head += b"Content-Length: %d\r\n" % len(body)
        case 2:
            head += b"Transfer-Encoding: chunked\r\n"
            pieces = draw(st.lists(st.binary(min_size=1, max_size=50), max_size=4))
            body = b"".join(b"%x;a=b\r\n%s\r\n" % (len(each), each) for each in pieces)
            body += b"0\r\n" + draw(st.sampled_from([b"", b"Sum: 1\r\n"])) + b"\r\n"
    return head + b"\r\n" + body, head + ADDED + b"\r\n" + body


@given(st.lists(requests(), max_size=4), st.data())
def test_all_passes_with_its_sender_however_it_is_cut(
    sent: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    whole = b"".join(request for request, _ in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    seen = Requests("192.0.2.7")
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert b"".join(map(seen.asked, pieces)) == b"".join(expected for _, expected in sent)


@given(st.binary(max_size=400))
def test_any_bytes_pass_or_are_refused(content: bytes) -> None:
    with suppress(BadRequest):
        Requests("c").asked(content)


def test_a_sender_named_before_stays_and_comes_first() -> None:
    said = Requests("192.0.2.7").asked(
        GET + b"x-forwarded-for: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    assert b"X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n" in said
    assert said.count(b"orwarded-Proto") == 1


UPGRADE = GET + b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_after_a_switch_everything_passes_as_it_is() -> None:
    seen = Requests("c")
    seen.asked(UPGRADE)
    seen.heard(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 10")
    seen.heard(b"1 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81")
    assert seen.asked(b"\x81\x05hello GET / HTTP/1.1\r\n\r\n").startswith(b"\x81")


def test_a_refused_switch_changes_nothing() -> None:
    seen = Requests("c")
    seen.asked(UPGRADE)
    seen.heard(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n")
    assert b"X-Forwarded-For: c" in seen.asked(GET + b"\r\n")


def test_nothing_is_sent_before_the_answer_to_a_switch() -> None:
    seen = Requests("c")
    with pytest.raises(BadRequest):
        seen.asked(UPGRADE + GET + b"X-Forwarded-For: forged\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01 hello\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 405),
        (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (GET + b"Content-Length: +1\r\n\r\n", 400),
        (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (GET + b"Transfer-Encoding : chunked\r\n\r\n", 400),
        (GET + b"A: 1\r\n folded\r\n\r\n", 400),
        (GET + b"A: 1\nX-Forwarded-For: forged\r\n\r\n", 400),
        (GET + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
        (GET + b"A: " + b"x" * LONGEST_HEAD, 431),
        (b"GET / HTTP/1.0\nHost: a\n\n", 431),
    ],
)
def test_what_could_be_understood_in_two_ways_is_refused(request_: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        Requests("c").asked(request_)
    assert refused.value.status == status
