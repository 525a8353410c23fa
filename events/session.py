"""Sessions: somebody at the centre looks into a container on a node, works in it, or reaches ports.

One of connections is one for as long as `ecn port-forward` or `ecn tunnel` runs, however many
connections there are in it: a page in a browser opens dozens. How many, its end says.
"""

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
    """Connections to ports of a container."""
    TUNNEL = "tunnel"
    """Connections to ports of the device itself: see DeviceSessionOpened."""


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
    ports: list[int] = field(default_factory=list)
    """Of forward, the container's."""
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
    connections: int | None = None
    """Of forward: how many were made in it."""


class DeviceSessionEvent(Event, frozen=True, kw_only=True):
    """About one session with the device itself."""

    KIND: ClassVar[str] = "node"
    node_id: NodeId
    session_id: str


class DeviceSessionOpened(
    DeviceSessionEvent, frozen=True, kw_only=True, tag="session.device-opened.v1"
):
    """Somebody asked for it, and may. Who, says the envelope."""

    ports: list[int]
    """The device's."""
    controller: str = ""
    """As of a SessionOpened."""


class DeviceSessionClosed(
    DeviceSessionEvent, frozen=True, kw_only=True, tag="session.device-closed.v1"
):
    """It is over."""

    reason: str
    seconds: float
    connections: int | None = None
    """None: unknown, as the controller that held it was killed."""


SessionEvents = SessionOpened | SessionClosed | DeviceSessionOpened | DeviceSessionClosed
