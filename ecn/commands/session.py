"""Looking into containers from the centre, and working in them."""

from datetime import datetime

from msgspec import field

from ecn.commands.command import Command
from events.ids import MicroserviceId
from events.session import SessionKind


class OpenSession(Command, frozen=True, kw_only=True):
    """Let somebody read a log, or run a command. Asked before its agent is."""

    session_id: str
    microservice_id: MicroserviceId
    kind: SessionKind
    command: list[str] = field(default_factory=list)
    terminal: bool = False
    controller: str
    """Which of the running controllers holds it."""


class CloseSession(Command, frozen=True, kw_only=True):
    """It is over, or has to be."""

    session_id: str
    reason: str
    exit_code: int | None = None
    now: datetime


SessionCommand = OpenSession | CloseSession
