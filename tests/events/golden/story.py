"""What happens in the golden log: every type of event there is, in a story that could be true.

Append to the end only. Once a release was tagged, what stands above its last event is history:
not a letter of it may change, nor may its order (see tests/events/test_golden_log.py).
"""

from datetime import UTC, datetime, timedelta

from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    ExtraHost,
    Health,
    HealthCheck,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    Passed,
    PortMapping,
    Protocol,
    PullPolicy,
    RestartPolicy,
    VolumeKind,
    VolumeMount,
)
from events.catalog import (
    RegistryCreated,
    RegistryDeleted,
    RegistrySettings,
    RegistryUpdated,
    SealedSecret,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId, Position, RegistryId, TokenId, UserId
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFacts,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
)
from events.user import (
    Role,
    TokenIssued,
    TokenRevoked,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
    UserRoleChanged,
)
from tests.events.golden.equipment import EQUIPMENT
from tests.events.golden.interior import INTERIOR
from tests.events.golden.looks import LOOKS
from tests.events.golden.mounts import MOUNTS
from tests.events.golden.offers import OFFERS
from tests.events.golden.outcomes import OUTCOMES
from tests.events.golden.reached import REACHED
from tests.events.golden.routers import ROUTERS
from tests.events.golden.twins import TWINS
from tests.events.golden.ways import WAYS

BEGIN = datetime(2026, 1, 15, 8, 30, 0, 250_000, tzinfo=UTC)

TOKEN = "golden-token-of-the-admin"
"""Of the admin; the log has its hash."""
CREDENTIAL = "golden-credential-of-kiosk-1-" + "x" * 20
"""Of the device of kiosk-1."""

ADMIN, ANNA, BERT = (UserId(f"{n:032x}") for n in (0xA0, 0xA1, 0xA2))
KIOSK, LAB, SPARE = (NodeId(f"{n:032x}") for n in (0xB0, 0xB1, 0xB2))
HUB, OLD_HUB = (RegistryId(f"{n:032x}") for n in (0xC0, 0xC1))
SHOP, TRIAL = (ApplicationId(f"{n:032x}") for n in (0xD0, 0xD1))
WEB, CACHE, PROBE = (MicroserviceId(f"{n:032x}") for n in (0xE0, 0xE1, 0xE2))

ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWcJj5fnqOPFBDbrWEpOKdeQ"
FACTS = NodeFacts(
    agent_version="0.1.0",
    architecture="aarch64",
    operating_system="Debian GNU/Linux 12 (bookworm)",
    cpus=4,
    memory_mib=3792,
    engine_version="28.0.1",
)
WEB_SPEC = MicroserviceSpec(
    image="registry.example:5000/shop/web:1.4.2",
    registry_id=HUB,
    pull=PullPolicy.ON_CREATE,
    restart=RestartPolicy.ON_UNHEALTHY,
    entrypoint=["/bin/web"],
    command=["--port", "80"],
    env={"TITLE": "Kiosk „Süd“", "EMPTY": ""},
    ports=[
        PortMapping(host=8080, container=80),
        PortMapping(host=5353, container=53, protocol=Protocol.UDP, address="127.0.0.1"),
    ],
    volumes=[
        VolumeMount(target="/data", source="web-data"),
        VolumeMount(target="/etc/web", source="/srv/web", kind=VolumeKind.BIND, read_only=True),
        VolumeMount(target="/tmp", kind=VolumeKind.TMPFS),
    ],
    extra_hosts=[ExtraHost(name="till", address="10.0.0.7")],
    labels={"team": "shop"},
    health_check=HealthCheck(command=["curl", "-f", "http://localhost"], interval=10.0, retries=2),
    memory_limit_mib=256,
    cpu_limit=1.5,
    pids_limit=100,
    log_limit_mib=20,
    config='{"greeting":"hello","nested":{"on":true}}',
)
CACHE_SPEC = MicroserviceSpec(image="docker.io/library/redis:7.4", host_network=True)
"""All but one field as by default."""

COLD = "cold start"


def at(step: int) -> datetime:
    """So many minutes after the beginning."""
    return BEGIN + timedelta(minutes=step)


def status(state: ContainerState, step: int, **more: object) -> ContainerStatus:
    """What an agent saw then."""
    return ContainerStatus(state=state, at=at(step), **more)  # type: ignore[arg-type]


UNKNOWN = "zeppelin.landed.v1"
"""A type of a time to come."""
UNKNOWN_DATA = b'{"type":"zeppelin.landed.v1","mast":7,"passengers":["Anna","B\xc3\xa9la"]}'

Told = tuple[str, KnownEvent | None]
"""Who did it, and what happened; None for the event from the future."""

STORY: tuple[Told, ...] = (
    ("controller", UserCreated(user_id=ADMIN, name="admin", role=Role.ADMIN, password_hash=ARGON2)),
    (
        "controller",
        TokenIssued(
            user_id=ADMIN,
            token_id=TokenId(f"{0xF0:032x}"),
            token_hash="0c95127e28ed7fbeb6f6ccffe2e6af18fc6342f707ddc5930adc3052c46c457f",
            description="made at first start",
        ),
    ),
    (
        "user/admin",
        NodeRegistered(
            node_id=KIOSK,
            name="kiosk-1",
            settings=NodeSettings(
                description="at the door",
                labels={"site": "berlin"},
                tags=["arm", "touch"],
                host="kiosk-1.example",
                location="Hall 3",
                latitude=52.52,
                longitude=13.405,
            ),
        ),
    ),
    ("user/admin", NodeRegistered(node_id=LAB, name="lab", settings=NodeSettings())),
    ("user/admin", NodeRenamed(node_id=LAB, name="workshop")),
    (
        "user/admin",
        NodeUpdated(node_id=LAB, settings=NodeSettings(description="on the bench", tags=["amd64"])),
    ),
    (
        "user/admin",
        ProvisioningKeyIssued(node_id=KIOSK, key_hash="1f" * 32, expires_at=at(60)),
    ),
    (
        "anonymous",
        NodeProvisioned(
            node_id=KIOSK,
            key_hash="1f" * 32,
            credential_hash="13eb7bd9e7c705098ef01eee666a9a4e78a718dc9393a2a1bdbe3a1730a20e30",
            facts=NodeFacts(agent_version="0.1.0", architecture="aarch64"),
        ),
    ),
    (f"node/{KIOSK}", NodeCameOnline(node_id=KIOSK)),
    (f"node/{KIOSK}", NodeFactsReported(node_id=KIOSK, facts=FACTS)),
    (
        "user/admin",
        RegistryCreated(
            registry_id=HUB,
            name="hub",
            settings=RegistrySettings(
                url="registry.example:5000",
                username="robot",
                password=SealedSecret(secret_id=f"{0x50:032x}", ciphertext=bytes(range(60))),
            ),
        ),
    ),
    (
        "user/admin",
        RegistryUpdated(
            registry_id=HUB,
            settings=RegistrySettings(url="registry.example:5000", username="robot$shop"),
        ),
    ),
    (
        "user/admin",
        RegistryCreated(
            registry_id=OLD_HUB, name="old", settings=RegistrySettings(url="old.example")
        ),
    ),
    ("user/admin", RegistryDeleted(registry_id=OLD_HUB)),
    ("user/admin", UserCreated(user_id=ANNA, name="anna", role=Role.VIEWER, password_hash=ARGON2)),
    ("user/admin", UserRoleChanged(user_id=ANNA, role=Role.OPERATOR)),
    ("user/anna", UserPasswordChanged(user_id=ANNA, password_hash=ARGON2[::-1])),
    (
        "user/anna",
        TokenIssued(
            user_id=ANNA,
            token_id=TokenId(f"{0xF1:032x}"),
            token_hash="2e" * 32,
            expires_at=at(60 * 24 * 30),
        ),
    ),
    ("user/anna", TokenRevoked(user_id=ANNA, token_id=TokenId(f"{0xF1:032x}"))),
    (
        "user/anna",
        ApplicationCreated(
            application_id=SHOP, name="shop", description="sells", labels={"team": "shop"}
        ),
    ),
    (
        "user/anna",
        MicroserviceCreated(
            microservice_id=WEB, application_id=SHOP, node_id=KIOSK, name="web", spec=WEB_SPEC
        ),
    ),
    (
        "user/anna",
        MicroserviceCreated(
            microservice_id=CACHE, application_id=SHOP, node_id=LAB, name="cache", spec=CACHE_SPEC
        ),
    ),
    (
        f"node/{KIOSK}",
        ContainerReported(
            microservice_id=WEB,
            node_id=KIOSK,
            sequence=1,
            status=status(ContainerState.PULLING, 22, reason=COLD, revision=Position(21)),
        ),
    ),
    (
        f"node/{KIOSK}",
        ContainerReported(
            microservice_id=WEB,
            node_id=KIOSK,
            sequence=2,
            status=status(
                ContainerState.RUNNING,
                23,
                health=Health.HEALTHY,
                container_id="4c" * 32,
                image_digest="sha256:" + "5d" * 32,
                restarts=1,
                revision=Position(21),
            ),
        ),
    ),
    # From here on, twenty-four events in, a newer controller had a say.
    ("user/anna", None),
    (
        "user/anna",
        MicroserviceUpdated(microservice_id=CACHE, spec=MicroserviceSpec(image="redis:7.4")),
    ),
    ("user/anna", MicroserviceMoved(microservice_id=CACHE, from_node_id=LAB, to_node_id=KIOSK)),
    ("user/anna", MicroserviceStopped(microservice_id=CACHE)),
    ("user/anna", MicroserviceStarted(microservice_id=CACHE)),
    ("user/anna", MicroserviceStopped(microservice_id=CACHE)),
    (
        "user/anna",
        ApplicationUpdated(application_id=SHOP, description="sells more", labels={"team": "web"}),
    ),
    ("user/anna", ApplicationStopped(application_id=SHOP)),
    ("user/anna", ApplicationStarted(application_id=SHOP)),
    ("user/anna", ApplicationCreated(application_id=TRIAL, name="trial")),
    (
        "user/anna",
        MicroserviceCreated(
            microservice_id=PROBE,
            application_id=TRIAL,
            node_id=LAB,
            name="probe",
            spec=MicroserviceSpec(image="probe:latest", restart=RestartPolicy.NEVER),
        ),
    ),
    ("user/anna", MicroserviceDeleted(microservice_id=PROBE)),
    ("user/anna", ApplicationDeleted(application_id=TRIAL)),
    ("user/admin", NodeRegistered(node_id=SPARE, name="spare", settings=NodeSettings())),
    (
        "user/admin",
        ProvisioningKeyIssued(node_id=SPARE, key_hash="3a" * 32, expires_at=at(60 * 24)),
    ),
    (
        "anonymous",
        NodeProvisioned(
            node_id=SPARE, key_hash="3a" * 32, credential_hash="6b" * 32, facts=NodeFacts()
        ),
    ),
    (
        "controller",
        NodeWentOffline(node_id=SPARE, reason=OfflineReason.SILENT, last_seen=at(40)),
    ),
    ("user/admin", NodeDeprovisioned(node_id=SPARE)),
    ("user/admin", NodeDeleted(node_id=SPARE)),
    ("user/admin", UserCreated(user_id=BERT, name="bert", role=Role.ADMIN, password_hash=ARGON2)),
    ("user/admin", UserDeleted(user_id=BERT)),
    (f"node/{KIOSK}", NodeWentOffline(node_id=KIOSK, reason=OfflineReason.STOPPED)),
    *OFFERS,
    *ROUTERS,
    *OUTCOMES,
    *TWINS,
    *MOUNTS,
    *LOOKS,
    (
        f"node/{KIOSK}",
        ContainerReported(
            microservice_id=WEB,
            node_id=KIOSK,
            sequence=90,
            status=status(
                ContainerState.BACKING_OFF,
                41,
                reason="it ended with exit code 1; it is started again in 300 s",
                exit_code=1,
                restarts=288,
                repeats=288,
                between=(Passed(state=ContainerState.RUNNING, health=Health.HEALTHY),),
                dropped=12,
                since=at(40),
            ),
        ),
    ),
    *EQUIPMENT,
    *REACHED,
    *INTERIOR,
    *WAYS,
)
