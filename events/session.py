"""Sessions: somebody at the centre looks into a container on a node, or works in it."""

from enum import StrEnum
from typing import ClassVar

from msgspec import field

from events.event import Event
from events.ids import MicroserviceId, NodeId


class SessionKind(StrEnum):
    """What for."""

    LOGS = "logs"
    EXEC = "exec"
    FORWARD = "forward"
    """A connection to a port."""


class SessionEvent(Event, frozen=True, kw_only=True):
    """About one session with one microservice."""

    KIND: ClassVar[str] = "microservice"
    microservice_id: MicroserviceId
    session_id: str


class SessionOpened(SessionEvent, frozen=True, kw_only=True, tag="session.opened.v1"):
    """Somebody asked for it, and may. Who, says the envelope."""

    kind: SessionKind
    node_id: NodeId
    command: list[str] = field(default_factory=list)
    """Of exec. What goes in and out is not kept."""
    terminal: bool = False
    controller: str = ""
    """The running controller that holds it: when that is gone, so is the session."""


class SessionClosed(SessionEvent, frozen=True, kw_only=True, tag="session.closed.v1"):
    """It is over."""

    kind: SessionKind
    reason: str
    """For people: ended, left by the reader, too long, and so on."""
    exit_code: int | None = None
    """Of the command."""
    seconds: float
    """How long it was open."""


SessionEvents = SessionOpened | SessionClosed
