"""Manifests over HTTP: one translation, one command, all or nothing, of what was seen."""

import json
from io import BytesIO

import pytest

from ecn.yaml_text import dumped
from tests.ecn.api.server import Answer, Client, Controller, Network, manifest

SHOP = dumped(
    {
        "apiVersion": "ecn/v1",
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {"microservices": [manifest("web"), manifest("till", node="new")]},
    }
)
NODE = dumped({"apiVersion": "ecn/v1", "kind": "Node", "metadata": {"name": "new"}})
REGISTRY = dumped(
    {
        "apiVersion": "ecn/v1",
        "kind": "Registry",
        "metadata": {"name": "hub"},
        "spec": {"url": "hub.example", "password": "open sesame"},
    }
)
ALL = "---\n".join((SHOP, NODE, REGISTRY))


@pytest.fixture
async def east(controller: Controller) -> Client:
    """Who deploys, where there is a node."""
    await controller.agent("east")
    return controller.operator


async def deploy(client: Client, text: str, *, key: str | None = None, **more: object) -> Answer:
    """Ask for it."""
    return await client.post(
        "/manifests", {"sources": [{"name": "m.yaml", "text": text}], **more}, key=key
    )


def done(answer: Answer) -> list[str]:
    """The types of the events that it led to."""
    said = answer.is_good().json["done"]
    assert isinstance(said, dict)
    return list(said["events"])


def words(answer: Answer) -> list[tuple[str, str]]:
    """What becomes of each thing."""
    plan = answer.is_good().json["plan"]
    assert isinstance(plan, dict)
    return [(each["about"], each["word"]) for each in plan["changes"]]


async def test_a_plan_appends_nothing_and_seals_nothing(east: Client, network: Network) -> None:
    before, secrets = await network.events(), dict(network.secret_keys._keys)
    planned = await deploy(east, ALL, plan=True)
    assert words(planned) == [
        ("node/new", "created"),
        ("registry/hub", "created"),
        ("application/shop", "created"),
    ]
    assert planned.json["done"] is None
    assert await network.events() == before
    assert network.secret_keys._keys == secrets


async def test_all_of_it_is_one_command_and_doing_it_twice_changes_nothing(
    east: Client, network: Network
) -> None:
    before = len(await network.events())
    assert done(await deploy(east, ALL)) == [
        "node.registered.v1",
        "registry.created.v1",
        "application.created.v1",
        "microservice.created.v1",
        "microservice.created.v1",
    ]
    appended = (await network.events())[before:]
    assert len({each.command_id for each in appended}) == 1
    assert len(network.secret_keys._keys) >= 1
    keys = dict(network.secret_keys._keys)
    again = await deploy(east, ALL)
    assert done(again) == []
    assert {word for _, word in words(again)} == {"unchanged"}
    assert network.secret_keys._keys == keys
    registry = (await east.get("/registries/hub")).is_good()
    assert "open sesame" not in registry.content.decode()


async def test_another_password_destroys_the_one_before(east: Client, network: Network) -> None:
    await deploy(east, REGISTRY)
    before = dict(network.secret_keys._keys)
    assert done(await deploy(east, REGISTRY.replace("open sesame", "swordfish"))) == [
        "registry.updated.v1"
    ]
    after = network.secret_keys._keys
    assert len(after) == len(before)
    assert after != before


async def test_what_one_of_them_is_refused_for_keeps_all_from_happening(
    east: Client, network: Network
) -> None:
    before, secrets = await network.events(), dict(network.secret_keys._keys)
    broken = "---\n".join((NODE, REGISTRY, SHOP.replace("east", "nowhere")))
    planned = await deploy(east, broken, plan=True)
    assert words(planned)[-1] == ("application/shop", "refused")
    (await deploy(east, broken)).is_problem(404, "not-found")
    assert await network.events() == before
    assert network.secret_keys._keys == secrets


async def test_a_retry_gets_the_answer_of_the_first_time(east: Client, network: Network) -> None:
    first = await deploy(east, ALL, key="once")
    count = len(await network.events())
    again = await deploy(east, ALL, key="once")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json["done"] == first.json["done"]
    assert words(again) == words(first)
    assert len(await network.events()) == count


async def test_every_fault_is_told_in_a_line_with_its_place(east: Client) -> None:
    text = "apiVersion: ecn/v1\nkind: Node\nmetadata: {name: a}\nspec:\n  colour: red\n  tags: x\n"
    problem = (await deploy(east, text + "---\nkind: [\n")).is_problem(400, "invalid")
    assert problem.text("detail").startswith("m.yaml:")
    problem = (await deploy(east, text)).is_problem(400, "invalid", field="$.sources")
    lines = problem.text("detail").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["m.yaml:5:3:", "m.yaml:6:3:"]
    planned = (await deploy(east, text, plan=True)).is_good()
    assert planned.json["plan"] is None
    assert [(each["line"], each["column"]) for each in planned.items("faults")] == [(5, 3), (6, 3)]
    assert "colour" in str(planned.items("faults")[0]["says"])


async def test_it_does_not_look_where_only_a_command_can(east: Client) -> None:
    for kind, spec in (
        ("Registry", {"url": "a.example", "password_from": {"file": "/etc/shadow"}}),
        ("Volume", {"source": "/etc"}),
    ):
        text = dumped(
            {"apiVersion": "ecn/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}
        )
        problem = (await deploy(east, text)).is_problem(400, "invalid")
        assert "the controller can't look there" in problem.text("detail")
        assert problem.text("detail").startswith("m.yaml:")


async def test_what_was_seen_is_done_or_nothing(east: Client) -> None:
    seen = (await deploy(east, NODE, plan=True)).number("position")
    await east.post("/nodes", {"name": "unrelated"})
    other = await deploy(east, SHOP, plan=True, expected_position=seen)
    other.is_good()
    await east.post("/nodes", {"name": "new"})
    (await deploy(east, NODE, expected_position=seen)).is_problem(409, "revision-moved")
    assert done(await deploy(east, NODE)) == []


async def test_documents_of_iofog_are_understood(east: Client) -> None:
    text = dumped(
        {
            "apiVersion": "iofog.org/v3",
            "kind": "Application",
            "metadata": {"name": "demo"},
            "spec": {
                "microservices": [
                    {
                        "name": "web",
                        "agent": {"name": "east"},
                        "images": {"x86": "shop/web:1", "registry": "remote"},
                    }
                ]
            },
        }
    )
    assert "microservice.created.v1" in done(await deploy(east, text))


async def test_nothing_and_too_much_are_refused(east: Client, controller: Controller) -> None:
    (await deploy(east, "# nothing\n")).is_problem(400, "invalid")
    (await east.post("/manifests", {"sources": []})).is_problem(400, "invalid")
    halves = [{"text": "#" * (1 << 19)}] * 2 + [{"text": "#"}]
    much = BytesIO(json.dumps({"sources": halves}).encode())
    (await east.ask("POST", "/manifests", content=much)).is_problem(400, "invalid")
    (await deploy(controller.viewer, NODE)).is_problem(403, "not-allowed")
