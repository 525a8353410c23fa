"""A plan says what happens: the same events, the same refusals, and what agents then do."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.lifecycle.engine import EngineState
from ecn.api import plan_documents as p
from ecn.api import plan_views
from ecn.commands import AnyCommand
from ecn.commands.application import Placement, UpdateMicroservice
from ecn.commands.node import ProvisionNode
from ecn.commands.together import Part, SingleCommand, Together
from ecn.deciders.ahead import steps as one_by_one
from ecn.deciders.decide import decide
from ecn.errors import Refused
from ecn.planning.actions import DOING, actions, touched
from ecn.planning.decided import Decided, Wanted, decided
from events.application import PullPolicy, RestartPolicy
from events.ids import MicroserviceId
from events.node import NodeFacts
from projections.world import Folding, World
from tests.builders import NOW
from tests.ecn.deciders.histories import Drawn, Step, carried_out, histories
from tests.ecn.planning.devices import settled, told, wanted

often = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ASKED: tuple[Callable[[Drawn, World, datetime], AnyCommand], ...] = (
    Drawn.stop_application,
    Drawn.start_application,
    Drawn.stop_microservice,
    Drawn.start_microservice,
    Drawn.move_microservice,
    Drawn.apply,
    Drawn.update_microservice,
    Drawn.create_microservice,
    Drawn.delete_microservice,
    Drawn.delete_application,
    Drawn.apply_registry,
    Drawn.delete_registry,
    Drawn.register_node,
    Drawn.update_node,
    Drawn.delete_node,
)
"""What operators ask that a plan may be about."""


def touched_up(drawn: Drawn, world: World, draw: st.DrawFn) -> AnyCommand:
    """Some fields of a microservice changed, or one."""
    key = drawn.key(world.microservices, MicroserviceId("nobody"))
    row = world.microservices.get(key)
    if row is None:
        return drawn.register_node(world, NOW)
    spec = row.spec
    for changed in draw(st.sets(st.sampled_from(CHANGED), min_size=1, max_size=2)):
        others = [each for each in CHANGED_TO[changed] if each != getattr(spec, changed)]
        spec = replace(spec, **{changed: draw(st.sampled_from(others))})
    there = Placement(
        microservice_id=key,
        name=row.name,
        node=row.node_id,
        registry=spec.registry_id,
        started=row.started,
        spec=spec,
    )
    return UpdateMicroservice(microservice_id=key, placement=there, seen=row.revision)


CHANGED_TO: dict[str, list[object]] = {
    "image": ["shop/web:1", "shop/web:2"],
    "config": ["{}", '{"a":2}'],
    "restart": list(RestartPolicy),
    "pull": list(PullPolicy),
    "env": [{}, {"A": "1"}],
}
CHANGED = sorted(CHANGED_TO)


@st.composite
def followed(draw: st.DrawFn) -> tuple[World, list[Step]]:
    """A world that devices told of, and what operators ask of it next, carried out."""
    drawn, steps, now = Drawn(draw), list[Step](), NOW
    drawn._serial = 5000
    history = draw(histories(longest=8))
    world = history.world
    if draw(st.integers(0, 3)):
        both = ProvisionNode(key_hash="west", credential_hash="west", facts=NodeFacts(), now=NOW)
        world = carried_out(world, both, now, "before").world
    for _ in range(draw(st.integers(0, 2))):
        # Stopped ones are rare otherwise.
        world = carried_out(world, drawn.stop_application(world, now), now, "before").world
    world = start = draw(told(world))
    for _ in range(draw(st.integers(1, 4))):
        command = (
            touched_up(drawn, world, draw)
            if draw(st.booleans())
            else draw(st.sampled_from(ASKED))(drawn, world, now)
        )
        steps.append(carried_out(world, command, now, "command"))
        world = steps[-1].world
    return start, steps


def always(command: SingleCommand) -> Callable[[World], list[SingleCommand]]:
    """Whatever the world."""
    return lambda _: [command]


def planned(world: World, steps: list[Step]) -> list[Decided]:
    """The same commands, planned."""
    done = list[Decided]()
    for step in steps:
        command = step.command
        assert not isinstance(command, Together)
        done.append(decided(world, Wanted(about="it", commands=always(command))))
        world = done[-1].after
    return done


@often
@given(followed())
def test_a_plan_says_the_events_and_refusals_that_there_then_are(
    given_: tuple[World, list[Step]],
) -> None:
    world, steps = given_
    head = world.head
    for step, each in zip(steps, planned(world, steps), strict=True):
        if isinstance(step.decided, Refused):
            assert (type(each.refused), str(each.refused)) == (
                type(step.decided),
                str(step.decided),
            )
            assert each.after is each.before
        else:
            assert list(each.events) == step.decided
            assert each.after.position == step.world.position
    assert world.head is head


@often
@given(followed())
def test_what_is_planned_for_containers_is_what_the_agents_planner_does(
    given_: tuple[World, list[Step]],
) -> None:
    before, steps = given_
    done = planned(before, steps)
    after = done[-1].after if done else before
    keys = {
        key
        for each in done
        for happened, world, _ in one_by_one(each.before, each.events)
        for key in touched(happened, world)
    }
    said = {
        (each.node_id, each.microservice_id): each.action.action
        for each in actions(before, after, keys)
    }
    for node_id in {*before.nodes, *after.nodes}:
        device = settled(before, node_id)
        ran = {c.microservice_id for c in device.containers if c.state is EngineState.RUNNING}
        desired = wanted(after, node_id)
        was = wanted(before, node_id)
        for step in device.obey(desired).steps:
            doing = DOING.get(step.verb, p.Doing.NOTHING)
            key = step.microservice_id
            if doing is p.Doing.NOTHING and key in ran and was[key].config != desired[key].config:
                doing = p.Doing.CONFIGURE
            if (node_id, key) not in said and key in was and not device.there:
                # It has waited for a device before, and does so still.
                assert replace(was[key], revision=0) == replace(desired[key], revision=0)
                continue
            event(doing)
            assert said.pop((node_id, MicroserviceId(key)), p.Doing.NOTHING) is doing, (key, step)
    assert set(said.values()) <= {p.Doing.NOTHING}, "about what no device has or should have"


@often
@given(followed())
def test_together_is_all_of_it_in_a_row_or_nothing(given_: tuple[World, list[Step]]) -> None:
    world, steps = given_
    parts = []
    for number, step in enumerate(steps):
        assert not isinstance(step.command, Together)
        parts.append(Part(f"part {number}", (step.command,)))
    command = Together(parts=tuple(parts))
    refused = next((n for n, step in enumerate(steps) if isinstance(step.decided, Refused)), None)
    # The writer decides on a world that it is still folding.
    for on in (world, Folding(world).draft):
        if refused is None:
            assert decide(on, command) == [each.event for s in steps for each in s.recorded]
        else:
            with pytest.raises(Refused, match=f"^part {refused}: "):
                decide(on, command)


@often
@given(followed())
def test_a_plan_is_told_without_secrets_and_counts_what_it_says(
    given_: tuple[World, list[Step]],
) -> None:
    world, steps = given_
    plan = plan_views.plan(world, planned(world, steps))
    assert b"sealed" not in msgspec.json.encode(plan)
    assert plan.position == world.position
    doings = Counter(action.action for node in plan.nodes for action in node.actions)
    del doings[p.Doing.NOTHING]
    assert plan.totals.containers == doings
    assert plan.totals.refused == sum(isinstance(step.decided, Refused) for step in steps)
    for change in plan.changes:
        assert (change.word is p.Becomes.REFUSED) == (change.problem is not None)
        assert all(each.says for each in change.events)
