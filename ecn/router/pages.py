"""What a client of an http port is answered when its request can't be passed on. Pure."""

from http import HTTPStatus

from routing.proxy.frames import Why

STATUS = {
    Why.NOT_RUNNING: 503,
    Why.TOO_MANY: 503,
    Why.STOPPING: 503,
    Why.SILENT: 504,
    Why.IDLE: 504,
    Why.TOO_LONG: 504,
}
"""All others: 502."""


def status_of(why: Why) -> int:
    """The status that says it."""
    return STATUS.get(why, 502)


def page(status: int, text: str) -> bytes:
    """A whole answer, the last of its connection."""
    body = f"{text}\n".encode()
    reason = HTTPStatus(status).phrase
    again = "Retry-After: 5\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n{again}Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
