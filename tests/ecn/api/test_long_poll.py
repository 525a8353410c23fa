"""The long-poll of the desired state: who is woken, by what, and what they are told."""

import asyncio

import pytest

from projections.live import Live
from tests.ecn.api.server import Agent, Answer, Client, Controller, Network, manifest, soon

AGENTS = 200


def waiting(live: Live, node_id: str) -> bool:
    return node_id in live._node_waiters


async def start_waiting(controller: Controller, agent: Agent) -> asyncio.Task[Answer]:
    """The agent is held by the controller when this returns."""
    revision = await agent.revision()
    poll = asyncio.create_task(agent.desired(revision, wait=30))
    await soon(lambda: waiting(controller.live, agent.node_id))
    return poll


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """With shop/web and shop/cache."""
    agent = await controller.agent("east")
    both = {"microservices": [manifest("web"), manifest("cache")]}
    (await controller.operator.put("/applications/shop", both)).is_good(201)
    return agent


async def test_of_200_waiting_agents_just_the_one_that_is_concerned_is_answered(
    controller: Controller, operator: Client
) -> None:
    agents = [await controller.agent(f"n{number}") for number in range(AGENTS)]
    services = [manifest(f"m{number}", f"n{number}") for number in range(AGENTS)]
    more = [manifest(f"x{number}", f"n{number}") for number in range(AGENTS)]
    await operator.put("/applications/shop", {"microservices": services + more})
    polls = [await start_waiting(controller, agent) for agent in agents]
    try:
        patched = await operator.patch("/microservices/shop/m77", {"env": {"A": "1"}})
        answer = (await asyncio.wait_for(polls[77], 5)).is_good()
        (changed,) = answer.items("changed")
        assert changed["name"] == "m77"
        assert changed["revision"] == answer["revision"] == patched.is_good()["position"]
        everything = answer.json["all_microservices"]
        assert isinstance(everything, list)
        assert len(everything) == 2
        # What wakes nobody: a node, a user, another's report.
        await operator.post("/nodes", {"name": "new"})
        await agents[3].report()
        await asyncio.sleep(0.1)
        assert [number for number, poll in enumerate(polls) if poll.done()] == [77]
    finally:
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
    await soon(lambda: not any(waiting(controller.live, each.node_id) for each in agents))


async def test_an_agent_that_is_up_to_date_waits_as_long_as_it_wished(east: Agent) -> None:
    loop = asyncio.get_running_loop()
    revision = await east.revision()
    started = loop.time()
    answer = await east.desired(revision, wait=1)
    assert answer.status == 304
    assert 0.99 <= loop.time() - started < 1.9
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert answer.headers["ETag"] == f'"{revision}"'
    assert answer.content == b""


async def test_without_a_wish_to_wait_the_answer_comes_at_once(east: Agent) -> None:
    revision = await east.revision()
    answer = await asyncio.wait_for(east.desired(revision), 0.5)
    assert answer.status == 304
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    "prefer", ["wait", "wait=", "wait=x", "wait=-1", "wait=٣", "respond-async"]
)
async def test_a_wish_that_nobody_understands_is_none(east: Agent, prefer: str) -> None:
    headers = {"Prefer": prefer, "If-None-Match": f'"{await east.revision()}"'}
    poll = east.client.ask("GET", "/agent/desired-state", headers=headers)
    assert (await asyncio.wait_for(poll, 0.5)).status == 304


async def test_a_wait_is_granted_up_to_a_bound(
    controller: Controller, east: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.prefer.LONGEST_WAIT", 0.2)
    headers = {
        "Prefer": 'respond-async, Wait="99999999999";x=y',
        "If-None-Match": f'W/"{await east.revision()}"',
    }
    poll = east.client.ask("GET", "/agent/desired-state", headers=headers)
    assert (await asyncio.wait_for(poll, 2)).headers["Preference-Applied"] == "wait=0"


@pytest.mark.parametrize(
    "have", ["", '""', "*", '"abc"', '"-1"', f'"{10**17}"', '"' + "9" * 40 + '"']
)
async def test_an_agent_with_a_revision_that_the_log_does_not_have_gets_everything(
    east: Agent, have: str
) -> None:
    answer = await east.client.ask("GET", "/agent/desired-state", headers={"If-None-Match": have})
    assert answer.is_good()["since"] == 0
    assert [each["name"] for each in answer.items("changed")] in (
        ["web", "cache"],
        ["cache", "web"],
    )


async def test_an_agent_ahead_of_this_controller_waits_until_it_has_caught_up(
    network: Network, controller: Controller, east: Agent, operator: Client
) -> None:
    async with network.controller(following=False) as other:
        await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})
        revision = await east.revision()
        assert other.world_position < revision
        there = Agent(other.as_(east.client.token), "east", east.node_id)
        # An older desired state would make the agent go back to what was replaced.
        answer = await there.desired(revision)
        assert answer.status == 304, answer.content


async def test_only_what_changed_is_told(east: Agent, operator: Client) -> None:
    everything = (await east.desired()).is_good()
    assert len(everything.items("changed")) == 2
    await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})
    news = (await east.desired(everything.number("revision"))).is_good()
    (web,) = news.items("changed")
    assert web["name"] == "web"
    assert news["since"] == everything["revision"]
    assert news["all_microservices"] == everything["all_microservices"]
    assert news.headers["ETag"] == f'"{news["revision"]}"'


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/microservices/shop/web", {"env": {"A": "1"}}),
        ("DELETE", "/microservices/shop/web", None),
        ("POST", "/microservices/shop/web/stop", None),
        ("POST", "/applications/shop/stop", None),
        ("DELETE", "/applications/shop", None),
        ("POST", "/applications/shop/microservices", manifest("api")),
        ("PUT", "/applications/shop", {"microservices": []}),
    ],
)
async def test_a_change_wakes_the_agent(
    controller: Controller, east: Agent, operator: Client, method: str, path: str, body: object
) -> None:
    poll = await start_waiting(controller, east)
    assert (await operator.ask(method, path, body)).status in (200, 201)
    answer = (await asyncio.wait_for(poll, 5)).is_good()
    said = answer.json["all_microservices"]
    assert isinstance(said, list)
    (await operator.get("/microservices", node="east")).is_good()
    listed = (await operator.get("/microservices", node="east")).items()
    assert sorted(said) == sorted(str(each["id"]) for each in listed)


async def test_a_change_at_another_controller_wakes_the_agent(
    network: Network, controller: Controller, east: Agent
) -> None:
    poll = await start_waiting(controller, east)
    async with network.controller() as other:
        await other.operator.patch("/microservices/shop/web", {"env": {"A": "1"}})
        (await asyncio.wait_for(poll, 2)).is_good()


async def test_a_move_wakes_both_nodes(
    controller: Controller, east: Agent, operator: Client
) -> None:
    west = await controller.agent("west")
    polls = [await start_waiting(controller, agent) for agent in (east, west)]
    (await operator.post("/microservices/shop/web/move", {"node": "west"})).is_good()
    left, arrived = [(await asyncio.wait_for(poll, 5)).is_good() for poll in polls]
    assert left.items("changed") == []
    assert [each["name"] for each in arrived.items("changed")] == ["web"]
    assert len(left.json["all_microservices"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/nodes/east/deprovision"), ("DELETE", "/nodes/east?force=1")]
)
async def test_a_device_that_is_no_node_any_more_learns_it_at_once(
    controller: Controller, east: Agent, operator: Client, method: str, path: str
) -> None:
    poll = await start_waiting(controller, east)
    path, _, query = path.partition("?")
    await operator.ask(method, path, query={"force": "true"} if query else None)
    (await asyncio.wait_for(poll, 5)).is_problem(410, "node-deprovisioned")


async def test_the_old_device_of_a_replaced_one_learns_it_at_once(
    controller: Controller, east: Agent
) -> None:
    poll = await start_waiting(controller, east)
    new = await controller.provisioned("east", east.node_id, number=2)
    # No 410, which would take the containers down: they are the new device's, or the same's.
    (await asyncio.wait_for(poll, 5)).is_problem(401, "bad-credentials")
    assert len((await new.desired()).is_good().items("changed")) == 2


async def test_a_client_that_leaves_is_not_waited_for(controller: Controller, east: Agent) -> None:
    poll = await start_waiting(controller, east)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await soon(lambda: not waiting(controller.live, east.node_id))
