"""Routes over the native API: what agents are told of them, and how each is now."""

import json

import pytest

from ecn.commands.network import SetBroker
from events.network import Broker
from tests.ecn.api.server import Agent, Answer, Client, Controller, Network, manifest

TWO = [manifest("web"), manifest("cache", "west")]
BESIDE = {"name": "beside", "source": "web", "destination": "web"}
ACROSS = {
    "name": "across",
    "query": "FROM /messages/modules/web/outputs/t WHERE as_number(t) > 70 "
    'INTO BrokeredEndpoint("/modules/cache/inputs/in")',
    "priority": 0,
    "ttl": "30m",
}
UP = {"name": "up", "source": "*", "destination": "$upstream", "durable": False}
SHOP = {"microservices": TWO, "routes": [BESIDE, ACROSS, UP]}


@pytest.fixture
async def agents(controller: Controller) -> tuple[Agent, Agent]:
    """East and west, and the shop on both."""
    east, west = await controller.agent("east"), await controller.agent("west")
    (await controller.operator.put("/applications/shop", SHOP)).is_good(201)
    return east, west


async def status_of(client: Client, name: str) -> dict[str, object]:
    shown = (await client.get(f"/routes/shop/{name}")).is_good()
    found = shown["status"]
    assert isinstance(found, dict)
    return found


def nodes_of(status: dict[str, object]) -> list[dict[str, object]]:
    nodes = status["nodes"]
    assert isinstance(nodes, list)
    return nodes


def names(answer: Answer, part: str) -> list[object]:
    return [each["name"] for each in answer.items(part)]


async def test_agents_are_told_of_the_routes_that_they_may_send_by(
    agents: tuple[Agent, Agent], operator: Client
) -> None:
    east, west = agents
    told = (await east.desired()).is_good()
    assert names(told, "routes") == ["beside", "across", "up"]
    assert names(await west.desired(), "routes") == ["up"]
    beside, across, up = told.items("routes")
    assert beside["here"] is True
    web = (await operator.get("/microservices/shop/web"))["id"]
    cache = (await operator.get("/microservices/shop/cache"))["id"]
    assert across == {
        "route_id": (await operator.get("/routes/shop/across"))["id"],
        "application": "shop",
        "name": "across",
        "source": web,
        "output": "t",
        "condition": "as_number(t) > 70",
        "destination": cache,
        "input": "in",
        "priority": 0,
        "ttl": 1800,
    }
    assert (up.get("source", ""), up.get("destination", ""), up["durable"]) == ("", "", False)
    assert (told["inboxes"], (await west.desired())["inboxes"]) == ([], [cache])
    assert told["broker"] is None


async def test_a_change_of_a_route_wakes_those_whom_it_concerns_and_nobody_else(
    agents: tuple[Agent, Agent], operator: Client
) -> None:
    east, west = agents
    at_east, at_west = await east.revision(), await west.revision()
    (await operator.patch("/routes/shop/across", {"condition": "t = 'a'"})).is_good()
    assert await east.revision() > at_east
    assert await west.revision() == at_west
    (await operator.post("/microservices/shop/cache/move", {"node": "east"})).is_good()
    told = (await east.desired()).items("routes")
    assert [each.get("here", False) for each in told] == [True, True, False]


async def test_a_part_of_a_route_is_changed(agents: tuple[Agent, Agent], operator: Client) -> None:
    path = "/routes/shop/across"

    async def shown() -> dict[str, object]:
        found = json.loads((await operator.get(path)).is_good().content)
        return {
            key: found[key]
            for key in ("source", "destination", "output", "condition", "priority", "ttl", "input")
        }

    was = await shown()
    assert was["source"] == "web"
    (await operator.patch(path, {"priority": None, "ttl": "1h"})).is_good()
    assert await shown() == {**was, "priority": None, "ttl": 3600}
    (await operator.patch(path, {"query": "FROM /messages/* INTO $upstream"})).is_good()
    assert await shown() == {
        "source": "*",
        "destination": "$upstream",
        "output": "",
        "condition": "",
        "priority": None,
        "ttl": 3600,
        "input": "",
    }
    refused = await operator.patch(path, {"condition": "a == 'b'"})
    refused.is_problem(400, "bad-condition")
    assert refused["field"] == "$.condition"
    (await operator.patch(path, {"colour": "red"})).is_problem(400, "invalid")
    assert (await operator.patch(path, {})).is_good()["events"] == []
    (await operator.post("/microservices/shop/web/rename", {"name": "www"})).is_good()
    assert (await operator.patch(path, {"source": "www"})).is_good()["events"] == [
        "route.updated.v1"
    ]


async def test_a_route_says_why_its_messages_wait(
    network: Network, agents: tuple[Agent, Agent], operator: Client, controller: Controller
) -> None:
    east, _ = agents
    found = await status_of(operator, "beside")
    assert found["state"] == "unknown"
    assert found["reason"] == "its agent has not told of it yet"
    routes = (await operator.get("/routes")).is_good().items()
    ids = {str(each["name"]): str(each["id"]) for each in routes}
    said: list[dict[str, object]] = [
        {
            "route_id": ids["beside"],
            "state": "refusing",
            "reason": "the store is full",
            "stored": 7,
            "stored_bytes": 700,
            "oldest_seconds": 2.5,
        },
        {"route_id": ids["across"], "state": "up", "accepted": 10},
        {"route_id": "0" * 32, "state": "up"},
    ]
    (await east.report(routes=said)).is_good()
    found = await status_of(operator, "beside")
    assert (found["state"], found["reason"]) == ("refusing", "the store is full")
    assert (found["stored"], found["stored_bytes"], found["oldest_seconds"]) == (7, 700, 2.5)
    across = await status_of(operator, "across")
    assert across["state"] == "waiting"
    assert "--broker" in str(across["reason"])
    waiting = (await operator.get("/routes", state="waiting")).items()
    assert {str(each["name"]) for each in waiting} == {"across", "up"}
    shown = (await operator.get("/applications/shop")).is_good().items("routes")
    assert all(each["status"] is not None for each in shown)
    past = (await operator.get("/routes/shop/beside", at=str(controller.world_position))).is_good()
    assert past["status"] is None

    await controller.execute(SetBroker(broker=Broker(url="amqp://router.example:5672/ecn")))
    found = await status_of(operator, "across")
    assert (found["state"], found["reason"]) == ("up", "")
    network.clock.advance(10)
    (await east.report(routes=[{**said[1], "accepted": 40, "delivered": 20}])).is_good()
    found = await status_of(operator, "across")
    assert (found["rate_in"], found["rate_out"]) == (3.0, 2.0)
    assert [(each["node"], each["state"]) for each in nodes_of(found)] == [("east", "up")]
    # West has not told of its part yet.
    up = await status_of(operator, "up")
    assert [each["node"] for each in nodes_of(up)] == ["east", "west"]
    assert up["state"] == "unknown"

    (await operator.post("/microservices/shop/cache/stop")).is_good()
    found = await status_of(operator, "across")
    assert (found["state"], found["reason"]) == ("waiting", "its destination is stopped")
    (await east.report(goodbye=True)).is_good()
    assert (await status_of(operator, "beside"))["reason"] == "the node is offline"


async def test_dropped_messages_are_events_of_their_route(
    network: Network, agents: tuple[Agent, Agent], operator: Client
) -> None:
    east, _ = agents
    route_id = (await operator.get("/routes/shop/beside"))["id"]
    drop = {
        "sequence": 1,
        "route_id": route_id,
        "reason": "full",
        "messages": 2,
        "size": 64,
        "since": "2026-03-01T12:00:00Z",
        "at": "2026-03-01T12:00:30Z",
    }
    strange = {**drop, "sequence": 2, "reason": "moonlight"}
    for _ in range(2):
        answer = (await east.report(drops=[drop, strange])).is_good()
        assert answer["accepted_through"] == 2
    (told,) = await network.events("route.dropped.v1")
    assert told.actor == f"node/{east.node_id}"
    (event,) = (await operator.get("/events", type="route.dropped.v1")).is_good().items()
    assert event["subject_name"] == "shop/beside"
    why = (await operator.get("/why/route/shop/beside")).is_good()
    assert why["chain"] is not None
