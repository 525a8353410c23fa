"""From what ioFog's clients say of a node to our settings, and back to what they are shown."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.agent_status import AgentStatus
from ecn.commands.node import RegisterNode
from ecn.deciders.decide import decide
from ecn.iofog import bodies, node_documents, nodes
from ecn.iofog.node_documents import Condition, Filter, matching
from ecn.iofog.refusals import Refusal
from events.edge_resource import EdgeResourceCreated, EdgeResourceLinked, EdgeResourceSettings
from events.ids import EdgeResourceId, NodeId
from events.network import DefaultRouter, DefaultRouterSet
from events.node import (
    GpsMode,
    NodeCameOnline,
    NodeFacts,
    NodeFactsReported,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    Platform,
    RouterMode,
    RouterSettings,
)
from projections.world import World
from tests.builders import (
    EAST,
    NOW,
    key_issued,
    provisioned,
    registered,
    user,
    world_after,
)

Document = dict[str, object]

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
naturals = st.integers(0, 1 << 40)
ports = st.lists(st.integers(1, 65535), min_size=3, max_size=3, unique=True)

PLAIN: dict[str, st.SearchStrategy[object]] = {
    "location": texts,
    "description": texts,
    "dockerUrl": texts,
    "diskLimit": naturals,
    "diskDirectory": texts,
    "memoryLimit": naturals,
    "cpuLimit": naturals,
    "logLimit": naturals,
    "logDirectory": texts,
    "logFileCount": naturals,
    "logLevel": texts,
    "statusFrequency": naturals,
    "changeFrequency": naturals,
    "deviceScanFrequency": naturals,
    "watchdogEnabled": st.booleans(),
    "bluetoothEnabled": st.booleans(),
    "abstractedHardwareEnabled": st.booleans(),
    "dockerPruningFrequency": naturals,
    "availableDiskThreshold": naturals,
    "latitude": st.floats(-90, 90),
    "longitude": st.floats(-180, 180),
    "timeZone": texts,
    "tags": st.lists(texts, max_size=3, unique=True),
}
plain = st.fixed_dictionaries({}, optional=PLAIN)


@st.composite
def created(draw: st.DrawFn) -> Document:
    """The body of a request for a new node."""
    messaging, edge, inter_router = draw(ports)
    mode = draw(st.sampled_from(["none", "edge", "interior"]))
    routers: Document = {"routerMode": mode, "messagingPort": messaging}
    if mode == "interior":
        routers |= {"edgeRouterPort": edge, "interRouterPort": inter_router}
    if mode == "none":
        del routers["messagingPort"]
    named = {"name": draw(texts), "fogType": draw(st.integers(0, 2)), "host": draw(texts)}
    return {**named, **routers, **draw(plain)}


ROUTER = DefaultRouterSet(network_id="default-router", router=DefaultRouter(host="router.example"))


def world_with(said: Document) -> World:
    """A world with a node that was made like that, as the domain lets it be."""
    world = world_after(user(), ROUTER)
    body = bodies.typed(said, nodes.CreateNode)
    command = RegisterNode(node_id=EAST, name="east", settings=nodes.created(body))
    return world_after(user(), ROUTER, *decide(world, command))


def shown(world: World, status: AgentStatus | None = None, node_id: NodeId = EAST) -> Document:
    """The node as clients get it."""
    document = node_documents.document(world, node_id, status, None)
    decoded = msgspec.json.decode(msgspec.json.encode(document))
    assert isinstance(decoded, dict)
    return decoded


def settings_of(world: World) -> NodeSettings:
    return world.nodes[EAST].settings


@given(created())
def test_a_node_shows_what_was_said_when_it_was_made(said: Document) -> None:
    document = shown(world_with(said))
    renamed = {"fogType": "fogTypeId"}
    for key, value in said.items():
        if key not in ("name", "messagingPort", "edgeRouterPort", "interRouterPort"):
            assert document[renamed.get(key, key)] == value, key
    if said["routerMode"] == "interior":
        for key in ("messagingPort", "edgeRouterPort", "interRouterPort"):
            assert document[key] == said[key]
    elif said["routerMode"] == "edge":
        assert document["upstreamRouters"] == ["default-router"]
    else:
        assert document["networkRouter"] == "default-router"


@given(created())
def test_saying_again_what_is_shown_changes_nothing(said: Document) -> None:
    world = world_with(said)
    document = shown(world)
    known = {key: value for key, value in document.items() if value is not None}
    again = {**known, "fogType": document["fogTypeId"]}
    # Coordinates that are said are taken for a place that somebody chose.
    before = settings_of(world)
    after = nodes.updated(before, bodies.typed(again, nodes.UpdateNode))
    assert replace(after, agent=replace(after.agent, gps_mode=None)) == replace(
        before, agent=replace(before.agent, gps_mode=None)
    )


@given(created(), plain)
def test_an_update_changes_what_it_says_and_nothing_else(said: Document, news: Document) -> None:
    before = settings_of(world_with(said))
    after = nodes.updated(before, bodies.typed(news, nodes.UpdateNode))
    world = world_after(user(), ROUTER, registered(), NodeUpdated(node_id=EAST, settings=before))
    changed = world_after(user(), ROUTER, registered(), NodeUpdated(node_id=EAST, settings=after))
    old, new = shown(world), shown(changed)
    for key in old.keys() - news.keys() - {"gpsMode"}:
        assert new[key] == old[key], key
    for key, value in news.items():
        assert new[key] == value, key


@given(created(), plain)
def test_what_an_agent_says_of_itself_counts(said: Document, news: Document) -> None:
    before = settings_of(world_with(said))
    floats = {
        key: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in news.items()
    }
    body = bodies.typed(
        bodies.document(msgspec.json.encode({**floats, "readyToUpgradeScanFrequency": 24})),
        nodes.AgentConfig,
    )
    after = nodes.reported(before, body)
    assert (after.host, after.tags, after.platform, after.router, after.description) == (
        before.host,
        before.tags,
        before.platform,
        before.router,
        before.description,
    )
    assert after.agent.memory_limit_mib == news.get("memoryLimit", before.agent.memory_limit_mib)
    assert isinstance(after.agent.memory_limit_mib, int)
    assert nodes.reported(after, body) == after


@pytest.mark.parametrize(
    ("said", "mode"),
    [("off", GpsMode.OFF), ("MANUAL", GpsMode.MANUAL), ("by chance", GpsMode.AUTO)],
)
def test_an_agent_says_where_its_coordinates_come_from(said: str, mode: GpsMode) -> None:
    before = NodeSettings(agent=replace(NodeSettings().agent, gps_mode=GpsMode.AUTO))
    after = nodes.reported(before, nodes.AgentConfig(gps_mode=said))
    assert after.agent.gps_mode is mode


def test_zeros_are_zeros_and_not_defaults() -> None:
    zeros = {"diskLimit": 0, "memoryLimit": 0, "logFileCount": 0, "latitude": 0, "longitude": 0}
    document = shown(world_with({"name": "n", "fogType": 1, "host": "h", **zeros}))
    assert {key: document[key] for key in zeros} == zeros
    assert document["gpsMode"] is None


def test_a_place_makes_the_coordinates_manual() -> None:
    world = world_with({"name": "n", "fogType": 1, "host": "h", "latitude": 47.5})
    assert shown(world)["gpsMode"] == "manual"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"name": "n", "fogType": 1}, '"host" is required'),
        ({"fogType": 1}, "Required field 'name' is missing"),
        ({"name": ""}, "Field name does not meet minimum length of 1"),
        ({"name": "n", "fogType": 3}, "fogType must have a maximum value of 2"),
        ({"name": "n", "fogType": 1, "diskLimit": -1}, "diskLimit must have a minimum value of 0"),
        (
            {"name": "n", "fogType": 1, "routerMode": "star"},
            "Field routerMode is not one of enum values: none,edge,interior",
        ),
        (
            {"name": "n", "fogType": 1, "host": "h", "isSystem": True},
            "Invalid router mode 'edge'",
        ),
        (
            {"name": "n", "fogType": 1, "host": "h", "routerMode": "interior"},
            "Required field 'edgeRouterPort' is missing",
        ),
    ],
)
def test_what_is_wrong_is_said_in_iofogs_words(said: Document, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        nodes.created(bodies.typed(said, nodes.CreateNode))
    assert (refused.value.status, refused.value.message) == (400, message)


def test_an_interior_router_that_becomes_an_edge_router_gives_up_its_ports() -> None:
    interior = RouterSettings(
        mode=RouterMode.INTERIOR, edge_port=1, inter_router_port=2, upstreams=["a"]
    )
    before = NodeSettings(host="h", router=interior)
    after = nodes.updated(before, nodes.UpdateNode(router_mode=RouterMode.EDGE))
    assert after.router == RouterSettings(upstreams=["a"])


def test_a_router_that_is_new_leads_to_the_default_one() -> None:
    before = NodeSettings(host="h", router=RouterSettings(mode=RouterMode.NONE))
    after = nodes.updated(before, nodes.UpdateNode(router_mode=RouterMode.EDGE))
    assert after.router == RouterSettings(upstreams=["default-router"])


def test_of_a_node_without_any_router_an_update_says_nothing_of_routers() -> None:
    after = nodes.updated(NodeSettings(), nodes.UpdateNode(description="new"))
    assert after == NodeSettings(description="new")


def test_every_key_is_there_before_anything_is_known() -> None:
    document = shown(world_with({"name": "n", "fogType": 0, "host": "h"}))
    nulls = {key for key, value in document.items() if value is None}
    assert nulls == {
        *("location", "gpsMode", "latitude", "longitude", "memoryViolation", "diskViolation"),
        *("cpuViolation", "systemTotalCpu", "catalogItemStatus", "repositoryStatus"),
        *("catalogItemMessageCounts", "version", "routerId", "timeZone"),
    }
    assert document["daemonStatus"] == "UNKNOWN"
    assert (document["ipAddress"], document["fogTypeId"]) == ("0.0.0.0", 0)
    assert "systemAvailableDisk" not in document
    assert isinstance(document["userId"], int)


SAID = AgentStatus(
    at=NOW + timedelta(seconds=9),
    daemon_status="RUNNING",
    memory_violation=True,
    cpu_violation=False,
    system_available_disk=1 << 40,
    ip_address="10.0.0.7",
    version="3.1.0",
    ready_to_upgrade=False,
)


def test_what_the_agent_said_is_shown_while_it_is_heard() -> None:
    world = world_after(registered(), key_issued(), provisioned())
    document = shown(world, SAID)
    assert document["daemonStatus"] == "RUNNING"
    violations = [document[f"{each}Violation"] for each in ("memory", "cpu", "disk")]
    assert violations == ["1", "0", None]
    assert document["systemAvailableDisk"] == 1 << 40
    assert (document["version"], document["isReadyToUpgrade"]) == ("3.1.0", False)
    assert document["lastActive"] == int(SAID.at.timestamp() * 1000)


def test_of_an_agent_that_is_silent_nobody_knows_what_it_does() -> None:
    gone = NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT, last_seen=NOW)
    world = world_after(registered(), key_issued(), provisioned(), gone)
    document = shown(world, SAID)
    assert (document["daemonStatus"], document["ipAddress"]) == ("UNKNOWN", "10.0.0.7")
    back = NodeCameOnline(node_id=EAST)
    assert shown(world_after(registered(), key_issued(), provisioned(), gone, back), SAID)[
        "daemonStatus"
    ] == ("RUNNING")


def test_a_node_without_a_device_has_no_address() -> None:
    assert shown(world_after(registered()), SAID)["ipAddress"] == "0.0.0.0"


def test_an_agent_of_ours_runs_while_it_is_heard() -> None:
    facts = NodeFacts(agent_version="0.1.0", architecture="aarch64")
    world = world_after(
        registered(), key_issued(), provisioned(), NodeFactsReported(node_id=EAST, facts=facts)
    )
    document = shown(world)
    assert (document["daemonStatus"], document["version"]) == ("RUNNING", "0.1.0")
    assert document["fogTypeId"] == 2


def test_linked_resources_give_their_tags() -> None:
    key = EdgeResourceId("door")
    made = EdgeResourceCreated(
        edge_resource_id=key,
        name="door",
        version="1.0.0",
        settings=EdgeResourceSettings(tags=["smart", "door"]),
    )
    world = world_after(
        registered(),
        NodeUpdated(node_id=EAST, settings=NodeSettings(tags=["own", "smart"])),
        made,
        EdgeResourceLinked(edge_resource_id=key, node_id=EAST),
    )
    document = shown(world)
    assert document["tags"] == ["own", "smart", "door"]
    (resource,) = msgspec.convert(document["edgeResources"], list[dict[str, object]])
    assert resource["name"] == "door"
    assert "id" not in resource


def test_filters_look_into_texts_lists_and_numbers() -> None:
    world = world_with({"name": "n", "fogType": 2, "host": "east.example", "tags": ["a", "b"]})
    every = [node_documents.document(world, EAST, None, None)]

    def passes(key: str, value: str, condition: Condition) -> bool:
        return bool(matching(every, [Filter(key, value, condition)]))

    assert passes("uuid", EAST, Condition.EQUALS)
    assert not passes("uuid", EAST[:4], Condition.EQUALS)
    assert passes("host", "example", Condition.HAS)
    assert passes("tags", "a", Condition.HAS)
    assert not passes("tags", "c", Condition.HAS)
    assert passes("fogTypeId", "2", Condition.EQUALS)
    assert passes("isSystem", "false", Condition.EQUALS)
    assert not passes("location", "x", Condition.HAS)
    assert not passes("unheard-of", "x", Condition.EQUALS)


def test_platforms_have_iofogs_numbers() -> None:
    assert [nodes.fog_type(each) for each in Platform] == [0, 1, 2]
