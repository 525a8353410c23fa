"""The part of the golden story that is about twins: both sides change them, and one gives way."""

from datetime import UTC, datetime

from msgspec import Raw

from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged

KIOSK = NodeId(f"{0xB0:032x}")
WEB = MicroserviceId(f"{0xE0:032x}")
CLOCK = datetime(2026, 1, 16, 9, 30, tzinfo=UTC)

TWINS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        TwinDesiredChanged(
            microservice_id=WEB,
            version=1,
            patch=Raw(b'{"net":{"dns":["a"],"mtu":1500},"rate":5}'),
            desired=Raw(b'{"net":{"dns":["a"],"mtu":1500},"rate":5}'),
        ),
    ),
    (
        f"node/{KIOSK}",
        TwinReportedChanged(
            microservice_id=WEB,
            version=1,
            patch=Raw('{"e":"größer","s":1}'.encode()),
            reported=Raw('{"e":"größer","s":1}'.encode()),
            node_id=KIOSK,
            at=CLOCK,
            sequence=3,
        ),
    ),
    (
        "user/anna",
        TwinDesiredChanged(
            microservice_id=WEB,
            version=2,
            patch=Raw(b'{"rate":null}'),
            desired=Raw(b'{"net":{"dns":["a"],"mtu":1500}}'),
        ),
    ),
    (
        f"node/{KIOSK}",
        TwinEditOverruled(
            microservice_id=WEB,
            patch=Raw(b'{"rate":9}'),
            base=1,
            rule="merge",
            node_id=KIOSK,
            at=CLOCK,
            sequence=4,
        ),
    ),
    (
        f"node/{KIOSK}",
        TwinDesiredChanged(
            microservice_id=WEB,
            version=3,
            patch=Raw(b'{"mode":"eco"}'),
            desired=Raw(b'{"mode":"eco","net":{"dns":["a"],"mtu":1500}}'),
            node_id=KIOSK,
            base=1,
            at=CLOCK,
            sequence=4,
        ),
    ),
    (
        f"node/{KIOSK}",
        TwinReportedChanged(
            microservice_id=WEB,
            version=2,
            patch=Raw(b'{"e":null,"s":2}'),
            reported=Raw(b'{"s":2}'),
            node_id=KIOSK,
            at=CLOCK,
            sequence=5,
        ),
    ),
)
