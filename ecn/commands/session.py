"""Looking into containers from the centre, working in them, and reaching ports."""

from datetime import datetime

from msgspec import field

from ecn.commands.command import Command
from events.ids import MicroserviceId, NodeId
from events.session import SessionKind


class OpenSession(Command, frozen=True, kw_only=True):
    """Let somebody read a log, run a command, or reach ports. Asked before its agent is."""

    session_id: str
    microservice_id: MicroserviceId
    kind: SessionKind
    command: list[str] = field(default_factory=list)
    terminal: bool = False
    ports: list[int] = field(default_factory=list)
    """Of the container, where that is what it is for."""
    controller: str
    """Which of the running controllers holds it."""


class OpenTunnel(Command, frozen=True, kw_only=True):
    """Let somebody reach ports of the device itself. Asked before its agent is."""

    session_id: str
    node_id: NodeId
    ports: list[int]
    controller: str
    """Which of the running controllers holds it."""


class CloseSession(Command, frozen=True, kw_only=True):
    """It is over, or has to be."""

    session_id: str
    reason: str
    exit_code: int | None = None
    connections: int | None = None
    now: datetime


SessionCommand = OpenSession | OpenTunnel | CloseSession
