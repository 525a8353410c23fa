"""What a microservice is told when something is not done, as ioFog's agent tells it.

Plain text, followed by HTTP's own words for the status. The status is 400 for nearly everything:
ioFog's SDKs take no other for an error.
"""

from http import HTTPStatus


class Refused(Exception):
    """A request that is not done. retry_after: seconds after which it may be; 0 says nothing."""

    def __init__(self, says: str, status: int = 400, *, retry_after: int = 0) -> None:
        super().__init__(says)
        self.says, self.status, self.retry_after = says, status, retry_after

    @property
    def body(self) -> bytes:
        """The answer's."""
        words = f"{self.status} {HTTPStatus(self.status).phrase}"
        return f"{self.says} {words}".encode(errors="replace") if self.says else words.encode()


def missing(field: str) -> Refused:
    """A field that has to be there is not."""
    return Refused(f"Validation Error, Error: Missing input field {field}")


def invalid(field: str, why: str = "") -> Refused:
    """A field is not what it has to be."""
    said = f" ({why})" if why else ""
    return Refused(f"Validation Error, Error: Invalid  value for {field}{said}")


def store_full() -> Refused:
    """There is no room for its message."""
    return Refused(
        "the node's message store is full; nothing was taken: send it again later", retry_after=5
    )
