"""What agents say is kept as long as it speaks of what is there."""

import pytest

from events.application import ContainerState, MicroserviceDeleted, MicroserviceMoved
from events.envelope import KnownEvent
from events.node import NodeDeleted, NodeDeprovisioned
from projections.world import World
from tests.builders import (
    CACHE,
    EAST,
    WEB,
    WEST,
    application,
    key_issued,
    microservice,
    provisioned,
    registered,
    told,
    world_after,
)

HEARD: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    key_issued(),
    provisioned(),
    application(),
    microservice(),
    microservice("cache", node_id=WEST),
    told(1),
    told(1, CACHE, node_id=WEST),
)


def statuses(world: World) -> dict[str, ContainerState]:
    return {key: row.state for key, row in world.statuses.items()}


def test_the_last_word_counts() -> None:
    world = world_after(*HEARD, told(2, state=ContainerState.EXITED))
    assert world.statuses[WEB].state is ContainerState.EXITED
    assert world.reports[EAST] == 2


@pytest.mark.parametrize(
    "event",
    [
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
        MicroserviceDeleted(microservice_id=WEB),
        NodeDeprovisioned(node_id=EAST),
        provisioned(credential="another device"),
    ],
)
def test_nothing_is_known_of_what_is_placed_anew_or_gone(event: KnownEvent) -> None:
    assert statuses(world_after(*HEARD, event)) == {CACHE: ContainerState.RUNNING}


def test_a_newly_provisioned_device_counts_from_one_again() -> None:
    world = world_after(*HEARD, told(2), provisioned(credential="another device"))
    assert world.reports[EAST] == 0


def test_a_deleted_node_leaves_no_count() -> None:
    world = world_after(*HEARD, MicroserviceDeleted(microservice_id=WEB), NodeDeleted(node_id=EAST))
    assert set(world.reports) == {WEST}


@pytest.mark.parametrize("gone", [NodeDeprovisioned(node_id=EAST), NodeDeleted(node_id=EAST)])
def test_a_withdrawn_credential_is_known_as_such(gone: KnownEvent) -> None:
    world = world_after(registered(), key_issued(), provisioned(), gone)
    assert world.withdrawn_credentials["credential"].node_id == EAST
    assert world.nodes.one("credential", "credential") is None


def test_a_replaced_credential_is_dead_but_not_withdrawn() -> None:
    world = world_after(registered(), provisioned(), provisioned(credential="second"))
    assert len(world.withdrawn_credentials) == 0
    assert world.nodes.one("credential", "credential") is None
    assert world.nodes.one("credential", "second") == EAST


def test_names_outlive_what_bore_them() -> None:
    world = world_after(*HEARD, MicroserviceDeleted(microservice_id=WEB))
    assert world.names[f"microservice/{WEB}"] == "shop/web"
    assert world.names[f"node/{EAST}"] == "east"
