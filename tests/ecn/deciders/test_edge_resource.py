"""Edge resources: name and version are one's alone, links are kept with it, tags follow links."""

import pytest
from msgspec import Raw
from msgspec.structs import replace

from ecn.commands.edge_resource import (
    ApplyEdgeResource,
    CreateEdgeResource,
    DeleteEdgeResource,
    LinkEdgeResource,
    UnlinkEdgeResource,
    UpdateEdgeResource,
)
from ecn.commands.node import DeleteNode
from ecn.errors import Invalid, NameTaken, NotFound, RevisionMoved
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
    ResourceEndpoint,
)
from events.ids import EdgeResourceId, NodeId
from projections.edge_resources import linked, tags_of
from tests.builders import EAST, WEST, given, registered, world_after

DOOR, OTHER = EdgeResourceId("resource-door"), EdgeResourceId("resource-other")
SETTINGS = EdgeResourceSettings(tags=["door", "hall"], custom=Raw(b'{"lock":true}'))
MADE = EdgeResourceCreated(
    edge_resource_id=DOOR, name="com.example.door", version="1.0.0", settings=SETTINGS
)
LINKED = EdgeResourceLinked(edge_resource_id=DOOR, node_id=EAST)


def create(
    version: str = "1.0.0",
    name: str = "com.example.door",
    settings: EdgeResourceSettings = SETTINGS,
) -> CreateEdgeResource:
    return CreateEdgeResource(edge_resource_id=DOOR, name=name, version=version, settings=settings)


def update(name: str, settings: EdgeResourceSettings = SETTINGS) -> UpdateEdgeResource:
    return UpdateEdgeResource(edge_resource_id=DOOR, name=name, settings=settings, seen=SETTINGS)


def test_one_is_made_renamed_and_deleted() -> None:
    other = replace(SETTINGS, protocol="wss")
    delete = DeleteEdgeResource(edge_resource_id=DOOR)
    made = given().when(create()).then(MADE)
    after = made.when(update("hatch", other)).then(
        EdgeResourceUpdated(edge_resource_id=DOOR, name="hatch", settings=other)
    )
    after.when(delete).then(EdgeResourceDeleted(edge_resource_id=DOOR)).when(delete).then()


def test_name_and_version_together_are_unique() -> None:
    other = EdgeResourceCreated(
        edge_resource_id=OTHER, name="hatch", version="1.0.0", settings=SETTINGS
    )
    given(MADE).when(create()).raises(NameTaken)
    given(MADE, other).when(update("hatch")).raises(NameTaken)
    given(MADE).when(create("1.0.1")).then_world()


def test_applied_it_is_made_or_changed_by_name_and_version() -> None:
    apply = ApplyEdgeResource(
        edge_resource_id=DOOR, name="com.example.door", version="1.0.0", settings=SETTINGS
    )
    other = replace(SETTINGS, tags=[])
    made = given().when(apply).then(MADE)
    made.when(apply).then()
    made.when(replace(apply, edge_resource_id=OTHER, settings=other)).then(
        EdgeResourceUpdated(edge_resource_id=DOOR, name="com.example.door", settings=other)
    )


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.10.0", "0.0.1", "1.0.0-rc.1+build.7"])
def test_versions(version: str) -> None:
    given().when(create(version)).then(replace(MADE, version=version))


@pytest.mark.parametrize("version", ["", "1", "1.2", "1.02.3", "one", "1.2.3.4", "1.2.3 "])
def test_what_is_no_version(version: str) -> None:
    assert given().when(create(version)).raises(Invalid).field == "$.version"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (replace(SETTINGS, protocol="ftp"), "$.protocol"),
        (replace(SETTINGS, custom=Raw(b"[]")), "$.custom"),
        (
            replace(SETTINGS, endpoints=[ResourceEndpoint(name="a", method="JUMP")]),
            "$.endpoints[0].method",
        ),
        (replace(SETTINGS, tags=["a\x00"]), "$.tags"),
    ],
)
def test_its_settings_keep_the_rules(bad: EdgeResourceSettings, field: str) -> None:
    assert given().when(create(settings=bad)).raises(Invalid).field == field


@pytest.mark.parametrize("name", ["", "a@1", "a/b"])
def test_its_name_keeps_the_rules(name: str) -> None:
    assert given().when(create(name=name)).raises(Invalid).field == "$.name"


def test_a_change_of_what_changed_in_between_is_refused() -> None:
    changed = EdgeResourceUpdated(
        edge_resource_id=DOOR, name="com.example.door", settings=EdgeResourceSettings()
    )
    given(MADE, changed).when(update("hatch")).raises(RevisionMoved)


def test_linked_once_and_unlinked_once() -> None:
    link = LinkEdgeResource(edge_resource_id=DOOR, node_id=EAST)
    unlink = UnlinkEdgeResource(edge_resource_id=DOOR, node_id=EAST)
    after = given(registered(), MADE).when(link).then(LINKED)
    after.when(link).then()
    gone = after.when(unlink).then(EdgeResourceUnlinked(edge_resource_id=DOOR, node_id=EAST))
    gone.when(unlink).then()


def test_only_what_is_there_is_linked() -> None:
    link = LinkEdgeResource(edge_resource_id=DOOR, node_id=EAST)
    given(registered()).when(link).raises(NotFound)
    given(MADE).when(link).raises(NotFound)
    given(MADE).when(UnlinkEdgeResource(edge_resource_id=OTHER, node_id=EAST)).raises(NotFound)


def test_a_node_has_the_tags_of_its_links() -> None:
    second = EdgeResourceCreated(
        edge_resource_id=OTHER,
        name="lamp",
        version="1.0.0",
        settings=EdgeResourceSettings(tags=["hall", "light"]),
    )
    network = (registered(), registered(WEST), MADE, second, LINKED)
    world = world_after(*network, EdgeResourceLinked(edge_resource_id=OTHER, node_id=EAST))
    assert tags_of(world, EAST) == ["door", "hall", "light"]
    assert tags_of(world, WEST) == []
    assert list(linked(world, EAST)) == [DOOR, OTHER]


def test_a_link_goes_with_its_node() -> None:
    world = given(registered(), MADE, LINKED).when(DeleteNode(node_id=NodeId(EAST))).then_world()
    assert world.edge_resources[DOOR].node_ids == []
