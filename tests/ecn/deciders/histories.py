"""Random histories: commands over small pools of names and ports, decided and folded in a row.

Small pools make collisions likely, and references are mostly drawn from what is there, so that
most commands mean something. What is made gets a fresh id, as the shell promises.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands import AnyCommand
from ecn.commands.application import (
    ApplyApplication,
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    MoveMicroservice,
    Placement,
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
    UpdateMicroservice,
)
from ecn.commands.catalog import ApplyRegistry, DeleteRegistry
from ecn.commands.network import ChangeNetworkSetting, SetBroker, SetDefaultRouter
from ecn.commands.node import (
    AcknowledgeChanges,
    CloseTunnel,
    ContainerReport,
    DeleteNode,
    DeprovisionNode,
    InstructNode,
    IssueProvisioningKey,
    MarkNodeOffline,
    OpenTunnel,
    OutcomeReport,
    ProvisionNode,
    RegisterNode,
    ReportNode,
    UpdateNode,
)
from ecn.commands.user import (
    ChangeProfile,
    CreateFirstAdmin,
    CreateUser,
    DeleteUser,
    IssueToken,
    RenewToken,
    RevokeToken,
    SignUp,
    UpdateUser,
)
from ecn.commands.volume import ApplyVolume, DeleteVolume
from ecn.deciders.decide import decide
from ecn.errors import Refused
from events.application import (
    ContainerState,
    ContainerStatus,
    MicroserviceSpec,
    PortMapping,
    VolumeKind,
    VolumeMount,
)
from events.application import Protocol as PortProtocol
from events.catalog import SealedSecret
from events.envelope import KnownEvent, Recorded
from events.ids import (
    ApplicationId,
    MicroserviceId,
    NodeId,
    Position,
    RegistryId,
    TokenId,
    UserId,
    VolumeId,
)
from events.network import Broker, DefaultRouter
from events.node import (
    DEFAULT_ROUTER,
    AgentSettings,
    Instruction,
    NodeAccess,
    NodeFacts,
    NodeSettings,
    Outcome,
    Platform,
    RouterMode,
    RouterSettings,
)
from events.user import Profile, Role
from events.volume import VolumeFile
from projections.changes import latest
from projections.view import Table
from projections.world import World, fold
from tests.builders import ANNA, EAST, HUB, NOW, WEST, chained, manifest, placement
from tests.ecn.deciders.equipment import ACCESS, furnished
from tests.ecn.deciders.offers import (
    APPLICATIONS,
    CATALOG,
    EDGE_RESOURCES,
    FURNISHED,
    ROUTES,
    TEMPLATES,
    Kinds,
    drop_reports,
    of_spec,
    update_item,
    wanted_routes,
)
from tests.ecn.deciders.session_steps import SESSIONS
from tests.ecn.deciders.twin_steps import TWINS, patch_twin, twin_reports

K = TypeVar("K", bound=str)
H = TypeVar("H", bound=Hashable)
R = TypeVar("R")
T = TypeVar("T")

NODE_NAMES = ("east", "west", "north")
NAMES = ("a", "b", "c")
IMAGES = ("shop/web:1", "shop/web:2")


class Step(NamedTuple):
    """One command: the world it met, what was decided, and the world it left."""

    command: AnyCommand
    now: datetime
    before: World
    decided: list[KnownEvent] | Refused
    recorded: list[Recorded]
    world: World

    def __repr__(self) -> str:
        """A failing example has to be readable: no worlds."""
        return f"\n  {self.now:%d %T} {self.command} -> {self.decided!r}"


class History(NamedTuple):
    """Commands in a row, and the log that they left."""

    steps: list[Step]

    @property
    def log(self) -> list[Recorded]:
        """All events, from the first one on."""
        return [event for step in self.steps for event in step.recorded]

    @property
    def world(self) -> World:
        """The world at the end."""
        return self.steps[-1].world if self.steps else World()

    def carried_out(self) -> Iterator[Step]:
        """Without the refusals."""
        return (step for step in self.steps if not isinstance(step.decided, Refused))


class Drawn:
    """Draws one command at a time for a world. `serial` makes every id a fresh one."""

    def __init__(self, draw: st.DrawFn, *, routed: bool = False, crowded: bool = False) -> None:
        self._draw = draw
        self._serial = 0
        self.crowded = crowded
        # A history that is about everything comes round to nothing.
        topics = draw(st.lists(st.sampled_from(self._TOPICS), min_size=2, max_size=3))
        some = self._ALWAYS + tuple(kind for topic in topics for kind in topic)
        self._kinds = self._ROUTED if routed else self._CROWDED if crowded else some

    def command(self, world: World, now: datetime) -> AnyCommand:
        """Something that may be asked now."""
        return self._draw(st.sampled_from(self._kinds))(self, world, now)

    def fresh(self, kind: str) -> str:
        """An id, name or key that was never there."""
        self._serial += 1
        return f"{kind}-{self._serial:04}"

    def chance(self, one_in: int) -> bool:
        """True now and then; shrinks to False."""
        return self._draw(st.integers(0, one_in - 1)) == one_in - 1

    def one(self, values: tuple[K, ...]) -> K:
        """Any of these."""
        return self._draw(st.sampled_from(values))

    def any(self, values: tuple[T, ...]) -> T:
        """Any of these, whatever they are."""
        return self._draw(st.sampled_from(values))

    def key(self, table: Iterable[K], nobody: K) -> K:
        """Mostly the id of something that is there."""
        keys = tuple(sorted(table))
        if not keys or self.chance(12):
            return nobody
        return self.one(keys)

    def node_ref(self, world: World) -> str:
        """A node by id or by name."""
        node_id = self.key(world.nodes, NodeId("nobody"))
        row = world.nodes.get(node_id)
        return row.name if row is not None and self.chance(2) else node_id

    def router_ref(self, world: World) -> str:
        """A router by what settings call it."""
        return DEFAULT_ROUTER if self.chance(2) else self.key(world.nodes, NodeId("nobody"))

    def router(self, world: World) -> RouterSettings:
        mode = self._draw(st.sampled_from([RouterMode.INTERIOR, RouterMode.EDGE, RouterMode.NONE]))
        ports = self._draw(st.sampled_from([(5672, 56722, 56721), (8080, 56722, 8081)]))
        interior = mode is RouterMode.INTERIOR
        return RouterSettings(
            mode=mode,
            messaging_port=ports[0],
            edge_port=ports[1] if interior else None,
            inter_router_port=ports[2] if interior and not self.chance(12) else None,
            upstreams=[self.router_ref(world) for _ in range(self._draw(st.integers(0, 2)))],
            network_router=self.router_ref(world) if mode is RouterMode.NONE else "",
        )

    def node_settings(self, world: World) -> NodeSettings:
        routed = self.chance(2)
        return NodeSettings(
            description=self.one(NAMES),
            host=self.one(("one.example", "two.example")) if routed or self.chance(3) else None,
            platform=self._draw(st.sampled_from(list(Platform)))
            if self.chance(3)
            else Platform(""),
            system=routed and self.chance(3),
            agent=AgentSettings(pull_limit_kib=512) if self.chance(4) else AgentSettings(),
            access=self.any(ACCESS) if self.chance(2) else NodeAccess(privileged=self.crowded),
            router=self.router(world) if routed else None,
        )

    def register_node(self, world: World, _: datetime) -> RegisterNode:
        return RegisterNode(
            node_id=NodeId(self.fresh("node")),
            name=self.one(NODE_NAMES),
            settings=self.node_settings(world) if self.chance(2) else NodeSettings(),
        )

    def register_router(self, world: World, now: datetime) -> RegisterNode:
        name = self.fresh("node")
        settings = replace(
            self.node_settings(world), host="three.example", router=self.router(world)
        )
        return RegisterNode(node_id=NodeId(name), name=name, settings=settings)

    def update_router(self, world: World, _: datetime) -> UpdateNode:
        """One thing about a node that has to do with routers."""
        row = world.nodes[self.one(tuple(sorted(world.nodes)))] if len(world.nodes) else None
        if row is None:
            return UpdateNode(
                node_id=NodeId("nobody"),
                name="x",
                settings=NodeSettings(),
                seen=("x", NodeSettings()),
            )
        node_id = world.nodes.one("name", row.name)
        assert node_id is not None
        other: list[NodeSettings] = [
            replace(row.settings, host=self.one(("one.example", "two.example"))),
            replace(row.settings, system=not row.settings.system),
            replace(row.settings, host="one.example", router=self.router(world)),
            replace(row.settings, router=None),
            replace(row.settings, access=self.any(ACCESS)),
        ]
        if row.settings.router is not None:
            other.append(
                replace(row.settings, router=replace(row.settings.router, messaging_port=5673))
            )
        settings = self._draw(st.sampled_from(other))
        return UpdateNode(
            node_id=node_id, name=row.name, settings=settings, seen=(row.name, row.settings)
        )

    def update_node(self, world: World, _: datetime) -> AnyCommand:
        node_id = self.key(world.nodes, NodeId("nobody"))
        row = world.nodes.get(node_id)
        settings = self.node_settings(world)
        if row is None:
            return UpdateNode(node_id=node_id, name="x", settings=settings, seen=("x", settings))
        seen = ("stale", row.settings) if self.chance(6) else (row.name, row.settings)
        return UpdateNode(node_id=node_id, name=self.one(NODE_NAMES), settings=settings, seen=seen)

    def instruct(self, world: World, _: datetime) -> InstructNode:
        return InstructNode(
            node_id=self.key(world.nodes, NodeId("nobody")),
            instruction=self._draw(st.sampled_from(list(Instruction))),
        )

    def open_tunnel(self, world: World, _: datetime) -> OpenTunnel:
        return OpenTunnel(
            node_id=self.key(world.nodes, NodeId("nobody")),
            host="tunnel.example",
            user="tunnel",
            remote_port=self._draw(st.integers(2000, 2002)),
            local_port=22,
        )

    def close_tunnel(self, world: World, _: datetime) -> CloseTunnel:
        held = [key for key, row in world.nodes.items() if row.tunnel is not None]
        return CloseTunnel(node_id=self.key(held, NodeId("nobody")))

    def acknowledge(self, world: World, _: datetime) -> AcknowledgeChanges:
        node_id = self.key(world.changes, NodeId("nobody"))
        row = world.changes.get(node_id)
        stamps = [0] if row is None else [latest(row), *row.stamps.values(), latest(row) + 5]
        return AcknowledgeChanges(node_id=node_id, through=self._draw(st.sampled_from(stamps)))

    def set_default_router(self, _: World, __: datetime) -> SetDefaultRouter:
        return SetDefaultRouter(router=DefaultRouter(host=self.one(("k8s.example", "two.example"))))

    def set_broker(self, _: World, __: datetime) -> SetBroker:
        urls = ("amqp://127.0.0.1:5672/ecn", "amqps://router.example:5671/ecn", "")
        url = self.one(urls)
        return SetBroker(broker=Broker(url=url) if url else None)

    def change_network_setting(self, _: World, __: datetime) -> ChangeNetworkSetting:
        key = self.one(("default-proxy-host", "other"))
        return ChangeNetworkSetting(key=key, value=self.one(NAMES))

    def apply_volume(self, world: World, _: datetime) -> ApplyVolume:
        placed = not self.chance(3)
        return ApplyVolume(
            volume_id=VolumeId(self.fresh("volume")),
            name=self.one(NAMES[:2]),
            destination="/srv/" + self.one(NAMES) if placed else "",
            nodes=[self.node_ref(world) for _ in range(self._draw(st.integers(0, 2)))]
            if placed
            else [],
            files=[VolumeFile(path="a", content=self.one(NAMES).encode())]
            if self.chance(2)
            else [],
        )

    def delete_volume(self, world: World, _: datetime) -> DeleteVolume:
        return DeleteVolume(volume_id=self.key(world.volumes, VolumeId("nobody")))

    def issue_key(self, world: World, now: datetime) -> IssueProvisioningKey:
        return IssueProvisioningKey(
            node_id=self.key(world.nodes, NodeId("nobody")),
            key_hash=self.fresh("key"),
            expires_at=now + self._draw(st.sampled_from([3600, 1])) * timedelta(seconds=1),
        )

    def provision(self, world: World, now: datetime) -> ProvisionNode:
        rows = [row for _, row in sorted(world.nodes.items())]
        keys = tuple(row.key_hash for row in rows if row.key_hash)
        if not keys or self.chance(3):
            keys += tuple(row.redeemed_key_hash for row in rows if row.redeemed_key_hash)
        used = tuple(row.credential_hash for row in rows if row.credential_hash)
        used += tuple(sorted(world.withdrawn_credentials))
        return ProvisionNode(
            key_hash=self.one(keys) if keys and not self.chance(8) else "unknown",
            credential_hash=self.one(used) if used and self.chance(4) else self.fresh("secret"),
            facts=NodeFacts(cpus=self._draw(st.integers(1, 2))),
            now=now,
        )

    def deprovision(self, world: World, _: datetime) -> DeprovisionNode:
        return DeprovisionNode(node_id=self.key(world.nodes, NodeId("nobody")))

    def delete_node(self, world: World, _: datetime) -> DeleteNode:
        node_id = self.key(world.nodes, NodeId("nobody"))
        return DeleteNode(node_id=node_id, force=self.chance(2))

    def report_node(self, world: World, now: datetime) -> ReportNode:
        spoken_for = [key for key, row in world.nodes.items() if row.credential_hash]
        node_id = self.key(world.nodes if self.chance(6) else spoken_for, NodeId("nobody"))
        placed = tuple(sorted(world.microservices.find("node", node_id)))
        last = world.reports.get(node_id) or 0
        return ReportNode(
            node_id=node_id,
            now=now,
            facts=NodeFacts(cpus=self._draw(st.integers(1, 2))) if self.chance(3) else None,
            containers=[
                ContainerReport(
                    sequence=max(1, last + self._draw(st.integers(-1, 3))),
                    microservice_id=self.one(placed)
                    if placed and not self.chance(6)
                    else self.key(world.microservices, MicroserviceId("nobody")),
                    status=ContainerStatus(
                        state=self._draw(st.sampled_from(list(ContainerState))), at=now
                    ),
                )
                for _ in range(self._draw(st.integers(0, 3)))
            ],
            twins=twin_reports(self, world, placed, last, now),
            outcomes=self.outcomes(world, node_id, last, now),
            drops=drop_reports(self, world, last, now),
            goodbye=self.chance(6),
        )

    def outcomes(
        self, world: World, node_id: NodeId, last: int, now: datetime
    ) -> list[OutcomeReport]:
        """Of one that stands open, mostly: told before too, or never heard of."""
        row = world.nodes.get(node_id)
        if row is None or not (row.instructions or row.outcomes) or self.chance(2):
            return []
        told = tuple(each.told_at for each in row.instructions)
        told += tuple(each.told_at for each in row.outcomes)
        return [
            OutcomeReport(
                sequence=max(1, last + self._draw(st.integers(0, 3))),
                told_at=Position(1) if self.chance(8) else self._draw(st.sampled_from(told)),
                outcome=self._draw(st.sampled_from(list(Outcome))),
                detail="",
                at=now,
            )
        ]

    def mark_offline(self, world: World, now: datetime) -> MarkNodeOffline:
        ago = self._draw(st.integers(0, 20)) * timedelta(seconds=1)
        return MarkNodeOffline(node_id=self.key(world.nodes, NodeId("nobody")), last_seen=now - ago)

    def spec(self, world: World, beside: Sequence[str] = ()) -> MicroserviceSpec:
        """beside: names that it may depend on."""
        protocols = st.sampled_from(list(PortProtocol))
        addresses = st.sampled_from(["", "127.0.0.1", "10.0.0.1", "0.0.0.0"])
        plain = MicroserviceSpec(
            image=self.one(IMAGES),
            config=self.one(("{}", '{"a":1}')),
            ports=[
                PortMapping(
                    host=host,
                    container=80,
                    protocol=self._draw(protocols),
                    address=self._draw(addresses) if self.chance(3) else "",
                )
                for host in self._draw(
                    st.lists(
                        st.integers(8080, 8082), unique=True, min_size=self.crowded, max_size=2
                    )
                )
            ],
        )
        return furnished(self, of_spec(self, world, plain), tuple(beside))

    def placement(self, world: World, name: str, beside: Sequence[str] = ()) -> Placement:
        registry = None
        if self.chance(2):
            key = self.key(world.registries, RegistryId("nobody"))
            row = world.registries.get(key)
            registry = row.name if row is not None else key if self.chance(4) else None
        return Placement(
            microservice_id=MicroserviceId(self.fresh("microservice")),
            name=name,
            node=self.node_ref(world),
            registry=registry,
            started=not self.chance(4),
            spec=self.spec(world, beside),
        )

    def apply(self, world: World, _: datetime) -> ApplyApplication:
        least = 2 if self.crowded else 0
        names = self._draw(
            st.lists(st.sampled_from(NAMES), unique=True, min_size=least, max_size=3)
        )
        return ApplyApplication(
            application_id=ApplicationId(self.fresh("application")),
            name=self.one(NAMES[:2]),
            description=self.one(NAMES),
            labels={"tier": self.one(NAMES)} if self.chance(2) else {},
            microservices=None
            if self.chance(8)
            else [
                self.placement(world, name, names[:number] or names)
                for number, name in enumerate(names)
            ],
            routes=wanted_routes(self, names),
            started=not self.chance(4),
            new=self.chance(12),
        )

    def _application(self, world: World) -> ApplicationId:
        return self.key(world.applications, ApplicationId("nobody"))

    def _microservice(self, world: World) -> MicroserviceId:
        return self.key(world.microservices, MicroserviceId("nobody"))

    def start_application(self, world: World, _: datetime) -> StartApplication:
        stopped = [key for key, row in world.applications.items() if not row.started]
        return StartApplication(application_id=self.key(stopped, ApplicationId("nobody")))

    def stop_application(self, world: World, _: datetime) -> StopApplication:
        return StopApplication(application_id=self._application(world))

    def delete_application(self, world: World, _: datetime) -> DeleteApplication:
        return DeleteApplication(application_id=self._application(world))

    def create_microservice(self, world: World, _: datetime) -> CreateMicroservice:
        application_id = self._application(world)
        beside = self._beside(world, application_id)
        return CreateMicroservice(
            application_id=application_id,
            placement=self.placement(world, self.one(NAMES), beside),
        )

    def _beside(self, world: World, application_id: ApplicationId) -> list[str]:
        """The names of what is in the application."""
        keys = world.microservices.find("application", application_id)
        return sorted(world.microservices[key].name for key in keys)

    def update_microservice(self, world: World, _: datetime) -> UpdateMicroservice:
        key = self._microservice(world)
        row = world.microservices.get(key)
        name, beside = "a", list[str]()
        if row is not None:
            name, beside = row.name, self._beside(world, row.application_id)
        return UpdateMicroservice(
            microservice_id=key,
            placement=self.placement(world, name, beside),
            seen=world.position if row is None or self.chance(6) else row.revision,
        )

    def start_microservice(self, world: World, _: datetime) -> StartMicroservice:
        stopped = [key for key, row in world.microservices.items() if not row.started]
        return StartMicroservice(microservice_id=self.key(stopped, MicroserviceId("nobody")))

    def stop_microservice(self, world: World, _: datetime) -> StopMicroservice:
        return StopMicroservice(microservice_id=self._microservice(world))

    def move_microservice(self, world: World, _: datetime) -> MoveMicroservice:
        return MoveMicroservice(
            microservice_id=self._microservice(world), node=self.node_ref(world)
        )

    def delete_microservice(self, world: World, _: datetime) -> DeleteMicroservice:
        return DeleteMicroservice(microservice_id=self._microservice(world))

    def apply_registry(self, _: World, __: datetime) -> ApplyRegistry:
        secret = SealedSecret(secret_id=self.one(NAMES), ciphertext=b"sealed")
        return ApplyRegistry(
            registry_id=RegistryId(self.fresh("registry")),
            name=self.one(NAMES[:2]),
            url=self.one(("one.example", "two.example:5000")),
            username=self.one(("", "robot")),
            password=secret if self.chance(3) else None,
        )

    def delete_registry(self, world: World, _: datetime) -> DeleteRegistry:
        return DeleteRegistry(registry_id=self.key(world.registries, RegistryId("nobody")))

    def first_admin(self, _: World, __: datetime) -> CreateFirstAdmin:
        return CreateFirstAdmin(
            user_id=UserId(self.fresh("user")),
            name="root",
            password_hash="argon2",
            token_id=TokenId(self.fresh("token")),
            token_hash=self.fresh("hash"),
        )

    def create_user(self, _: World, __: datetime) -> CreateUser:
        return CreateUser(
            user_id=UserId(self.fresh("user")),
            name=self.one(("anna", "bert", "root")),
            role=self._draw(st.sampled_from(list(Role))),
            password_hash="argon2",
        )

    def update_user(self, world: World, _: datetime) -> UpdateUser:
        return UpdateUser(
            user_id=self.key(world.users, UserId("nobody")),
            role=self._draw(st.sampled_from([None, *Role])),
            password_hash="other" if self.chance(2) else None,
        )

    def sign_up(self, _: World, __: datetime) -> SignUp:
        return SignUp(
            user_id=UserId(self.fresh("user")),
            name=self.one(("anna", "carl")),
            password_hash="argon2",
            profile=Profile(first_name="A", last_name="B"),
            open=not self.chance(3),
        )

    def change_profile(self, world: World, _: datetime) -> ChangeProfile:
        return ChangeProfile(
            user_id=self.key(world.users, UserId("nobody")),
            profile=Profile(first_name=self.one(NAMES)),
        )

    def renew_token(self, world: World, _: datetime) -> RenewToken:
        ending = [key for key, row in world.tokens.items() if row.expires_at is not None]
        return RenewToken(
            token_id=self.key(ending, TokenId("nobody")),
            expires_at=NOW + self._draw(st.integers(0, 5)) * timedelta(hours=1),
        )

    def delete_user(self, world: World, _: datetime) -> DeleteUser:
        return DeleteUser(
            user_id=self.key(world.users, UserId("nobody")),
            with_created=self.chance(2),
            force=self.chance(2),
        )

    def issue_token(self, world: World, _: datetime) -> IssueToken:
        return IssueToken(
            user_id=self.key(world.users, UserId("nobody")),
            token_id=TokenId(self.fresh("token")),
            token_hash=self.fresh("hash"),
            expires_at=NOW + timedelta(hours=1) if self.chance(2) else None,
        )

    def revoke_token(self, world: World, _: datetime) -> RevokeToken:
        return RevokeToken(token_id=self.key(world.tokens, TokenId("nobody")))

    # What the rest needs comes first, and more often: shrinking goes that way too.
    _ALWAYS: Kinds = (apply, apply, create_microservice, report_node, patch_twin)
    _TOPICS: tuple[Kinds, ...] = (
        (
            update_microservice,
            update_microservice,
            move_microservice,
            start_microservice,
            start_microservice,
            stop_microservice,
            delete_microservice,
        ),
        (*TWINS, report_node, report_node),
        (start_application, stop_application, start_application, delete_application, *APPLICATIONS),
        (*ROUTES, move_microservice, create_microservice, report_node, report_node),
        (apply_registry, apply_registry, delete_registry, *CATALOG),
        TEMPLATES,
        EDGE_RESOURCES,
        (
            issue_key,
            provision,
            provision,
            report_node,
            deprovision,
            mark_offline,
            acknowledge,
            acknowledge,
        ),
        (
            register_node,
            register_router,
            update_node,
            update_node,
            delete_node,
            set_default_router,
            set_broker,
            change_network_setting,
        ),
        (instruct, open_tunnel, close_tunnel, apply_volume, apply_volume, delete_volume),
        SESSIONS,
        (first_admin, create_user, sign_up, change_profile, update_user, delete_user, delete_user),
        (
            first_admin,
            issue_token,
            issue_token,
            renew_token,
            renew_token,
            renew_token,
            revoke_token,
            update_user,
        ),
    )

    _CROWDED: Kinds = (
        apply,
        create_microservice,
        create_microservice,
        update_microservice,
        update_microservice,
        move_microservice,
        move_microservice,
        delete_microservice,
        apply,
        create_microservice,
        update_node,
        *APPLICATIONS[:2],
        update_router,
        update_item,
        report_node,
        set_default_router,
        set_broker,
        change_network_setting,
        apply_volume,
        apply_volume,
        delete_volume,
    )
    _ROUTED: tuple[Callable[["Drawn", World, datetime], AnyCommand], ...] = (
        register_router,
        register_router,
        register_node,
        update_router,
        update_router,
        update_router,
        update_node,
        set_default_router,
        set_broker,
        apply,
        move_microservice,
        delete_microservice,
        provision,
        acknowledge,
        delete_node,
    )


def carried_out(world: World, command: AnyCommand, now: datetime, command_id: str) -> Step:
    """One command decided and folded, as the writer does it."""
    try:
        decided = decide(world, command)
    except Refused as refused:
        return Step(command, now, world, refused, [], world)
    recorded = chained(world.head, *decided, now=now, command_id=command_id)
    return Step(command, now, world, decided, recorded, fold(world, recorded))


PEOPLE: list[AnyCommand] = [
    CreateUser(user_id=ANNA, name="anna", role=Role.ADMIN, password_hash="argon2"),
    IssueToken(
        user_id=ANNA,
        token_id=TokenId("token"),
        token_hash="hash",
        expires_at=NOW + timedelta(hours=1),
    ),
]
"""Somebody who is logged in for an hour."""
_MOUNTING = MicroserviceSpec(
    image="shop/web:1",
    volumes=[VolumeMount(kind=VolumeKind.FILES, source="a", target="/etc/conf")],
)
_INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)
_ROUTERS = tuple(
    RegisterNode(
        node_id=NodeId(f"node-{name}"),
        name=name,
        settings=NodeSettings(host=f"{name}.example", router=router, system=name == "centre"),
    )
    for name, router in (
        ("centre", _INTERIOR),
        ("hall", replace(_INTERIOR, upstreams=[DEFAULT_ROUTER])),
        ("leaf", RouterSettings(upstreams=[DEFAULT_ROUTER, "node-hall"])),
        ("guest", RouterSettings(mode=RouterMode.NONE, network_router="node-hall")),
    )
)
"""A centre, and one router or agent of each kind that leads there."""


@st.composite
def histories(
    draw: st.DrawFn, *, longest: int = 40, routed: bool = False, crowded: bool = False
) -> History:
    """A small network, and up to `longest` commands more.

    routed: about nodes and routers only. crowded: microservices that name all that they can, and
    are in each other's way.
    """
    drawn = Drawn(draw, routed=routed, crowded=crowded)
    world, now, steps = World(), NOW, list[Step]()

    def settings_of(host: str) -> NodeSettings:
        access = NodeAccess(privileged=crowded or draw(st.booleans()))
        return NodeSettings(host=host if crowded else None, access=access)

    prepared: list[AnyCommand] = [
        RegisterNode(node_id=EAST, name="east", settings=settings_of("10.0.0.1")),
        RegisterNode(node_id=WEST, name="west", settings=settings_of("10.0.0.2")),
        IssueProvisioningKey(node_id=EAST, key_hash="key", expires_at=now + timedelta(days=30)),
        IssueProvisioningKey(node_id=WEST, key_hash="west", expires_at=now + timedelta(days=30)),
        ProvisionNode(key_hash="key", credential_hash="secret", facts=NodeFacts(), now=now),
        ApplyRegistry(registry_id=HUB, name="a", url="a.example"),
        ApplyVolume(volume_id=VolumeId("volume-a"), name="a"),
        manifest(
            placement("a", registry="a"),
            placement("b", node=WEST, made_from=_MOUNTING if crowded else None),
            name="a",
        ),
        *(_ROUTERS if routed or (crowded and draw(st.booleans())) else ()),
    ]
    prepared += FURNISHED if crowded else draw(st.sampled_from([[], FURNISHED]))
    prepared += draw(st.sampled_from([[], PEOPLE]))
    many = draw(st.integers(0, longest))
    for number in range(len(prepared) + many):
        command = prepared[number] if number < len(prepared) else drawn.command(world, now)
        keyed = draw(st.booleans())
        command_id = f"key-{number % 7}-{number}" if keyed else f"command-{number}"
        step = carried_out(world, command, now, command_id)
        steps.append(step)
        world = step.world
        # Mostly seconds, sometimes days: what is kept for a day is forgotten then.
        now += draw(st.sampled_from([0, 1, 5, 86400])) * timedelta(seconds=1)
    return History(steps)


def indexes(table: Table[H, R]) -> dict[tuple[str, Hashable], set[H]]:
    """The indexes of a table, as it keeps them."""
    return {
        (name, value): set(table.find(name, value))
        for name in table._indexes
        for value in table.values(name)
    }


def recomputed(
    table: Table[H, R],
) -> dict[tuple[str, Hashable], set[H]]:
    """The indexes of a table, from its rows alone."""
    found: dict[tuple[str, Hashable], set[H]] = {}
    for name, values in table._indexes.items():
        for key, row in table.items():
            for value in values(row):
                found.setdefault((name, value), set()).add(key)
    return found
