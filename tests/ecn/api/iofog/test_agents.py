"""ioFog's agents over HTTP, where recorded exchanges do not reach: the log, several controllers,
time, files."""

import asyncio
import json
from io import BytesIO
from pathlib import Path

import aiohttp
import msgspec
import pytest

from ecn.attempts import MOST
from ecn.settings import TunnelServer
from ecn.vault import hash_of
from events.application import ContainerReported, ContainerState
from events.node import NodeWentOffline
from tests.ecn.api.server import OPERATOR, Answer, Controller, Network

Document = dict[str, object]


async def ask(
    controller: Controller, method: str, path: str, body: object = None, *, token: str = OPERATOR
) -> Answer:
    headers = {"Authorization": token}
    async with controller.network.session.request(
        method, f"{controller.url}/api/v3{path}", json=body, headers=headers
    ) as response:
        return Answer(response.status, response.headers, await response.read())


async def log_of(network: Network) -> bytes:
    """All that the log holds."""
    return b"".join(msgspec.json.encode(each.event) for each in await network.events())


class Device:
    """A provisioned node with one microservice, and its agent's token."""

    def __init__(self, controller: Controller, uuid: str, token: str, web: str) -> None:
        self.controller = controller
        self.uuid = uuid
        self.token = token
        self.web = web

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        return await ask(self.controller, method, f"/agent/{path}", body, token=self.token)

    async def acknowledge(self) -> None:
        told = await self.ask("GET", "config/changes")
        await self.ask("PATCH", "config/changes", {"lastUpdated": told["lastUpdated"]})

    async def report(self, *containers: Document, **more: object) -> Answer:
        body = {"microserviceStatus": json.dumps(containers), **more}
        return await self.ask("PUT", "status", body)


async def device(controller: Controller, name: str = "edge") -> Device:
    node = {"name": name, "fogType": 1, "host": "h", "upstreamRouters": []}
    ports = {"edgeRouterPort": 1, "interRouterPort": 2}
    made = await ask(controller, "POST", "/iofog", {**node, **ports, "routerMode": "interior"})
    uuid = made.is_good(201).text("uuid")
    images = [{"containerImage": "shop/web:1", "fogTypeId": 1}]
    web = {"name": "web", "iofogUuid": uuid, "images": images, "registryId": 1, "config": "{}"}
    shop = {"name": f"{name}-shop", "isActivated": True, "microservices": [web]}
    (await ask(controller, "POST", "/application", shop)).is_good(201)
    listed = await ask(controller, "GET", f"/microservices?application={name}-shop")
    key = await ask(controller, "GET", f"/iofog/{uuid}/provisioning-key")
    body = {"type": 1, "key": key.is_good(201)["key"]}
    token = (await ask(controller, "POST", "/agent/provision", body, token="")).is_good()
    web_uuid = str(listed.items("microservices")[0]["uuid"])
    return Device(controller, uuid, token.text("token"), web_uuid)


def running(device: Device, container: str = "c1") -> Document:
    return {"id": device.web, "status": "RUNNING", "containerId": container, "cpuUsage": "1,000.5"}


async def test_the_log_is_told_of_transitions_and_of_nothing_else(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        await edge.acknowledge()
        before = len(await network.events())
        (await edge.report({"id": edge.web, "status": "PULLING", "percentage": 5.0})).is_good(204)
        for percentage in (20.0, 80.0):
            item = {"id": edge.web, "status": "PULLING", "percentage": percentage}
            (await edge.report(item, systemTime=1)).is_good(204)
        for _ in range(3):
            (await edge.report(running(edge), cpuUsage=7.5)).is_good(204)
            await edge.acknowledge()
        told = [each.event for each in (await network.events())[before:]]
        states = [each.status.state for each in told if isinstance(each, ContainerReported)]
        assert states == [ContainerState.PULLING, ContainerState.RUNNING]
        assert len(told) == 2
        audit = await controller.viewer.get("/events", actor=f"node/{edge.uuid}")
        assert "container.reported.v1" in {each["type"] for each in audit.items()}


async def test_usage_is_shown_and_never_told_to_the_log(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        await edge.report(running(edge))
        shown = await ask(controller, "GET", f"/microservices/{edge.web}")
        status = shown["status"]
        assert isinstance(status, dict)
        assert (status["status"], status["cpuUsage"]) == ("RUNNING", 1000.5)
        log = await log_of(network)
        assert b"1000.5" not in log


async def test_controllers_share_what_agents_say(network: Network) -> None:
    async with network.controller() as one, network.controller() as other:
        edge = await device(one)
        await edge.report(running(edge), daemonStatus="RUNNING", version="3.1.0")
        await one.telemetry.write()
        await other.live.catch_up()
        shown = await ask(other, "GET", f"/iofog/{edge.uuid}")
        assert (shown["daemonStatus"], shown["version"]) == ("RUNNING", "3.1.0")
        # And what it says to the other goes on from there.
        edge.controller = other
        await edge.report(running(edge), cpuUsage=5)
        await other.telemetry.write()
        async with network.controller() as third:
            shown = await ask(third, "GET", f"/iofog/{edge.uuid}")
            assert (shown["daemonStatus"], shown["cpuUsage"]) == ("RUNNING", 5)


async def test_a_key_that_one_controller_issued_is_good_at_another(network: Network) -> None:
    async with network.controller() as one, network.controller(following=False) as other:
        node = {"name": "edge", "fogType": 1, "routerMode": "interior", "host": "h"}
        ports = {"edgeRouterPort": 1, "interRouterPort": 2, "upstreamRouters": []}
        made = await ask(one, "POST", "/iofog", {**node, **ports})
        key = await ask(one, "GET", f"/iofog/{made.text('uuid')}/provisioning-key")
        body = {"type": 1, "key": key["key"]}
        token = (await ask(other, "POST", "/agent/provision", body, token="")).is_good()
        polled = await ask(other, "GET", "/agent/config/changes", token=token.text("token"))
        assert polled.is_good()["config"] is True


async def test_a_retried_request_is_answered_as_the_first_time(network: Network) -> None:
    async with network.controller() as controller:

        async def retried(method: str, path: str, body: object = None) -> Answer:
            headers = {"Authorization": OPERATOR, "Idempotency-Key": f"once {path}"}
            async with network.session.request(
                method, f"{controller.url}/api/v3{path}", json=body, headers=headers
            ) as response:
                return Answer(response.status, response.headers, await response.read())

        node = {"name": "edge", "fogType": 1, "routerMode": "interior", "host": "h"}
        node |= {"edgeRouterPort": 1, "interRouterPort": 2, "upstreamRouters": []}
        made = [await retried("POST", "/iofog", node) for _ in range(2)]
        uuid = made[0].is_good(201).text("uuid")
        assert made[1].is_good(201).text("uuid") == uuid
        path = f"/iofog/{uuid}/provisioning-key"
        first = await retried("GET", path)
        network.clock.advance(60)
        assert (await retried("GET", path)).json == first.is_good(201).json
        body = {"type": 1, "key": first["key"]}
        (await ask(controller, "POST", "/agent/provision", body, token="")).is_good()


async def test_a_short_key_can_not_be_tried_against_the_log(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        key = await ask(controller, "GET", f"/iofog/{edge.uuid}/provisioning-key")
        log = await log_of(network)
        assert hash_of(key.text("key")).encode() not in log
        assert key.text("key").encode() not in log


async def test_a_key_of_ours_is_good_for_an_agent_of_iofogs(network: Network) -> None:
    async with network.controller() as controller:
        node = await controller.operator.post("/nodes", {"name": "edge"})
        node_id = node.is_good(201).text("subject").removeprefix("node/")
        issued = await controller.operator.post(f"/nodes/{node_id}/provisioning-key")
        body = {"type": 2, "key": issued.is_good(201)["key"]}
        token = await ask(controller, "POST", "/agent/provision", body, token="")
        assert token.is_good().text("uuid") == node_id
        config = await ask(controller, "GET", "/agent/config", token=token.text("token"))
        assert "routerHost" not in config.is_good().json


async def test_a_device_that_can_not_run_what_it_should_is_refused(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        key = await ask(controller, "GET", f"/iofog/{edge.uuid}/provisioning-key")
        body = {"type": 2, "key": key["key"]}
        refused = await ask(controller, "POST", "/agent/provision", body, token="")
        assert refused.status == 400
        assert '"web" microservice' in refused.text("message")
        body["type"] = 0
        (await ask(controller, "POST", "/agent/provision", body, token="")).is_good()


async def test_what_the_device_says_at_its_provisioning_is_told_as_its_own_word(
    network: Network,
) -> None:
    async with network.controller() as controller:
        node = {"name": "edge", "fogType": 2, "routerMode": "interior", "host": "h"}
        ports = {"edgeRouterPort": 1, "interRouterPort": 2, "upstreamRouters": []}
        made = await ask(controller, "POST", "/iofog", {**node, **ports})
        key = await ask(controller, "GET", f"/iofog/{made.text('uuid')}/provisioning-key")
        body = {"type": 1, "key": key["key"]}
        (await ask(controller, "POST", "/agent/provision", body, token="")).is_good()
        provisioned, updated = (await network.events())[-2:]
        assert (provisioned.type, updated.type) == ("node.provisioned.v1", "node.updated.v1")
        assert provisioned.actor == updated.actor == f"node/{made.text('uuid')}"


async def test_a_silent_agent_is_offline_and_comes_back_with_a_word(network: Network) -> None:
    async with network.controller(offline_after=60) as controller:
        edge = await device(controller)
        await edge.report(running(edge), daemonStatus="RUNNING")
        network.clock.advance(3600)
        controller.presence._leading_since = network.clock.time
        network.clock.advance(120)
        await controller.presence._look()
        assert any(isinstance(e.event, NodeWentOffline) for e in await network.events())
        shown = await ask(controller, "GET", f"/iofog/{edge.uuid}")
        assert shown["daemonStatus"] == "UNKNOWN"
        microservice = await ask(controller, "GET", f"/microservices/{edge.web}")
        status = microservice["status"]
        assert isinstance(status, dict)
        assert status["status"] == "UNKNOWN"
        await edge.report(running(edge))
        shown = await ask(controller, "GET", f"/iofog/{edge.uuid}")
        assert shown["daemonStatus"] == "RUNNING"


async def test_a_deleted_node_leaves_no_telemetry(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        await edge.report(running(edge))
        await edge.ask("PUT", "hal/hw", {"info": "{}"})
        await edge.ask(
            "PUT", "strace", {"straceData": [{"microserviceUuid": edge.web, "buffer": "x"}]}
        )
        await controller.telemetry.write()
        assert await network.telemetry_store.known() == (
            frozenset({edge.uuid}),
            frozenset({edge.web}),
        )
        (await ask(controller, "DELETE", f"/iofog/{edge.uuid}")).is_good(202)
        assert await network.telemetry_store.known() == (frozenset(), frozenset())


async def test_get_and_delete_may_have_a_body(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        for path in ("config", "config/changes", "microservices", "registries", "edgeResources"):
            (await edge.ask("GET", path, {})).is_good()
        (await edge.ask("DELETE", "delete-node", {})).is_good(204)


async def test_microservices_that_are_not_its_own_are_passed_over(network: Network) -> None:
    async with network.controller() as controller:
        edge, other = await device(controller), await device(controller, "other")
        await edge.acknowledge()
        await edge.report(running(other), {"id": "unheard-of", "status": "RUNNING"})
        shown = await ask(controller, "GET", f"/microservices/{other.web}")
        status = shown["status"]
        assert isinstance(status, dict)
        assert status["status"] == "QUEUED"


async def test_an_image_goes_through_whole_and_once(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        path = f"/microservices/{edge.web}/image-snapshot"
        (await ask(controller, "POST", path)).is_good(201)
        image = bytes(range(256)) * 40_000  # 10 MB: more than the body of a request may have
        form = aiohttp.FormData()
        form.add_field(
            "upstream", BytesIO(image), filename="image.zip", content_type="application/zip"
        )
        async with network.session.put(
            controller.url + "/api/v3/agent/image-snapshot",
            data=form,
            headers={"Authorization": edge.token},
        ) as response:
            assert (response.status, await response.json()) == (200, {})
        fetched = await ask(controller, "GET", path)
        assert fetched.status == 200
        # Not compared by assert, which would print ten megabytes.
        assert hash(fetched.content) == hash(image)
        assert fetched.headers["Content-Type"] == "application/gzip"
        assert "Content-Encoding" not in fetched.headers
        assert edge.web in fetched.headers["Content-Disposition"]
        assert (await ask(controller, "GET", path)).status == 500


async def test_a_tunnel_is_opened_held_and_closed(network: Network, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a private key\n")
    server = TunnelServer(
        host="gate.example", user="tunnel", key_file=key, first_port=2000, last_port=2001
    )
    async with network.controller(tunnel=server) as controller:
        edge, other = await device(controller), await device(controller, "other")
        third = await device(controller, "third")
        await edge.acknowledge()
        (await ask(controller, "PATCH", f"/iofog/{edge.uuid}/tunnel", {"action": "open"})).is_good(
            204
        )
        assert (await edge.ask("GET", "config/changes"))["tunnel"] is True
        shown = await ask(controller, "GET", f"/iofog/{edge.uuid}/tunnel")
        port = shown.number("remotePort")
        assert port in (2000, 2001)
        assert shown.json == {
            "username": "tunnel",
            "host": "gate.example",
            "remotePort": port,
            "localPort": 22,
            "status": "open",
        }
        held = (await edge.ask("GET", "tunnel"))["tunnel"]
        assert held == {
            "username": "tunnel",
            "host": "gate.example",
            "rport": port,
            "lport": 22,
            "password": "",
            "rsakey": "a private key\n",
            "closed": False,
            "iofogUuid": edge.uuid,
        }
        opened = [
            await ask(controller, "PATCH", f"/iofog/{each.uuid}/tunnel", {"action": "open"})
            for each in (other, third)
        ]
        assert [each.status for each in opened] == [204, 409]
        shown = await ask(controller, "GET", f"/iofog/{other.uuid}/tunnel")
        assert shown["remotePort"] == 4001 - port
        await ask(controller, "PATCH", f"/iofog/{edge.uuid}/tunnel", {"action": "close"})
        held = (await edge.ask("GET", "tunnel"))["tunnel"]
        assert isinstance(held, dict)
        assert (held["closed"], held["rsakey"]) == (True, "")
        log = await log_of(network)
        assert b"private" not in log


async def test_a_trace_is_sent_by_ftp(network: Network) -> None:
    """A server that takes one file, in as few words as will do."""
    received: list[str] = []
    content = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content.set_result(await reader.read())
        writer.close()

    data = await asyncio.start_server(take, "127.0.0.1", 0)
    port = data.sockets[0].getsockname()[1]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = {"USER": "331 password", "PASS": "230 in", "TYPE": "200 ok", "QUIT": "221 bye"}
        answers |= {"PASV": f"227 (127,0,0,1,{port // 256},{port % 256})", "EPSV": "500 no"}
        writer.write(b"220 hello\r\n")
        while line := (await reader.readline()).decode().strip():
            received.append(line)
            word = line.split()[0]
            writer.write(f"{answers.get(word, '150 go')}\r\n".encode())
            if word == "STOR":
                await content
                writer.write(b"226 done\r\n")
        writer.close()

    control = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with network.controller() as controller, data, control:
        edge = await device(controller)
        piece = {"microserviceUuid": edge.web, "buffer": "open(\n"}
        (await edge.ask("PUT", "strace", {"straceData": [piece]})).is_good(204)
        upload = {
            "ftpHost": "127.0.0.1",
            "ftpPort": control.sockets[0].getsockname()[1],
            "ftpUser": "u",
            "ftpPass": "p",
            "ftpDestDir": "/traces/",
        }
        path = f"/microservices/{edge.web}/strace"
        (await ask(controller, "PUT", path, upload)).is_good(204)
        assert await content == b"open(\n"
        assert f"STOR /traces/{edge.web}" in received


async def test_a_newline_in_a_folders_name_is_no_command(network: Network) -> None:
    async with network.controller() as controller:
        edge = await device(controller)
        path = f"/microservices/{edge.web}/strace"
        await ask(controller, "PATCH", path, {"enable": True})
        upload = {"ftpHost": "127.0.0.1", "ftpPort": 1, "ftpUser": "u\r\nDELE x", "ftpPass": "p"}
        refused = await ask(controller, "PUT", path, {**upload, "ftpDestDir": "d"})
        assert (refused.status, refused["name"]) == (500, "FtpError")


@pytest.mark.parametrize("word", ["a", "ABCDEFGH", "x" * 4000, "\n"])
async def test_no_text_is_a_key(network: Network, word: str) -> None:
    async with network.controller() as controller:
        body = {"type": 1, "key": word}
        refused = await ask(controller, "POST", "/agent/provision", body, token="")
        assert (refused.status, refused["message"]) == (404, "Invalid Provisioning Key")


async def test_a_guesser_is_told_to_wait(network: Network) -> None:
    async with network.controller() as controller:
        statuses = []
        for number in range(2 * MOST):
            body = {"type": 1, "key": str(number)}
            async with network.session.post(
                controller.url + "/api/v3/agent/provision", json=body
            ) as response:
                statuses.append(response.status)
        assert statuses[:MOST] == [404] * MOST
        assert statuses[-1] == 429
        assert int(response.headers["Retry-After"]) >= 1
