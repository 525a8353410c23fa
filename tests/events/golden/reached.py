"""The golden story goes on: somebody reaches ports of containers and devices. Append to the end
only.

All are closed: what is open when a controller starts is closed by it.
"""

from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionKind,
    SessionOpened,
)

CACHE = MicroserviceId(f"{0xE1:032x}")
KIOSK = NodeId(f"{0xB0:032x}")

REACHED: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        SessionOpened(
            microservice_id=CACHE,
            session_id="f0a4" * 8,
            kind=SessionKind.FORWARD,
            node_id=KIOSK,
            ports=[6379, 8080],
            controller="c0" * 16,
        ),
    ),
    (
        "user/admin",
        DeviceSessionOpened(node_id=KIOSK, session_id="7041" * 8, ports=[22], controller="c0" * 16),
    ),
    (
        "user/anna",
        SessionClosed(
            microservice_id=CACHE,
            session_id="f0a4" * 8,
            kind=SessionKind.FORWARD,
            reason="left by its reader",
            seconds=90.5,
            connections=17,
        ),
    ),
    (
        "controller",
        DeviceSessionClosed(
            node_id=KIOSK,
            session_id="7041" * 8,
            reason="its controller ended, or was cut off",
            seconds=4.0,
        ),
    ),
)
