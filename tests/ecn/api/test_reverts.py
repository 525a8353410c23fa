"""Reverts over HTTP: one command, all or nothing, of what was seen."""

import asyncio

import pytest

from tests.ecn.api.server import Answer, Client, Controller, Network, manifest

WEB = manifest("web", ports=[{"host": 8080, "container": 80}])


@pytest.fixture
async def before(controller: Controller) -> str:
    """The position at which there are a node that is online, a registry and the shop."""
    await controller.agent("east")
    operator = controller.operator
    await operator.put("/registries/hub", {"url": "hub.example", "password": "open sesame"})
    made = await operator.put("/applications/shop", {"microservices": [WEB, manifest("cache")]})
    return str(made.is_good(201).number("position"))


async def revert(client: Client, to: str, *subjects: str, **more: object) -> Answer:
    """Ask for it."""
    key = more.pop("key", None)
    body = {"to": to, "subjects": list(subjects), **more}
    return await client.post("/revert", body, key=key if isinstance(key, str) else None)


def events(answer: Answer) -> object:
    """The types of those it led to."""
    done = answer.json["done"]
    assert isinstance(done, dict)
    return done["events"]


async def test_an_application_is_as_it_was_by_one_command_that_says_so(
    controller: Controller, operator: Client, network: Network, before: str
) -> None:
    was = (await operator.get("/applications/shop")).json
    changed = {"microservices": [WEB | {"image": "shop/web:2"}]}
    (await operator.put("/applications/shop", changed)).is_good()
    done = (await revert(operator, before, "application/shop")).is_good()
    assert events(done) == ["microservice.created.v1", "microservice.updated.v1"]
    assert done.number("to") == int(before)
    assert done.headers["ECN-Position"] == str(controller.world_position)
    is_ = (await operator.get("/applications/shop")).json

    def wanted(document: dict[str, object]) -> object:
        members = document["microservices"]
        assert isinstance(members, list)
        told = ("status", "current", "revision", "created_at", "updated_at")
        return [{k: v for k, v in each.items() if k not in told} for each in members]

    assert wanted(is_) == wanted(was)
    appended = [each for each in await network.events() if each.position > done.number("to") + 2]
    assert {each.causation_id for each in appended} == {f"revert-to/{before}"}
    assert len({each.command_id for each in appended}) == 1
    assert {each.actor for each in appended} == {"user/otto"}
    again = (await revert(operator, before, "application/shop")).is_good()
    assert events(again) == []


async def test_a_plan_of_it_appends_nothing_and_says_the_same(
    operator: Client, network: Network, before: str
) -> None:
    (await operator.delete("/applications/shop")).is_good()
    log = await network.events()
    planned = (await revert(operator, before, "application/shop", plan=True)).is_good()
    assert planned["done"] is None
    assert await network.events() == log
    done = (await revert(operator, before, "application/shop")).is_good()
    plan = planned.json["plan"]
    assert done.json["plan"] == plan
    assert isinstance(plan, dict)
    [change] = plan["changes"]
    assert [each["type"] for each in change["events"]] == events(done)
    [node] = plan["nodes"]
    assert [each["action"] for each in node["actions"]] == ["create", "create"]


async def test_a_retried_revert_is_answered_as_the_first_time(
    operator: Client, network: Network, before: str
) -> None:
    (await operator.delete("/applications/shop")).is_good()
    first = (await revert(operator, before, "application/shop", key="k")).is_good()
    (await operator.delete("/applications/shop")).is_good()
    log = await network.events()
    again = (await revert(operator, before, "application/shop", key="k")).is_good()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again["done"] == first["done"]
    assert [each["events"] for each in again.json["plan"]["changes"]] == [  # type: ignore[index]
        each["events"]
        for each in first.json["plan"]["changes"]  # type: ignore[index]
    ]
    assert await network.events() == log


async def test_all_of_it_happens_or_nothing(
    operator: Client, network: Network, before: str
) -> None:
    (await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})).is_good()
    (await operator.post("/nodes", {"name": "new"})).is_good(201)
    log = await network.events()
    refused = await revert(operator, before, "application/shop", "node/new")
    refused.is_problem(409, "not-restorable")
    assert refused.text("detail").startswith("node/new: there was no node 'new' at position")
    assert await network.events() == log
    planned = (await revert(operator, before, "application/shop", "node/new", plan=True)).is_good()
    plan = planned.json["plan"]
    assert isinstance(plan, dict)
    assert [each["word"] for each in plan["changes"]] == ["updated", "refused"]


async def test_what_changed_since_it_was_seen_is_not_reverted(
    controller: Controller, operator: Client, before: str
) -> None:
    (await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})).is_good()
    planned = (await revert(operator, before, "application/shop", plan=True)).is_good()
    seen = planned.number("position")
    (await operator.patch("/microservices/shop/cache", {"image": "shop/cache:7"})).is_good()
    refused = await revert(operator, before, "application/shop", expected_position=seen)
    refused.is_problem(409, "revision-moved")
    seen = controller.world_position
    # Somebody else's affairs do not matter.
    (await operator.post("/nodes", {"name": "new"})).is_good(201)
    (await revert(operator, before, "application/shop", expected_position=seen)).is_good()


async def test_reverts_and_changes_at_once_are_each_whole(
    controller: Controller, operator: Client, before: str
) -> None:
    (await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})).is_good()
    answers = await asyncio.gather(
        *(revert(operator, before, "application/shop") for _ in range(5)),
        *(
            operator.patch("/microservices/shop/web", {"env": {f"E{number}": "1"}})
            for number in range(5)
        ),
    )
    assert {each.status for each in answers} == {200}
    (await revert(operator, before, "application/shop")).is_good()
    shown = await operator.get("/microservices/shop/web")
    assert (shown["image"], shown["env"]) == ("shop/web:1", {})


async def test_a_time_names_a_moment(controller: Controller, operator: Client, before: str) -> None:
    controller.network.clock.advance(60)
    (await operator.delete("/applications/shop")).is_good()
    done = await revert(operator, "2026-03-01T12:00:30Z", "application/shop")
    assert done.is_good().number("to") == int(before)


async def test_a_registry_gets_its_settings_back_and_its_password_if_it_is_the_same(
    operator: Client, before: str
) -> None:
    (await operator.put("/registries/hub", {"url": "other.example"})).is_good()
    done = (await revert(operator, before, "registry/hub")).is_good()
    assert events(done) == ["registry.updated.v1"]
    assert (await operator.get("/registries/hub"))["url"] == "hub.example"
    (await operator.put("/registries/hub", {"url": "hub.example", "password": "new"})).is_good()
    refused = await revert(operator, before, "registry/hub")
    refused.is_problem(409, "not-restorable")
    assert "password_from" in refused.text("next_step")


async def test_a_password_that_was_not_there_is_taken_away_and_destroyed(
    operator: Client, network: Network
) -> None:
    made = await operator.put("/registries/open", {"url": "open.example"})
    (await operator.put("/registries/open", {"url": "open.example", "password": "x"})).is_good()
    keys = len(network.secret_keys._keys)
    done = (await revert(operator, str(made.number("position")), "registry/open")).is_good()
    assert events(done) == ["registry.updated.v1"]
    assert (await operator.get("/registries/open"))["has_password"] is False
    assert len(network.secret_keys._keys) == keys - 1
    plan = done.json["plan"]
    assert isinstance(plan, dict)
    assert [each["code"] for each in plan["warnings"]] == ["password-destroyed"]


async def test_a_deleted_node_comes_back_under_its_id_and_needs_a_key(
    controller: Controller, operator: Client, before: str
) -> None:
    node = await operator.get("/nodes/east")
    (await operator.delete("/nodes/east", force="true")).is_good()
    done = (await revert(operator, before, "node/east", "application/shop")).is_good()
    plan = done.json["plan"]
    assert isinstance(plan, dict)
    codes = [each["code"] for each in plan["warnings"]]
    assert codes == ["needs-a-key", "no-device"]
    again = await operator.get("/nodes/east")
    assert (again["id"], again["state"], again["microservices"]) == (node["id"], "registered", 2)
    agent = await controller.provisioned("east", node.text("id"), number=2)
    assert len((await agent.desired()).items("changed")) == 2


async def test_a_device_that_was_away_all_the_time_finds_what_it_has(
    controller: Controller, operator: Client, before: str
) -> None:
    """The same ids: a container that nobody removed is right again."""
    was = (await operator.get("/microservices/shop/web"))["id"]
    (await operator.delete("/applications/shop")).is_good()
    (await revert(operator, before, "application/shop")).is_good()
    assert (await operator.get("/microservices/shop/web"))["id"] == was


@pytest.mark.parametrize(
    ("subjects", "to", "status", "code", "field"),
    [
        (["application/none"], "3", 404, "not-found", ""),
        (["user/otto"], "3", 409, "not-restorable", ""),
        (["shop"], "3", 400, "invalid", ""),
        (["planet/earth"], "3", 400, "invalid", ""),
        ([], "3", 400, "invalid", "$.subjects"),
        (["application/shop"], "100000", 400, "invalid", "$.to"),
        (["application/shop"], "yesterday", 400, "invalid", "$.to"),
    ],
)
async def test_what_can_not_be_reverted_says_why(
    operator: Client,
    before: str,
    subjects: list[str],
    to: str,
    status: int,
    code: str,
    field: str,
) -> None:
    refused = await revert(operator, to, *subjects)
    refused.is_problem(status, code, field=field)


async def test_a_position_to_come_was_not_seen(operator: Client, before: str) -> None:
    refused = await revert(operator, before, "application/shop", expected_position=100_000)
    refused.is_problem(400, "invalid", field="$.expected_position")


async def test_a_controller_that_is_behind_reverts_nothing_that_it_did_not_see(
    network: Network, controller: Controller, operator: Client, before: str
) -> None:
    (await operator.patch("/microservices/shop/web", {"image": "shop/web:2"})).is_good()
    async with network.controller(following=False) as behind:
        seen = behind.world_position
        (await operator.patch("/microservices/shop/web", {"image": "shop/web:3"})).is_good()
        assert behind.world_position == seen
        refused = await revert(behind.operator, before, "application/shop", expected_position=seen)
        refused.is_problem(409, "revision-moved")
        # It is told that somebody was faster; who does not say what was seen reverts what is there.
        (await operator.patch("/microservices/shop/web", {"image": "shop/web:4"})).is_good()
        done = await revert(behind.operator, before, "application/shop")
        assert events(done.is_good()) == ["microservice.updated.v1"]
        plan = done.json["plan"]
        assert isinstance(plan, dict)
        [change] = plan["changes"]
        [event] = change["events"]
        assert event["fields"][0]["before"] == "shop/web:4"
