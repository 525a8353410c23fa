"""Volumes that microservices mount, over HTTP: told to agents, planned, compared, brought back."""

import base64
from collections.abc import Mapping

import pytest

from tests.ecn.api.server import OPERATOR, Agent, Answer, Client, Controller, manifest

MOUNT = {"kind": "files", "source": "conf", "target": "/etc/conf"}
WEB = manifest("web", volumes=[MOUNT])


def conf(text: str, **more: object) -> dict[str, object]:
    return {"files": [{"path": "app", "content": base64.b64encode(text.encode()).decode()}], **more}


@pytest.fixture
async def agents(controller: Controller) -> tuple[Agent, Agent]:
    """Of east and west."""
    return await controller.agent("east"), await controller.agent("west")


@pytest.fixture
async def shop(controller: Controller, agents: tuple[Agent, Agent]) -> Client:
    """An operator; shop/web on east mounts conf."""
    operator = controller.operator
    (await operator.put("/volumes/conf", conf("1"))).is_good(201)
    (await operator.put("/applications/shop", {"microservices": [WEB]})).is_good(201)
    return operator


def volumes(microservice: Answer) -> list[dict[str, object]]:
    found = microservice.is_good()["volumes"]
    assert isinstance(found, list)
    return found


async def test_it_is_shown_by_name_and_says_by_whom_it_is_mounted(shop: Client) -> None:
    [mount] = volumes(await shop.get("/microservices/shop/web"))
    assert (mount["source"], mount["kind"]) == ("conf", "files")
    shown = (await shop.get("/volumes/conf")).is_good()
    assert (shown["destination"], shown["microservices"]) == ("", ["shop/web"])
    again = (await shop.put("/applications/shop", {"microservices": [WEB]})).is_good()
    assert again["events"] == []
    patched = (await shop.patch("/microservices/shop/web", {"env": {"A": "1"}})).is_good()
    assert patched["events"] == ["microservice.updated.v1"]
    [mount] = volumes(await shop.get("/microservices/shop/web"))
    assert mount["source"] == "conf"


async def test_it_is_not_deleted_under_those_who_mount_it(shop: Client) -> None:
    refused = (await shop.delete("/volumes/conf")).is_problem(409, "volume-in-use")
    assert "shop/web" in str(refused["detail"])
    (await shop.patch("/microservices/shop/web", {"volumes": []})).is_good()
    (await shop.delete("/volumes/conf")).is_good()
    missing = await shop.patch("/microservices/shop/web", {"volumes": [MOUNT]})
    assert missing.is_problem(404, "not-found")["field"] == "$.volumes[0].source"


async def test_the_nodes_of_those_who_mount_it_are_told_and_no_others(
    agents: tuple[Agent, Agent], shop: Client
) -> None:
    east, west = agents
    at_east, at_west = await east.revision(), await west.revision()
    (await shop.put("/volumes/conf", conf("2"))).is_good()
    told = (await east.desired(at_east)).is_good()
    [volume] = told.items("volumes")
    assert (volume["destination"], volume["files"]) == ("", conf("2")["files"])
    assert told["changed"] == []  # the container is not concerned
    (await west.desired(at_west)).is_good(304)
    (await shop.post("/microservices/shop/web/move", {"node": "west"})).is_good()
    told = (await west.desired(at_west)).is_good()
    [volume] = told.items("volumes")
    assert volume["files"] == conf("2")["files"]
    [moved] = told.items("changed")
    spec = moved["spec"]
    assert isinstance(spec, dict)
    assert spec["volumes"][0]["source"] == volume["volume_id"]
    told = (await east.desired(told.number("revision") - 1)).is_good()
    assert told["all_volumes"] == []


async def planned(shop: Client, *changes: Mapping[str, object]) -> Answer:
    return (await shop.post("/plan", {"changes": list(changes)})).is_good()


async def test_a_plan_says_that_files_are_delivered_and_the_container_runs_on(
    shop: Client,
) -> None:
    change = {"do": "apply-volume", "name": "conf", "manifest": conf("2")}
    plan = await planned(shop, change)
    [node] = plan.items("nodes")
    assert node["name"] == "east"
    containers = node["actions"]
    assert isinstance(containers, list)
    [action] = containers
    assert (action["microservice"], action["action"]) == ("shop/web", "configure")
    assert action["because"] == ["files"]
    plan = await planned(shop, {"do": "apply-volume", "name": "conf", "manifest": conf("1")})
    assert plan.items("nodes") == []


async def test_a_move_takes_the_files_along_without_a_caution(shop: Client) -> None:
    plan = await planned(shop, {"do": "move", "microservice": "shop/web", "node": "west"})
    assert "volumes-stay" not in plan.content.decode()


async def test_a_difference_names_it_and_a_revert_brings_both_back(
    controller: Controller, shop: Client
) -> None:
    before = str(controller.world_position)
    (await shop.patch("/microservices/shop/web", {"volumes": []})).is_good()
    [difference] = (await shop.get("/diff", **{"from": before})).items()
    assert "conf" in str(difference)
    (await shop.delete("/applications/shop")).is_good()
    (await shop.delete("/volumes/conf")).is_good()
    back = {"to": before, "subjects": ["application/shop", "volume/conf"]}
    (await shop.post("/revert", back)).is_good()
    [mount] = volumes(await shop.get("/microservices/shop/web"))
    assert mount["source"] == "conf"
    assert (await shop.get("/volumes/conf")).is_good()["microservices"] == ["shop/web"]


async def test_iofog_neither_shows_nor_loses_it(controller: Controller, shop: Client) -> None:
    uuid = str((await shop.get("/microservices/shop/web")).is_good()["id"])
    path = f"{controller.url}/api/v3/microservices/{uuid}"
    headers = {"Authorization": OPERATOR}
    mapping = {
        "hostDestination": "/srv",
        "containerDestination": "/srv",
        "accessMode": "ro",
        "type": "bind",
    }
    session = controller.network.session
    async with session.get(path, headers=headers) as answer:
        assert (await answer.json())["volumeMappings"] == []
    body = {"volumeMappings": [mapping]}
    async with session.patch(path, json=body, headers=headers) as answer:
        assert answer.status == 204, await answer.text()
    async with session.get(path, headers=headers) as answer:
        [shown] = (await answer.json())["volumeMappings"]
        assert shown["hostDestination"] == "/srv"
    mounts = volumes(await shop.get("/microservices/shop/web"))
    assert [(each["kind"], each["source"]) for each in mounts] == [
        ("bind", "/srv"),
        ("files", "conf"),
    ]
