"""Random commands about looks into containers."""

from datetime import datetime
from typing import TYPE_CHECKING

from ecn.commands.session import CloseSession, OpenSession, OpenTunnel
from events.ids import MicroserviceId, NodeId
from events.session import SessionKind
from projections.world import World
from tests.ecn.deciders.offers import Kinds

if TYPE_CHECKING:
    from tests.ecn.deciders.histories import Drawn


def open_session(drawn: "Drawn", world: World, _: datetime) -> OpenSession:
    """Some without a command, which nobody may."""
    kind = drawn.any(tuple(SessionKind))
    words = ["sh"] if kind is SessionKind.EXEC and not drawn.chance(12) else []
    return OpenSession(
        session_id=drawn.fresh("session"),
        microservice_id=drawn.key(world.microservices, MicroserviceId("nobody")),
        kind=kind,
        command=words,
        terminal=drawn.chance(2),
        ports=drawn.any(PORTS) if kind is SessionKind.FORWARD else [],
        controller=drawn.any(("one", "two")),
    )


def open_tunnel(drawn: "Drawn", world: World, _: datetime) -> OpenTunnel:
    """Some to ports that nobody has."""
    return OpenTunnel(
        session_id=drawn.fresh("session"),
        node_id=drawn.key(world.nodes, NodeId("nobody")),
        ports=drawn.any(PORTS),
        controller=drawn.any(("one", "two")),
    )


def close_session(drawn: "Drawn", world: World, now: datetime) -> CloseSession:
    """Also what was closed before."""
    return CloseSession(
        session_id=drawn.key(world.sessions, "nobody"),
        reason="ended",
        exit_code=drawn.any((None, 0, 1)),
        connections=drawn.any((None, 0, 7)),
        now=now,
    )


PORTS: tuple[list[int], ...] = ([22], [80, 8080], [], [0], [80, 80])
SESSIONS: Kinds = (open_session, open_session, open_tunnel, close_session)
