"""What an ioFog agent reports: taken as it is, whatever it says, and told to the log once."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.commands.node import ReportNode
from ecn.deciders.decide import decide
from ecn.iofog import agent_reports, bodies
from ecn.iofog.agent_reports import Container, Report
from ecn.iofog.states import WORDS, ours
from events.application import ContainerReported, ContainerState, MicroserviceStopped
from events.ids import MicroserviceId
from events.node import NodeChangesAcknowledged
from projections import changes
from projections.world import World, fold
from tests.builders import (
    CACHE,
    EAST,
    NOW,
    WEB,
    WEST,
    application,
    chained,
    key_issued,
    microservice,
    provisioned,
    registered,
    world_after,
)

LATER = NOW + timedelta(minutes=1)

jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1,234.56", "-0", "1e999", "NaN", WEB, "RUNNING"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status", "startTime", "operatingDuration", "cpuUsage", "x"])
            | st.sampled_from(["memoryUsage", "percentage", "containerId", "errorMessage"]),
            inner,
            max_size=8,
        )
    ),
    max_leaves=12,
)


@given(jsons)
def test_whatever_is_said_of_containers_is_taken(said: object) -> None:
    for form in (said, json.dumps(said, allow_nan=True)):
        for container in agent_reports.containers(form) or ():
            usage = container.usage
            assert usage.start_time >= 0
            assert usage.operating_duration >= 0
            assert usage.state in WORDS | {""}
            status = AgentStatus(at=NOW, containers={container.microservice_id: usage})
            encoded = msgspec.json.encode(status)
            assert msgspec.json.decode(encoded, type=AgentStatus) == status


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("[]", 0),
        ([], 0),
        ('[{"id": "a"}]', 1),
        ([{"id": "a"}], 1),
        ('[{"status": "RUNNING"}, 7, {"id": 7}]', 0),
    ],
)
def test_a_list_of_containers_is_read(said: object, count: int) -> None:
    assert len(agent_reports.containers(said) or ()) == count


@pytest.mark.parametrize("said", [msgspec.UNSET, None, '{"status":"UNKNOWN"}', {}, "nonsense", ""])
def test_what_is_no_list_says_nothing(said: object) -> None:
    assert agent_reports.containers(said) is None


def test_numbers_come_as_texts_with_commas() -> None:
    item = {
        "id": WEB,
        "status": "RUNNING",
        "percentage": 50.0,
        "containerId": "c1",
        "startTime": 1_795_267_341_872,
        "operatingDuration": 35_150,
        "cpuUsage": "1.23",
        "memoryUsage": "1,234,567.56",
        "errorMessage": "",
    }
    (container,) = agent_reports.containers(json.dumps([item])) or []
    assert container == Container(
        microservice_id=WEB,
        usage=ContainerUsage(
            state="RUNNING",
            percentage=50,
            start_time=1_795_267_341_872,
            operating_duration=35_150,
            cpu_usage=1.23,
            memory_usage=1_234_567.56,
        ),
        container_id="c1",
        error="",
    )


def test_a_container_that_never_began_has_no_duration() -> None:
    item = {"id": WEB, "startTime": -62_135_769_600_000, "operatingDuration": 63_931_036_935_407}
    (container,) = agent_reports.containers([item]) or []
    assert (container.usage.start_time, container.usage.operating_duration) == (0, 0)


def report(**said: object) -> Report:
    return bodies.typed(bodies.document(json.dumps(said).encode()), Report)


def test_what_is_not_said_stays() -> None:
    first = agent_reports.status(None, report(version="3.1.0", cpuUsage=7.5), [], NOW)
    second = agent_reports.status(first, report(daemonStatus="RUNNING"), None, LATER)
    assert second == AgentStatus(at=LATER, version="3.1.0", cpu_usage=7.5, daemon_status="RUNNING")


def test_of_the_containers_only_those_that_are_said_are_left() -> None:
    web = Container(microservice_id=WEB, usage=ContainerUsage(), container_id="", error="")
    first = agent_reports.status(None, report(), [web], NOW)
    assert first.containers == {WEB: ContainerUsage()}
    assert agent_reports.status(first, report(), None, NOW).containers == first.containers
    assert agent_reports.status(first, report(), [], NOW).containers == {}


# What the log is told.


def acknowledged(world: World) -> World:
    """The agent did all that it was told."""
    through = changes.latest(world.changes[EAST])
    done = NodeChangesAcknowledged(node_id=EAST, through=through)
    return fold(world, chained(world.head, done))


def shop(*events: object) -> World:
    return acknowledged(
        world_after(
            registered(),
            registered(WEST),
            key_issued(),
            provisioned(),
            application(),
            microservice(),
            microservice("cache", node_id=WEST),
            *events,  # type: ignore[arg-type]
        )
    )


def said(
    world: World, items: Sequence[Mapping[str, object]] | None, **more: object
) -> tuple[ReportNode, World]:
    """The command that the report leads to, and the world behind it."""
    found = agent_reports.containers(None if items is None else list(items))
    own = None if found is None else agent_reports.own(world, EAST, found)
    command = agent_reports.transitions(world, EAST, report(**more), own, LATER)
    return command, fold(world, chained(world.head, *decide(world, command)))


def running(**more: object) -> list[dict[str, object]]:
    return [{"id": WEB, "status": "RUNNING", "containerId": "c1", **more}]


words = st.sampled_from(sorted(WORDS))
items = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from([WEB, CACHE, "unheard-of"]), "status": words},
        optional={
            "containerId": st.sampled_from(["c1", "c2"]),
            "errorMessage": st.text(max_size=9),
        },
    ),
    max_size=4,
)


@given(st.lists(items, min_size=1, max_size=3), st.booleans())
def test_the_same_report_again_is_no_news(
    reports: list[list[dict[str, object]]], stop: bool
) -> None:
    world = shop(*([MicroserviceStopped(microservice_id=WEB)] if stop else []))
    for each in reports:
        _, world = said(world, each, version="3.1.0")
    command, after = said(world, reports[-1], version="3.1.0")
    assert not agent_reports.is_news(world, command)
    assert after == world


@given(st.lists(items, min_size=1, max_size=3))
def test_the_world_knows_what_was_said_last(reports: list[list[dict[str, object]]]) -> None:
    world = shop()
    for each in reports:
        _, world = said(world, each)
    last = [each for each in reports[-1] if each["id"] == WEB]
    if last:
        assert world.statuses[WEB].state is ours(str(last[-1]["status"]))
    assert CACHE not in world.statuses


def test_a_transition_is_told_with_the_newest_revision() -> None:
    world = shop()
    _, world = said(world, running())
    status = world.statuses[WEB]
    assert (status.state, status.container_id, status.at) == (ContainerState.RUNNING, "c1", LATER)
    assert status.revision == world.microservices[WEB].revision


def test_before_the_agent_did_what_it_was_told_its_container_is_an_old_one() -> None:
    world = world_after(registered(), key_issued(), provisioned(), application(), microservice())
    _, world = said(world, running())
    assert world.statuses[WEB].revision == 0
    command, world = said(acknowledged(world), running())
    assert agent_reports.is_news(world, command)
    assert world.statuses[WEB].revision == world.microservices[WEB].revision


def test_numbers_that_count_on_in_an_error_are_no_news() -> None:
    _, world = said(
        shop(), [{"id": WEB, "status": "FAILED", "errorMessage": "read 10.0.0.1:5342: gone"}]
    )
    again = [{"id": WEB, "status": "FAILED", "errorMessage": "read 10.0.0.1:5399: gone"}]
    command, _ = said(world, again)
    assert not agent_reports.is_news(world, command)
    other = [{"id": WEB, "status": "FAILED", "errorMessage": "no such image"}]
    command, _ = said(world, other)
    assert agent_reports.is_news(world, command)


def test_another_container_is_a_restart() -> None:
    _, world = said(shop(), running())
    _, world = said(world, running(containerId="c2"))
    assert (world.statuses[WEB].restarts, world.statuses[WEB].container_id) == (1, "c2")


def test_what_should_not_run_and_is_not_said_any_more_is_stopped() -> None:
    _, world = said(shop(), running())
    stopped = acknowledged(
        fold(world, chained(world.head, MicroserviceStopped(microservice_id=WEB)))
    )
    _, after = said(stopped, [])
    assert after.statuses[WEB].state is ContainerState.STOPPED
    # An agent that says nothing of containers at all does not say that there are none.
    command, _ = said(stopped, None)
    assert not agent_reports.is_news(stopped, command)


def test_a_version_is_a_fact() -> None:
    world = shop()
    command, world = said(world, [], version="3.1.0")
    assert agent_reports.is_news(shop(), command)
    assert world.nodes[EAST].facts.agent_version == "3.1.0"


def test_another_nodes_microservice_is_passed_over() -> None:
    command, world = said(shop(), [{"id": CACHE, "status": "RUNNING"}])
    assert command.containers == []
    assert CACHE not in world.statuses
    events = [each for each in decide(world, command) if isinstance(each, ContainerReported)]
    assert events == []


def test_own_are_each_once() -> None:
    found = agent_reports.containers([{"id": WEB}, {"id": WEB, "status": "RUNNING"}]) or []
    (own,) = agent_reports.own(shop(), EAST, found)
    assert own.usage.state == "RUNNING"
    assert agent_reports.own(shop(), EAST, [*found, *found]) == [own]
    assert MicroserviceId("x") not in shop().microservices
