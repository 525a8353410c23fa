"""Server-sent events, read line by line. Pure: lines in, messages out.

Source: the HTML standard, "Server-sent events", parsing an event stream. What it says of `retry`
is left out: how long to wait before connecting again is for the client that owns the connection.
"""

from msgspec import Struct


class Message(Struct, frozen=True):
    """One dispatched event."""

    data: str
    event: str = "message"
    last_id: str = ""
    """The id in force when it was dispatched: where to go on from after it."""


class Reader:
    """The state between lines. Feed it every line, in order, without its line end."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self._event = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Message | None:
        """The message that this line completes, if it does."""
        if not line:
            return self._dispatched()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case _:
                pass  # comments (no name) keep the connection alive; others are to be ignored
        return None

    def _dispatched(self) -> Message | None:
        data, event = self._data, self._event
        self._data, self._event = [], ""
        if not data:
            return None
        return Message("\n".join(data), event or "message", self.last_id)
