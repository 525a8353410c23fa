"""Sessions that are open: who looks into which container or node now, or works in it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct, field

from events.envelope import Recorded
from events.ids import MicroserviceId, NodeId
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionEvents,
    SessionKind,
    SessionOpened,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "sessions", 2


class SessionRow(Struct, frozen=True, kw_only=True, gc=False):
    """One open session."""

    kind: SessionKind
    microservice_id: MicroserviceId | None
    """None: with the device itself."""
    node_id: NodeId
    actor: str
    opened_at: datetime
    command: list[str] = field(default_factory=list)
    terminal: bool = False
    ports: list[int] = field(default_factory=list)
    controller: str = ""
    """Which of the running controllers holds it."""


def table() -> Table[str, SessionRow]:
    """An empty table of sessions, by their ids."""
    return Table({"node": lambda row: (row.node_id,)})


def project(
    _: "World", event: SessionEvents, recorded: Recorded
) -> Iterator[Put[str, SessionRow] | Drop[str]]:
    """See view.py."""
    match event:
        case SessionOpened():
            yield Put(
                event.session_id,
                SessionRow(
                    kind=event.kind,
                    microservice_id=event.microservice_id,
                    node_id=event.node_id,
                    actor=recorded.actor,
                    opened_at=recorded.time,
                    command=event.command,
                    terminal=event.terminal,
                    ports=event.ports,
                    controller=event.controller,
                ),
            )
        case DeviceSessionOpened():
            yield Put(
                event.session_id,
                SessionRow(
                    kind=SessionKind.TUNNEL,
                    microservice_id=None,
                    node_id=event.node_id,
                    actor=recorded.actor,
                    opened_at=recorded.time,
                    ports=event.ports,
                    controller=event.controller,
                ),
            )
        case SessionClosed() | DeviceSessionClosed():
            yield Drop(event.session_id)
        case _:
            assert_never(event)
