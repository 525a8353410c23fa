"""Questions to the log: by subject and name, by type, by word; what is gone, and what is hidden."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ecn.api.server import Client, Controller, Network, manifest
from tests.ecn.api.test_at import STEPS, Step, applied, catalogued, registered, unapplied
from tests.ecn.api.test_feed import following


async def types(client: Client, **query: str) -> list[object]:
    """The types of the events that are found, in order."""
    return [each["type"] for each in (await client.get("/events", **query)).is_good().items()]


async def positions(client: Client, **query: str) -> list[object]:
    """The positions of the events that are found, in order."""
    return [each["position"] for each in (await client.get("/events", **query)).is_good().items()]


async def deploy(client: Client, *names: str, application: str = "shop") -> None:
    """The application with these microservices, and no others."""
    body = {"microservices": [manifest(name) for name in names]}
    assert (await client.put(f"/applications/{application}", body)).status in (200, 201)


# --- types --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "found"),
    [
        ("node.registered.v1", ["node.registered.v1"]),
        ("node.registered.v2", []),
        ("node.registered", ["node.registered.v1"]),
        ("node.registered.*", ["node.registered.v1"]),
        ("node.register", []),
        ("node", ["node.registered.v1", "node.renamed.v1"]),
        ("node.*", ["node.registered.v1", "node.renamed.v1"]),
        ("nod", []),
        ("node.registered.v", []),
    ],
)
async def test_a_type_is_one_version_or_all_or_all_of_a_kind(
    operator: Client, type_: str, found: list[str]
) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.patch("/nodes/east", {"name": "west"})
    assert await types(operator, type=type_) == found


@pytest.mark.parametrize("type_", ["", "*", ".", "no*de", ".*"])
async def test_a_pattern_that_is_no_type_is_refused(operator: Client, type_: str) -> None:
    refused = await operator.get("/events", type=type_)
    refused.is_problem(400, "invalid", field="?type")


async def test_changes_leave_out_what_devices_merely_report(
    controller: Controller, operator: Client
) -> None:
    agent = await controller.agent("east")
    await deploy(operator, "web")
    (shown,) = (await operator.get("/microservices")).items()
    status = {"state": "running", "at": "2026-03-01T12:00:00Z"}
    transition = {"sequence": 1, "microservice_id": shown["id"], "status": status}
    (await agent.report(containers=[transition])).is_good()
    everything = await types(operator)
    assert "container.reported.v1" in everything
    changes = await types(operator, changes="true")
    assert changes == [each for each in everything if each != "container.reported.v1"]


# --- subjects -----------------------------------------------------------------------------------


async def test_what_was_deleted_is_found_by_its_name_with_all_that_bore_it(
    operator: Client,
) -> None:
    for _ in range(2):
        await operator.post("/nodes", {"name": "east"})
        await operator.delete("/nodes/east")
    await operator.post("/nodes", {"name": "west"})
    both = ["node.registered.v1", "node.deleted.v1"] * 2
    assert await types(operator, subject="node/east") == both
    first = (await operator.get("/events", subject="node/east")).items()[0]
    assert await types(operator, subject=str(first["subject"])) == both[:2]
    await operator.post("/nodes", {"name": "east"})
    assert await types(operator, subject="node/east") == [*both, "node.registered.v1"]
    refused = await operator.get("/events", subject="node/north")
    refused.is_problem(404, "not-found")


async def test_an_application_is_asked_for_with_its_microservices_past_and_present(
    operator: Client,
) -> None:
    await operator.post("/nodes", {"name": "east"})
    await deploy(operator, "web", "cache")
    await deploy(operator, "web")
    await deploy(operator, "web", application="other")
    found = await types(operator, subject="application/shop")
    assert found == [
        "application.created.v1",
        "microservice.created.v1",
        "microservice.created.v1",
        "microservice.deleted.v1",
    ]
    assert await types(operator, subject="application/shop", type="application") == found[:1]
    await operator.delete("/applications/shop")
    found = await types(operator, subject="application/shop")
    assert found[-2:] == ["microservice.deleted.v1", "application.deleted.v1"]


async def test_two_applications_of_one_name_are_told_apart_by_id(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    began = len(await positions(operator))
    ids = []
    for names in (("web", "cache"), ("web",)):
        await deploy(operator, *names)
        ids.append((await operator.get("/applications/shop")).text("id"))
        await operator.delete("/applications/shop")
    every = list(range(began + 1, began + 11))
    assert await positions(operator, subject="application/shop") == every
    assert await positions(operator, subject=f"application/{ids[0]}") == every[:6]
    assert await positions(operator, subject=f"application/{ids[1]}") == every[6:]


async def test_a_device_is_an_actor_by_its_name(controller: Controller, operator: Client) -> None:
    agent = await controller.agent("east")
    await controller.agent("west")
    by_id = await positions(operator, actor=f"node/{agent.node_id}")
    assert by_id
    assert await positions(operator, actor="node/east") == by_id
    assert await positions(operator, actor="user/otto") != by_id
    assert await positions(operator, actor="node/north") == []


async def test_a_command_and_a_request_lead_to_their_events(operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    await deploy(operator, "web", "cache")
    created = (await operator.get("/events", subject="application/shop")).items()
    made = [each["position"] for each in created]
    assert len(made) == 3
    first = created[0]
    assert await positions(operator, command_id=str(first["command_id"])) == made
    assert await positions(operator, correlation_id=str(first["correlation_id"])) == made


# --- words --------------------------------------------------------------------------------------


async def test_a_word_is_found_in_names_and_data_in_capitals_or_not(
    operator: Client,
) -> None:
    await operator.post("/nodes", {"name": "east"})
    began = len(await positions(operator))
    await operator.patch("/nodes/east", {"settings": {"location": "Große Halle 100%"}})
    updated = [began + 1]
    for word in ("große HALLE", "GROßE", "100%", "e Ha"):
        assert await positions(operator, text=word) == updated, word
    for word in ("gro_e", "Gro%", "50%", "halle\\"):
        assert await positions(operator, text=word) == [], word
    await operator.delete("/nodes/east")
    about = await positions(operator, subject="node/east")
    assert await positions(operator, text="EAST") == about
    assert len(about) == 3


async def test_a_word_does_not_tell_what_is_hidden(
    controller: Controller, admin: Client, operator: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    await operator.put("/registries/hub", {"url": "hub.example", "password": "looking-glass"})
    await controller.agent("east")
    log = await controller.network.log.read(0)  # type: ignore[arg-type]
    shown = json.dumps((await admin.get("/events", limit="1000")).json).lower()
    hidden = {"password_hash", "key_hash", "credential_hash", "ciphertext"}
    for event in log:
        data = json.loads(event.data)
        hidden |= {str(value) for name, value in data.items() if name.endswith("_hash")}
        sealed = (data.get("settings") or {}).get("password")
        hidden |= {sealed["ciphertext"]} if sealed else set()
    assert len(hidden) > 8
    for secret in hidden:
        for word in (secret, secret[:4], secret[3:9]):
            if word.lower() not in shown:
                assert await positions(admin, text=word) == [], word


@pytest.mark.parametrize("word", ["", "x" * 201, "a\0b"])
async def test_a_word_has_a_bearable_length(operator: Client, word: str) -> None:
    refused = await operator.get("/events", text=word)
    refused.is_problem(400, "invalid", field="?text")


async def test_a_word_that_is_no_text_is_no_fault_of_ours(
    controller: Controller, viewer: Client
) -> None:
    url = f"{controller.url}/api/v1/events?text=%ff&actor=%ed%a0%80&subject=node/%ff"
    async with viewer.session.get(url, headers=viewer.headers()) as response:
        assert response.status in (200, 400, 404), await response.text()


# --- pages --------------------------------------------------------------------------------------


async def test_a_long_search_is_answered_in_parts(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await operator.post("/nodes", {"name": f"n{number}"})
    everything = await positions(operator, order="desc")
    monkeypatch.setattr("ecn.api.events.LOOK_WITHIN", -1.0)
    monkeypatch.setattr("events.search.FIRST_STEP", 3)
    found: list[object] = []
    query: dict[str, str] = {"order": "desc"}
    pages = 0
    while True:
        page = (await operator.get("/events", **query)).is_good()
        found += [each["position"] for each in page.items()]
        pages += 1
        if page["next"] is None:
            break
        query["before"] = str(page["next"])
    assert found == everything
    assert pages > 5


# --- feeds --------------------------------------------------------------------------------------


async def test_a_feed_takes_in_what_is_made_while_it_runs(
    controller: Controller, operator: Client
) -> None:
    await controller.agent("east")
    await deploy(operator, "web")
    async with (
        following(controller.viewer, subject="application/shop") as family,
        following(controller.viewer, text="Cache") as word,
        following(controller.viewer, subject="node/east") as name,
        following(controller.viewer, actor="node/east", changes="true") as device,
    ):
        await deploy(operator, "web", "cache")
        await deploy(operator, "web", application="other")
        await operator.post("/microservices/shop/cache/stop")
        await operator.delete("/applications/shop")
        await operator.delete("/nodes/east", force="true")
        made = await operator.post("/nodes", {"name": "east"})
        await controller.provisioned("east", made.text("subject").removeprefix("node/"), 2)
        cache = ["microservice.created.v1", "microservice.stopped.v1", "microservice.deleted.v1"]
        assert sorted(map(str, await word.take(3))) == sorted(cache)
        assert await family.take(5) == [
            *cache[:2],
            "microservice.deleted.v1",
            "microservice.deleted.v1",
            "application.deleted.v1",
        ]
        assert await name.take(3) == [
            "node.deleted.v1",
            "node.registered.v1",
            "node.key-issued.v1",
        ]
        first = (await asyncio.wait_for(device.next(), 5))["type"]
        assert first == "node.provisioned.v1"


QUESTIONS: tuple[dict[str, str], ...] = (
    {},
    {"changes": "true"},
    {"type": "node"},
    {"type": "microservice.created", "actor": "user/otto"},
    {"subject": "application/shop"},
    {"subject": "microservice/shop/web"},
    {"subject": "registry/hub"},
    {"subject": "registry", "text": "HUB"},
    {"text": "cache"},
    {"text": "shop/web:1"},
)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12),
    asked=st.sampled_from(QUESTIONS),
)
def test_who_follows_from_the_beginning_sees_what_a_search_finds(
    steps: list[Step], asked: dict[str, str]
) -> None:
    async def live_through() -> None:
        async with Network.running() as network, network.controller() as controller:
            # There from the beginning, so that it can be asked for by name; gone again at once.
            await catalogued(controller)
            await registered(controller)
            await applied(controller)
            await unapplied(controller)
            async with following(controller.admin, headers=None, after="0", **asked) as feed:
                for step in steps:
                    await step(controller)
                found = await positions(controller.admin, limit="1000", **asked)
                async with asyncio.timeout(5):
                    assert [(await feed.next())["position"] for _ in found] == found
            async with (
                following(controller.admin, headers=None, after="0", **asked) as feed,
                asyncio.timeout(5),
            ):
                assert [(await feed.next())["position"] for _ in found] == found

    asyncio.run(live_through())
