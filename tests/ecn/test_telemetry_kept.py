"""What an ioFog agent said is known after a restart of a real controller, however it ended."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.ecn.controller_process import ControllerProcess
from tests.iofog.java_agent import JavaAgent

pytestmark = [pytest.mark.postgres, pytest.mark.system]


@pytest.fixture
def controller(open_folder: Path) -> Iterator[ControllerProcess]:
    process = ControllerProcess(open_folder / "data")
    yield process
    process.end()


async def test_it_is_known_after_a_restart(controller: ControllerProcess) -> None:
    controller.start()
    api = controller.url + "/api/v3"
    router = {"routerMode": "interior", "edgeRouterPort": 1, "interRouterPort": 2}
    node = {"name": "edge", "fogType": 1, "host": "h", "upstreamRouters": [], **router}
    async with aiohttp.ClientSession(headers=controller.authorization()) as session:
        async with session.post(f"{api}/iofog", json=node) as response:
            uuid = (await response.json())["uuid"]
        async with session.get(f"{api}/iofog/{uuid}/provisioning-key") as response:
            key = (await response.json())["key"]

        async def shown() -> dict[str, object]:
            async with session.get(f"{api}/iofog/{uuid}") as response:
                document: dict[str, object] = await response.json()
                return document

        async with aiohttp.ClientSession() as plain:
            agent = JavaAgent(plain, api)
            await agent.provision(key)
            before = await shown()
            assert before["daemonStatus"] == "RUNNING"
            controller.terminate()
            controller.start()
            assert await shown() == before
            polled = await agent.poll()
        assert polled is not None
