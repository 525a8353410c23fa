"""What agents report: each transition once, and nothing for the log where there is no news."""

import asyncio

import pytest

from events.background import beside
from tests.ecn.api.server import Agent, Client, Controller, Network, manifest

AT = "2026-03-01T12:00:00Z"


def container(sequence: int, key: str, state: str = "running", **more: object) -> dict[str, object]:
    status = {"state": state, "at": AT, **more}
    return {"sequence": sequence, "microservice_id": key, "status": status}


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """With shop/web."""
    agent = await controller.agent("east")
    web = {"microservices": [manifest("web")]}
    (await controller.operator.put("/applications/shop", web)).is_good(201)
    return agent


async def web_of(agent: Agent) -> str:
    (web,) = (await agent.desired()).items("changed")
    return str(web["microservice_id"])


async def test_a_transition_is_in_the_log_once_however_often_it_is_told(
    network: Network, east: Agent, operator: Client
) -> None:
    web = await web_of(east)
    first = [container(1, web, "pulling"), container(2, web, "starting")]
    for _ in range(3):
        assert (await east.report(containers=first)).is_good()["accepted_through"] == 2
    more = [*first, container(3, web, "running", reason="it runs")]
    assert (await east.report(containers=more)).is_good()["accepted_through"] == 3
    reported = await network.events("container.reported.v1")
    assert len(reported) == 3
    assert {each.actor for each in reported} == {f"node/{east.node_id}"}
    shown = (await operator.get("/microservices/shop/web")).json["status"]
    assert isinstance(shown, dict)
    assert (shown["state"], shown["reason"]) == ("running", "it runs")


async def test_the_same_report_sent_many_times_at_once_is_taken_once(
    network: Network, east: Agent
) -> None:
    web = await web_of(east)
    containers = [container(number, web) for number in (1, 2, 3)]
    reports = [east.report(containers=containers) for _ in range(20)]
    for answer in await asyncio.gather(*reports):
        answer.is_good()
    assert len(await network.events("container.reported.v1")) == 3


async def test_an_empty_report_is_a_sign_of_life_and_touches_no_log(
    network: Network, controller: Controller, east: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def touched(*_: object, **__: object) -> None:
        raise AssertionError("the log was touched")

    await asyncio.sleep(0.05)
    for name in ("append", "read", "head", "search"):
        monkeypatch.setattr(network.log, name, touched)
    network.clock.advance(7)
    (await east.report()).is_good()
    assert controller.presence.last_heard(east.node_id) == network.clock.time  # type: ignore[arg-type]
    shown = (await controller.operator.get("/nodes/east")).is_good()
    assert shown["last_seen"] == "2026-03-01T12:00:07Z"


async def test_facts_are_in_the_log_when_they_change(
    network: Network, east: Agent, operator: Client
) -> None:
    for _ in range(2):
        (await east.report(facts={"agent_version": "2", "cpus": 4})).is_good()
    assert len(await network.events("node.facts-reported.v1")) == 1
    facts = (await operator.get("/nodes/east")).json["facts"]
    assert isinstance(facts, dict)
    assert facts["agent_version"] == "2"


async def test_a_goodbye_and_a_return_are_in_the_log(
    network: Network, east: Agent, operator: Client
) -> None:
    (await east.report(goodbye=True)).is_good()
    node = await operator.get("/nodes/east")
    assert (node["state"], node["offline_reason"]) == ("offline", "stopped")
    (await east.report(goodbye=True)).is_good()
    assert len(await network.events("node.went-offline.v1")) == 1
    (await east.report()).is_good()
    assert (await operator.get("/nodes/east"))["state"] == "online"
    assert len(await network.events("node.came-online.v1")) == 1


async def test_a_silent_agent_goes_offline_and_comes_back_with_its_next_report(
    network: Network,
) -> None:
    async with network.controller(offline_after=0.2) as controller:
        agent = await controller.agent("east")
        async with beside(controller.presence.run()):
            (await agent.report()).is_good()
            async with asyncio.timeout(5):
                node = await controller.viewer.get("/nodes/east")
                while node["state"] == "online":
                    network.clock.advance(0.1)
                    await asyncio.sleep(0.02)
                    node = await controller.viewer.get("/nodes/east")
        assert (node["state"], node["offline_reason"]) == ("offline", "silent")
        (await agent.report()).is_good()
        assert (await controller.viewer.get("/nodes/east"))["state"] == "online"
        assert len(await network.events("node.went-offline.v1")) == 1


async def test_what_is_reported_of_foreign_or_deleted_microservices_is_taken_and_dropped(
    network: Network, controller: Controller, east: Agent, operator: Client
) -> None:
    web = await web_of(east)
    west = await controller.agent("west")
    (await west.report(containers=[container(1, web)])).is_good()
    await operator.delete("/applications/shop")
    answer = (await east.report(containers=[container(1, web), container(2, "none")])).is_good()
    assert answer["accepted_through"] == 2
    assert await network.events("container.reported.v1") == []


async def test_a_report_of_what_this_controller_has_not_heard_of_yet_is_not_dropped(
    network: Network, controller: Controller
) -> None:
    east = await controller.agent("east")
    async with network.controller(following=False) as other:
        await controller.operator.put("/applications/shop", {"microservices": [manifest()]})
        (web,) = (await east.desired()).items("changed")
        there = Agent(other.as_(east.client.token), "east", east.node_id)
        told = container(1, str(web["microservice_id"]), revision=web["revision"])
        (await there.report(containers=[told])).is_good()
    assert len(await network.events("container.reported.v1")) == 1


async def test_a_long_reason_is_cut_and_nul_left_out(east: Agent, operator: Client) -> None:
    web = await web_of(east)
    told = container(1, web, "failed", reason="\x00" + "x" * 5000, container_id="\x00")
    (await east.report(containers=[told])).is_good()
    status = (await operator.get("/microservices/shop/web")).json["status"]
    assert isinstance(status, dict)
    assert status["reason"] == "x" * 2000


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({"containers": [{"sequence": 1}]}, "$.containers[0]"),
        ({"containers": [container(1, "x", "dancing")]}, "$.containers[0].status.state"),
        ({"containers": "all"}, "$.containers"),
        ({"facts": {"cpus": "many"}}, "$.facts.cpus"),
        ({"containers": [container(1, "x")] * 1001}, "$.containers"),
    ],
)
async def test_a_report_that_is_none_is_refused(
    east: Agent, report: dict[str, object], field: str
) -> None:
    (await east.report(**report)).is_problem(400, "invalid", field=field)


async def test_a_newer_agent_may_say_more(east: Agent) -> None:
    (await east.report(weather="fine")).is_good()


async def test_a_report_with_numbers_beyond_all_bounds_harms_nobody(
    controller: Controller, east: Agent
) -> None:
    web = await web_of(east)
    told = container(10**30, web, exit_code=-(10**30), restarts=10**30)
    answers = await asyncio.gather(
        east.report(containers=[told], facts={"cpus": 10**30}),
        controller.operator.post("/nodes", {"name": "west"}),
    )
    assert answers[0].status in (200, 400)
    answers[1].is_good(201)
