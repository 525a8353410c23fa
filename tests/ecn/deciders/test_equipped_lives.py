"""Small lives in which dependencies and power over devices are all that happens.

The histories of histories.py have them among everything else, so that what comes of a deletion, a
renaming or a withdrawn permission is rare there. Here it is not.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands import AnyCommand
from ecn.commands.application import (
    CreateMicroservice,
    DeleteMicroservice,
    MoveMicroservice,
    RenameMicroservice,
    UpdateMicroservice,
)
from ecn.commands.node import DeleteNode, RegisterNode, UpdateNode
from events.application import Dependency, MicroserviceSpec
from events.container_options import ContainerOptions
from events.ids import MicroserviceId, NodeId
from events.node import NodeAccess, NodeSettings
from projections.world import World
from tests.builders import NOW, SHOP, manifest, placement, spec
from tests.ecn.deciders.histories import carried_out
from tests.ecn.deciders.test_histories import (
    everybody_waits_for_somebody,
    power_is_where_it_is_allowed,
)

NAMES = ("a", "b", "c")
NODES = ("east", "west")
STRONG = ContainerOptions(privileged=True)
node_settings = st.booleans().map(
    lambda privileged: NodeSettings(access=NodeAccess(privileged=privileged))
)


@st.composite
def specs(draw: st.DrawFn) -> MicroserviceSpec:
    """With or without power, waiting for some."""
    waits = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
    return replace(
        spec(),
        options=STRONG if draw(st.booleans()) else ContainerOptions(),
        depends_on=[Dependency(microservice=name) for name in waits],
    )


def _command(draw: st.DrawFn, world: World, number: int) -> AnyCommand:
    """Something about what is there, or something new."""
    keys = sorted(world.microservices) or [MicroserviceId("nobody")]
    key = draw(st.sampled_from(keys))
    row = world.microservices.get(key)
    name, node = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NODES))
    node_id = world.nodes.one("name", node)
    placed = placement(
        row.name if row is not None else name,
        node=node,
        microservice_id=f"microservice-{number}",
        made_from=draw(specs()),
    )
    wanted = draw(node_settings)
    about_node: AnyCommand = RegisterNode(
        node_id=NodeId(f"node-{number}"), name=node, settings=wanted
    )
    if node_id is not None:
        seen = (node, world.nodes[node_id].settings)
        about_node = UpdateNode(node_id=node_id, name=node, settings=wanted, seen=seen)
        if draw(st.booleans()):
            about_node = DeleteNode(node_id=node_id, force=True)
    return draw(
        st.sampled_from(
            [
                CreateMicroservice(application_id=SHOP, placement=replace(placed, name=name)),
                UpdateMicroservice(
                    microservice_id=key,
                    placement=placed,
                    seen=row.revision if row is not None else world.position,
                ),
                RenameMicroservice(microservice_id=key, name=name),
                DeleteMicroservice(microservice_id=key),
                MoveMicroservice(microservice_id=key, node=node),
                about_node,
            ]
        )
    )


@st.composite
def lives(draw: st.DrawFn) -> list[World]:
    """Two nodes with one that waits for another, and what becomes of them."""
    world = World()
    for node in NODES:
        access = draw(node_settings)
        register = RegisterNode(node_id=NodeId(f"node-{node}"), name=node, settings=access)
        world = carried_out(world, register, NOW, "").world
    waits = replace(spec(), depends_on=[Dependency(microservice="a")])
    shop = manifest(placement("a"), placement("b", node="west", made_from=waits))
    worlds = [carried_out(world, shop, NOW, "").world]
    assert len(worlds[0].microservices) == 2
    for number in range(draw(st.integers(1, 12))):
        command = _command(draw, worlds[-1], number)
        worlds.append(carried_out(worlds[-1], command, NOW, "").world)
    return worlds


@settings(deadline=None)
@given(lives())
def test_everybody_waits_for_somebody_and_power_is_where_it_is_allowed(
    worlds: list[World],
) -> None:
    for world in worlds:
        everybody_waits_for_somebody(world)
        power_is_where_it_is_allowed(world)
