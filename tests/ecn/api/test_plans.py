"""Plans over HTTP: what they say is what the requests then do, and a plan does nothing."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from ecn.api.plan_documents import Becomes
from events.background import beside
from tests.ecn.api.server import Answer, Client, Controller, Network, manifest

WEB = manifest("web", ports=[{"host": 8080, "container": 80}])


def shop(*microservices: dict[str, object], **more: object) -> dict[str, object]:
    """The change that applies the application `shop`."""
    body = {"microservices": list(microservices), **more}
    return {"do": "apply-application", "name": "shop", "manifest": body}


async def planned(client: Client, *changes: Mapping[str, object]) -> Answer:
    """The plan of these changes."""
    return (await client.post("/plan", {"changes": list(changes)})).is_good()


def containers(plan: Answer) -> dict[str, list[tuple[object, object]]]:
    """What is done to whose container, by node."""
    return {
        str(node["name"]): [
            (each["microservice"], each["action"]) for each in listed(node, "actions")
        ]
        for node in plan.items("nodes")
    }


def listed(document: dict[str, object], name: str) -> list[dict[str, object]]:
    """A list within a document."""
    items = document[name]
    assert isinstance(items, list)
    return items


def codes(plan: Answer) -> list[tuple[object, object]]:
    """The warnings, and what they are about."""
    return [(each["code"], each["about"]) for each in plan.items("warnings")]


@pytest.fixture
async def running(controller: Controller) -> Controller:
    """Two nodes online and one without a device, a registry in use, and the shop."""
    for name in ("east", "west"):
        await controller.agent(name)
    operator = controller.operator
    await operator.post("/nodes", {"name": "bare"})
    await operator.put("/registries/hub", {"url": "hub.example", "password": "open sesame"})
    body = {"microservices": [WEB | {"registry": "hub"}, manifest("cache")]}
    (await operator.put("/applications/shop", body)).is_good(201)
    return controller


CHANGES: list[tuple[str, str, object, Mapping[str, object]]] = [
    ("PUT", "/applications/shop", shop(WEB)["manifest"], shop(WEB)),
    (
        "PUT",
        "/applications/bank",
        {"microservices": [manifest("till", "west")]},
        {
            "do": "apply-application",
            "name": "bank",
            "manifest": {"microservices": [manifest("till", "west")]},
        },
    ),
    (
        "PUT",
        "/applications/shop",
        shop(manifest("web", "none"))["manifest"],
        shop(manifest("web", "none")),
    ),
    *(
        ("PUT", "/registries/hub", body, {"do": "apply-registry", "name": "hub", "manifest": body})
        for body in (
            {"url": "hub.example", "password": "open sesame"},
            {"url": "hub.example", "password": "another"},
            {"url": "other.example"},
            {"url": "https://hub"},
            {"url": "hub.example", "password": "x" * 5000},
        )
    ),
    (
        "PUT",
        "/registries/new",
        {"url": "n.example"},
        {"do": "apply-registry", "name": "new", "manifest": {"url": "n.example"}},
    ),
    (
        "POST",
        "/nodes",
        {"name": "north", "settings": {"location": "hall"}},
        {"do": "apply-node", "name": "north", "settings": {"location": "hall"}},
    ),
    (
        "PATCH",
        "/nodes/east",
        {"settings": {"tags": ["arm"]}},
        {"do": "apply-node", "name": "east", "settings": {"tags": ["arm"]}},
    ),
    (
        "PATCH",
        "/nodes/east",
        {"name": "orient"},
        {"do": "update-node", "node": "east", "change": {"name": "orient"}},
    ),
    (
        "PATCH",
        "/nodes/east",
        {"name": "west"},
        {"do": "update-node", "node": "east", "change": {"name": "west"}},
    ),
    (
        "PATCH",
        "/nodes/east",
        {"settings": {"colour": 1}},
        {"do": "update-node", "node": "east", "change": {"settings": {"colour": 1}}},
    ),
    (
        "POST",
        "/applications/shop/microservices",
        manifest("api"),
        {"do": "create-microservice", "application": "shop", "manifest": manifest("api")},
    ),
    (
        "POST",
        "/applications/shop/microservices",
        WEB,
        {"do": "create-microservice", "application": "shop", "manifest": WEB},
    ),
    (
        "PATCH",
        "/microservices/shop/web",
        {"env": {"A": "1"}},
        {"do": "update-microservice", "microservice": "shop/web", "change": {"env": {"A": "1"}}},
    ),
    (
        "PATCH",
        "/microservices/shop/web",
        {"image": "No Image"},
        {"do": "update-microservice", "microservice": "shop/web", "change": {"image": "No Image"}},
    ),
    (
        "POST",
        "/microservices/shop/web/move",
        {"node": "west"},
        {"do": "move", "microservice": "shop/web", "node": "west"},
    ),
    *(
        ("POST", f"/{kind}s/{name}/{do}", None, {"do": do, "subject": f"{kind}/{name}"})
        for kind, name in (
            ("application", "shop"),
            ("microservice", "shop/web"),
            ("application", "none"),
        )
        for do in ("start", "stop")
    ),
    *(
        ("DELETE", f"/{plural}/{name}", None, {"do": "delete", "subject": f"{kind}/{name}"})
        for kind, plural, name in (
            ("application", "applications", "shop"),
            ("microservice", "microservices", "shop/web"),
            ("node", "nodes", "east"),
            ("node", "nodes", "bare"),
            ("registry", "registries", "hub"),
            ("registry", "registries", "none"),
        )
    ),
    (
        "DELETE",
        "/nodes/east?force=true",
        None,
        {"do": "delete", "subject": "node/east", "force": True},
    ),
    *(
        (
            "POST",
            f"/{kind}s/{name}/rename",
            {"name": to},
            {"do": "rename", "subject": f"{kind}/{name}", "name": to},
        )
        for kind, name, to in (
            ("application", "shop", "mall"),
            ("microservice", "shop/web", "front"),
            ("microservice", "shop/none", "front"),
        )
    ),
    (
        "PATCH",
        "/nodes/east",
        {"name": "orient"},
        {"do": "rename", "subject": "node/east", "name": "orient"},
    ),
    (
        "POST",
        "/microservices/shop/web/rebuild",
        None,
        {"do": "rebuild", "microservice": "shop/web"},
    ),
    *(
        ("POST", f"/nodes/{name}/deprovision", None, {"do": "deprovision", "node": name})
        for name in ("east", "bare", "none")
    ),
    *(
        (
            "POST",
            f"/nodes/east/{what}",
            {"version": "9.0"} if what == "upgrade" else None,
            {
                "do": "instruct",
                "node": "east",
                "instruction": what,
                "version": "9.0" if what == "upgrade" else "",
            },
        )
        for what in ("reboot", "prune", "upgrade", "rollback")
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "change"), CHANGES)
async def test_a_change_is_planned_as_its_request_is_done(
    running: Controller,
    network: Network,
    method: str,
    path: str,
    body: object,
    change: Mapping[str, object],
) -> None:
    operator = running.operator
    before, secrets = await network.events(), dict(network.secret_keys._keys)
    plan = await planned(operator, change)
    assert await network.events() == before
    assert network.secret_keys._keys == secrets
    assert plan.number("position") == len(before)
    [said] = plan.items("changes")
    path, _, query = path.partition("?")
    asked = dict([query.split("=", 1)]) if query else None
    done = await operator.ask(method, path, body, query=asked)
    if done.status >= 400:
        problem = said["problem"]
        assert isinstance(problem, dict)
        assert said["word"] == Becomes.REFUSED
        for name in ("code", "detail", "next_step", "field", "status"):
            assert problem.get(name, "") == done.json.get(name, ""), name
    else:
        assert said["problem"] is None
        assert [each["type"] for each in listed(said, "events")] == done["events"]
        assert (said["word"] == Becomes.UNCHANGED) == (done["events"] == [])


async def test_each_change_is_decided_on_what_the_ones_before_leave(running: Controller) -> None:
    plan = await planned(
        running.operator,
        {"do": "apply-node", "name": "north"},
        shop(WEB | {"node": "north"}),
        {"do": "delete", "subject": "registry/hub"},
        {"do": "apply-application", "name": "bank", "manifest": {"microservices": [WEB]}},
        {"do": "apply-application", "name": "spa", "manifest": {"microservices": [WEB]}},
    )
    words = [(each["about"], each["word"]) for each in plan.items("changes")]
    assert words == [
        ("node/north", "created"),
        ("application/shop", "updated"),
        ("registry/hub", "deleted"),
        ("application/bank", "created"),
        ("application/spa", "refused"),
    ]
    assert containers(plan) == {
        "east": [("bank/web", "create"), ("shop/cache", "remove"), ("shop/web", "remove")],
        "north": [("shop/web", "create")],
    }
    assert plan["totals"] == {
        "created": 3,
        "updated": 1,
        "deleted": 2,
        "refused": 1,
        "containers": {"create": 2, "remove": 2},
    }
    assert ("no-device", "node/north") in codes(plan)
    assert ("password-destroyed", "registry/hub") in codes(plan)


async def test_what_replaces_a_container_and_what_does_not(running: Controller) -> None:
    async def action(**fields: object) -> object:
        change = {"do": "update-microservice", "microservice": "shop/web", "change": fields}
        [node] = (await planned(running.operator, change)).items("nodes")
        [each] = listed(node, "actions")
        return each["action"], each["because"]

    assert await action(image="shop/web:2", env={"A": "1"}) == ("replace", ["image", "env"])
    assert await action(image="shop/web:2", config={"a": 1}) == ("replace", ["image"])
    assert await action(config={"a": 1}) == ("configure", ["config"])
    assert await action(restart="never", pull="always") == ("nothing", ["restart", "pull"])
    assert await action(registry=None) == ("nothing", ["registry"])
    assert await action(started=False) == ("stop", ["started"])


async def test_a_move_says_what_it_means_for_who_is_moved(running: Controller) -> None:
    operator = running.operator
    volumes = {"volumes": [{"source": "data", "target": "/data"}]}
    (await operator.patch("/microservices/shop/web", volumes)).is_good()
    plan = await planned(operator, {"do": "move", "microservice": "shop/web", "node": "west"})
    assert containers(plan) == {"east": [("shop/web", "remove")], "west": [("shop/web", "create")]}
    about = "microservice/shop/web"
    assert codes(plan) == [("move", about), ("volumes-stay", about)]
    assert "down for as long" in plan.content.decode()
    plan = await planned(operator, {"do": "move", "microservice": "shop/web", "node": "bare"})
    assert codes(plan) == [("no-device", "node/bare"), ("move", about), ("volumes-stay", about)]
    assert "runs nowhere until bare" in plan.content.decode()


async def goes_away(controller: Controller, name: str) -> None:
    """The node's agent says goodbye."""
    credential = f"credential-of-agent-{name}-1-" + "x" * 32
    (await controller.as_(credential).post("/agent/report", {"goodbye": True})).is_good()


async def test_a_node_that_is_offline_does_it_when_it_is_back(running: Controller) -> None:
    await goes_away(running, "east")
    plan = await planned(running.operator, {"do": "stop", "subject": "application/shop"})
    assert codes(plan) == [("node-offline", "node/east")]
    move = {"do": "move", "microservice": "shop/web", "node": "west"}
    assert (
        "runs twice until east is back" in (await planned(running.operator, move)).content.decode()
    )
    await goes_away(running, "west")
    assert (
        "runs on east until that is back"
        in (await planned(running.operator, move)).content.decode()
    )


async def test_where_there_is_no_device_there_is_no_container(running: Controller) -> None:
    operator = running.operator
    (await operator.post("/microservices/shop/web/move", {"node": "bare"})).is_good()
    changed = {"do": "update-microservice", "microservice": "shop/web", "change": {"image": "a:1"}}
    plan = await planned(operator, changed)
    assert containers(plan) == {"bare": [("shop/web", "create")]}
    plan = await planned(operator, {"do": "move", "microservice": "shop/web", "node": "west"})
    assert containers(plan) == {"bare": [("shop/web", "nothing")], "west": [("shop/web", "create")]}
    assert codes(plan) == []


async def test_a_node_with_a_broken_engine_is_told(running: Controller) -> None:
    credential = "credential-of-agent-east-1-" + "x" * 32
    facts = {"facts": {"engine_problem": "the engine is not running"}}
    (await running.as_(credential).post("/agent/report", facts)).is_good()
    plan = await planned(running.operator, shop(WEB | {"image": "shop/web:2"}))
    assert ("engine-away", "node/east") in codes(plan)


async def test_a_node_that_goes_parts_its_device(running: Controller) -> None:
    plan = await planned(running.operator, {"do": "delete", "subject": "node/east", "force": True})
    assert ("device-parted", "node/east") in codes(plan)
    assert containers(plan)["east"] == [("shop/cache", "remove"), ("shop/web", "remove")]


async def test_no_password_is_told(running: Controller) -> None:
    body = {"url": "hub.example", "password": "swordfish"}
    plan = await planned(
        running.operator,
        {"do": "apply-registry", "name": "hub", "manifest": body},
        {"do": "apply-registry", "name": "new", "manifest": body},
    )
    assert "swordfish" not in plan.content.decode()
    [changed], [made] = (listed(each, "events") for each in plan.items("changes"))
    assert changed["says"] == "password set → another one"
    assert made["says"] == "created: url hub.example, password set"


async def test_a_viewer_can_not_guess_at_passwords(running: Controller) -> None:
    (await running.viewer.post("/plan", {"changes": []})).is_problem(403, "not-allowed")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"do": "explode"}, "$.changes[0]"),
        ({"name": "shop"}, "$.changes[0]"),
        (shop({"name": "web"}), "$.changes[0].manifest.microservices[0]"),
        ({"do": "delete", "subject": "node/x", "colour": 1}, "$.changes[0]"),
    ],
)
async def test_what_is_no_change_is_named_by_its_place(
    operator: Client, change: dict[str, object], field: str
) -> None:
    refused = await operator.post("/plan", {"changes": [change]})
    refused.is_problem(400, "invalid")
    assert refused.text("field").startswith(field)


@pytest.mark.parametrize(
    "change",
    [
        {"do": "delete", "subject": "user/anna"},
        {"do": "delete", "subject": "shop"},
        {"do": "start", "subject": "node/east"},
        {"do": "stop", "subject": "microservice/"},
    ],
)
async def test_what_can_not_be_done_to_a_thing_is_refused_in_the_plan(
    operator: Client, change: dict[str, object]
) -> None:
    [said] = (await planned(operator, change)).items("changes")
    assert json.dumps(said["problem"]).count("$.subject") == 1


async def test_a_plan_has_bounds(operator: Client) -> None:
    changes = [{"do": "start", "subject": "application/x"}] * 1001
    refused = await operator.post("/plan", {"changes": changes})
    refused.is_problem(400, "invalid", field="$.changes")


async def test_a_large_plan_keeps_nobody_waiting(running: Controller) -> None:
    many = [manifest(f"m{number}", env={"A": str(number)}) for number in range(900)]
    looks = 0

    async def look() -> None:
        nonlocal looks
        while True:
            await asyncio.sleep(0.001)
            looks += 1

    async with beside(look()):
        plan = await planned(running.operator, shop(*many))
    totals = plan["totals"]
    assert isinstance(totals, dict)
    assert totals["created"] == 900
    assert looks > 5
