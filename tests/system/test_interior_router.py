"""A real controller, a real RabbitMQ: whichever of them is away or killed, the other goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from routing.amqp import Connection, connected
from routing.amqp_shapes import Access, AccessRefused
from tests.ecn.controller_process import ControllerProcess
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker

pytestmark = [pytest.mark.postgres, pytest.mark.system]

CREDENTIAL = "c" * 40


class Network:
    """A controller with --broker, as its admin and as one of its agents."""

    def __init__(self, controller: ControllerProcess, http: aiohttp.ClientSession) -> None:
        self.controller = controller
        self._http = http

    async def ask(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> dict[str, object]:
        headers = self.controller.authorization()
        if token:
            headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.controller.url}/api/v1{path}"
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            document: dict[str, object] = await answer.json()
            return document

    async def device(self, name: str, credential: str) -> None:
        """A device becomes the node."""
        issued = await self.ask("POST", f"/nodes/{name}/provisioning-key", {})
        said = {"key": issued["key"], "credential": credential, "facts": {}}
        await self.ask("POST", "/agent/provision", said)

    async def access(self, credential: str) -> Access:
        """What the device is told."""
        async with asyncio.timeout(30):
            while True:
                state = await self.ask("GET", "/agent/desired-state", token=credential)
                told = state["broker"]
                if isinstance(told, dict):
                    return Access(**told)
                await asyncio.sleep(0.2)

    async def state(self, wanted: str) -> dict[str, object]:
        """Of the interior router, once it is so."""
        async with asyncio.timeout(60):
            while True:
                said = (await self.ask("GET", "/status"))["interior_router"]
                assert isinstance(said, dict)
                if said["state"] == wanted:
                    return said
                await asyncio.sleep(0.2)


@asynccontextmanager
async def linked(access: Access) -> AsyncIterator[Connection]:
    """As the device, once the broker knows it: a moment after the device was told."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with connected(access, name="agent") as link:
                    yield link
                    return
            except AccessRefused:
                await asyncio.sleep(0.2)


@pytest.fixture
def file(own_broker: PrivateBroker, tmp_path: Path) -> Path:
    path = tmp_path / "broker.yaml"
    path.touch(0o600)
    assert own_broker.certificates is not None
    said = {
        "url": own_broker.url("ecn", tls=True),
        "management": own_broker.management,
        "username": ADMIN,
        "password": PASSWORD,
        "ca_file": str(own_broker.certificates.authority),
    }
    path.write_text(yaml.safe_dump(said))
    return path


@pytest.mark.timeout(300)
async def test_each_goes_on_without_the_other(
    own_broker: PrivateBroker, file: Path, session_folder: Path
) -> None:
    own_broker.terminate()
    data = session_folder / "with-interior-router"
    controller = ControllerProcess(data, "--broker", str(file))
    try:
        await asyncio.to_thread(controller.start)
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            network = Network(controller, http)
            # It serves without its interior router, and has not told anybody of it.
            assert "Cannot connect" in str((await network.state("down"))["reason"])
            await network.ask("POST", "/nodes", {"name": "east"})
            await network.device("east", CREDENTIAL)
            state = await network.ask("GET", "/agent/desired-state", token=CREDENTIAL)
            assert state["broker"] is None

            await asyncio.to_thread(own_broker.start)
            await network.state("up")
            access = await network.access(CREDENTIAL)
            assert access.url.startswith("amqps://")
            async with linked(access) as link:
                # Killed, the controller is missed by nobody who is connected.
                controller.kill()
                await asyncio.sleep(1.0)
                assert not link.lost.is_set()
                await asyncio.to_thread(controller.start)
                await network.state("up")
                assert await network.access(CREDENTIAL) == access
                # Nor does RabbitMQ let anybody stay whom the controller threw out.
                await network.ask("POST", "/agent/deprovision", {}, token=CREDENTIAL)
                async with asyncio.timeout(15):
                    await link.lost.wait()
            with pytest.raises(AccessRefused):
                async with connected(access, name="agent"):
                    pass
            assert PASSWORD not in controller.output()
            assert access.password not in controller.output()

            controller.terminate()
            forgetful = ControllerProcess(data, "--forget-broker", port=controller.port)
            network.controller = controller = forgetful
            await asyncio.to_thread(forgetful.start)
            assert (await network.state("none"))["url"] is None
            controller.terminate()
    finally:
        controller.end()


def test_a_file_that_is_not_right_is_said_at_the_start(
    tmp_path: Path, session_folder: Path
) -> None:
    file = tmp_path / "broker.yaml"
    file.touch(0o644)
    file.write_text("url: amqp://127.0.0.1\npassword: s3cret\n")
    controller = ControllerProcess(session_folder / "wrong-file", "--broker", str(file))
    assert "chmod 600" in controller.refused()
    file.chmod(0o600)
    said = controller.refused()
    assert "missing required field" in said
    assert "s3cret" not in said
