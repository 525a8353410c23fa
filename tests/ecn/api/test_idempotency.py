"""A request with an Idempotency-Key takes effect once, and its retry is answered as the first."""

import asyncio
from collections.abc import Sequence

import pytest

from events.envelope import Head, Recorded
from events.log import LogUnavailable
from tests.ecn.api.server import Answer, Client, Controller, Network, manifest
from tests.ecn.flaky_log import Fault, FlakyLog


def same(first: Answer, again: Answer) -> None:
    assert (again.status, again.json) == (first.status, first.json)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


REQUESTS: list[tuple[str, str, object]] = [
    ("POST", "/nodes", {"name": "west"}),
    ("PATCH", "/nodes/east", {"name": "north"}),
    ("DELETE", "/nodes/spare", None),
    ("POST", "/nodes/spare/deprovision", None),
    ("PUT", "/applications/bank", {"microservices": [manifest("till")]}),
    ("PUT", "/applications/shop", {"description": "sells", "microservices": []}),
    ("POST", "/applications/shop/microservices", manifest("cache")),
    ("POST", "/applications/shop/stop", None),
    ("DELETE", "/applications/shop", None),
    ("PATCH", "/microservices/shop/web", {"env": {"A": "1"}}),
    ("POST", "/microservices/shop/web/stop", None),
    ("POST", "/microservices/shop/web/move", {"node": "spare"}),
    ("DELETE", "/microservices/shop/web", None),
    ("PUT", "/registries/hub", {"url": "hub.example", "password": "wonderful"}),
    ("PUT", "/registries/mirror", {"url": "mirror.example"}),
    ("DELETE", "/registries/hub", None),
    ("POST", "/users", {"name": "anna", "password": "wonderland"}),
    ("PATCH", "/users/vera", {"role": "operator"}),
    ("DELETE", "/users/vera", None),
]


async def prepare(controller: Controller) -> None:
    await controller.agent("east")
    await controller.agent("spare")
    await controller.admin.put("/registries/hub", {"url": "hub.example", "password": "wonder"})
    await controller.admin.put("/applications/shop", {"microservices": [manifest()]})


async def undo_everything(admin: Client) -> None:
    """So that a retry which looks anything up finds nothing."""
    for name in ("shop", "bank"):
        await admin.delete(f"/applications/{name}")
    for name in ("east", "west", "north", "spare"):
        await admin.delete(f"/nodes/{name}")
    for name in ("hub", "mirror"):
        await admin.delete(f"/registries/{name}")
    for name in ("anna", "vera"):
        await admin.delete(f"/users/{name}")


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_retry_is_answered_as_the_first_even_when_the_thing_is_gone(
    controller: Controller, method: str, path: str, body: object
) -> None:
    await prepare(controller)
    admin = controller.admin
    first = await admin.ask(method, path, body, key="once")
    assert first.status in (200, 201), first.content
    assert first["events"]
    await undo_everything(admin)
    position = controller.world_position
    same(first, await admin.ask(method, path, body, key="once"))
    assert controller.world_position == position


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_retry_at_another_controller_that_knows_nothing_yet_is_answered_alike(
    network: Network, controller: Controller, method: str, path: str, body: object
) -> None:
    await prepare(controller)
    async with network.controller(following=False) as other:
        first = await controller.admin.ask(method, path, body, key="once")
        position = controller.world_position
        again = await other.admin.ask(method, path, body, key="once")
        assert (again.status, again.json) == (first.status, first.json)
        assert len(await network.events()) == position


async def test_concurrent_duplicates_take_effect_once(
    network: Network, controller: Controller
) -> None:
    async with network.controller() as other:
        asked = [
            each.operator.post("/nodes", {"name": "east"}, key="once")
            for each in [controller, other] * 10
        ]
        answers = await asyncio.gather(*asked)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await network.events("node.registered.v1")) == 1


async def test_a_key_with_another_request_is_refused(operator: Client) -> None:
    (await operator.post("/nodes", {"name": "east"}, key="once")).is_good(201)
    for refused in (
        await operator.post("/nodes", {"name": "west"}, key="once"),
        await operator.delete("/nodes/east", key="once"),
        await operator.post("/nodes/east/provisioning-key", key="once"),
    ):
        refused.is_problem(422, "idempotency-key-reused")
    assert [each["name"] for each in (await operator.get("/nodes")).items()] == ["east"]


async def test_keys_are_each_users_own(admin: Client, operator: Client) -> None:
    (await operator.post("/nodes", {"name": "east"}, key="once")).is_good(201)
    (await admin.post("/nodes", {"name": "west"}, key="once")).is_good(201)


async def test_what_was_refused_may_be_tried_again_with_its_key(operator: Client) -> None:
    application = {"microservices": [manifest()]}
    refused = await operator.put("/applications/shop", application, key="once")
    refused.is_problem(404, "not-found")
    await operator.post("/nodes", {"name": "east"})
    (await operator.put("/applications/shop", application, key="once")).is_good(201)


async def test_a_retried_login_gets_the_same_token(
    network: Network, controller: Controller, admin: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    before = len(await network.events("user.token-issued.v1"))
    login = {"name": "anna", "password": "wonderland", "valid_for": 1000}
    first = (await nobody.post("/login", login, key="once")).is_good()
    network.clock.advance(5)
    same(first, await nobody.post("/login", login, key="once"))
    async with network.controller() as other:
        same(first, await other.nobody.post("/login", login, key="once"))
        (await other.as_(first.text("token")).get("/nodes")).is_good()
    assert (await nobody.post("/login", login))["token"] != first["token"]
    assert len(await network.events("user.token-issued.v1")) == before + 2


async def test_a_retried_login_tells_the_first_expiry_after_a_logout_too(
    network: Network, controller: Controller, admin: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    first = (await nobody.post("/login", login, key="once")).is_good()
    await controller.as_(first.text("token")).post("/logout")
    network.clock.advance(5)
    same(first, await nobody.post("/login", login, key="once"))


async def test_a_login_is_not_retried_without_the_password(admin: Client, nobody: Client) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    await nobody.post("/login", login, key="once")
    await admin.patch("/users/anna", {"password": "looking-glass"})
    (await nobody.post("/login", login, key="once")).is_problem(401, "bad-credentials")


async def test_a_retry_for_a_provisioning_key_gets_the_same_key(
    network: Network, operator: Client, nobody: Client
) -> None:
    await operator.post("/nodes", {"name": "east"})
    path, body = "/nodes/east/provisioning-key", {"valid_for": 600}
    first = (await operator.post(path, body, key="once")).is_good(201)
    network.clock.advance(5)
    same(first, await operator.post(path, body, key="once"))
    async with network.controller() as other:
        same(first, await other.operator.post(path, body, key="once"))

    device = {"key": first.text("key"), "credential": "c" * 40, "facts": {}}
    (await nobody.post("/agent/provision", device)).is_good()
    same(first, await operator.post(path, body, key="once"))
    await operator.delete("/nodes/east")
    same(first, await operator.post(path, body, key="once"))
    assert len(await network.events("node.key-issued.v1")) == 1


class Stubborn(FlakyLog):
    """A log that goes away while it is asked to append."""

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        if events and self.faults and self.faults[0] is not Fault.NONE:
            self.readable = False
        await super().append(events, expected=expected)


@pytest.mark.parametrize("fault", [Fault.LANDED, Fault.NOT_LANDED, Fault.UNAVAILABLE])
async def test_a_command_that_met_a_broken_log_is_retried_with_its_key(
    network: Network, fault: Fault
) -> None:
    network.event_log = network.log = log = Stubborn()
    async with network.controller() as controller:
        operator = controller.operator
        log.faults.append(fault)
        broken = await operator.post("/nodes", {"name": "east"}, key="once")
        code = "log-unavailable" if fault is Fault.UNAVAILABLE else "outcome-unknown"
        broken.is_problem(503, code)
        assert int(broken.headers["Retry-After"]) >= 1
        log.readable = True
        again = (await operator.post("/nodes", {"name": "east"}, key="once")).is_good(201)
        assert again["events"] == ["node.registered.v1"]
        same_again = await operator.post("/nodes", {"name": "east"}, key="once")
        assert same_again.json == again.json
        assert len(await network.events("node.registered.v1")) == 1


async def test_while_the_log_is_away_reads_go_on_and_say_so(network: Network) -> None:
    network.event_log = network.log = log = FlakyLog()
    async with network.controller(following=False) as controller:
        operator = controller.operator
        await operator.post("/nodes", {"name": "east"})
        log.readable = False
        with pytest.raises(LogUnavailable):
            await controller.live.catch_up()
        log.faults.append(Fault.UNAVAILABLE)
        (await operator.delete("/nodes/east")).is_problem(503, "log-unavailable")
        nodes = (await operator.get("/nodes")).is_good()
        assert nodes["stale"] is True
        assert (await operator.get("/status"))["status"] == "degraded"
        # Another controller may have made it: nobody can say now that it is not there.
        (await operator.delete("/nodes/none")).is_problem(503, "log-unavailable")
        (await operator.get("/nodes/none")).is_problem(404, "not-found")
