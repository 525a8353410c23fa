"""Plans and reverts over HTTP: what they say is what is done, and a plan does nothing."""

import pytest

from tests.ecn.api.server import Answer, Client, Controller, Network, manifest

SHOP = {"name": "shop", "do": "apply-application"}


def application(*microservices: dict[str, object], **more: object) -> dict[str, object]:
    """The change that applies the application `shop`."""
    return {**SHOP, "manifest": {"microservices": list(microservices), **more}}


async def planned(client: Client, *changes: dict[str, object]) -> Answer:
    """The plan of these changes."""
    return (await client.post("/plan", {"changes": list(changes)})).is_good()


def actions(plan: dict[str, object]) -> dict[str, list[tuple[object, ...]]]:
    """What is done on each node."""
    nodes = plan["nodes"]
    assert isinstance(nodes, list)
    return {
        node["name"]: [(a["microservice"], a["action"], a["because"]) for a in node["actions"]]
        for node in nodes
    }


async def test_a_changed_image_replaces_and_nothing_is_appended(
    controller: Controller, network: Network
) -> None:
    await controller.agent("east")
    operator = controller.operator
    await operator.put("/applications/shop", {"microservices": [manifest()]})
    before = await network.events()
    plan = await planned(operator, application(manifest(image="shop/web:2", env={"A": "1"})))
    [change] = plan.items("changes")
    print(plan.content.decode())
    assert (change["about"], change["word"]) == ("application/shop", "updated")
    assert actions(plan.json) == {"east": [("shop/web", "replace", ["image", "env"])]}
    assert await network.events() == before
    assert plan.number("position") == len(before)
