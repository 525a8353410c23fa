"""A message as it is posted to a webhook, and what an answer means. Pure.

The form is CloudEvents' binary one over HTTP: the body is the message's, what is known of it stands
in headers `ce-…`.
"""

from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote

import msgspec

from routing.amqp_form import Received

MOST_PROPERTIES = 8192
"""Characters of the header with the message's properties; servers refuse longer ones."""
REFUSALS = 5
"""How often a message is posted that the other side says it does not want."""
LONGEST_PAUSE = 60.0
"""Seconds."""
AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""The refusals that say nothing against the message."""

# What CloudEvents leaves as it is in a header: printable ASCII but for space, quote and percent.
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


class Verdict(StrEnum):
    """What is to be done with a message after an answer."""

    DONE = "done"
    AGAIN = "again"
    DEAD = "dead"
    """To the dead letters."""


def headers(received: Received) -> dict[str, str]:
    """Of the request that brings the message."""
    message = received.message
    created = datetime.fromtimestamp(message.created / 1000, UTC)
    said = {
        "ce-specversion": "1.0",
        "ce-id": message.message_id,
        "ce-type": "ecn.twin-change" if message.twin_change else "ecn.message",
        "ce-source": f"/applications/{received.application}/microservices/{message.publisher}",
        "ce-time": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce-ecnapplication": received.application,
        "ce-ecnroute": received.route,
        "ce-ecnoutput": message.output,
        "ce-ecnencoding": message.content_encoding,
        "ce-correlationid": message.correlation_id,
        "Content-Type": message.content_type.strip(" ") or "application/octet-stream",
    }
    if message.properties:
        properties = msgspec.json.encode(message.properties).decode()
        if len(plain(properties)) <= MOST_PROPERTIES:
            said["ecn-properties"] = properties
    return {name: line for name, text in said.items() if (line := plain(text))}


def plain(text: str) -> str:
    """As a header may have it: what is not printable ASCII is percent-encoded UTF-8."""
    # A space is no harm within a header, and media types have one.
    return quote(text, safe=_PLAIN + " ", errors="replace").strip(" ")


def verdict(status: int | None, refusals: int) -> Verdict:
    """status: of the answer; None: there was none.

    refusals: how often this message was refused before. A webhook that is away is waited for, as
    long as it takes; one that wants no such message must not stop all that come behind it.
    """
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DONE
    dead = refuses(status) and refusals + 1 >= REFUSALS
    return Verdict.DEAD if dead else Verdict.AGAIN


def refuses(status: int | None) -> bool:
    """Whether the answer says something against the message, or against the URL."""
    return (
        status is not None
        and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status not in AGAIN
    )


def pause(failures: int, retry_after: str = "") -> float:
    """Seconds until it is tried again. failures: in a row, 1 at the first."""
    if retry_after.isascii() and retry_after.isdecimal():
        return min(float(retry_after[:9]), LONGEST_PAUSE)
    return min(float(2 ** min(failures - 1, 10)), LONGEST_PAUSE)
