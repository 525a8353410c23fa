"""Routes that ioFog's words can't say: its clients are not shown them, and do them no harm."""

import pytest

from tests.ecn.api.iofog.test_microservices import ask
from tests.ecn.api.server import Controller, manifest

PLAIN = {"name": "plain", "source": "web", "destination": "cache"}
URGENT = {"name": "urgent", "source": "cache", "destination": "web", "priority": 0, "ttl": 60}
HOT = {"name": "hot", "source": "web", "destination": "cache", "condition": "a = 'b'"}
UP = {"name": "up", "source": "*", "destination": "$upstream"}
SHOP = {
    "microservices": [manifest("web"), manifest("cache")],
    "routes": [PLAIN, URGENT, HOT, UP],
}


@pytest.fixture
async def shop(controller: Controller) -> Controller:
    """A network with routes of both kinds."""
    await controller.agent("east")
    (await controller.operator.put("/applications/shop", SHOP)).is_good(201)
    return controller


async def names(controller: Controller) -> set[str]:
    items = (await controller.operator.get("/routes", application="shop")).is_good().items()
    return {str(each["name"]) for each in items}


async def test_only_those_are_shown_that_take_all_messages_from_one_to_one(
    shop: Controller,
) -> None:
    shown = (await ask(shop, "GET", "/routes"))["routes"]
    assert isinstance(shown, list)
    assert [each["name"] for each in shown] == ["plain", "urgent"]
    application = await ask(shop, "GET", "/application/shop")
    assert application["routes"] == [
        {"name": "plain", "from": "web", "to": "cache"},
        {"name": "urgent", "from": "cache", "to": "web"},
    ]
    for name, status in (("plain", 200), ("hot", 404), ("up", 404)):
        assert (await ask(shop, "GET", f"/routes/shop/{name}"))["status"] == status
    assert (await ask(shop, "DELETE", "/routes/shop/hot"))["status"] == 404
    web = (await shop.operator.get("/microservices/shop/web"))["id"]
    cache = (await shop.operator.get("/microservices/shop/cache"))["id"]
    assert (await ask(shop, "GET", f"/microservices/{web}"))["routes"] == [cache]
    assert (await ask(shop, "DELETE", f"/microservices/{web}/routes/{cache}"))["status"] == 204
    assert await names(shop) == {"urgent", "hot", "up"}


async def test_one_way_is_one_route_for_its_clients(shop: Controller) -> None:
    body = {"name": "again", "application": "shop", "from": "web", "to": "cache"}
    assert (await ask(shop, "POST", "/routes", body))["status"] in (400, 409)
    back = {**body, "from": "cache", "to": "web"}
    assert (await ask(shop, "POST", "/routes", back))["status"] in (400, 409)
    assert (await ask(shop, "DELETE", "/routes/shop/plain"))["status"] == 204
    # A conditional one is not in its way.
    assert (await ask(shop, "POST", "/routes", body))["status"] == 200


async def test_a_change_keeps_what_it_can_not_say(shop: Controller) -> None:
    body = {"name": "fast", "application": "shop", "from": "cache", "to": "web"}
    assert (await ask(shop, "PATCH", "/routes/shop/urgent", body))["status"] == 204
    shown = (await shop.operator.get("/routes/shop/fast")).is_good()
    assert (shown["priority"], shown["ttl"]) == (0, 60)


async def test_an_application_keeps_the_routes_that_its_client_did_not_see(
    shop: Controller,
) -> None:
    said = {"routes": [{"name": "urgent", "from": "cache", "to": "web"}]}
    assert (await ask(shop, "PUT", "/application/shop", said))["status"] == 204
    assert await names(shop) == {"urgent", "hot", "up"}
    shown = (await shop.operator.get("/routes/shop/urgent")).is_good()
    assert (shown["priority"], shown["ttl"]) == (0, 60)
