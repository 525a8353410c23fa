"""The chapter of the golden log in which the network gets routers, agents that poll, tunnels and
volumes, and people a name of their own. Append to the end only, as story.py says."""

from datetime import UTC, datetime

from events.envelope import KnownEvent
from events.ids import NodeId, TokenId, UserId, VolumeId
from events.network import DefaultRouter, DefaultRouterSet, NetworkSettingChanged
from events.node import (
    DEFAULT_ROUTER,
    AgentSettings,
    GpsMode,
    Instruction,
    NodeChangesAcknowledged,
    NodeInstructed,
    NodeRegistered,
    NodeSettings,
    NodeUpdated,
    Platform,
    RouterMode,
    RouterSettings,
    TunnelClosed,
    TunnelOpened,
)
from events.user import Profile, Role, TokenIssued, TokenRenewed, UserCreated, UserProfileChanged
from events.volume import VolumeCreated, VolumeDeleted, VolumeFile, VolumeSettings, VolumeUpdated

CARLA = UserId(f"{0xA3:032x}")
LAB, CENTRE, LEAF = (NodeId(f"{n:032x}") for n in (0xB1, 0xB3, 0xB4))
CERTIFICATES, TRIAL = (VolumeId(f"{n:032x}") for n in (0x90, 0x91))
TOKEN = TokenId(f"{0xF2:032x}")

ROUTERS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        DefaultRouterSet(
            network_id=DEFAULT_ROUTER, router=DefaultRouter(host="router.example", edge_port=45672)
        ),
    ),
    ("user/anna", NetworkSettingChanged(network_id="default-proxy-host", value="proxy.example")),
    (
        "user/anna",
        NodeRegistered(
            node_id=CENTRE,
            name="centre",
            settings=NodeSettings(
                host="centre.example",
                platform=Platform.X86,
                system=True,
                router=RouterSettings(
                    mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721
                ),
            ),
        ),
    ),
    (
        "user/anna",
        NodeRegistered(
            node_id=LEAF,
            name="leaf",
            settings=NodeSettings(
                host="leaf.example",
                platform=Platform.ARM,
                agent=AgentSettings(
                    disk_limit_gib=0,
                    bluetooth=True,
                    gps_mode=GpsMode.MANUAL,
                    time_zone="Europe/Berlin",
                ),
                router=RouterSettings(messaging_port=5673, upstreams=[DEFAULT_ROUTER, CENTRE]),
            ),
        ),
    ),
    (
        "user/anna",
        NodeUpdated(
            node_id=LAB,
            settings=NodeSettings(
                router=RouterSettings(mode=RouterMode.NONE, network_router=DEFAULT_ROUTER)
            ),
        ),
    ),
    ("user/anna", NodeInstructed(node_id=LEAF, instruction=Instruction.PRUNE)),
    ("user/anna", NodeInstructed(node_id=LEAF, instruction=Instruction.UPGRADE)),
    (f"node/{LEAF}", NodeChangesAcknowledged(node_id=LEAF, through=1_768_471_000_000)),
    (
        "user/anna",
        TunnelOpened(
            node_id=LEAF, host="tunnel.example", user="tunnel", remote_port=2022, local_port=22
        ),
    ),
    ("user/anna", TunnelClosed(node_id=LEAF)),
    (
        "user/anna",
        VolumeCreated(
            volume_id=CERTIFICATES,
            name="certificates",
            settings=VolumeSettings(
                destination="/etc/certificates",
                permissions="600",
                node_ids=[LAB, LEAF],
                files=[VolumeFile(path="ca/root.pem", content=b"\x00\xffpem")],
            ),
        ),
    ),
    (
        "user/anna",
        VolumeUpdated(
            volume_id=CERTIFICATES,
            settings=VolumeSettings(destination="/etc/certificates", node_ids=[LEAF]),
        ),
    ),
    (
        "user/anna",
        VolumeCreated(
            volume_id=TRIAL, name="trial", settings=VolumeSettings(destination="/srv/trial")
        ),
    ),
    ("user/anna", VolumeDeleted(volume_id=TRIAL)),
    (
        "anonymous",
        UserCreated(
            user_id=CARLA,
            name="carla@example.org",
            role=Role.OPERATOR,
            password_hash="$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$other",
            profile=Profile(first_name="Carla", last_name="Kowalska"),
        ),
    ),
    (
        "user/carla@example.org",
        UserProfileChanged(
            user_id=CARLA, profile=Profile(first_name="Carla", last_name="Kowalska-Żak")
        ),
    ),
    (
        "user/carla@example.org",
        TokenIssued(
            user_id=CARLA,
            token_id=TOKEN,
            token_hash="7c" * 32,
            expires_at=datetime(2026, 1, 16, 9, tzinfo=UTC),
        ),
    ),
    (
        "user/carla@example.org",
        TokenRenewed(
            user_id=CARLA, token_id=TOKEN, expires_at=datetime(2026, 1, 17, 9, tzinfo=UTC)
        ),
    ),
)
