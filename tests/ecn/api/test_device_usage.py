"""What devices say they use: shown with its age, kept out of the log."""

import pytest

from tests.ecn.api.server import OPERATOR, Agent, Client, Controller, Network, manifest

AT = "2026-03-01T12:00:00Z"
USAGE: dict[str, object] = {
    "cpu_percent": 12.5,
    "memory_available_mib": 700,
    "disk_free_mib": 9000,
    "agent_cpu_percent": 0.3,
    "agent_memory_mib": 41.5,
}


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """With shop/web, whose image is pulled."""
    agent = await controller.agent("east")
    web = {"microservices": [manifest("web")]}
    (await controller.operator.put("/applications/shop", web)).is_good(201)
    key = await web_of(agent)
    status = {"state": "pulling", "at": AT}
    said = [{"sequence": 1, "microservice_id": key, "status": status}]
    (await agent.report(containers=said)).is_good()
    return agent


async def web_of(agent: Agent) -> str:
    (web,) = (await agent.desired()).items("changed")
    return str(web["microservice_id"])


async def test_a_node_shows_what_its_device_uses(
    network: Network, east: Agent, operator: Client
) -> None:
    before = len(await network.events())
    assert (await operator.get("/nodes/east"))["usage"] is None
    (await east.report(usage=USAGE)).is_good()
    wanted = {"at": AT, **USAGE}
    assert (await operator.get("/nodes/east"))["usage"] == wanted
    (listed,) = (await operator.get("/nodes")).items("items")
    assert listed["usage"] == wanted
    assert len(await network.events()) == before
    then = await operator.get("/nodes/east?at=1s")
    assert then.json.get("usage") is None


async def test_a_pull_shows_how_far_it_is_and_nothing_when_it_is_over(
    network: Network, east: Agent, operator: Client
) -> None:
    web = await web_of(east)
    before = len(await network.events())
    pulls = {web: {"done_bytes": 43, "total_bytes": 100}}
    (await east.report(usage={**USAGE, "pulls": pulls})).is_good()
    for path in ("/microservices/shop/web", "/applications/shop", "/microservices"):
        answer = await operator.get(path)
        of = answer.json
        if path != "/microservices/shop/web":
            (of,) = answer.items("microservices" if "applications" in path else "items")
        assert of["pull_percent"] == 43
    assert len(await network.events()) == before
    (await east.report(usage=USAGE)).is_good()
    assert (await operator.get("/microservices/shop/web"))["pull_percent"] is None
    (await east.report(usage={**USAGE, "pulls": pulls})).is_good()
    status = {"state": "running", "at": AT}
    said = [{"sequence": 2, "microservice_id": web, "status": status}]
    (await east.report(containers=said)).is_good()
    assert (await operator.get("/microservices/shop/web"))["pull_percent"] is None


async def test_what_a_device_says_of_others_is_not_kept(
    controller: Controller, east: Agent, operator: Client
) -> None:
    west = await controller.agent("west")
    web = await web_of(east)
    pulls = {
        web: {"done_bytes": 99, "total_bytes": 100},
        "nobody": {"done_bytes": 1, "total_bytes": 2},
    }
    (await west.report(usage={**USAGE, "pulls": pulls})).is_good()
    assert (await operator.get("/microservices/shop/web"))["pull_percent"] is None


@pytest.mark.parametrize("number", [-5, 1e300, 10**18])
async def test_numbers_that_make_no_sense_are_bounded(
    east: Agent, operator: Client, number: float
) -> None:
    pulls = {await web_of(east): {"done_bytes": int(number), "total_bytes": 1}}
    said = {"cpu_percent": number, "disk_free_mib": int(number), "pulls": pulls}
    answer = await east.report(usage=said)
    if answer.status == 400:
        return  # no number of JSON's
    answer.is_good()
    usage = (await operator.get("/nodes/east")).json["usage"]
    assert isinstance(usage, dict)
    assert 0 <= usage["cpu_percent"] <= 1 << 53


async def test_two_controllers_show_what_one_of_them_heard(network: Network) -> None:
    async with network.controller() as first, network.controller() as second:
        agent = await first.agent("east")
        (await agent.report(usage=USAGE)).is_good()
        await first.telemetry.write()
        for each in (first, second):
            assert (await each.viewer.get("/nodes/east"))["usage"] == {"at": AT, **USAGE}


async def test_iofogs_clients_are_shown_it_as_of_their_own_agents(
    controller: Controller, east: Agent
) -> None:
    web = await web_of(east)
    pulls = {web: {"done_bytes": 43, "total_bytes": 100}}
    (await east.report(usage={**USAGE, "pulls": pulls})).is_good()
    headers = {"Authorization": OPERATOR}
    base, session = f"{controller.url}/api/v3", controller.network.session
    async with session.get(f"{base}/iofog/{east.node_id}", headers=headers) as answer:
        node = await answer.json()
    assert (node["daemonStatus"], node["systemTotalCpu"]) == ("RUNNING", 12.5)
    assert (node["memoryUsage"], node["cpuUsage"]) == (41.5, 0.3)
    assert node["systemAvailableDisk"] == 9000 << 20
    assert node["systemAvailableMemory"] == 700 << 20
    async with session.get(f"{base}/microservices/{web}", headers=headers) as answer:
        microservice = await answer.json()
    assert microservice["status"]["status"] == "PULLING"
    assert microservice["status"]["percentage"] == 43
