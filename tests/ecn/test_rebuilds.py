"""A container is made anew once for each time that it was asked, whatever an agent acknowledges."""

from ecn.rebuilds import Rebuilds
from events.application import (
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceRebuilt,
)
from events.node import NodeChangesAcknowledged
from projections import changes
from projections.world import World, fold
from tests.builders import (
    EAST,
    NOW,
    WEB,
    application,
    chained,
    key_issued,
    microservice,
    provisioned,
    registered,
    world_after,
)

ASKED = MicroserviceRebuilt(microservice_id=WEB)


def after(world: World, *events: object) -> World:
    return fold(world, chained(world.head, *events))  # type: ignore[arg-type]


def seen(sequence: int, container_id: str) -> ContainerReported:
    running = ContainerStatus(state=ContainerState.RUNNING, container_id=container_id, at=NOW)
    return ContainerReported(microservice_id=WEB, node_id=EAST, sequence=sequence, status=running)


def shop() -> World:
    return world_after(
        registered(), key_issued(), provisioned(), application(), microservice(), seen(1, "c1")
    )


def test_nobody_is_told_who_was_not_asked() -> None:
    assert not Rebuilds().due(shop(), EAST, WEB)


def test_it_is_told_until_there_is_another_container() -> None:
    rebuilds, world = Rebuilds(), after(shop(), ASKED)
    assert [rebuilds.due(world, EAST, WEB) for _ in range(3)] == [True] * 3
    world = after(world, seen(2, "c2"))
    assert not rebuilds.due(world, EAST, WEB)
    # And asked again, it is told again, also when nothing was acknowledged in between.
    world = after(world, ASKED)
    assert rebuilds.due(world, EAST, WEB)
    assert not rebuilds.due(after(world, seen(3, "c3")), EAST, WEB)


def test_what_was_made_before_the_agent_was_told_is_not_another() -> None:
    rebuilds, world = Rebuilds(), after(shop(), ASKED)
    assert rebuilds.due(world, EAST, WEB)
    world = after(world, ASKED)  # while the agent makes the first one
    world = after(world, seen(2, "c2"))
    assert rebuilds.due(world, EAST, WEB)
    assert rebuilds.due(world, EAST, WEB)
    assert not rebuilds.due(after(world, seen(3, "c3")), EAST, WEB)


def test_it_is_told_until_it_is_acknowledged() -> None:
    rebuilds, world = Rebuilds(), after(shop(), ASKED)
    assert rebuilds.due(world, EAST, WEB)
    through = changes.latest(world.changes[EAST])
    world = after(world, NodeChangesAcknowledged(node_id=EAST, through=through))
    assert not rebuilds.due(world, EAST, WEB)


def test_a_container_that_nobody_saw_yet_is_still_to_be_made() -> None:
    events = (registered(), key_issued(), provisioned(), application(), microservice())
    rebuilds, world = Rebuilds(), after(world_after(*events), ASKED)
    assert rebuilds.due(world, EAST, WEB)
    assert rebuilds.due(world, EAST, WEB)
    assert not rebuilds.due(after(world, seen(1, "c1")), EAST, WEB)


def test_another_controller_tells_it_once_more() -> None:
    world = after(shop(), ASKED)
    assert Rebuilds().due(world, EAST, WEB)
    assert Rebuilds().due(after(world, seen(2, "c2")), EAST, WEB)
