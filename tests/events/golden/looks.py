"""The golden story goes on: somebody looks into containers. Append to the end only.

All are closed: what is open when a controller starts is closed by it.
"""

from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.session import SessionClosed, SessionKind, SessionOpened

CACHE = MicroserviceId(f"{0xE1:032x}")
KIOSK = NodeId(f"{0xB0:032x}")

LOOKS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        SessionOpened(
            microservice_id=CACHE,
            session_id="5e55" * 8,
            kind=SessionKind.EXEC,
            node_id=KIOSK,
            command=["redis-cli", "info", "memory"],
            terminal=True,
            controller="c0" * 16,
        ),
    ),
    (
        "user/anna",
        SessionOpened(
            microservice_id=CACHE,
            session_id="1095" * 8,
            kind=SessionKind.LOGS,
            node_id=KIOSK,
            controller="c0" * 16,
        ),
    ),
    (
        "user/anna",
        SessionClosed(
            microservice_id=CACHE,
            session_id="5e55" * 8,
            kind=SessionKind.EXEC,
            reason="ended",
            exit_code=0,
            seconds=12.25,
        ),
    ),
    (
        "controller",
        SessionClosed(
            microservice_id=CACHE,
            session_id="1095" * 8,
            kind=SessionKind.LOGS,
            reason="its controller ended, or was cut off",
            seconds=61.5,
        ),
    ),
)
