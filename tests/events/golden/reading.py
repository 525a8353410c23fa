"""The golden log read, and the world that it leads to as the API shows it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from events.chaining import Stored
from events.envelope import EPOCH, GENESIS, Recorded, decode
from events.export import LogReader
from events.ids import CommandId, Position
from tests.ecn.api.server import Network
from tests.events.golden.story import CREDENTIAL, TOKEN

FOLDER = Path(__file__).parent
LOG, WORLD = FOLDER / "log.jsonl", FOLDER / "world.json"

SHOWN = (
    "/nodes",
    "/applications",
    "/microservices",
    "/microservices/shop/web/twin",
    "/registries",
    "/users",
    "/catalog-items",
    "/routes",
    "/network",
    "/volumes",
    "/templates",
    "/edge-resources",
    "/sessions",
)
EVENTS = "/events?limit=1000"
DESIRED = "/agent/desired-state"


def golden_events(marks: dict[int, bytes] | None = None) -> list[Stored]:
    """As they are stored, the chain followed. Errors: ChainBroken, ExportRefused."""
    reader = LogReader(marks)
    events = reader.feed(LOG.read_bytes())
    reader.finish()
    return events


def golden_log() -> list[Recorded]:
    """As they are read today."""
    return [_recorded(each) for each in golden_events()]


async def documents(log: Sequence[Recorded]) -> dict[str, object]:
    """What the API shows of the network that has that log, by path."""
    async with Network.running() as network:
        await network.log.append(log, expected=GENESIS)
        async with network.controller() as controller:
            admin, device = controller.as_(TOKEN), controller.as_(CREDENTIAL)
            shown: dict[str, object] = {
                path: (await admin.get(path)).is_good().json for path in SHOWN
            }
            shown[EVENTS] = (await admin.get("/events", limit="1000")).is_good().json
            shown[DESIRED] = (await device.get(DESIRED)).is_good().json
            return shown


def _recorded(stored: Stored) -> Recorded:
    return Recorded(
        position=Position(stored.position),
        time=EPOCH + timedelta(microseconds=stored.microseconds),
        subject=stored.subject,
        type=stored.type,
        data=stored.data,
        actor=stored.actor,
        command_id=CommandId(stored.command_id),
        correlation_id=stored.correlation_id,
        causation_id=stored.causation_id,
        previous_hash=stored.previous_hash,
        hash=stored.hash,
        event=decode(stored.type, stored.subject, stored.data),
    )
