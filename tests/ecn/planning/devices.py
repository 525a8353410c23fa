"""Devices that did all that a world wants of them, made by the agent's own planner alone."""

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from agent import contract
from agent.contract import Microservice
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory, noted
from agent.lifecycle.reconcile import plan
from agent.lifecycle.steps import IDLE, Plan, Verb
from ecn.api.agent_documents import microservice
from events.application import ContainerReported, ContainerState, ContainerStatus, Health
from events.ids import NodeId
from projections import desired_state
from projections.nodes import NodeState
from projections.world import World, fold
from tests.agent.builders import NOW
from tests.agent.test_reconcile_properties import carried_out
from tests.builders import chained

LATER = NOW + timedelta(days=1)


class Device:
    """What is on one node's device, and what its agent remembers."""

    def __init__(self, *, there: bool) -> None:
        self.there = there
        self.containers: list[Container] = []
        self.memory: dict[str, Memory] = {}

    def obey(self, desired: Mapping[str, Microservice]) -> Plan:
        """Plan, and carry all of it out."""
        for key, each in desired.items():
            before = self.memory.get(key, Memory())
            self.memory[key] = noted(before, each.revision, running=each.running)
        todo = plan(desired, self.containers, self.memory, LATER)
        self.containers, self.memory = carried_out(todo, desired, self.containers, self.memory)
        return todo


def wanted(world: World, node_id: NodeId) -> dict[str, Microservice]:
    """What the node's agent is told, but for the order: a plan says what is done in the end, and
    not that one waits for another first."""
    rows = desired_state.wanted(world, node_id)
    told = {key: microservice(world, key, row, passwords={}) for key, row in rows.items()}
    return {key: replace(each, start_order=0, depends_on=[]) for key, each in told.items()}


def settled(world: World, node_id: NodeId) -> Device:
    """The device of that node, as far as it told: what it reported is what is there."""
    there = node_id in world.nodes and world.nodes[node_id].state is not NodeState.REGISTERED
    desired, device = wanted(world, node_id), Device(there=there)
    if not there:
        return device
    told = {key: world.statuses.get(key) for key in world.microservices.find("node", node_id)}
    made = {key for key, status in told.items() if status is not None and status.container_id}
    device.obey(
        {key: replace(each, running=each.running or key in made) for key, each in desired.items()}
    )
    device.obey(desired)
    seen = [_as_told(each, told.get(each.microservice_id)) for each in device.containers]  # type: ignore[call-overload]
    quiet = {
        step.microservice_id
        for step in plan(desired, seen, device.memory, LATER).steps
        if step.verb in IDLE and step.verb is not Verb.WAIT
    }
    device.containers = [
        after if after.microservice_id in quiet else before
        for before, after in zip(device.containers, seen, strict=True)
    ]
    return device


def _as_told(container: Container, status: ContainerStatus | None) -> Container:
    if status is None or container.state is not EngineState.RUNNING:
        return container
    if status.state is ContainerState.EXITED:
        code = status.exit_code
        return replace(container, state=EngineState.EXITED, exit_code=code, finished_at=NOW)
    return replace(container, health=contract.Health(status.health))


@st.composite
def told(draw: st.DrawFn, world: World) -> World:
    """The world after devices said something of some of their containers."""
    for key, row in sorted(world.microservices.items()):
        if not draw(st.booleans()):
            continue
        status = ContainerStatus(
            state=draw(st.sampled_from([ContainerState.RUNNING, ContainerState.EXITED])),
            exit_code=draw(st.sampled_from([0, 1])),
            health=draw(st.sampled_from(Health)),
            container_id="made",
            at=NOW,
        )
        event = ContainerReported(
            microservice_id=key, node_id=row.node_id, sequence=10_000, status=status
        )
        world = fold(world, chained(world.head, event, now=world.head.time))
    return world
