"""Metrics of a controller: a scraper reads them, and all that is documented is there."""

from ecn.agent_status import AgentStatus
from ecn.route_traffic import RouteTraffic
from events.ids import NodeId
from tests.builders import NOW
from tests.ecn.api.server import Client, Controller, Network, manifest
from tests.metrics_page import Samples, documented, own_names, samples

ROLES_APART = {"ecn_views_lag_events", "ecn_interior_router"}
"""Said where a controller writes rows, or looks after a broker: see test_look.py."""


async def read(client: Client) -> Samples:
    answer = (await client.get("/metrics")).is_good()
    return samples(answer.content.decode())


async def routed(network: Network, controller: Controller) -> str:
    """A route from one microservice to another, and what its node's agent said of it."""
    east = await controller.agent("east")
    body = {
        "microservices": [manifest("sensor"), manifest("sink")],
        "routes": [{"name": "alarms", "source": "sensor", "destination": "sink"}],
    }
    (await controller.operator.put("/applications/plant", body)).is_good(201)
    (key,) = controller.live.world.routes
    told = RouteTraffic(
        at=NOW, state="up", stored=3, stored_bytes=3000, oldest_seconds=1.5, accepted=10,
        delivered=7, dropped=2, undefined=1, received=4,
    )  # fmt: skip
    status = AgentStatus(at=network.clock.now(), routes={key: told})
    controller.telemetry.said(NodeId(east.node_id), status)
    return east.node_id


async def test_all_that_is_documented_is_told_and_all_that_is_told_documented(
    network: Network, controller: Controller, viewer: Client
) -> None:
    await routed(network, controller)
    assert own_names(await read(viewer)) == documented("Controller") - ROLES_APART


async def test_numbers_are_those_of_the_network(
    network: Network, controller: Controller, viewer: Client
) -> None:
    await routed(network, controller)
    found = await read(viewer)
    assert found["ecn_nodes", (("state", "online"),)] == 1
    assert found["ecn_nodes", (("state", "offline"),)] == 0
    assert found["ecn_microservices", (("state", "unknown"),)] == 2
    assert found["ecn_log_position", ()] == controller.live.world.position
    assert found["ecn_agents_connected", ()] == 1
    route = (("application", "plant"), ("node", "east"), ("route", "alarms"))
    for name, value in (
        ("stored_messages", 3),
        ("stored_bytes", 3000),
        ("oldest_seconds", 1.5),
        ("up", 1),
        ("accepted_total", 10),
        ("delivered_total", 7),
        ("received_total", 4),
        ("dropped_total", 2),
        ("undefined_total", 1),
    ):
        assert found[f"ecn_route_{name}", route] == value


async def test_commands_and_requests_are_counted(
    controller: Controller, operator: Client, viewer: Client
) -> None:
    before = await read(viewer)
    (await operator.post("/nodes", {"name": "west"})).is_good(201)
    (await operator.post("/nodes", {"name": "west"})).is_problem(409, "name-taken")
    for number in range(3):
        (await viewer.get(f"/nodes/nope-{number}")).is_problem(404, "not-found")
    after = await read(viewer)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("ecn_commands_total", outcome="done") == 1
    assert grown("ecn_commands_total", outcome="refused") == 1
    assert grown("ecn_command_seconds_count") == 2
    assert grown("ecn_append_seconds_count") >= 1
    endpoint = "/api/v1/nodes/{node}"
    assert grown("ecn_http_requests_total", method="GET", endpoint=endpoint, status="404") == 3
    assert grown("ecn_http_request_seconds_count", method="GET", endpoint=endpoint) == 3


async def test_paths_and_methods_that_somebody_made_up_make_no_new_series(
    controller: Controller, viewer: Client
) -> None:
    for number in range(5):
        await viewer.session.get(f"{controller.url}/made-up/{number}")
        await viewer.session.request(f"MADE{number}", f"{controller.url}/api/v1/nodes")
    names = {dict(labels).get("endpoint", "") for _, labels in await read(viewer)}
    assert not any("made-up" in each for each in names)
    methods = {dict(labels).get("method", "other") for _, labels in await read(viewer)}
    assert methods <= {"GET", "POST", "PUT", "PATCH", "DELETE", "other"}


async def test_metrics_need_a_token(controller: Controller, nobody: Client) -> None:
    (await nobody.get("/metrics")).is_problem(401, "bad-credentials")
