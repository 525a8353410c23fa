"""A Java Agent at our controller: all that it asks, in its order, and what its owner sees of it."""

import json

import pytest

from tests.ecn.api.server import OPERATOR, Controller
from tests.iofog.java_agent import JavaAgent, Refused, never_started, running, unknown

Document = dict[str, object]

IMAGES = [
    {"fogTypeId": 1, "containerImage": "shop/web:1"},
    {"fogTypeId": 2, "containerImage": "shop/web-arm:1"},
]


class Owner:
    """Whoever runs the network, by ioFog's API."""

    def __init__(self, controller: Controller) -> None:
        self._session = controller.network.session
        self.url = controller.url + "/api/v3"

    async def ask(self, method: str, path: str, body: object = None) -> Document:
        """One request that works; the body of the answer, {} where there is none."""
        async with self._session.request(
            method, self.url + path, json=body, headers={"Authorization": OPERATOR}
        ) as response:
            said = await response.read()
            assert response.status in (200, 201, 202, 204), f"{response.status} {said.decode()}"
            document = json.loads(said) if said else {}
            assert isinstance(document, dict)
            return document

    async def node(self, name: str = "east", **more: object) -> str:
        """A node with a router of its own; its uuid."""
        ports = {"messagingPort": 5672, "edgeRouterPort": 56721, "interRouterPort": 56722}
        body = {"name": name, "fogType": 1, "host": "10.0.0.1", "routerMode": "interior"}
        made = await self.ask("POST", "/iofog", {**body, "upstreamRouters": [], **ports, **more})
        return str(made["uuid"])

    async def key(self, uuid: str) -> str:
        """A provisioning key of the node."""
        return str((await self.ask("GET", f"/iofog/{uuid}/provisioning-key"))["key"])

    async def web(self, uuid: str, **more: object) -> str:
        """An application of one microservice on the node; the microservice's uuid."""
        microservice = {
            "name": "web",
            "iofogUuid": uuid,
            "images": IMAGES,
            "registryId": 1,
            "config": '{"speed": 1}',
            "rootHostAccess": False,
            "logSize": 10,
            "env": [{"key": "A", "value": "1"}],
            "cmd": ["serve"],
            "volumeMappings": [],
            "ports": [{"internal": 80, "external": 8080}],
        }
        application = {"name": "shop", "isActivated": True, "routes": []}
        await self.ask(
            "POST", "/application", {**application, "microservices": [{**microservice, **more}]}
        )
        return str((await self.microservice())["uuid"])

    async def microservice(self) -> Document:
        """That one, as the list has it."""
        listed = (await self.ask("GET", "/microservices?application=shop"))["microservices"]
        assert isinstance(listed, list)
        first = listed[0]
        assert isinstance(first, dict)
        return first

    async def status(self) -> Document:
        """What that microservice is said to do."""
        status = (await self.microservice())["status"]
        assert isinstance(status, dict)
        return status


@pytest.fixture
def owner(controller: Controller) -> Owner:
    """Of the network."""
    return Owner(controller)


@pytest.fixture
def agent(controller: Controller) -> JavaAgent:
    """Not provisioned."""
    return JavaAgent(controller.network.session, controller.url + "/api/v3")


@pytest.fixture
async def uuid(owner: Owner, agent: JavaAgent) -> str:
    """Of the node whose device the agent is; it has polled once, as it does after a start."""
    uuid = await owner.node()
    await agent.provision(await owner.key(uuid))
    await agent.poll()
    await agent.poll()
    return uuid


def flags(changes: object) -> list[str]:
    """Which of them are up."""
    struct = {name: getattr(changes, name) for name in type(changes).__struct_fields__}  # type: ignore[attr-defined]
    return sorted(name for name, value in struct.items() if value is True)


async def test_it_provisions_and_its_node_shows_its_settings_as_whole_numbers(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    assert await agent.ping()
    assert agent.uuid == uuid
    node = await owner.ask("GET", f"/iofog/{uuid}")
    assert (node["daemonStatus"], node["version"]) == ("RUNNING", "3.1.0")
    for name, value in (("diskLimit", 10), ("memoryLimit", 4096), ("cpuLimit", 80)):
        assert node[name] == value
        assert isinstance(node[name], int), f"Go clients take no {node[name]!r}"
    assert node["ipAddress"] == "172.17.0.1"


async def test_what_nobody_gave_it_can_read_all_the_same(agent: JavaAgent, uuid: str) -> None:
    await agent.load_config()
    assert agent.router is not None
    assert (agent.router.router_host, agent.router.router_port) == ("localhost", 5672)
    assert [each.id for each in agent.registries] == [1, 2]


async def test_nothing_changes_from_poll_to_poll(agent: JavaAgent, uuid: str) -> None:
    assert flags(await agent.poll()) == []


async def test_a_microservice_reaches_it_and_its_state_the_owner(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    web = await owner.web(uuid)
    assert (await owner.status())["status"] == "QUEUED"
    assert "microservice_list" in flags(await agent.poll())
    (told,) = [each for each in agent.microservices if each.uuid == web]
    assert (told.image_id, told.config, told.cmd) == ("shop/web:1", '{"speed": 1}', ["serve"])
    assert told.port_mappings is not None
    assert [(each.port_external, each.port_internal) for each in told.port_mappings] == [(8080, 80)]
    await agent.report([running(web)])
    status = await owner.status()
    assert (status["status"], status["cpuUsage"], status["memoryUsage"]) == (
        "RUNNING",
        1.23,
        1234.56,
    )


async def test_its_router_is_among_its_microservices(agent: JavaAgent, uuid: str) -> None:
    (router,) = agent.microservices
    assert json.loads(router.config)["mode"] == "interior"
    assert router.registry_id == 1


async def test_a_container_that_can_not_start_is_told_with_why(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    web = await owner.web(uuid)
    await agent.poll()
    await agent.report([unknown("b30b5d91a81c"), never_started(web, "no such file")])
    status = await owner.status()
    assert status["errorMessage"] == "no such file"
    assert isinstance(status["startTime"], int)


async def test_a_rebuild_is_asked_for_until_it_was_acknowledged(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    web = await owner.web(uuid)
    await agent.poll()
    await agent.report([running(web)])
    await owner.ask("PATCH", f"/microservices/{web}", {"rebuild": True})
    for _ in range(2):
        await agent.load_microservices()
        assert [each.rebuild for each in agent.microservices if each.uuid == web] == [True]
    await agent.poll()
    await agent.load_microservices()
    assert [each.rebuild for each in agent.microservices if each.uuid == web] == [False]


async def test_what_is_deleted_it_is_told_no_more(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    web = await owner.web(uuid)
    await agent.poll()
    await owner.ask("DELETE", f"/microservices/{web}")
    assert "microservice_list" in flags(await agent.poll())
    assert web not in [each.uuid for each in agent.microservices]


async def test_settings_that_its_owner_changes_it_takes_over(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    await owner.ask("PATCH", f"/iofog/{uuid}", {"memoryLimit": 2048, "changeFrequency": 7})
    assert "config" in flags(await agent.poll())
    assert (agent.config.memory_limit, agent.config.change_frequency) == (2048, 7)
    assert flags(await agent.poll()) == []


async def test_commands_reach_it_once(owner: Owner, agent: JavaAgent, uuid: str) -> None:
    agent.ready_to_upgrade = True
    await agent.report()
    await owner.ask("POST", f"/iofog/{uuid}/reboot", {})
    await owner.ask("POST", f"/iofog/{uuid}/prune", {})
    await owner.ask("POST", f"/iofog/{uuid}/version/upgrade", {})
    await agent.poll()
    await agent.poll()
    assert sorted(agent.commands) == ["prune", "reboot", "upgrade"]


async def test_what_is_diagnosed_comes_back(owner: Owner, agent: JavaAgent, uuid: str) -> None:
    web = await owner.web(uuid)
    await agent.poll()
    await owner.ask("PATCH", f"/microservices/{web}/strace", {"enable": True})
    assert "diagnostics" in flags(await agent.poll())
    assert [(each.microservice_uuid, each.strace_run) for each in agent.traces] == [(web, True)]
    await agent.trace(web, "open(1)\n")
    await agent.trace(web, "close(1)\n")
    traced = await owner.ask("GET", f"/microservices/{web}/strace?format=string")
    assert traced["data"] == "open(1)\nclose(1)\n"
    await owner.ask("POST", f"/microservices/{web}/image-snapshot", {})
    await agent.poll()
    assert agent.commands == [f"snapshot {web}"]


async def test_edge_resources_and_registries_reach_it(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    door = {
        "name": "door",
        "version": "0.0.1",
        "description": "a door",
        "interfaceProtocol": "https",
        "interface": {"endpoints": [{"name": "open", "method": "PUT", "url": "/open"}]},
        "orchestrationTags": ["smart"],
        "custom": {"weight": 12},
    }
    await owner.ask("POST", "/edgeResource", door)
    await owner.ask("POST", "/edgeResource/door/0.0.1/link", {"uuid": uuid})
    registry = {
        "url": "registry.shop.example",
        "isPublic": False,
        "username": "shop",
        "password": "secret",
        "email": "shop@shop.example",
        "requiresCert": False,
        "certificate": "",
    }
    await owner.ask("POST", "/registries", registry)
    up = flags(await agent.poll())
    assert {"linked_edge_resources", "registries"} <= set(up)
    (linked,) = agent.edge_resources
    assert (linked.name, linked.version) == ("door", "0.0.1")
    assert linked.interface is not None
    assert [each.url for each in agent.registries][2:] == ["registry.shop.example"]
    assert agent.registries[2].password == "secret"


async def test_it_can_go_by_itself(owner: Owner, agent: JavaAgent, uuid: str) -> None:
    await owner.web(uuid)
    await agent.poll()
    await agent.deprovision()
    assert (await owner.ask("GET", f"/iofog/{uuid}"))["daemonStatus"] == "UNKNOWN"


async def test_one_whose_node_was_deleted_is_told_so_and_goes(
    owner: Owner, agent: JavaAgent, uuid: str
) -> None:
    await owner.ask("DELETE", f"/iofog/{uuid}", {})
    with pytest.raises(Refused) as refused:
        await agent.poll()
    assert refused.value.status == 401
    await agent.report()
    assert agent.token == "", "only a 403 makes it go"


async def test_one_that_was_never_provisioned_is_sent_away(agent: JavaAgent) -> None:
    for ask in (agent.load_config, agent.poll, agent.report):
        with pytest.raises(Refused) as refused:
            await ask()
        assert refused.value.status == 401


@pytest.mark.parametrize("key", ["null", "", "12345678"])
async def test_a_wrong_key_provisions_nothing(agent: JavaAgent, key: str) -> None:
    with pytest.raises(Refused) as refused:
        await agent.provision(key)
    assert refused.value.status in (400, 404)
    assert agent.token == ""


async def test_a_key_provisions_once(owner: Owner, agent: JavaAgent) -> None:
    uuid = await owner.node()
    key = await owner.key(uuid)
    await agent.provision(key)
    with pytest.raises(Refused) as refused:
        await agent.provision(key)
    assert refused.value.status == 404
