"""What recorded exchanges can't show of microservices: several at once, who did it, the system."""

import asyncio
from collections.abc import Mapping

from ecn.iofog import system
from events.ids import NodeId
from tests.ecn.api.server import OPERATOR, Controller

Body = Mapping[str, object]


async def ask(controller: Controller, method: str, path: str, body: Body | None = None) -> Body:
    async with controller.network.session.request(
        method,
        f"{controller.url}/api/v3{path}",
        json=body,
        headers={"Authorization": OPERATOR},
    ) as response:
        said: Body = {} if response.status == 204 else await response.json()
        return {"status": response.status, **said}


async def placed(controller: Controller) -> tuple[NodeId, str]:
    """A node with a router, and a microservice on it."""
    await ask(controller, "PUT", "/router", {"host": "router.example"})
    node = {"name": "node-1", "fogType": 1, "host": "node-1.example"}
    uuid = str((await ask(controller, "POST", "/iofog", node))["uuid"])
    image = {"containerImage": "web:1", "fogTypeId": 1}
    await ask(controller, "POST", "/application", {"name": "shop"})
    body = {"name": "web", "application": "shop", "iofogUuid": uuid, "images": [image]}
    return NodeId(uuid), str((await ask(controller, "POST", "/microservices", body))["uuid"])


async def test_changes_at_once_of_different_parts_are_all_there(controller: Controller) -> None:
    _, uuid = await placed(controller)
    changes: list[Body] = [
        {"env": [{"key": "A", "value": "1"}]},
        {"cmd": ["run"]},
        {"config": "text"},
        {"logSize": 7},
        {"rootHostAccess": True},
    ]
    path = f"/microservices/{uuid}"
    answers = await asyncio.gather(*(ask(controller, "PATCH", path, each) for each in changes))
    assert [each["status"] for each in answers] == [204] * 5
    after = await ask(controller, "GET", path)
    assert {key: after[key] for each in changes for key in each} == {
        key: value for each in changes for key, value in each.items()
    }


async def test_one_name_is_taken_by_one_of_many(controller: Controller) -> None:
    answers = await asyncio.gather(
        *(ask(controller, "POST", "/application", {"name": "one"}) for _ in range(8))
    )
    assert sorted(str(each["status"]) for each in answers) == ["201"] + ["409"] * 7


async def test_what_a_request_does_is_one_step_of_its_user(controller: Controller) -> None:
    _, uuid = await placed(controller)
    before = controller.world_position
    change = {"name": "site", "rebuild": True, "cmd": ["run"]}
    await ask(controller, "PATCH", f"/microservices/{uuid}", change)
    async with controller.network.session.get(
        f"{controller.url}/api/v1/events?after={before}",
        headers={"Authorization": f"Bearer {OPERATOR}"},
    ) as response:
        events = (await response.json())["items"]
    assert [each["type"] for each in events] == [
        "microservice.updated.v1",
        "microservice.renamed.v1",
        "microservice.rebuilt.v1",
    ]
    assert len({each["command_id"] for each in events}) == 1
    assert {each["actor"] for each in events} == {"user/otto"}


async def test_of_what_is_refused_nothing_happens(controller: Controller) -> None:
    _, uuid = await placed(controller)
    before = await ask(controller, "GET", f"/microservices/{uuid}")
    image = {"containerImage": "web:1", "fogTypeId": 1}
    body = {"name": "other", "application": "shop", "agentName": "node-1", "images": [image]}
    await ask(controller, "POST", "/microservices", body)
    answer = await ask(
        controller, "PATCH", f"/microservices/{uuid}", {"cmd": ["run"], "name": "other"}
    )
    assert answer["status"] == 409
    assert answer["message"] == "Duplicate name 'other'"
    assert await ask(controller, "GET", f"/microservices/{uuid}") == before


async def test_those_of_the_system_are_not_changed_by_users(controller: Controller) -> None:
    node_id, _ = await placed(controller)
    router = system.microservice_id(node_id, system.Kind.ROUTER)
    answer = await ask(controller, "PATCH", f"/microservices/{router}", {"cmd": []})
    assert answer["status"] == 400
    assert answer["message"] == f"Microservice uuid {router} is system and can't be updated"
    answer = await ask(controller, "DELETE", f"/microservices/{router}")
    assert answer["message"] == f"Microservice uuid {router} is system and can't be deleted"
    listed = await ask(controller, "GET", "/microservices")
    assert [each["name"] for each in listed["microservices"]] == ["web"]  # type: ignore[attr-defined]
