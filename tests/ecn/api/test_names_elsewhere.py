"""A controller that is behind: what it is asked about a name is done to what bears the name now.

`behind` does not follow the log: it learns of others' doings only where it looks by itself, as a
controller does in the moments before the news of a change reach it.
"""

from collections.abc import AsyncIterator

import pytest

from tests.ecn.api.server import Controller, Network, manifest


@pytest.fixture
async def behind(network: Network, controller: Controller) -> AsyncIterator[Controller]:
    operator = controller.operator
    for name in ("east", "west"):
        (await operator.post("/nodes", {"name": name})).is_good(201)
    (await operator.put("/registries/hub", {"url": "hub.example"})).is_good(201)
    web = {"microservices": [manifest("web"), manifest("cache")]}
    (await operator.put("/applications/shop", web)).is_good(201)
    (await controller.admin.post("/users", {"name": "ida", "password": "wonderland"})).is_good(201)
    async with network.controller(following=False) as behind:
        yield behind


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/nodes/west", None),
        ("PATCH", "/nodes/west", {"settings": {"labels": {"a": "b"}}}),
        ("POST", "/nodes/west/provisioning-key", None),
        ("POST", "/nodes/west/deprovision", None),
    ],
)
async def test_a_name_that_went_to_nobody_is_not_found(
    controller: Controller, behind: Controller, method: str, path: str, body: object
) -> None:
    (await controller.operator.patch("/nodes/west", {"name": "north"})).is_good()
    (await behind.operator.ask(method, path, body)).is_problem(404, "not-found")
    (await controller.operator.get("/nodes/north")).is_good()


@pytest.mark.parametrize("key", [None, "once"])
async def test_a_name_that_went_to_another_means_the_other(
    controller: Controller, behind: Controller, key: str | None
) -> None:
    operator = controller.operator
    (await operator.patch("/nodes/west", {"name": "north"})).is_good()
    other = (await operator.post("/nodes", {"name": "west"})).is_good(201).text("subject")
    deleted = (await behind.operator.ask("DELETE", "/nodes/west", key=key)).is_good()
    assert deleted.text("subject") == other
    (await operator.get("/nodes/north")).is_good()


async def test_what_was_deleted_and_made_again_is_the_new_one(
    controller: Controller, behind: Controller
) -> None:
    operator, late = controller.operator, behind.operator
    (await operator.delete("/nodes/west")).is_good()
    west = (await operator.post("/nodes", {"name": "west"})).is_good(201).text("subject")
    deleted = (await late.delete("/nodes/west")).is_good()
    assert (deleted.text("subject"), deleted["events"]) == (west, ["node.deleted.v1"])

    (await operator.delete("/applications/shop")).is_good()
    web = {"microservices": [manifest("web")]}
    shop = (await operator.put("/applications/shop", web)).is_good(201).text("subject")
    stopped = (await late.post("/applications/shop/stop")).is_good()
    assert stopped.text("subject") == shop
    assert (await late.delete("/microservices/shop/web")).is_good()["events"]
    assert (await late.delete("/applications/shop")).is_good().text("subject") == shop

    (await operator.delete("/registries/hub")).is_good()
    hub = (await operator.put("/registries/hub", {"url": "hub.example"})).is_good(201)
    assert (await late.delete("/registries/hub")).is_good().text("subject") == hub.text("subject")

    (await controller.admin.delete("/users/ida")).is_good()
    ida = {"name": "ida", "password": "wonderland"}
    new = (await controller.admin.post("/users", ida)).is_good(201)
    deleted = (await behind.admin.delete("/users/ida")).is_good()
    assert deleted.text("subject") == new.text("subject")


async def test_what_is_gone_was_not_deleted_by_whoever_comes_late(
    controller: Controller, behind: Controller
) -> None:
    for path in ("/microservices/shop/web", "/applications/shop", "/registries/hub", "/nodes/west"):
        (await controller.operator.delete(path)).is_good()
        (await behind.operator.delete(path)).is_problem(404, "not-found")


async def test_a_retry_is_known_where_neither_the_thing_nor_its_end_was_heard_of(
    controller: Controller, behind: Controller
) -> None:
    (await controller.operator.post("/nodes", {"name": "south"})).is_good(201)
    first = (await controller.operator.ask("DELETE", "/nodes/south", key="once")).is_good()
    again = (await behind.operator.ask("DELETE", "/nodes/south", key="once")).is_good()
    assert again.json == first.json


async def test_a_token_is_good_wherever_it_was_issued(
    controller: Controller, behind: Controller
) -> None:
    login = {"name": "ida", "password": "wonderland"}
    token = (await controller.nobody.post("/login", login)).is_good().text("token")
    (await behind.as_(token).get("/nodes")).is_good()
    (await behind.as_("made-up").get("/nodes")).is_problem(401, "bad-credentials")


async def test_a_role_is_what_it_was_made_anywhere(
    controller: Controller, behind: Controller
) -> None:
    login = {"name": "ida", "password": "wonderland"}
    token = (await controller.nobody.post("/login", login)).is_good().text("token")
    late = behind.as_(token)
    (await late.post("/nodes", {"name": "mine"})).is_problem(403, "not-allowed")
    (await controller.admin.patch("/users/ida", {"role": "operator"})).is_good()
    (await late.post("/nodes", {"name": "mine"})).is_good(201)


async def test_a_device_speaks_at_once_with_any_controller(
    controller: Controller, behind: Controller
) -> None:
    agent = await controller.agent("device")
    assert agent.client.token is not None
    (await behind.as_(agent.client.token).get("/agent/desired-state")).is_good()


async def test_what_was_taken_away_elsewhere_changes_nothing_any_more(
    controller: Controller, behind: Controller
) -> None:
    login = {"name": "ida", "password": "wonderland"}
    admin = controller.admin
    (await admin.patch("/users/ida", {"role": "operator"})).is_good()
    token = (await controller.nobody.post("/login", login)).is_good().text("token")
    late = behind.as_(token)
    (await late.post("/nodes", {"name": "mine"})).is_good(201)
    (await admin.patch("/users/ida", {"role": "viewer"})).is_good()
    (await late.post("/nodes", {"name": "yours"})).is_problem(403, "not-allowed")
    (await admin.delete("/users/ida")).is_good()
    (await late.post("/nodes", {"name": "ours"})).is_problem(401, "bad-credentials")


async def test_a_change_of_a_part_leaves_alone_what_it_does_not_name(
    controller: Controller, behind: Controller
) -> None:
    """A microservice stays on its node, whatever that and others are called by now."""
    operator, late = controller.operator, behind.operator
    before = (await operator.get("/microservices/shop/web")).text("node_id")
    (await operator.patch("/nodes/east", {"name": "north"})).is_good()
    changed = await late.patch("/microservices/shop/web", {"env": {"A": "1"}})
    assert changed.is_good()["events"] == ["microservice.updated.v1"]
    (await operator.patch("/nodes/north", {"name": "south"})).is_good()
    (await operator.post("/nodes", {"name": "north"})).is_good(201)
    changed = await late.patch("/microservices/shop/web", {"env": {"A": "2"}})
    assert changed.is_good()["events"] == ["microservice.updated.v1"]
    assert (await operator.get("/microservices/shop/web")).text("node_id") == before
    # What it does name is looked up where it is decided.
    moved = await late.patch("/microservices/shop/web", {"node": "north"})
    assert moved.is_good()["events"] == ["microservice.moved.v1"]


async def test_what_goes_while_it_is_being_changed_is_called_as_the_client_called_it(
    controller: Controller, behind: Controller
) -> None:
    (await controller.operator.patch("/nodes/west", {"settings": {"labels": {"a": "b"}}})).is_good()
    (await controller.operator.delete("/nodes/west")).is_good()
    refused = await behind.operator.patch("/nodes/west", {"settings": {"labels": {"c": "d"}}})
    assert "'west'" in refused.is_problem(404, "not-found").text("detail")
