"""What holds in every world that commands can lead to, whatever they are and in whatever order."""

from collections import Counter
from itertools import combinations
from typing import get_args

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands.application import (
    ApplyApplication,
    DeleteApplication,
    DeleteMicroservice,
    MoveMicroservice,
    Placement,
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
)
from ecn.commands.catalog import ApplyRegistry, DeleteRegistry
from ecn.commands.node import (
    DeleteNode,
    DeprovisionNode,
    MarkNodeOffline,
    ProvisionNode,
    ReportNode,
)
from ecn.commands.user import CreateFirstAdmin, DeleteUser, RevokeToken
from ecn.deciders import find
from ecn.deciders.decide import decide
from ecn.errors import Refused
from events.application import (
    ContainerReported,
    MicroserviceSpec,
    PortMapping,
    Protocol,
    VolumeKind,
)
from events.envelope import GENESIS, KnownEvent, verify
from events.ids import NodeId
from events.node import DEFAULT_ROUTER, InstructionCarriedOut, NodeDeleted, NodeProvisioned
from events.route import RouteDropped
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged
from events.user import Role
from projections.catalog import catalog_items
from projections.nodes import NodeState
from projections.routers import router_ports
from projections.world import World
from tests.ecn.deciders import equipment
from tests.ecn.deciders.histories import History, carried_out, histories

ALL_TYPES = {str(kind.__struct_config__.tag) for kind in get_args(KnownEvent)}
UNDECIDED = {"port": 0, "queue": "", "router": DEFAULT_ROUTER}
EVERY_ADDRESS = {"", "0.0.0.0", "::"}
REPEATABLE = (
    ApplyApplication
    | ApplyRegistry
    | StartApplication
    | StopApplication
    | DeleteApplication
    | StartMicroservice
    | StopMicroservice
    | MoveMicroservice
    | DeleteMicroservice
    | DeleteRegistry
    | DeleteNode
    | DeprovisionNode
    | ProvisionNode
    | ReportNode
    | MarkNodeOffline
    | CreateFirstAdmin
    | DeleteUser
    | RevokeToken
)
"""Commands that say how things shall be: saying it again changes nothing."""

often = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nobody_shares_a_name(world: World) -> None:
    for names in (
        [row.name for _, row in world.nodes.items()],
        [row.name for _, row in world.applications.items()],
        [row.name for _, row in world.registries.items()],
        [row.name for _, row in world.users.items()],
        [row.name for _, row in world.templates.items()],
        [row.name for row in catalog_items(world).values()],
        [(row.name, row.version) for _, row in world.edge_resources.items()],
        [(row.application_id, row.name) for _, row in world.routes.items()],
        [(row.application_id, row.ends, row.terms) for _, row in world.routes.items()],
        [(row.application_id, row.name) for _, row in world.microservices.items()],
    ):
        assert len(set(names)) == len(names)


def clash(one: PortMapping, other: PortMapping) -> bool:
    """Written apart from the rule: could both listen on one device?"""
    if (one.host, one.protocol) != (other.host, other.protocol):
        return False
    return bool({one.address, other.address} & EVERY_ADDRESS) or one.address == other.address


def nobody_shares_a_host_port(world: World) -> None:
    for node_id in world.nodes:
        ports = [
            port
            for _, row in world.microservices.items()
            if row.node_id == node_id
            for port in row.spec.ports
        ]
        assert not any(clash(one, other) for one, other in combinations(ports, 2))


def public_ports(world: World) -> list[tuple[NodeId | None, int]]:
    """Where each public port opens: gathered without the views of the world."""
    system = next((key for key, row in world.nodes.items() if row.settings.system), None)
    return [
        (system if public.router == DEFAULT_ROUTER else NodeId(public.router), public.port)
        for _, row in world.microservices.items()
        for mapping in row.spec.ports
        if (public := mapping.public) is not None
    ]


def nobody_shares_a_public_port(world: World) -> None:
    opened = public_ports(world)
    assert len(set(opened)) == len(opened)
    for node_id, port in opened:
        assert 1 <= port <= 65535
        if node_id is None:
            continue
        router = world.nodes[node_id].settings.router
        listens = [] if router is None else router_ports(router)
        here = [
            mapping.host
            for _, row in world.microservices.items()
            if row.node_id == node_id
            for mapping in row.spec.ports
            if mapping.protocol is Protocol.TCP
        ]
        assert port not in listens
        assert port not in here


def everything_that_is_named_exists(world: World) -> None:
    for key in world.microservices:
        row = world.microservices[key]
        assert row.application_id in world.applications
        assert row.node_id in world.nodes
        assert row.spec.registry_id is None or row.spec.registry_id in world.registries
        item = row.spec.catalog_item_id
        assert item is None or item in catalog_items(world)
    for route in (world.routes[key] for key in world.routes):
        for end in (route.ends.source, route.ends.destination):
            assert end is None or world.microservices[end].application_id == route.application_id
        assert route.application_id in world.applications
    for resource in (world.edge_resources[key] for key in world.edge_resources):
        assert set(resource.node_ids) <= set(world.nodes)
    for item_row in (world.catalog[key] for key in world.catalog):
        assert item_row.settings.registry_id in {None, *world.registries}
    assert set(world.statuses) <= set(world.microservices)
    assert set(world.revisions) == set(world.nodes)
    assert set(world.reports) <= set(world.nodes)
    assert {row.user_id for _, row in world.tokens.items()} <= set(world.users)


def everybody_waits_for_somebody(world: World) -> None:
    """Written apart from the rule: along what is waited for, everybody comes to an end."""
    for application_id in world.applications:
        left = {
            row.name: {each.microservice for each in row.spec.depends_on}
            for _, row in world.microservices.items()
            if row.application_id == application_id
        }
        assert set[str]().union(*left.values()) <= set(left)
        while left:
            free = [name for name, waits in left.items() if not waits & set(left)]
            assert free, "those that are left wait for each other"
            for name in free:
                del left[name]


def is_mighty(spec: MicroserviceSpec) -> bool:
    """What of equipment.py needs a node that allows it, told apart without the rule."""
    return spec.options in equipment.MIGHTY or equipment.ENGINE_SOCKET in spec.volumes


def power_is_where_it_is_allowed(world: World) -> None:
    for row in (world.microservices[key] for key in world.microservices):
        if is_mighty(row.spec):
            assert world.nodes[row.node_id].settings.access.privileged


def a_credential_speaks_for_one_node(world: World) -> None:
    live = [row.credential_hash for _, row in world.nodes.items() if row.credential_hash]
    assert len(set(live)) == len(live)
    assert not set(live) & set(world.withdrawn_credentials)
    for node_id in world.nodes:
        row = world.nodes[node_id]
        assert (row.credential_hash is None) == (row.state is NodeState.REGISTERED)


@often
@given(st.one_of(histories(), histories(crowded=True)))
def test_every_world_keeps_the_rules_across_things(history: History) -> None:
    for step in history.steps:
        nobody_shares_a_name(step.world)
        nobody_shares_a_host_port(step.world)
        nobody_shares_a_public_port(step.world)
        everything_that_is_named_exists(step.world)
        everybody_waits_for_somebody(step.world)
        power_is_where_it_is_allowed(step.world)
        a_credential_speaks_for_one_node(step.world)


@often
@given(histories())
def test_once_there_is_an_admin_there_always_is_one(history: History) -> None:
    had = False
    for step in history.steps:
        has = any(row.role is Role.ADMIN for _, row in step.world.users.items())
        assert has or not had
        had = has


@often
@given(histories())
def test_the_log_of_every_history_follows_from_itself(history: History) -> None:
    assert verify(GENESIS, history.log) == history.world.head


@often
@given(st.one_of(histories(), histories(crowded=True)))
def test_saying_again_how_things_shall_be_changes_nothing(history: History) -> None:
    for step in history.carried_out():
        if isinstance(step.command, ApplyApplication) and step.command.new:
            continue  # it said that there should be none
        if isinstance(step.command, REPEATABLE):
            assert decide(step.world, step.command) == [], step.command


@often
@given(histories())
def test_a_refused_command_is_refused_alike_when_asked_again(history: History) -> None:
    for step in history.steps:
        if isinstance(step.decided, Refused):
            again = carried_out(step.world, step.command, step.now, "again").decided
            assert (type(again), str(again)) == (type(step.decided), str(step.decided))


def as_wanted(world: World, placement: Placement) -> tuple[str, str, MicroserviceSpec, bool]:
    """Name, node, spec and whether it shall run, with the references looked up."""
    registry = find.registry(world, placement.registry) if placement.registry else None
    item = placement.spec.catalog_item_id
    if item is not None:
        registry, item = None, find.catalog_item(world, item)
    volumes = [
        replace(each, source=find.volume(world, each.source))
        if each.kind is VolumeKind.FILES
        else each
        for each in placement.spec.volumes
    ]
    wanted = replace(placement.spec, registry_id=registry, catalog_item_id=item, volumes=volumes)
    return placement.name, find.node(world, placement.node), undecided(wanted), placement.started


def undecided(spec: MicroserviceSpec) -> MicroserviceSpec:
    """Without what the decider finds for public ports."""
    ports = [
        each if each.public is None else replace(each, public=replace(each.public, **UNDECIDED))
        for each in spec.ports
    ]
    return replace(spec, ports=ports)


@often
@given(histories())
def test_an_applied_application_equals_its_manifest(history: History) -> None:
    for step in history.carried_out():
        command = step.command
        if not isinstance(command, ApplyApplication):
            continue
        application_id = find.application(step.world, command.name)
        row = step.world.applications[application_id]
        assert (row.description, row.labels) == (command.description, command.labels)
        there = [
            (each.name, each.node_id, undecided(each.spec), each.started)
            for _, each in step.world.microservices.items()
            if each.application_id == application_id
        ]
        if command.microservices is not None:
            wanted = [as_wanted(step.world, each) for each in command.microservices]
            assert sorted(there, key=by_name) == sorted(wanted, key=by_name)
        if command.routes is not None:
            routes = step.world.routes.count("application", application_id)
            assert routes == len(command.routes)


def by_name(said: tuple[str, str, MicroserviceSpec, bool]) -> str:
    return said[0]


@often
@given(histories())
def test_an_applied_application_keeps_what_is_the_same(history: History) -> None:
    """Same name, same microservice: its id and all that hangs on it stay."""
    for step in history.carried_out():
        if not isinstance(step.command, ApplyApplication):
            continue
        before, after = step.before, step.world
        application_id = before.applications.one("name", step.command.name)
        for placement in step.command.microservices or []:
            key = before.microservices.one("name", (application_id, placement.name))
            if key is None:
                continue
            kept = before.microservices[key]
            assert key in after.microservices
            there = after.microservices[key]
            same = (kept.name, kept.node_id, kept.spec, kept.started) == (
                there.name,
                there.node_id,
                there.spec,
                there.started,
            )
            # What names another microservice may hear of that one.
            assert (there == kept) == same or kept.spec.extra_hosts
            wanted = as_wanted(before, placement)
            assert (there.name, there.node_id, undecided(there.spec), there.started) == wanted


@often
@given(histories())
def test_no_report_is_taken_twice(history: History) -> None:
    last = Counter[NodeId]()
    for recorded in history.log:
        match recorded.event:
            case NodeProvisioned(node_id=node_id) | NodeDeleted(node_id=node_id):
                last[node_id] = 0
            case ContainerReported(node_id=node_id, sequence=sequence):
                assert sequence > last[node_id]
                last[node_id] = sequence
            case TwinReportedChanged() | InstructionCarriedOut() | RouteDropped():
                assert recorded.event.sequence > last[recorded.event.node_id]
                last[recorded.event.node_id] = recorded.event.sequence
            case (
                TwinDesiredChanged(node_id=str(node_id), sequence=int(sequence))
                | TwinEditOverruled(node_id=node_id, sequence=sequence)
            ):
                # One change may be taken in part: two events tell of it.
                assert sequence >= last[node_id]
                last[node_id] = sequence
            case _:
                pass
    for node_id, number in history.world.reports.items():
        assert number == last[node_id]


@often
@given(histories())
def test_only_the_node_of_a_microservice_speaks_of_it(history: History) -> None:
    for step in history.carried_out():
        for event in step.recorded:
            if isinstance(event.event, ContainerReported):
                row = step.before.microservices[event.event.microservice_id]
                assert row.node_id == event.event.node_id


def test_random_histories_reach_what_they_are_meant_to_reach() -> None:
    """Guards the generator: properties over histories in which nothing happens prove nothing."""
    wanted = ALL_TYPES | {
        "NameTaken",
        "PortTaken",
        "NodeInUse",
        "RegistryInUse",
        "LastAdmin",
        "RevisionMoved",
        "NotFound",
        "KeyRefused",
        "Conflict",
        "HostUnknown",
        "PowersNotAllowed",
        "RouterMissing",
        "SeedKept",
    }
    reached = set[str]()

    @settings(max_examples=200, deadline=None, database=None)
    @given(histories())
    def look(history: History) -> None:
        for step in history.steps:
            if isinstance(step.decided, Refused):
                reached.add(type(step.decided).__name__)
            reached.update(event.type for event in step.recorded)

    # The rarest happen in one history of fifty.
    for number in range(8):
        seed(number)(look)()
        if wanted <= reached:
            return
    assert sorted(wanted - reached) == []
