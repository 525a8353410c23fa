"""Reads of the past: `at=P` answers what was answered when the log was at P, everywhere."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecn.api.app import ENDPOINTS
from ecn.api.endpoint import AT, Access, Endpoint
from ecn.api.openapi import PARAMETER
from events.log import LogUnavailable
from tests.builders import NOW
from tests.ecn.api.server import Answer, Client, Controller, Network, manifest
from tests.ecn.api.test_router_configuration import of_a_router

Json = dict[str, object]

READS = {
    "/status": "/status",
    "/nodes": "/nodes",
    "/nodes/{node}": "/nodes/east",
    "/applications": "/applications",
    "/applications/{application}": "/applications/shop",
    "/microservices": "/microservices?application=shop",
    "/microservices/{application}/{name}": "/microservices/shop/web",
    "/microservices/{id}": "/microservices/{by_id}",
    "/routes": "/routes?application=shop",
    "/routes/{application}/{name}": "/routes/shop/back",
    "/routes/{id}": "/routes/{by_id}",
    "/templates": "/templates",
    "/templates/{template}": "/templates/site",
    "/catalog-items": "/catalog-items",
    "/catalog-items/{catalog_item}": "/catalog-items/till",
    "/edge-resources": "/edge-resources",
    "/edge-resources/{edge_resource}": "/edge-resources/camera@1.0.0",
    "/volumes": "/volumes",
    "/volumes/{volume}": "/volumes/conf",
    "/network": "/network",
    "/registries": "/registries",
    "/registries/{registry}": "/registries/hub",
    "/users": "/users",
    "/blame/{kind}/{ref}": "/blame/node/east",
    "/blame/microservice/{application}/{name}": "/blame/microservice/shop/web",
    "/blame/route/{application}/{name}": "/blame/route/shop/back",
    "/microservices/{application}/{name}/twin": "/microservices/shop/web/twin",
    "/microservices/{application}/{name}/twin/desired": "/microservices/shop/web/twin/desired",
    "/microservices/{id}/twin": "/microservices/{by_id}/twin",
    "/microservices/{id}/twin/desired": "/microservices/{by_id}/twin/desired",
    "/sessions": "/sessions",
    "/why/{kind}/{ref}": "/why/node/east",
    "/why/route/{application}/{name}": "/why/route/shop/back",
    "/why/microservice/{application}/{name}": "/why/microservice/shop/web",
    "/dashboard/snapshot": "/dashboard/snapshot",
    "/events": "/events?subject=node/east&order=desc&limit=1000",
}
"""Each endpoint that has a past, and how it is asked here. A new one is a line here."""

BY_ID = {
    "/microservices/{id}": "/microservices/shop/web",
    "/microservices/{id}/twin": "/microservices/shop/web",
    "/microservices/{id}/twin/desired": "/microservices/shop/web",
    "/routes/{id}": "/routes/shop/back",
}
"""How the id is found that those ask by."""

OF_NOW = ("last_seen", "pull_percent", "telemetry", "uptime_seconds", "usage")
"""Telemetry: who is heard, what it said of itself, and how long the controller has run."""

Step = Callable[[Controller], Awaitable[object]]


def ways(endpoints: Sequence[Endpoint]) -> list[str]:
    """Their paths as the documentation writes them, once each."""
    return sorted({PARAMETER.sub(r"{\1}", each.path) for each in endpoints})


WITH_PAST = ways([each for each in ENDPOINTS if each.at])


def test_only_reads_have_a_past_and_each_is_tried_here() -> None:
    assert all(each.method == "GET" for each in ENDPOINTS if each.at)
    assert set(READS) == set(WITH_PAST)


# --- what happens, so that there is a past ------------------------------------------------------


async def registered(controller: Controller) -> None:
    await controller.operator.post("/nodes", {"name": "east"})


async def provisioned(controller: Controller) -> None:
    shown = await controller.operator.get("/nodes/east")
    if shown.status == 200:
        number = controller.world_position
        agent = await controller.provisioned("east", shown.text("id"), number)
        controller.network.clock.advance(5)
        await agent.desired()


async def renamed(controller: Controller) -> None:
    await controller.operator.patch("/nodes/east", {"name": "west"})


async def renamed_back(controller: Controller) -> None:
    await controller.operator.patch("/nodes/west", {"name": "east", "settings": {"tags": ["a"]}})


async def deleted(controller: Controller) -> None:
    await controller.operator.delete("/nodes/east", force="true")


async def catalogued(controller: Controller) -> None:
    hub = {"url": "hub.example", "username": f"u{controller.world_position}", "password": "secret"}
    await controller.operator.put("/registries/hub", hub)


async def uncatalogued(controller: Controller) -> None:
    await controller.operator.delete("/registries/hub")


async def applied(controller: Controller) -> None:
    web = manifest(env={"N": str(controller.world_position)})
    await controller.operator.put("/applications/shop", {"microservices": [web]})


async def grown(controller: Controller) -> None:
    wanted = {"microservices": [manifest(), manifest("cache")], "labels": {"team": "a"}}
    await controller.operator.put("/applications/shop", wanted)
    twin = {"rate": controller.world_position}
    await controller.operator.patch("/microservices/shop/web/twin/desired", twin)


async def offered(controller: Controller) -> None:
    """All that microservices use, another each time."""
    operator, number = controller.operator, str(controller.world_position)
    for path, body in {
        "/templates/site": {"description": number},
        "/catalog-items/till": {"images": {"x86": "till"}, "description": number},
        "/edge-resources/camera@1.0.0": {"description": number},
        "/network/settings/default-proxy-host": {"value": number},
        "/volumes/conf": {"destination": f"/etc/{number}", "nodes": ["east"]},
        "/routes/shop/back": {"source": "web", "destination": "web"},
    }.items():
        await operator.put(path, body)
    await operator.post("/edge-resources/camera@1.0.0/link", {"node": "east"})


async def withdrawn(controller: Controller) -> None:
    for path in ("/templates/site", "/catalog-items/till", "/volumes/conf", "/routes/shop/back"):
        await controller.operator.delete(path)


async def stopped(controller: Controller) -> None:
    await controller.operator.post("/applications/shop/stop")


async def unapplied(controller: Controller) -> None:
    await controller.operator.delete("/applications/shop")


async def joined(controller: Controller) -> None:
    await controller.admin.post("/users", {"name": "anna", "password": "wonderland"})


async def left(controller: Controller) -> None:
    await controller.admin.delete("/users/anna")


STEPS: tuple[Step, ...] = (
    registered,
    provisioned,
    catalogued,
    applied,
    offered,
    grown,
    offered,
    renamed,
    renamed_back,
    withdrawn,
    stopped,
    joined,
    unapplied,
    deleted,
    registered,
    applied,
    uncatalogued,
    left,
)


class Diary:
    """What was answered to one question, each time when that was now."""

    def __init__(self, admin: Client, way: str) -> None:
        self.admin = admin
        self.way = way
        self.key = "0" * 32
        """An id, for the way that asks by id."""
        self.answers: dict[int, tuple[str, Answer]] = {}
        """By position; with the id that it was asked by."""

    async def ask(self, key: str = "", **query: str) -> Answer:
        """Ask now, or as of then."""
        path, _, more = READS[self.way].replace("{by_id}", key or self.key).partition("?")
        given = dict(each.split("=") for each in more.split("&")) if more else {}
        return await self.admin.get(path, **given, **query)

    async def write(self, controller: Controller) -> None:
        """Keep what is answered now."""
        named = BY_ID.get(self.way)
        if named is not None:
            shown = await self.admin.get(named)
            self.key = shown.text("id") if shown.status == 200 else self.key
        self.answers[controller.world_position] = self.key, await self.ask()

    async def holds(self) -> None:
        """Errors: AssertionError where the past is told otherwise than it was."""
        for position, (key, answer) in self.answers.items():
            then = await self.ask(key, at=str(position))
            assert lasting(then) == lasting(answer), f"at {position}"


def lasting(answer: Answer) -> object:
    """What it says of the network, without telemetry; of a refusal, which it is."""
    if answer.status != 200:
        return answer.status, answer["code"]

    def of_now(key: str, value: object) -> bool:
        # A route's status is telemetry, a microservice's is history.
        of_route = key == "status" and (
            value is None or (isinstance(value, dict) and "oldest_seconds" in value)
        )
        return of_route or key in OF_NOW

    def without(value: object) -> object:
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if not of_now(k, v)}
        return [without(each) for each in value] if isinstance(value, list) else value

    return answer.headers["ECN-Position"], without(answer.json)


@pytest.mark.parametrize("way", WITH_PAST)
async def test_each_read_answers_of_then_what_it_answered_then(
    controller: Controller, way: str
) -> None:
    diary = Diary(controller.admin, way)
    await diary.write(controller)
    for step in STEPS:
        controller.network.clock.advance(60)
        await step(controller)
        await diary.write(controller)
    said = {repr(lasting(each)) for _, each in diary.answers.values()}
    assert len(said) > 3, "nothing happened"
    await diary.holds()
    for position in range(controller.world_position + 1):
        then = await diary.ask(at=str(position))
        assert then.headers["ECN-Position"] == str(position)
        if then.status == 200:
            assert then.json.get("position", position) == position
        else:
            then.is_problem(404, "not-found")
            assert f"at position {position}" in then.text("detail")
            assert f"--at {position}" in then.text("next_step")


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12),
    way=st.sampled_from(WITH_PAST),
)
def test_after_any_history_the_past_is_answered_as_it_was(steps: list[Step], way: str) -> None:
    async def live_through() -> None:
        async with Network.running() as network, network.controller() as controller:
            diary = Diary(controller.admin, way)
            for step in steps:
                await step(controller)
                controller.network.clock.advance(1)
                await diary.write(controller)
            await diary.holds()

    asyncio.run(live_through())


# --- what a moment may be -----------------------------------------------------------------------


async def test_a_time_means_the_last_position_at_or_before_it(
    controller: Controller, operator: Client
) -> None:
    began = controller.world_position
    for name in ("east", "west"):
        controller.network.clock.advance(60)
        await operator.post("/nodes", {"name": name})
    for moment, names in (
        (NOW - timedelta(days=1), []),
        (NOW + timedelta(seconds=59.999999), []),
        (NOW + timedelta(seconds=60), ["east"]),
        (NOW + timedelta(seconds=119), ["east"]),
        (NOW + timedelta(seconds=120), ["east", "west"]),
        (NOW + timedelta(days=900), ["east", "west"]),
    ):
        then = (await operator.get("/nodes", at=moment.isoformat())).is_good()
        assert [each["name"] for each in then.items()] == names, moment
    elsewhere = (NOW + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
    then = await operator.get("/nodes", at=elsewhere)
    assert then["position"] == began + 1
    unescaped = f"{controller.url}/api/v1/nodes?at={NOW.isoformat()}"
    async with operator.session.get(unescaped, headers=operator.headers()) as response:
        assert (response.status, (await response.json())["position"]) == (200, began)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("", "no moment"),
        ("yesterday", "no moment"),
        ("-1", "no moment"),
        ("1.5", "no moment"),
        ("٣", "no moment"),
        ("9" * 30, "no moment"),
        ("2026-13-01T00:00:00Z", "no moment"),
        ("0001-01-01T00:00:00+14:00", "no moment"),
        ("2026-01-31", "no moment"),
        ("2026-01-31T12:00:00", "no time zone"),
        ("999999", "the log ends at"),
    ],
)
async def test_what_is_no_moment_is_refused_and_says_what_would_be(
    operator: Client, moment: str, said: str
) -> None:
    refused = await operator.get("/nodes", at=moment)
    refused.is_problem(400, "invalid", field="?at")
    assert said in refused.text("detail")


async def test_a_time_without_a_zone_is_told_how_to_have_one(operator: Client) -> None:
    refused = await operator.get("/nodes", at="2026-01-31T12:00:00")
    assert "2026-01-31T12:00:00Z" in refused.text("next_step")


async def test_beyond_the_end_it_says_where_the_log_ends(
    controller: Controller, operator: Client
) -> None:
    end = controller.world_position
    refused = await operator.get("/nodes", at=str(end + 1))
    refused.is_problem(400, "invalid", field="?at")
    assert refused["detail"] == f"position {end + 1} is to come: the log ends at {end}"
    assert str(end) in refused.text("next_step")


async def test_what_another_controller_wrote_is_no_future(network: Network) -> None:
    async with network.controller() as one, network.controller(following=False) as other:
        network.clock.advance(60)
        await one.operator.post("/nodes", {"name": "east"})
        position = one.world_position
        assert other.world_position < position
        then = (await other.operator.get("/nodes", at=str(position))).is_good()
        assert [each["name"] for each in then.items()] == ["east"]
        network.clock.advance(60)
        await one.operator.post("/nodes", {"name": "west"})
        then = await other.operator.get("/nodes", at=network.clock.now().isoformat())
        assert then.is_good()["position"] == position + 1


# --- what is of now only ------------------------------------------------------------------------


OF_NOW_ONLY = sorted(
    {
        (each.method, PARAMETER.sub(r"{\1}", each.path))
        for each in ENDPOINTS
        if not each.at and all(query.name != AT.name for query in each.queries)
    }
)


@pytest.mark.parametrize(("method", "way"), OF_NOW_ONLY)
async def test_all_else_refuses_a_moment_rather_than_answer_of_now(
    controller: Controller, method: str, way: str
) -> None:
    agent = await controller.agent("east")
    await controller.operator.put("/applications/shop", {"microservices": [manifest()]})
    path = way.replace("{id}", "0" * 32).replace("{", "").replace("}", "")
    client = agent.client if way.startswith("/agent") else controller.admin
    if way.startswith("/router/"):
        client = await of_a_router(controller, "gate")
    before = controller.world_position
    refused = await client.ask(method, path, query={"at": "3"})
    refused.is_problem(400, "invalid", field="?at")
    assert controller.world_position == before


async def test_a_feed_of_the_past_is_refused(controller: Controller, viewer: Client) -> None:
    headers = {"Accept": "text/event-stream"}
    refused = await viewer.ask("GET", "/events", headers=headers, query={"at": "3"})
    refused.is_problem(400, "invalid", field="?at")


async def test_the_past_shows_no_telemetry(controller: Controller) -> None:
    agent = await controller.agent("east")
    controller.network.clock.advance(30)
    await agent.desired()
    heard = (NOW + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    assert (await controller.viewer.get("/nodes/east"))["last_seen"] == heard
    then = await controller.viewer.get("/nodes/east", at=str(controller.world_position))
    assert then.is_good()["last_seen"] is None
    (listed,) = (await controller.viewer.get("/nodes", at=str(controller.world_position))).items()
    assert listed["last_seen"] is None


async def test_the_past_is_never_stale(controller: Controller, viewer: Client) -> None:
    controller.live.stale = True
    assert (await viewer.get("/nodes"))["stale"] is True
    for path in ("/nodes", "/status"):
        then = await viewer.get(path, at=str(controller.world_position))
        assert then.is_good()["stale"] is False
    assert then["status"] == "degraded"


async def test_while_the_log_is_away_the_past_is_unavailable_and_no_fault(
    controller: Controller, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise LogUnavailable("the database does not answer")

    monkeypatch.setattr(controller.network.log, "read", away)
    monkeypatch.setattr(controller.network.log, "position_at", away)
    for moment in ("999", NOW.isoformat()):
        refused = await viewer.get("/nodes", at=moment)
        assert refused.status == 503
        assert refused["next_step"]


# --- who may ------------------------------------------------------------------------------------


async def test_the_status_of_the_past_needs_a_token(controller: Controller) -> None:
    (await controller.nobody.get("/status")).is_good()
    refused = await controller.nobody.get("/status", at="1")
    refused.is_problem(401, "bad-credentials")
    (await controller.viewer.get("/status", at="1")).is_good()


async def test_who_may_look_back_is_decided_now(controller: Controller, admin: Client) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    anna = controller.as_((await controller.nobody.post("/login", login)).text("token"))
    position = str(controller.world_position)
    (await anna.get("/nodes", at=position)).is_good()
    await admin.delete("/users/anna")
    (await anna.get("/nodes", at=position)).is_problem(401, "bad-credentials")


async def test_a_name_means_what_bore_it_then(controller: Controller, operator: Client) -> None:
    await operator.post("/nodes", {"name": "east"})
    first = (await operator.get("/nodes/east")).text("id")
    then = str(controller.world_position)
    await operator.delete("/nodes/east")
    await operator.post("/nodes", {"name": "east"})
    second = (await operator.get("/nodes/east")).text("id")
    assert first != second
    assert (await operator.get("/nodes/east", at=then))["id"] == first
    found = (await operator.get("/events", subject="node/east", at=then)).items()
    assert {each["subject"] for each in found} == {f"node/{first}"}


async def test_the_description_names_the_parameter_where_it_is_served(
    controller: Controller,
) -> None:
    described = controller.network.described
    for row in ENDPOINTS:
        path = "/api/v1" + PARAMETER.sub(r"{\1}", row.path)
        parameters = described.operations()[path][row.method.lower()]["parameters"]
        assert isinstance(parameters, list)
        names = [each["name"] for each in parameters]
        own = [query.name for query in row.queries]
        assert ("at" in names) == (row.at or "at" in own), path
        if row.access is not Access.ANYONE and row.at:
            assert "at_least" in names
