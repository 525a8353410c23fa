"""The socket of a microservice: what it answers, to whom, and how much of it at a time."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from msgspec import Raw
from msgspec.structs import replace

from agent.contract import EdgeResource, Microservice
from agent.local import http as local_http
from agent.local import socket as local_socket
from agent.local.config_delivery import ConfigDelivery
from agent.local.requests import Answer, Asked, Local
from agent.local.routes import ROUTES
from agent.local.socket import SOCKET_FILE, LocalSockets
from agent.storage.desired_state import Known
from tests.agent.builders import NODE, microservice
from tests.agent.waiting import until, until_true

CAMERA = EdgeResource(
    edge_resource_id="e1",
    name="camera",
    version="1.0",
    endpoints=Raw(b'[{"name":"snap","url":"http://cam/snap"}]'),
)


async def echo(local: Local, asked: Asked) -> Answer:
    """What came, and whose door it came by."""
    return Answer(
        body=json.dumps([local.microservice_id, asked.method, asked.body.decode()]).encode()
    )


class Scene:
    """The sockets of a node in a folder, and clients that use them as containers would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = ConfigDelivery(folder)
        self.sockets = LocalSockets(NODE, self.config, {**ROUTES, ("POST", "/echo"): echo})
        self.revision = 0

    def wish(self, *wanted: Microservice, edge_resources: list[EdgeResource] | None = None) -> None:
        self.revision += 1
        known = Known(
            revision=self.revision,
            microservices={each.microservice_id: each for each in wanted},
            edge_resources=edge_resources or [],
        )
        self.config.wish(known)
        self.sockets.wish(known)

    def path(self, m: str = "m1") -> Path:
        return self.folder / m / SOCKET_FILE

    async def opened(self, m: str = "m1") -> None:
        await until_true(self.path(m).is_socket, 5)

    @asynccontextmanager
    async def client(self, m: str = "m1") -> AsyncIterator[aiohttp.ClientSession]:
        await self.opened(m)
        # Relative to the folder's descriptor: a test's folder may have a long path, too.
        descriptor = os.open(self.folder / m, os.O_PATH)
        try:
            connector = aiohttp.UnixConnector(f"/proc/self/fd/{descriptor}/{SOCKET_FILE}")
            async with aiohttp.ClientSession("http://agent", connector=connector) as session:
                yield session
        finally:
            os.close(descriptor)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Scene]:
    made = Scene(folder)
    task = asyncio.create_task(made.sockets.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with serving(tmp_path / "microservices") as made:
        yield made


async def test_each_microservice_is_who_its_socket_says(scene: Scene) -> None:
    scene.wish(microservice("m1", name="one"), microservice("m2", name="two"))
    for m, name in (("m1", "one"), ("m2", "two")):
        async with scene.client(m) as client, client.get("/v1/self") as answer:
            assert answer.status == 200
            said = await answer.json()
            assert (said["microservice_id"], said["name"], said["node"]) == (m, name, "gateway")
    mode = scene.path().lstat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o666


async def test_the_configuration_is_the_files_bytes_and_held_until_it_changes(scene: Scene) -> None:
    scene.wish(microservice(config='{"a": 1}'))
    async with scene.client() as client:
        async with client.get("/v1/config") as answer:
            assert await answer.read() == (scene.folder / "m1" / "config.json").read_bytes()
            etag = answer.headers["ETag"]
        held = {"If-None-Match": etag, "Prefer": "wait=10"}
        async with client.get("/v1/config", headers={"If-None-Match": etag}) as answer:
            assert (answer.status, answer.headers["ETag"]) == (304, etag)
        asking = asyncio.create_task(client.get("/v1/config", headers=held))
        await asyncio.sleep(0.05)
        scene.wish(microservice(config='{"a": 1}', revision=2))  # another thing of it changed
        await asyncio.sleep(0.05)
        assert not asking.done()
        scene.wish(microservice(config='{"a": 2}', revision=3))
        answer = await asyncio.wait_for(asking, 5)
        assert await answer.json() == {"a": 2}
        assert (scene.folder / "m1" / "config.json").read_text() == '{"a": 2}'


async def test_a_text_that_is_no_json_is_a_text(scene: Scene) -> None:
    scene.wish(microservice(config="colour=blau ü"))
    async with scene.client() as client, client.get("/v1/config") as answer:
        assert (answer.content_type, await answer.text()) == ("text/plain", "colour=blau ü")


async def test_edge_resources_are_in_a_file_and_held(scene: Scene) -> None:
    scene.wish(microservice())
    async with scene.client() as client:
        async with client.get("/v1/edge-resources") as answer:
            assert await answer.json() == {"edge_resources": []}
            held = {"If-None-Match": answer.headers["ETag"], "Prefer": "wait=10"}
        asking = asyncio.create_task(client.get("/v1/edge-resources", headers=held))
        await asyncio.sleep(0.05)
        scene.wish(microservice(), edge_resources=[CAMERA])
        answer = await asyncio.wait_for(asking, 5)
        file = scene.folder / "m1" / "edge-resources.json"
        assert await answer.read() == file.read_bytes()
        (camera,) = json.loads(file.read_bytes())["edge_resources"]
        assert camera["endpoints"] == [{"name": "snap", "url": "http://cam/snap"}]


async def test_refusals_are_problem_documents(scene: Scene) -> None:
    scene.wish(microservice())
    async with scene.client() as client:
        async with client.get("/nothing") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")
            said = await answer.json(content_type=None)
            assert said["code"] == "no-such-path"
            assert "/v1/config" in said["next_step"]
        async with client.delete("/v1/config") as answer:
            assert answer.status == 405
        async with client.post("/echo", data=b"x" * (64 * 1024 + 1)) as answer:
            assert (answer.status, (await answer.json(content_type=None))["status"]) == (413, 413)
        async with client.post("/echo", data=b"x" * (64 * 1024)) as answer:
            assert answer.status == 200


async def test_a_microservice_that_goes_takes_its_socket_along(scene: Scene) -> None:
    scene.wish(microservice("m1"), microservice("m2"))
    async with scene.client("m1") as client, client.get("/v1/config") as answer:
        etag = answer.headers["ETag"]
        held = {"If-None-Match": etag, "Prefer": "wait=60"}
        asking = asyncio.create_task(client.get("/v1/config", headers=held))
        await asyncio.sleep(0.05)
        scene.wish(microservice("m2"))
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(asking, 5)
    await until_true(lambda: not scene.path("m1").exists(), 5)
    assert scene.path("m2").is_socket()
    scene.wish(microservice("m1"), microservice("m2"))
    async with scene.client("m1") as client, client.get("/v1/self") as answer:
        assert answer.status == 200


async def test_what_an_agent_before_left_is_replaced_and_what_somebody_removed_comes_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "LOOK_AGAIN", 0.05)
    stale = scene.config.directory("m1") / SOCKET_FILE
    stale.write_text("of another time")
    scene.wish(microservice())
    async with scene.client() as client, client.get("/v1/self") as answer:
        assert answer.status == 200
    scene.path().unlink()
    async with scene.client() as client, client.get("/v1/self") as answer:
        assert answer.status == 200


async def test_a_folder_with_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 5)
    deep.mkdir(parents=True)
    async with serving(deep) as scene:
        scene.wish(microservice())
        async with scene.client() as client, client.get("/v1/self") as answer:
            assert answer.status == 200


async def test_connections_of_one_are_bounded_and_another_is_not_hindered(scene: Scene) -> None:
    scene.wish(microservice("m1"), microservice("m2"))
    await scene.opened("m1")
    await scene.opened("m2")
    many = [await asyncio.open_unix_connection(scene.path("m1")) for _ in range(32)]
    reader, writer = await asyncio.open_unix_connection(scene.path("m1"))
    said = await asyncio.wait_for(reader.read(), 5)
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"too-many-connections" in said
    writer.close()
    async with scene.client("m2") as client, client.get("/v1/self") as answer:
        assert answer.status == 200
    for _, each in many:
        each.close()

    async def again() -> bool | None:
        async with scene.client("m1") as client, client.get("/v1/self") as answer:
            return answer.status == 200 or None

    await until(again, 5)


async def test_held_requests_of_one_are_bounded(scene: Scene) -> None:
    scene.wish(microservice())
    async with scene.client() as client:
        async with client.get("/v1/config") as answer:
            held = {"If-None-Match": answer.headers["ETag"], "Prefer": "wait=60"}
        waiting = [asyncio.create_task(client.get("/v1/config", headers=held)) for _ in range(16)]
        await asyncio.sleep(0.2)
        async with client.get("/v1/config", headers=held) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        async with client.get("/v1/self") as answer:
            assert answer.status == 200
        # Who leaves makes room at once.
        waiting.pop().cancel()
        await asyncio.sleep(0.1)
        waiting.append(asyncio.create_task(client.get("/v1/config", headers=held)))
        await asyncio.sleep(0.1)
        scene.wish(microservice(config="2"))
        for each in waiting:
            assert (await asyncio.wait_for(each, 5)).status == 200


@pytest.mark.parametrize("said", [b"", b"GET /v1/self HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_who_says_nothing_is_let_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(local_http, "HEADERS_WITHIN", 0.1)
    scene.wish(microservice())
    await scene.opened()
    reader, writer = await asyncio.open_unix_connection(scene.path())
    writer.write(said)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_body_that_drips_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_http, "BODY_WITHIN", 0.1)
    scene.wish(microservice())
    await scene.opened()
    reader, writer = await asyncio.open_unix_connection(scene.path())
    writer.write(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_who_does_not_take_the_answer_is_let_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_http, "TAKEN_WITHIN", 0.2)
    scene.wish(microservice(config="x" * (1 << 20)))
    await scene.opened()
    lazy = []
    for _ in range(8):
        _, writer = await asyncio.open_unix_connection(scene.path(), limit=1024)
        writer.write(b"GET /v1/config HTTP/1.1\r\nHost: a\r\n\r\n")
        lazy.append(writer)
    async with scene.client() as client, client.get("/v1/self") as answer:
        assert answer.status == 200
    for writer in lazy:
        writer.close()


async def test_what_is_no_http_is_answered_and_is_no_line_of_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.wish(microservice())
    await scene.opened()
    reader, writer = await asyncio.open_unix_connection(scene.path())
    writer.write(b"\x16\x03\x01 no such thing\r\n\r\n")
    said = await asyncio.wait_for(reader.read(), 5)
    assert b"application/problem+json" in said
    assert caplog.records == []
    writer.close()


async def test_a_change_of_the_site_alone_reaches_every_microservice(scene: Scene) -> None:
    scene.wish(microservice("m1"), microservice("m2"), edge_resources=[CAMERA])
    moved = replace(CAMERA, custom=Raw(b'{"room":2}'))
    scene.wish(microservice("m1"), microservice("m2"), edge_resources=[moved])
    for m in ("m1", "m2"):
        said = json.loads((scene.folder / m / "edge-resources.json").read_bytes())
        assert said["edge_resources"][0]["custom"] == {"room": 2}
