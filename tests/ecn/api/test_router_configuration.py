"""What interior proxies are told, over HTTP: their ports, as they change; and nothing to others."""

import asyncio
import re
from datetime import timedelta

import pytest

from ecn.api.app import ENDPOINTS
from ecn.api.endpoint import Access
from ecn.api.router_documents import RouterReport
from ecn.commands.network import SetBroker, SetDefaultRouter
from ecn.router_presence import MOST, RouterPresence
from events.ids import UserId
from events.network import Broker, DefaultRouter
from tests.ecn.api.server import Answer, Client, Controller, manifest

CONFIGURATION = "/router/configuration"
REPORT = {"instance": "a1", "state": "up", "listening": [6000]}


def port(container: int, **public: object) -> dict[str, object]:
    both = {"schemes": ["https"], "protocol": "http", **public}
    return {"host": 8000 + container, "container": container, "public": both}


@pytest.fixture
async def router(controller: Controller) -> Client:
    return await of_a_router(controller, "gate")


async def of_a_router(controller: Controller, name: str) -> Client:
    """A client with an interior proxy's token, as `ecn router create` makes it."""
    who = {"name": name, "password": "a-long-password", "role": "router"}
    (await controller.admin.post("/users", who)).is_good(201)
    del who["role"]
    token = (await controller.nobody.post("/login", who)).is_good().text("token")
    return controller.as_(token)


async def with_ports(controller: Controller, *ports: dict[str, object]) -> None:
    """Of shop/web on east."""
    body = {"microservices": [manifest(ports=list(ports))]}
    answer = await controller.operator.put("/applications/shop", body)
    assert answer.status in (200, 201), answer.content


async def prepared(controller: Controller) -> None:
    await controller.execute(SetDefaultRouter(router=DefaultRouter(host="ports.example")))
    await controller.agent("east")


async def test_a_router_is_told_the_ports_to_open(controller: Controller, router: Client) -> None:
    await prepared(controller)
    rules = {"allow": ["10.0.0.0/8"], "longest_idle": 30, "longest": 3600}
    await with_ports(
        controller, port(80, **rules), port(81, enabled=False), port(82, protocol="tcp", port=6500)
    )
    answer = (await router.get(CONFIGURATION)).is_good()
    assert answer["name"] == "gate"
    assert answer["broker"] is None
    first, second = answer.items("ports")
    node_id = (await controller.viewer.get("/nodes/east")).text("id")
    assert first == {
        "port_id": first["port_id"],
        "port": 6000,
        "protocol": "http",
        "node_id": node_id,
        "microservice": "shop/web",
        **rules,
    }
    assert (second["port"], second["protocol"]) == (6500, "tcp")


async def test_the_broker_comes_with_a_password_of_its_own(
    controller: Controller, router: Client
) -> None:
    await controller.execute(SetBroker(broker=Broker(url="amqp://router.example/ecn")))
    other = await of_a_router(controller, "other")
    found = [(await each.get(CONFIGURATION)).json["broker"] for each in (router, other)]
    assert all(isinstance(each, dict) for each in found)
    assert len({str(each["password"]) for each in found if isinstance(each, dict)}) == 2


async def test_a_router_waits_until_something_of_its_own_changes(
    controller: Controller, router: Client
) -> None:
    await prepared(controller)
    etag = (await router.get(CONFIGURATION)).headers["ETag"]
    poll = asyncio.create_task(held(router, etag, 30))
    await asyncio.sleep(0.2)
    await controller.agent("west")
    await asyncio.sleep(0.2)
    assert not poll.done()
    await with_ports(controller, port(80))
    answer = (await asyncio.wait_for(poll, 5)).is_good()
    assert len(answer.items("ports")) == 1
    assert (await held(router, answer.headers["ETag"], 1)).status == 304


async def held(router: Client, etag: str, wait: int) -> Answer:
    headers = {"If-None-Match": etag, "Prefer": f"wait={wait}"}
    return await router.ask("GET", CONFIGURATION, headers=headers)


async def test_a_router_that_waits_with_a_revoked_token_is_told_so(
    controller: Controller, router: Client
) -> None:
    etag = (await router.get(CONFIGURATION)).headers["ETag"]
    poll = asyncio.create_task(held(router, etag, 30))
    await asyncio.sleep(0.2)
    (await controller.admin.delete("/users/gate")).is_good()
    assert (await asyncio.wait_for(poll, 5)).status == 401


async def test_ports_of_a_node_are_for_who_asks_for_that_node(
    controller: Controller, router: Client
) -> None:
    await prepared(controller)
    interior = {
        "mode": "interior",
        "messaging_port": 5672,
        "edge_port": 56722,
        "inter_router_port": 56721,
    }
    site = {"name": "site", "settings": {"host": "site.example", "router": interior}}
    (await controller.operator.post("/nodes", site)).is_good(201)
    await with_ports(controller, port(80), port(81, router="site"))
    default = (await router.get(CONFIGURATION)).is_good().items("ports")
    at_site = (await router.get(CONFIGURATION, node="site")).is_good().items("ports")
    assert [each["port"] for each in default] == [6000]
    # Without a node that carries the default router, a number is given once in the whole network.
    assert [each["port"] for each in at_site] == [6001]
    (await router.get(CONFIGURATION, node="nowhere")).is_problem(404, "not-found")


@pytest.mark.parametrize("method_path", [("GET", CONFIGURATION), ("POST", "/router/report")])
async def test_nobody_else_is_told(controller: Controller, method_path: tuple[str, str]) -> None:
    agent = await controller.agent("east")
    method, path = method_path
    for who in (controller.admin, controller.operator, controller.viewer):
        (await who.ask(method, path, REPORT)).is_problem(403, "not-allowed")
    for who in (controller.nobody, agent.client):
        assert (await who.ask(method, path, REPORT)).status == 401


async def test_a_router_may_do_nothing_else(router: Client) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.access in (Access.ROUTER, Access.ANYONE):
            continue
        path = re.sub(r"{[^{}]*({[^}]*})?[^{}]*}", "a" * 32, endpoint.path)
        answer = await router.ask(endpoint.method, path, {})
        assert answer.status in (401, 403), (endpoint.path, answer.status, answer.content)


async def test_a_router_may_nothing_of_iofogs(controller: Controller, router: Client) -> None:
    for path in ("user/profile", "iofog-list", "microservices/public-ports", "config"):
        url = f"{controller.url}/api/v3/{path}"
        async with router.session.get(url, headers={"Authorization": router.token or ""}) as said:
            assert said.status in (401, 403), path


async def test_a_router_never_becomes_a_person_nor_a_person_a_router(
    controller: Controller, router: Client
) -> None:
    for name, role in (("gate", "admin"), ("vera", "router")):
        (await controller.admin.patch(f"/users/{name}", {"role": role})).is_problem(
            403, "not-allowed"
        )


async def test_a_report_is_taken_and_a_senseless_one_refused(router: Client) -> None:
    assert (await router.post("/router/report", REPORT)).status == 204
    for wrong in ({"instance": ""}, {"instance": "a/b"}, {"instance": "a", "reason": "x" * 301}):
        (await router.post("/router/report", {**REPORT, **wrong})).is_problem(400, "invalid")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"allow": ["10.0.0.1/8"]}, "allow[0]"),
        ({"allow": ["10.0.0.0/8", "everywhere"]}, "allow[1]"),
        ({"longest_idle": -1}, "longest_idle"),
        ({"longest": 10**10}, "longest"),
    ],
)
async def test_rules_and_limits_make_sense(
    controller: Controller, wrong: dict[str, object], place: str
) -> None:
    await prepared(controller)
    body = {"microservices": [manifest(ports=[port(80, **wrong)])]}
    answer = await controller.operator.put("/applications/shop", body)
    assert answer.is_problem(400, "invalid").text("field").endswith(f"public.{place}")


async def test_who_was_heard_is_known_for_a_while(controller: Controller, router: Client) -> None:
    router_id = UserId((await router.get(CONFIGURATION)).text("router_id"))
    presence, now = RouterPresence(), controller.network.clock.now()
    for number in range(MOST + 5):
        presence.said(router_id, RouterReport(instance=f"i{number}"), now)
        now += timedelta(milliseconds=1)
    presence.said(UserId("nobody"), RouterReport(instance="x"), now)
    seen = list(presence.running(controller.live.world, now))
    assert len(seen) == MOST
    assert {each.name for each in seen} == {"gate"}
    assert not list(presence.running(controller.live.world, now + timedelta(minutes=3)))


async def test_public_ports_are_shown_with_their_links_and_whether_they_are_open(
    controller: Controller, router: Client
) -> None:
    await prepared(controller)
    await with_ports(controller, port(80, longest=60), port(81), port(82), port(83, enabled=False))
    closed = [{"port": 6001, "reason": "another program listens on it"}]
    said = {**REPORT, "host": "m1", "closed": closed}
    assert (await router.post("/router/report", said)).status == 204
    items = (await controller.viewer.get("/public-ports")).is_good().items()
    assert [(each["port"], each["state"]) for each in items] == [
        (6000, "open"),
        (6001, "closed"),
        (6002, "unknown"),
        (6003, "disabled"),
    ]
    assert items[0]["links"] == ["https://undefined-proxy-host:6000"]
    assert (items[0]["microservice"], items[0]["longest"]) == ("shop/web", 60)
    assert items[1]["reason"] == "m1: another program listens on it"
    said = {**REPORT, "state": "waiting", "reason": "nobody listens there"}
    assert (await router.post("/router/report", said)).status == 204
    first = (await controller.viewer.get("/public-ports")).items()[0]
    assert (first["state"], first["reason"]) == ("closed", "nobody listens there")
