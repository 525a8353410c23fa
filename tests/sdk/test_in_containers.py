"""The SDK where it belongs: in containers that a real agent made, which find it as `iofog`.

The image of tests has no Python; the one that runs the tests, and what it needs of this machine, is
mounted into them.
"""

import asyncio
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import ContainerSpec, Mount, Route
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until
from tests.docker_fixtures import IMAGE, docker
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

SDK = Path(__file__).parents[2] / "routing" / "sdk"
# The codec is a link in the checkout, to what lies two folders above.
ROUTING = SDK.parent

SENDS = """
import asyncio, os
del os.environ["ECN_TOKEN"]  # it is known by its address alone
from ecn_sdk import Client
async def main():
    async with Client() as client:
        print("config", await client.config(), flush=True)
        for n in range(10):
            await client.publish({"n": n}, output="raw", properties={"temp": 66 + n})
        print("sent", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""

RECEIVES = """
from iofog.microservices.client import IoFogClient
from iofog.microservices.listener import IoFogMessageWsListener
class Listener(IoFogMessageWsListener):
    def on_message(self, io_msg):
        print("got", io_msg.contentdata.decode(), flush=True)
IoFogClient().establish_message_ws_connection(Listener())
"""


def runs(program: str) -> ContainerSpec:
    """A container that does that."""
    # By where they are seen: programs, and what loads them, look in both /lib and /usr/lib.
    folders = {each: each for each in (sys.base_prefix, sys.prefix, str(ROUTING), "/usr/lib")}
    folders |= {"/lib": "/usr/lib", "/lib64": "/usr/lib64"}
    mounts = [
        Mount(kind="bind", source=source, target=target, read_only=True)
        for target, source in folders.items()
        if Path(source).is_dir()
    ]
    return ContainerSpec(
        image=IMAGE,
        command=[sys.executable, "-c", program],
        env={"PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1"},
        volumes=mounts,
    )


async def test_messages_go_from_container_to_container(
    docker_node: str, docker_url: str, tmp_path: Path
) -> None:
    stub, port = ControllerStub(docker_node), free_port()
    async with stub.serving():
        agent = AgentProcess(
            tmp_path / "agent",
            stub.url,
            docker_node,
            docker_url,
            environment={"ECN_AGENT_LOCAL_API_PORT": str(port)},
        )
        agent.start()
        try:
            stub.leads(
                Route(
                    route_id="r1",
                    application="sdk-test",
                    name="hot",
                    source="sends",
                    condition="as_number(temp) > 70 AND $connectionModuleId = 'sends'",
                    destination="receives",
                    here=True,
                )
            )
            programs = {"sends": SENDS, "receives": RECEIVES}
            stub.wants(
                *(
                    replace(
                        microservice(m, application="sdk-test", of=runs(program)),
                        config='{"rate": 5}',
                    )
                    for m, program in programs.items()
                )
            )

            async def said(m: str, end: str) -> list[str] | None:
                found = await asyncio.to_thread(
                    docker, "ps", "-aq", "--filter", f"label=ecn.node={docker_node}",
                    "--filter", f"label=ecn.microservice={m}",
                )  # fmt: skip
                if not found.strip():
                    return None
                try:
                    lines = (await asyncio.to_thread(docker, "logs", found.strip())).splitlines()
                except AssertionError:
                    return None  # it was made anew just now
                return lines if lines and lines[-1] == end else None

            sent = await until(lambda: said("sends", "sent"), 60)
            assert sent == ["config {'rate': 5}", "sent"]
            got = await until(lambda: said("receives", 'got {"n":9}'), 60)
            assert got == [f'got {{"n":{n}}}' for n in range(5, 10)]
            await asyncio.to_thread(agent.stop)
        finally:
            agent.end()
