"""A log as a network of ten thousand nodes would have grown it, made in this process and copied in.

Mostly what agents say of their containers; among it devices that come and go, new versions of
microservices, applications stopped and started. Chained as any log is: `ecn verify` proves it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import asyncpg

from events.application import (
    ApplicationCreated,
    ApplicationStarted,
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    Health,
    MicroserviceCreated,
    MicroserviceSpec,
    MicroserviceUpdated,
    PortMapping,
)
from events.envelope import GENESIS, Head, KnownEvent, Proposed, Recorded, chain
from events.ids import ApplicationId, CommandId, MicroserviceId, NodeId, Position
from events.node import (
    NodeCameOnline,
    NodeFacts,
    NodeProvisioned,
    NodeRegistered,
    NodeSettings,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PER_APPLICATION = 40
PORTION = 20_000
COLUMNS = (
    *("position", "time", "subject", "type", "data", "actor", "command_id", "correlation_id"),
    *("causation_id", "previous_hash", "hash"),
)
END = """
update ecn.head set (position, hash, time) = (
    select position, hash, time from ecn.event order by position desc limit 1)
"""


def happenings(nodes: int, *, seed: int = 1) -> Iterator[KnownEvent]:
    """What happens in a network of so many nodes with one microservice each, without end."""
    chance = Random(seed)  # no secret is made of it
    node_ids = [NodeId(f"{chance.getrandbits(128):032x}") for _ in range(nodes)]
    microservice_ids = [MicroserviceId(f"{chance.getrandbits(128):032x}") for _ in node_ids]
    applications = [
        ApplicationId(f"{chance.getrandbits(128):032x}") for _ in range(0, nodes, PER_APPLICATION)
    ]
    for number, node_id in enumerate(node_ids):
        key = f"{chance.getrandbits(256):064x}"
        labels = {"site": f"site-{number % 100}", "tier": "edge"}
        yield NodeRegistered(
            node_id=node_id, name=f"node-{number:05}", settings=NodeSettings(labels=labels)
        )
        yield ProvisioningKeyIssued(node_id=node_id, key_hash=key, expires_at=BEGAN)
        facts = NodeFacts(
            agent_version="1.0.0", architecture="arm64", operating_system="Debian 12", cpus=4,
            memory_mib=3792, engine_version="28.1.1",
        )  # fmt: skip
        credential = f"{chance.getrandbits(256):064x}"
        yield NodeProvisioned(
            node_id=node_id, key_hash=key, credential_hash=credential, facts=facts
        )
    for number, application_id in enumerate(applications):
        yield ApplicationCreated(application_id=application_id, name=f"shop-{number:04}")
    for number, microservice_id in enumerate(microservice_ids):
        yield MicroserviceCreated(
            microservice_id=microservice_id,
            application_id=applications[number // PER_APPLICATION],
            node_id=node_ids[number],
            name=f"web-{number % PER_APPLICATION}",
            spec=_spec(1),
        )
    sequences = [0] * nodes
    at = BEGAN
    while True:
        number = chance.randrange(nodes)
        at += timedelta(milliseconds=300)
        match chance.random():
            case dice if dice < 0.01:
                reason = OfflineReason.SILENT
                yield NodeWentOffline(node_id=node_ids[number], reason=reason, last_seen=at)
                yield NodeCameOnline(node_id=node_ids[number])
            case dice if dice < 0.012:
                spec = _spec(chance.randrange(1, 100))
                yield MicroserviceUpdated(microservice_id=microservice_ids[number], spec=spec)
            case dice if dice < 0.0121:
                application_id = chance.choice(applications)
                yield ApplicationStopped(application_id=application_id)
                yield ApplicationStarted(application_id=application_id)
            case dice:
                sequences[number] += 1
                yield ContainerReported(
                    microservice_id=microservice_ids[number],
                    node_id=node_ids[number],
                    sequence=sequences[number],
                    status=ContainerStatus(
                        state=ContainerState.RUNNING if dice < 0.6 else ContainerState.STARTING,
                        health=Health.HEALTHY if dice < 0.5 else Health.STARTING,
                        container_id=f"{chance.getrandbits(256):064x}",
                        image_digest=f"sha256:{number:064x}",
                        restarts=sequences[number] // 2,
                        at=at,
                    ),
                )


def _spec(version: int) -> MicroserviceSpec:
    return MicroserviceSpec(
        image=f"registry.example/shop/web:{version}",
        env={"LOG_LEVEL": "info", "REGION": "north"},
        ports=[PortMapping(host=8080, container=80)],
    )


def grown(events: int, nodes: int) -> Iterator[list[Recorded]]:
    """A log of so many events, in portions."""
    what = happenings(nodes)
    head, made = GENESIS, 0
    while made < events:
        portion: list[Recorded] = []
        for event in islice(what, min(PORTION, events - made)):
            portion += _recorded(head, event)
            head = portion[-1].head
        made += len(portion)
        yield portion


def _recorded(head: Head, event: KnownEvent) -> list[Recorded]:
    reported = isinstance(event, ContainerReported)
    number = head.position + 1
    proposed = Proposed(
        event=event,
        actor=f"node/{event.node_id}" if isinstance(event, ContainerReported) else "user/admin",
        command_id=CommandId(f"{number:032x}"),
        correlation_id=f"{number:032x}" if reported else f"request-{number // 50}",
    )
    return chain(head, [proposed], BEGAN + timedelta(milliseconds=300 * number))


async def copy_in(dsn: str, events: int, nodes: int) -> Position:
    """Fill the empty log of that database; where it ends."""
    connection = await asyncpg.connect(dsn)
    end = Position(0)
    try:
        for portion in grown(events, nodes):
            rows = [tuple(getattr(each, column) for column in COLUMNS) for each in portion]
            await connection.copy_records_to_table(
                "event", schema_name="ecn", columns=COLUMNS, records=rows
            )
            end = portion[-1].position
        await connection.execute(END)
        await connection.execute("vacuum analyze ecn.event")
    finally:
        await connection.close()
    return end
