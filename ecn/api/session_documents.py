"""Documents about sessions, and the words that a session's WebSocket begins with."""

from datetime import datetime

from msgspec import Struct, field

from ecn.api.documents import Page
from events.ids import MicroserviceId
from events.session import SessionKind


class StartExec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first word of whoever opens a session: what to run, and how."""

    command: list[str]
    input: bool = False
    """Whether it is given something to read."""
    terminal: bool = False
    width: int = 80
    height: int = 24


class StartForward(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first word of whoever wants connections: the ports that they lead to."""

    ports: list[int]


class SessionStarted(Struct, frozen=True, kw_only=True):
    """The controller's answer to it, once the agent is there: frames follow, both ways."""

    session_id: str


class SessionDocument(Struct, frozen=True, kw_only=True):
    """A session that is open."""

    id: str
    kind: SessionKind
    microservice_id: MicroserviceId | None = None
    """None: with the device itself, as of the next."""
    microservice: str | None = None
    """`<application>/<name>`."""
    node: str
    actor: str
    opened_at: datetime
    command: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    """Those that connections may lead to."""


class Sessions(Page, frozen=True, kw_only=True):
    """Those that are open."""

    items: list[SessionDocument]
