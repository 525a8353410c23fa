"""Twins from the centre into a running container and back: all of it real, but for Postgres."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.device.own_life import Surroundings
from agent.run import run
from agent.storage.store import Folder, Identity
from tests.agent.waiting import until
from tests.docker_fixtures import IMAGE, docker
from tests.ecn.api.server import CREDENTIAL, Controller, Network, manifest

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

PYTHON = os.path.realpath(sys.executable)
OF_PYTHON = {sys.base_prefix, "/usr/lib", "/lib", "/lib64"}
TWIN, DESIRED = "/microservices/twintest/web/twin", "/microservices/twintest/web/twin/desired"

PROGRAM = """
import http.client, json, socket

class Agent(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/ecn/agent.sock")

def ask(agent, method, path, body=None, headers={}):
    agent.request(method, path, body, headers)
    answer = agent.getresponse()
    return answer, answer.read()

etag = ""
while True:
    try:
        agent = Agent("agent")
        while True:
            headers = {"If-None-Match": etag, "Prefer": "wait=60"}
            answer, body = ask(agent, "GET", "/v1/twin/desired", headers=headers)
            if answer.status == 200:
                etag = answer.headers["ETag"]
                said = {"is": json.loads(body).get("rate")}
                ask(agent, "PATCH", "/v1/twin/reported", json.dumps(said).encode())
    except OSError:
        import time; time.sleep(0.2)
"""


@asynccontextmanager
async def agent_of(folder: Folder, docker_url: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(folder, Surroundings(engine_url=docker_url), stop))
        try:
            yield
        finally:
            stop.set()


async def reported(controller: Controller, wanted: object) -> dict[str, Any]:
    """The twin, once the microservice says that it is so."""

    async def look() -> dict[str, Any] | None:
        twin: dict[str, Any] = (await controller.viewer.get(TWIN)).is_good().json
        return twin if twin["reported"]["properties"].get("is") == wanted else None

    return await until(look, 30)


def program() -> dict[str, object]:
    """A microservice that reports what it is told to be."""
    mounts = sorted({each for each in OF_PYTHON if Path(each).exists()})
    return manifest(
        "web",
        image=IMAGE,
        pull="never",
        command=[PYTHON, "-c", PROGRAM],
        volumes=[
            {"kind": "bind", "source": os.path.realpath(each), "target": each, "read_only": True}
            for each in mounts
        ],
    )


async def test_properties_go_to_the_running_container_and_come_back_also_made_apart(
    tmp_path: Path, docker_url: str
) -> None:
    async with Network.running() as network, network.controller() as controller:
        device = await controller.agent("east")
        folder = Folder(tmp_path)
        folder.keep_identity(
            Identity(
                controller=controller.url,
                credential=CREDENTIAL.format("east-1"),
                node_id=device.node_id,
                name="east",
            )
        )
        operator = controller.operator
        body = {"microservices": [program()]}
        (await operator.put("/applications/twintest", body)).is_good(201)
        (await operator.patch(DESIRED, {"rate": 1})).is_good()
        try:
            async with agent_of(folder, docker_url):
                await reported(controller, 1)
                container = docker("ps", "-q", "--filter", f"label=ecn.node={device.node_id}")
                began = time.perf_counter()
                (await operator.patch(DESIRED, {"rate": 2})).is_good()
                await reported(controller, 2)
                # There and back, and looked at every now and then.
                assert time.perf_counter() - began < 2.0
                text = docker("exec", container, "cat", "/run/ecn/twin.json")
                assert text == '{"rate":2}'
            # The agent is away, the container runs on, and the centre changes its mind.
            (await operator.patch(DESIRED, {"rate": 3})).is_good()
            async with agent_of(folder, docker_url):
                twin = await reported(controller, 3)
            assert (twin["desired"]["version"], twin["reported"]["version"]) == (3, 3)
            assert docker("ps", "-q", "--filter", f"label=ecn.node={device.node_id}") == container
            said = await network.events("twin.reported-changed.v1")
            assert len(said) == 3
        finally:
            label = f"label=ecn.node={device.node_id}"
            for each in docker("ps", "-aq", "--filter", label).split():
                docker("rm", "-f", each)
            for each in docker("network", "ls", "-q", "--filter", label).split():
                docker("network", "rm", each)
