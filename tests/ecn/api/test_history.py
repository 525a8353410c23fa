"""Differences, reasons and blame over HTTP: of now and of then, of what is and what is gone."""

import jsonpatch
import msgspec
import pytest

from ecn.api.history_documents import Differences
from projections.past import Past
from projections.world import World
from tests.ecn.api.server import Agent, Answer, Client, Controller, manifest
from tests.ecn.history.whole import tree

PATCH = {"Accept": "application/json-patch+json"}


async def deployed(controller: Controller) -> Agent:
    """The shop, on a node with a device."""
    agent = await controller.agent("east")
    body = {"microservices": [manifest(env={"TITLE": "a"}), manifest("cache")]}
    (await controller.operator.put("/applications/shop", body)).is_good(201)
    return agent


async def says(agent: Agent, state: str, number: int, **more: object) -> None:
    """The device tells of the web server."""
    desired = await agent.desired()
    (web,) = [each for each in desired.items("changed") if each["name"] == "web"]
    status = {"state": state, "at": "2026-03-01T12:00:00Z", "revision": web["revision"], **more}
    report = {"sequence": number, "microservice_id": web["microservice_id"], "status": status}
    (await agent.report(containers=[report])).is_good()


def told(answer: Answer) -> list[tuple[object, object]]:
    """What changed, and of whom."""
    return [(each["change"], each["name"]) for each in answer.is_good().items()]


async def world_at(controller: Controller, position: int) -> World:
    return await Past(controller.live, controller.network.log).world_at(position)  # type: ignore[arg-type]


async def test_two_moments_differ_by_what_happened_between(controller: Controller) -> None:
    agent = await deployed(controller)
    start = controller.world_position
    await controller.operator.patch("/microservices/shop/web", {"image": "shop/web:2"})
    between = controller.world_position
    await says(agent, "running", 1)
    await controller.operator.delete("/microservices/shop/cache")

    answer = await controller.viewer.get("/diff", **{"from": str(start)})
    assert told(answer) == [("deleted", "shop/cache"), ("changed", "shop/web")]
    assert (answer["from"], answer["to"]) == (start, controller.world_position)
    web = answer.items()[1]
    assert web["fields"] == [
        {
            "path": "/image",
            "aspect": "wanted",
            "before": "shop/web:1",
            "after": "shop/web:2",
        },
        {
            "path": "/status/state",
            "aspect": "reported",
            "before": "queued",
            "after": "running",
        },
    ]
    earlier = await controller.viewer.get("/diff", **{"from": str(start), "to": str(between)})
    assert told(earlier) == [("changed", "shop/web")]
    back = await controller.viewer.get("/diff", **{"from": str(between), "to": str(start)})
    (field,) = msgspec.json.decode(back.content, type=Differences).items[0].fields
    assert (field.before, field.after) == ("shop/web:2", "shop/web:1")
    nothing = await controller.viewer.get("/diff", **{"from": str(start), "to": str(start)})
    assert told(nothing) == []


async def test_a_difference_as_a_patch_leads_from_the_one_to_the_other(
    controller: Controller,
) -> None:
    start = controller.world_position
    agent = await deployed(controller)
    middle = controller.world_position
    await says(agent, "running", 1)
    await controller.operator.patch("/microservices/shop/web", {"env": {"TITLE": "b", "/~": "c"}})
    await controller.operator.delete("/microservices/shop/cache")
    end = controller.world_position
    for one, other in ((start, end), (middle, end), (end, start), (0, middle)):
        query = {"from": str(one), "to": str(other)}
        answer = await controller.admin.ask("GET", "/diff", headers=PATCH, query=query)
        assert answer.is_good().headers["Content-Type"] == "application/json-patch+json"
        before = msgspec.to_builtins(tree(await world_at(controller, one)))
        after = msgspec.to_builtins(tree(await world_at(controller, other)))
        operations = msgspec.json.decode(answer.content)
        assert jsonpatch.apply_patch(before, operations) == after


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("microservice", ["shop/cache", "shop/web"]),
        ("microservice/shop/web", ["shop/web"]),
        ("application/shop", ["shop"]),
        ("node/east", ["east"]),
        ("registry", []),
    ],
)
async def test_of_a_kind_or_a_thing_alone(
    controller: Controller, subject: str, found: list[str]
) -> None:
    await deployed(controller)
    query = {"from": "0", "subject": subject}
    assert [name for _, name in told(await controller.viewer.get("/diff", **query))] == found


async def test_a_thing_that_is_gone_still_differs_from_what_it_was(controller: Controller) -> None:
    await deployed(controller)
    start = controller.world_position
    await controller.operator.delete("/applications/shop")
    query = {"from": str(start), "subject": "microservice/shop/web"}
    assert told(await controller.viewer.get("/diff", **query)) == [("deleted", "shop/web")]
    # By now it came and went: no difference, but no mistake either.
    assert told(await controller.viewer.get("/diff", **(query | {"from": "0"}))) == []


async def test_users_are_for_admins(controller: Controller) -> None:
    names = [name for _, name in told(await controller.admin.get("/diff", **{"from": "0"}))]
    assert names == ["admin", "otto", "vera"]
    assert told(await controller.operator.get("/diff", **{"from": "0"})) == []
    refused = await controller.operator.get("/diff", **{"from": "0", "subject": "user/otto"})
    refused.is_problem(403, "not-allowed")
    (await controller.operator.get("/blame/user/otto")).is_problem(403, "not-allowed")
    (await controller.admin.get("/blame/user/otto")).is_good()


async def test_why_leads_from_the_state_to_the_actor(controller: Controller) -> None:
    agent = await deployed(controller)
    await says(agent, "pulling", 1)
    await says(agent, "failed", 2, reason="no such image", exit_code=1)
    answer = (await controller.viewer.get("/why/microservice/shop/web")).is_good()
    chain = answer["chain"]
    assert isinstance(chain, dict)
    assert (chain["text"], chain["exit_code"]) == ("failed: no such image", 1)
    texts = written(chain)
    assert "made from revision" in texts
    assert "user/otto" in texts
    by_id = await controller.viewer.get(f"/why/{answer['subject']}")
    assert by_id.json == answer.json
    node = (await controller.viewer.get("/why/node/east")).is_good()
    assert "online" in written(node["chain"])
    shop = (await controller.viewer.get("/why/application/shop")).is_good()
    assert "shop/web on east: failed: no such image" in written(shop["chain"])


def written(step: object) -> str:
    """All texts of a chain."""
    assert isinstance(step, dict)
    return "\n".join([str(step["text"]), *map(written, step["because"])])


async def test_why_of_then_is_answered_as_then(controller: Controller) -> None:
    agent = await deployed(controller)
    then = controller.world_position
    before = await controller.viewer.get("/why/microservice/shop/web")
    await says(agent, "running", 1)
    await controller.operator.delete("/applications/shop")
    of_then = await controller.viewer.get("/why/microservice/shop/web", at=str(then))
    assert of_then.is_good().json == before.json
    assert of_then.headers["ECN-Position"] == str(then)
    gone = (await controller.viewer.get("/why/microservice/shop/web")).is_good()
    assert "gone: it was deleted with its application shop" in written(gone["chain"])


async def test_of_several_that_bore_a_name_the_last_one_is_meant(controller: Controller) -> None:
    subjects = []
    for _ in range(3):
        made = await controller.operator.post("/nodes", {"name": "west"})
        subjects.append(made.text("subject"))
        await controller.operator.delete("/nodes/west")
    answer = (await controller.viewer.get("/why/node/west")).is_good()
    assert answer["subject"] == subjects[-1]
    for subject in subjects:
        assert (await controller.viewer.get(f"/why/{subject}")).is_good()["subject"] == subject


async def test_blame_names_who_set_each_field(controller: Controller) -> None:
    await deployed(controller)
    made = controller.world_position
    await controller.admin.patch("/microservices/shop/web", {"env": {"TITLE": "b"}})
    answer = (await controller.viewer.get("/blame/microservice/shop/web")).is_good()
    fields = blamed(answer)
    assert fields["/env/TITLE"] == ("b", controller.world_position, "user/admin")
    assert fields["/image"] == ("shop/web:1", made - 1, "user/otto")
    of_then = (await controller.viewer.get("/blame/microservice/shop/web", at=str(made))).is_good()
    assert blamed(of_then)["/env/TITLE"] == ("a", made - 1, "user/otto")
    shop = blamed((await controller.viewer.get("/blame/application/shop")).is_good())
    assert shop["/microservices/web/env/TITLE"] == fields["/env/TITLE"]
    (await controller.viewer.get("/blame/node/east")).is_good()


def blamed(answer: Answer) -> dict[object, tuple[object, object, object]]:
    found = {}
    for each in answer.items("fields"):
        event = each["event"]
        assert isinstance(event, dict)
        found[each["path"]] = (each["value"], event["position"], event["actor"])
    return found


@pytest.mark.parametrize(
    ("path", "query", "status", "code", "field"),
    [
        ("/diff", {}, 400, "invalid", "?from"),
        ("/diff", {"from": "yesterday"}, 400, "invalid", "?from"),
        ("/diff", {"from": "9" * 12}, 400, "invalid", "?from"),
        ("/diff", {"from": "0", "to": "x"}, 400, "invalid", "?to"),
        ("/diff", {"from": "0", "subject": "planet/earth"}, 400, "invalid", "?subject"),
        ("/diff", {"from": "0", "subject": "node/none"}, 404, "not-found", "?subject"),
        ("/why/node/none", {}, 404, "not-found", ""),
        ("/why/microservice/shop/none", {}, 404, "not-found", ""),
        ("/why/user/otto", {}, 400, "invalid", "kind"),
        ("/why/planet/earth", {}, 400, "invalid", "kind"),
        ("/blame/node/none", {}, 404, "not-found", ""),
        ("/blame/microservice/shop/none", {}, 404, "not-found", ""),
        ("/blame/planet/earth", {}, 400, "invalid", "kind"),
        ("/blame/node/east", {"at": "x"}, 400, "invalid", "?at"),
    ],
)
async def test_what_can_not_be_answered_is_refused(
    operator: Client, path: str, query: dict[str, str], status: int, code: str, field: str
) -> None:
    (await operator.get(path, **query)).is_problem(status, code, field=field)


async def test_what_is_gone_has_no_fields_to_blame_but_those_of_then(operator: Client) -> None:
    made = await operator.post("/nodes", {"name": "west"})
    await operator.delete("/nodes/west")
    (await operator.get("/blame/node/west")).is_problem(404, "not-found")
    (await operator.get("/blame/node/west", at=str(made["position"]))).is_good()


async def test_a_config_that_is_nested_deeply_is_no_fault(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.put("/applications/shop", {"microservices": [manifest()]})
    for depth in (50, 99, 101, 500, 900):
        content = b'{"config":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        changed = await operator.ask("PATCH", "/microservices/shop/web", content=content)
        if changed.status == 200:
            (await operator.get("/diff", **{"from": "0"})).is_good()
            (await operator.get("/blame/microservice/shop/web")).is_good()
            (await operator.get("/why/microservice/shop/web")).is_good()
