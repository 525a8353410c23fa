"""Messages as they are posted: whatever is in them, a header is a header; what answers mean."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from ecn.broker.webhook_request import (
    LONGEST_PAUSE,
    MOST_PROPERTIES,
    REFUSALS,
    Verdict,
    headers,
    pause,
    plain,
    refuses,
    verdict,
)
from routing.amqp_form import Received
from routing.message import Message

texts = st.text(max_size=40)
messages = st.builds(
    Message,
    message_id=texts,
    created=st.integers(0, 2**41),
    publisher=texts,
    output=texts,
    twin_change=st.booleans(),
    content_type=texts,
    content_encoding=texts,
    correlation_id=texts,
    properties=st.dictionaries(texts, st.text(max_size=3000), max_size=5),
)
received = st.builds(
    Received,
    message=messages,
    route_id=st.just("r"),
    route=texts,
    application=texts,
    input=st.just(""),
)


@given(received)
def test_every_header_is_one_line_of_ascii(each: Received) -> None:
    for name, value in headers(each).items():
        assert all(0x20 <= ord(letter) < 0x7F for letter in value), name
        assert value == value.strip()
        assert value
    assert len(headers(each).get("ecn-properties", "")) <= MOST_PROPERTIES


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_encoded_can_be_read_back(text: str) -> None:
    assert unquote(plain(text)) == text.strip(" ")


def test_what_a_consumer_gets_to_know() -> None:
    message = Message(
        message_id="ab" * 16,
        created=1_700_000_000_123,
        publisher="m1",
        content_type="application/json; charset=utf-8",
        properties={"kind": "Temperatur °C"},
        body=b"{}",
    )
    each = Received(message=message, route_id="r1", route="up", application="shop", input="")
    assert headers(each) == {
        "ce-specversion": "1.0",
        "ce-id": "ab" * 16,
        "ce-type": "ecn.message",
        "ce-source": "/applications/shop/microservices/m1",
        "ce-time": "2023-11-14T22:13:20.123Z",
        "ce-ecnapplication": "shop",
        "ce-ecnroute": "up",
        "Content-Type": "application/json; charset=utf-8",
        "ecn-properties": "{%22kind%22:%22Temperatur %C2%B0C%22}",
    }


@given(st.none() | st.integers(100, 599), st.integers(0, 20))
def test_a_message_is_done_only_with_2xx_and_dead_only_after_refusals(
    status: int | None, refusals: int
) -> None:
    said = verdict(status, refusals)
    assert (said is Verdict.DONE) == (status is not None and 200 <= status < 300)
    if said is Verdict.DEAD:
        assert refuses(status)
        assert refusals + 1 >= REFUSALS
    if status is None or status in (408, 425, 429) or status >= 500:
        assert said is Verdict.AGAIN


def test_pauses_grow_to_a_minute_and_no_webhook_can_ask_for_more() -> None:
    assert [pause(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(10**6) == LONGEST_PAUSE
    assert pause(1, "7") == 7
    assert pause(1, "86400") == LONGEST_PAUSE
    assert pause(1, "Fri, 31 Dec 1999 23:59:59 GMT") == 1
