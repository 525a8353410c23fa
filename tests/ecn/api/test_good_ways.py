"""Each endpoint the way it is meant. Every answer here is held against the OpenAPI document."""

from typing import TypeVar

import pytest

from ecn.passwords import Passwords
from tests.ecn.api.server import Client, Controller, manifest

T = TypeVar("T")


async def application(operator: Client, *microservices: dict[str, object]) -> None:
    await operator.put("/applications/shop", {"microservices": list(microservices)})


async def test_the_status_needs_no_token(nobody: Client) -> None:
    status = (await nobody.get("/status")).is_good()
    assert status["status"] == "online"
    assert status["stale"] is False
    assert status["nodes"] == 0


async def test_the_description_and_its_page_need_no_token(controller: Controller) -> None:
    session = controller.network.session
    async with session.get(f"{controller.url}/api/v1/docs") as response:
        page = await response.text()
    assert response.status == 200
    assert "/api/v1/nodes/{node}/provisioning-key" in page
    assert "<script" not in page


async def test_a_node_is_registered_shown_changed_and_deleted(operator: Client) -> None:
    settings = {"description": "at the door", "labels": {"site": "north"}, "tags": ["arm"]}
    made = (await operator.post("/nodes", {"name": "east", "settings": settings})).is_good(201)
    assert made["events"] == ["node.registered.v1"]
    node = (await operator.get("/nodes/east")).is_good()
    assert (node["name"], node["state"]) == ("east", "registered")
    by_id = await operator.get(f"/nodes/{node['id']}")
    assert by_id.json == node.json

    changed = await operator.patch(
        "/nodes/east", {"name": "west", "settings": {"tags": None, "location": "hall"}}
    )
    assert changed.is_good()["events"] == ["node.renamed.v1", "node.updated.v1"]
    node = (await operator.get("/nodes/west")).is_good()
    said = node.json["settings"]
    assert isinstance(said, dict)
    assert (said["tags"], said["location"], said["labels"]) == ([], "hall", {"site": "north"})

    gone = (await operator.delete("/nodes/west")).is_good()
    assert gone["events"] == ["node.deleted.v1"]
    (await operator.get("/nodes/west")).is_problem(404, "not-found")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["east", "west"]),
        ({"label": "site"}, ["east", "west"]),
        ({"label": "site=north"}, ["east"]),
        ({"tag": "arm"}, ["west"]),
        ({"state": "online"}, ["east"]),
        ({"state": "offline"}, []),
    ],
)
async def test_nodes_are_listed_as_the_query_asks(
    controller: Controller, query: dict[str, str], found: list[str]
) -> None:
    await controller.agent("east", labels={"site": "north"})
    west = {"name": "west", "settings": {"labels": {"site": "south"}, "tags": ["arm"]}}
    await controller.operator.post("/nodes", west)
    listed = (await controller.viewer.get("/nodes", **query)).is_good()
    assert [each["name"] for each in listed.items()] == found


async def test_a_forced_delete_takes_the_microservices_along(
    controller: Controller, operator: Client
) -> None:
    await controller.agent("east")
    await application(operator, manifest())
    (await operator.delete("/nodes/east")).is_problem(409, "node-in-use")
    gone = (await operator.delete("/nodes/east", force="true")).is_good()
    assert gone["events"] == ["microservice.deleted.v1", "node.deleted.v1"]


async def test_a_key_makes_a_device_the_node_and_deprovisioning_takes_it_away(
    controller: Controller, operator: Client
) -> None:
    agent = await controller.agent("east")
    assert (await operator.get("/nodes/east"))["state"] == "online"
    (await agent.desired()).is_good()
    (await operator.post("/nodes/east/deprovision")).is_good()
    assert (await operator.get("/nodes/east"))["state"] == "registered"
    (await agent.desired()).is_problem(410, "node-deprovisioned")
    (await agent.report()).is_problem(410, "node-deprovisioned")


async def test_a_device_that_lost_the_answer_provisions_again_with_the_same_pair(
    controller: Controller, operator: Client, nobody: Client
) -> None:
    await operator.post("/nodes", {"name": "east"})
    key = (await operator.post("/nodes/east/provisioning-key", {"valid_for": 60})).text("key")
    body = {"key": key, "credential": "c" * 40, "facts": {"agent_version": "1"}}
    first = (await nobody.post("/agent/provision", body)).is_good()
    assert (await nobody.post("/agent/provision", body)).json == first.json
    other = body | {"credential": "d" * 40}
    refused = await nobody.post("/agent/provision", other)
    refused.is_problem(403, "provisioning-key-refused")
    assert len(await controller.network.events("node.provisioned.v1")) == 1


async def test_an_application_is_created_updated_stopped_started_and_deleted(
    operator: Client,
) -> None:
    await operator.post("/nodes", {"name": "east"})
    wanted = {"description": "sells", "microservices": [manifest("web"), manifest("cache")]}
    made = (await operator.put("/applications/shop", wanted)).is_good(201)
    assert made["events"] == ["application.created.v1"] + ["microservice.created.v1"] * 2
    again = (await operator.put("/applications/shop", wanted)).is_good(200)
    assert again["events"] == []

    less = {"description": "sells", "microservices": [manifest("web")]}
    changed = (await operator.put("/applications/shop", less)).is_good(200)
    assert changed["events"] == ["microservice.deleted.v1"]
    shown = (await operator.get("/applications/shop")).is_good()
    assert [each["name"] for each in shown.items("microservices")] == ["web"]
    assert shown["state"] == "progressing"

    (await operator.post("/applications/shop/stop")).is_good()
    assert (await operator.get("/applications/shop"))["state"] == "stopped"
    (await operator.post("/applications/shop/start")).is_good()
    listed = (await operator.get("/applications")).is_good()
    assert [each["started"] for each in listed.items()] == [True]
    (await operator.delete("/applications/shop")).is_good()
    (await operator.get("/applications/shop")).is_problem(404, "not-found")


async def test_adding_to_an_application_that_is_there_is_no_creation(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    await application(operator, manifest("web"))
    more = {"microservices": [manifest("web"), manifest("cache")]}
    added = (await operator.put("/applications/shop", more, key="k")).is_good(200)
    assert added["events"] == ["microservice.created.v1"]
    (await operator.put("/applications/shop", more, key="k")).is_good(200)


async def test_a_microservice_by_its_path_and_by_its_id(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.post("/nodes", {"name": "west"})
    await application(operator)
    made = await operator.post("/applications/shop/microservices", manifest())
    key = made.is_good(201).text("subject").removeprefix("microservice/")
    for ref in ("shop/web", key):
        path = f"/microservices/{ref}"
        shown = (await operator.get(path)).is_good()
        assert (shown["id"], shown["node"]) == (key, "east")
        (await operator.patch(path, {"env": {"A": ref}})).is_good()
        assert (await operator.get(path))["env"] == {"A": ref}
        (await operator.post(f"{path}/stop")).is_good()
        assert (await operator.get(path))["started"] is False
        (await operator.post(f"{path}/start")).is_good()
        (await operator.post(f"{path}/move", {"node": "west"})).is_good()
        assert (await operator.get(path))["node"] == "west"
        (await operator.post(f"{path}/move", {"node": "east"})).is_good()
    (await operator.delete(f"/microservices/{key}")).is_good()
    (await operator.get(f"/microservices/{key}")).is_problem(404, "not-found")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["cache", "web"]),
        ({"application": "shop", "node": "east"}, ["web"]),
        ({"node": "west"}, ["cache"]),
        ({"state": "running"}, ["web"]),
        ({"state": "queued"}, ["cache"]),
    ],
)
async def test_microservices_are_listed_as_the_query_asks(
    controller: Controller, query: dict[str, str], found: list[str]
) -> None:
    agent = await controller.agent("east")
    await controller.operator.post("/nodes", {"name": "west"})
    await application(controller.operator, manifest("web"), manifest("cache", "west"))
    (web,) = (await agent.desired()).items("changed")
    status = {"state": "running", "at": "2026-03-01T12:00:00Z", "revision": web["revision"]}
    report = {"sequence": 1, "microservice_id": web["microservice_id"], "status": status}
    (await agent.report(containers=[report])).is_good()
    listed = (await controller.viewer.get("/microservices", **query)).is_good()
    assert [each["name"] for each in listed.items()] == found


async def test_a_registry_is_created_updated_and_deleted(operator: Client) -> None:
    body = {"url": "registry.example:5000", "username": "anna", "password": "wonderful"}
    (await operator.put("/registries/hub", body)).is_good(201)
    assert (await operator.put("/registries/hub", body)).is_good(200)["events"] == []
    shown = (await operator.get("/registries/hub")).is_good()
    assert (shown["username"], shown["has_password"]) == ("anna", True)
    without = {"url": "other.example", "username": "anna"}
    (await operator.put("/registries/hub", without)).is_good(200)
    (listed,) = (await operator.get("/registries")).is_good().items()
    assert (listed["url"], listed["has_password"]) == ("other.example", True)
    (await operator.delete("/registries/hub")).is_good()
    assert (await operator.get("/registries")).items() == []


async def test_a_user_is_created_logs_in_changes_role_and_is_deleted(
    controller: Controller, admin: Client, nobody: Client
) -> None:
    anna = {"name": "anna", "password": "wonderland", "role": "viewer"}
    (await admin.post("/users", anna)).is_good(201)
    login = (await nobody.post("/login", {"name": "anna", "password": "wonderland"})).is_good()
    assert (login["user"], login["role"]) == ("anna", "viewer")
    client = controller.as_(login.text("token"))
    (await client.get("/nodes")).is_good()
    (await client.post("/nodes", {"name": "east"})).is_problem(403, "not-allowed")

    (await admin.patch("/users/anna", {"role": "operator"})).is_good()
    (await client.post("/nodes", {"name": "east"})).is_good(201)
    listed = (await admin.get("/users")).is_good().items()
    assert [each["name"] for each in listed] == ["admin", "anna", "otto", "vera"]

    (await client.post("/logout")).is_good()
    (await client.get("/nodes")).is_problem(401, "bad-credentials")
    (await admin.delete("/users/anna")).is_good()
    again = await nobody.post("/login", {"name": "anna", "password": "wonderland"})
    again.is_problem(401, "bad-credentials")


async def test_a_new_password_revokes_all_tokens(
    controller: Controller, admin: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = await nobody.post("/login", {"name": "anna", "password": "wonderland"})
    (await admin.patch("/users/anna", {"password": "looking-glass"})).is_good()
    (await controller.as_(login.text("token")).get("/nodes")).is_problem(401, "bad-credentials")
    old = await nobody.post("/login", {"name": "anna", "password": "wonderland"})
    old.is_problem(401, "bad-credentials")
    new = await nobody.post("/login", {"name": "anna", "password": "looking-glass"})
    new.is_good()


async def test_a_login_that_was_checked_before_the_password_changed_comes_too_late(
    admin: Client, nobody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = {"name": "anna", "password": "wonderland"}
    (await admin.post("/users", anna)).is_good(201)
    matches = Passwords.matches

    async def overtaken(self: Passwords, name: str, password: str, stored: str | None) -> bool:
        good = await matches(self, name, password, stored)
        (await admin.patch("/users/anna", {"password": "looking-glass"})).is_good()
        return good

    monkeypatch.setattr(Passwords, "matches", overtaken)
    (await nobody.post("/login", anna)).is_problem(401, "bad-credentials")


async def test_pages_of_events_go_both_ways_and_meet(operator: Client) -> None:
    for name in "abcdefg":
        await operator.post("/nodes", {"name": name})
    whole = (await operator.get("/events", limit="1000")).is_good()
    positions = [each["position"] for each in whole.items()]
    assert positions == list(range(1, whole.number("position") + 1))
    assert whole["next"] is None

    up: list[object] = []
    after = 0
    while True:
        page = (await operator.get("/events", limit="3", after=str(after))).is_good()
        up += [each["position"] for each in page.items()]
        if page["next"] is None:
            break
        after = page.number("next")
    assert up == positions

    down: list[object] = []
    query = {"limit": "4", "order": "desc"}
    while True:
        page = (await operator.get("/events", **query)).is_good()
        down += [each["position"] for each in page.items()]
        if page["next"] is None:
            break
        query["before"] = str(page["next"])
    assert down == positions[::-1]


async def test_events_are_found_by_all_that_they_say(controller: Controller) -> None:
    operator, clock = controller.operator, controller.network.clock
    await operator.post("/nodes", {"name": "east"})
    clock.advance(60)
    made = await operator.post("/nodes", {"name": "west"})
    clock.advance(60)
    await operator.patch("/nodes/west", {"name": "south"})

    async def found(**query: str) -> list[object]:
        return [each["type"] for each in (await operator.get("/events", **query)).items()]

    both = ["node.registered.v1", "node.renamed.v1"]
    assert await found(subject="node/south") == both
    assert await found(subject=made.text("subject")) == both
    assert await found(subject="node", since="2026-03-01T12:00:59Z") == both
    assert await found(type="node.renamed.v1") == both[1:]
    assert await found(actor="user/otto", until="2026-03-01T12:00:59Z") == both[:1]
    assert await found(command_id=made.text("command_id")) == both[:1]
    (named, *_) = (await operator.get("/events", subject="node/south")).items()
    assert (named["subject_name"], named["actor"]) == ("south", "user/otto")


async def test_what_is_gone_is_still_found_by_its_name(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.delete("/nodes/east")
    found = (await operator.get("/events", subject="node/east")).is_good()
    assert [each["type"] for each in found.items()] == ["node.registered.v1", "node.deleted.v1"]
    assert [each["subject_name"] for each in found.items()] == ["east", "east"]


async def test_each_answer_carries_the_position_that_it_is_valid_for(
    controller: Controller, admin: Client, operator: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    for client, method, path, body in (
        (operator, "POST", "/nodes", {"name": "east"}),
        (operator, "POST", "/nodes/east/provisioning-key", {}),
        (nobody, "POST", "/login", login),
        (operator, "GET", "/nodes", None),
        (operator, "GET", "/nodes/east", None),
        (operator, "GET", "/events", None),
    ):
        answer = await client.ask(method, path, body)
        assert answer.headers["ECN-Position"] == str(controller.world_position)
        assert answer.json.get("position", controller.world_position) == controller.world_position


async def test_at_least_waits_for_a_position(controller: Controller, operator: Client) -> None:
    position = controller.world_position
    (await operator.get("/nodes", at_least=str(position))).is_good()
    made = await operator.post("/nodes", {"name": "east"})
    found = await operator.get("/nodes/east", at_least=str(made["position"]))
    assert found.is_good()["name"] == "east"


async def test_a_position_that_never_comes_is_told_so(
    controller: Controller, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.middleware.AT_LEAST_PATIENCE", 0.05)
    refused = await operator.get("/nodes", at_least=str(controller.world_position + 1))
    refused.is_problem(503, "position-not-reached")
    assert int(refused.headers["Retry-After"]) >= 1
