"""Twins over HTTP: guarded changes, the past, and what an agent says and is told."""

from typing import Any

import pytest

from tests.ecn.api.server import Agent, Client, Controller, manifest

TWIN, DESIRED = "/microservices/shop/web/twin", "/microservices/shop/web/twin/desired"
AT = "2026-03-01T11:00:00Z"


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """A device with shop/web on it."""
    agent = await controller.agent("east")
    body = {"microservices": [manifest("web")]}
    (await controller.operator.put("/applications/shop", body)).is_good(201)
    return agent


async def key_of(client: Client) -> str:
    return (await client.get("/microservices/shop/web")).text("id")


async def told(agent: Agent) -> dict[str, Any]:
    """The microservice as the agent is told of it."""
    (found,) = (await agent.desired()).items("changed")
    return found


async def test_a_part_is_changed_and_the_whole_replaced(east: Agent, operator: Client) -> None:
    assert (await operator.get(TWIN)).is_good()["desired"] == {
        "version": 0,
        "properties": {},
        "fields": {},
    }
    made = (await operator.patch(DESIRED, {"rate": 5, "net": {"mtu": 1500}})).is_good()
    assert made["events"] == ["twin.desired-changed.v1"]
    assert (await operator.patch(DESIRED, {"rate": 5, "gone": None})).is_good()["events"] == []
    (await operator.put(DESIRED, {"net": {"mtu": 9000}})).is_good()
    twin = (await operator.get(TWIN)).is_good().json
    desired: Any = twin["desired"]
    assert (desired["version"], desired["properties"]) == (2, {"net": {"mtu": 9000}})
    field = desired["fields"]["/net/mtu"]
    assert (field["version"], field["by"], field["edge"]) == (2, "user/otto", False)
    assert (twin["application"], twin["name"], twin["conflicts"]) == ("shop", "web", "merge")
    past = (await operator.get(TWIN, at=str(made["position"]))).is_good().json
    before: Any = past["desired"]
    assert before["properties"] == {"rate": 5, "net": {"mtu": 1500}}
    by_id = await operator.get(f"/microservices/{await key_of(operator)}/twin")
    assert by_id.is_good().json == twin


async def test_a_guarded_change_meets_the_version_that_it_names(
    east: Agent, operator: Client
) -> None:
    (await operator.patch(DESIRED, {"rate": 1})).is_good()
    answer = await operator.get(DESIRED)
    assert (answer.is_good().json, answer.headers["ETag"]) == ({"rate": 1}, '"1"')
    guard = {"If-Match": '"1"'}
    (await operator.ask("PATCH", DESIRED, {"rate": 2}, headers=guard)).is_good()
    for method in ("PATCH", "PUT"):
        refused = await operator.ask(method, DESIRED, {"rate": 3}, headers=guard)
        refused.is_problem(412, "twin-moved")
    assert (await operator.get(DESIRED)).json == {"rate": 2}
    (await operator.ask("PATCH", DESIRED, {"rate": 4}, headers={"If-Match": "*"})).is_good()


async def test_a_retry_takes_effect_once(east: Agent, operator: Client) -> None:
    headers = {"Idempotency-Key": "k1", "If-Match": '"0"'}
    first = await operator.ask("PATCH", DESIRED, {"a": 1}, headers=headers)
    again = await operator.ask("PATCH", DESIRED, {"a": 1}, headers=headers)
    assert again.is_good().json == first.is_good().json
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_what_is_no_twin_is_refused_with_its_place(east: Agent, operator: Client) -> None:
    (await operator.patch(DESIRED, {"a": "x" * 40_000})).is_problem(400, "invalid", field="$")
    (await operator.put(DESIRED, {"a": {"b": None}})).is_problem(400, "invalid", field="$.a.b")
    (await operator.ask("PATCH", DESIRED, ["a"])).is_problem(400, "invalid", field="$")
    bad = await operator.ask("PATCH", DESIRED, {}, headers={"If-Match": "latest"})
    bad.is_problem(400, "invalid")


async def test_who_only_looks_changes_nothing(east: Agent, viewer: Client) -> None:
    (await viewer.patch(DESIRED, {"a": 1})).is_problem(403, "not-allowed")
    (await viewer.get(TWIN)).is_good()
    (await viewer.get("/microservices/shop/nobody/twin")).is_problem(404, "not-found")


async def test_the_agent_hears_of_it_and_of_what_became_of_its_own(
    east: Agent, operator: Client
) -> None:
    before = await told(east)
    assert before["twin"]["desired"] == {}
    (await operator.patch(DESIRED, {"rate": 1})).is_good()
    now = await told(east)
    assert (now["twin"]["desired"], now["twin"]["desired_version"]) == ({"rate": 1}, 1)
    # Nothing that a container is made from.
    assert (now["spec"], now["revision"]) == (before["spec"], before["revision"])

    key = await key_of(operator)
    edit = {"sequence": 1, "microservice_id": key, "section": "desired", "at": AT}
    said = {"sequence": 2, "microservice_id": key, "section": "reported", "at": AT}
    report = [edit | {"patch": {"rate": 2}, "base": 1}, said | {"whole": {"s": 1}}]
    assert (await east.report(twins=report)).is_good()["accepted_through"] == 2
    twin = (await told(east))["twin"]
    assert (twin["desired"], twin["desired_version"]) == ({"rate": 2}, 2)
    assert (twin["edits_through"], twin["reported_version"]) == (2, 1)
    shown = (await operator.get(TWIN)).json
    desired, reported = shown["desired"], shown["reported"]
    assert isinstance(desired, dict)
    assert isinstance(reported, dict)
    assert desired["fields"]["/rate"]["by"] == "node/east"
    assert desired["fields"]["/rate"]["at"] == AT
    assert (reported["version"], reported["properties"]) == (1, {"s": 1})


async def test_what_it_merely_reports_wakes_nobody(east: Agent, operator: Client) -> None:
    revision = await east.revision()
    key = await key_of(operator)
    said = {"sequence": 1, "microservice_id": key, "section": "reported", "at": AT}
    (await east.report(twins=[said | {"whole": {"s": 1}}])).is_good()
    assert await east.revision() == revision


async def test_diff_why_and_revert_know_it(east: Agent, operator: Client) -> None:
    made = (await operator.patch(DESIRED, {"rate": 1, "mode": "a"})).is_good()["position"]
    (await operator.patch(DESIRED, {"rate": 2, "mode": None})).is_good()
    diff = await operator.get("/diff", **{"from": str(made)})
    (difference,) = diff.is_good().items()
    fields: Any = difference["fields"]
    assert {(each["path"], each.get("before"), each.get("after")) for each in fields} == {
        ("/twin_desired/rate", 1, 2),
        ("/twin_desired/mode", "a", None),
    }
    why = (await operator.get("/why/microservice/shop/web")).is_good()
    assert "its twin: desired properties changed (version 2)" in why.content.decode()
    (await operator.post("/revert", {"to": str(made), "subjects": ["microservice/shop/web"]}))
    assert (await operator.get(DESIRED)).json == {"rate": 1, "mode": "a"}
