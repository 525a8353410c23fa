"""ioFog's own SDK for Node.js against a real agent: messages, receipts, configuration, queries."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from agent.contract import NodeConfig, Route
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.ports import free_port

SDK = "@iotracks/container-sdk-nodejs@1.1.22"
"""The one that its registry has; the later ones differ from it in name alone on the wire."""
PROGRAM = Path(__file__).with_name("iofog_node_sdk.js")
COUNT = 50


@pytest.fixture(scope="session")
def modules() -> Path:
    """Where the SDK is installed; fetched once."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("ioFog's SDK for Node.js needs node and npm: apt-get install nodejs npm")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = caches / "ecn" / "iofog-node-sdk"
    found = cache / "node_modules"
    if not (found / "@iotracks" / "container-sdk-nodejs").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        command = "npm install --no-save --no-audit --no-fund --ignore-scripts --prefix"
        code = os.spawnvp(os.P_WAIT, "npm", [*command.split(), str(cache), SDK])
        if code != 0:
            pytest.skip(f"npm could not fetch {SDK}")
    return found


class Program:
    """A running one, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, object]] = []

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.startswith(b"{"):
                self.said.append(msgspec.json.decode(line))

    def of(self, what: str) -> list[dict[str, object]]:
        return [each for each in self.said if each["what"] == what]


@asynccontextmanager
async def program(
    modules: Path, port: int, role: str, m: str, tasks: asyncio.TaskGroup
) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        "node", PROGRAM, role, str(port), m, str(COUNT),
        env={**os.environ, "NODE_PATH": str(modules), "SELFNAME": m},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    running = Program(process)
    tasks.create_task(running.listen())
    try:
        yield running
    finally:
        process.kill()
        await process.wait()


async def test_a_producer_and_a_consumer_of_iofogs_sdk(modules: Path, tmp_path: Path) -> None:
    stub, port = ControllerStub(), free_port()
    stub.leads(
        Route(route_id="r1", application="app", name="r1", source="m1", destination="m2", here=True)
    )
    stub.settles(NodeConfig(local_api="open"))
    both = [replace(microservice(m), config='{"rate":1}') for m in ("m1", "m2")]
    stub.wants(*both)
    async with stub.serving(), asyncio.TaskGroup() as tasks:
        agent = AgentProcess(
            tmp_path / "agent",
            stub.url,
            stub.node_id,
            f"unix://{tmp_path}/no-engine",
            environment={"ECN_AGENT_LOCAL_API_PORT": str(port)},
        )
        agent.start()
        try:
            await until_true(lambda: "local-api-opened" in agent.said())
            async with program(modules, port, "consumer", "m2", tasks) as consumer:
                await until_true(lambda: bool(consumer.of("open")))
                async with program(modules, port, "producer", "m1", tasks) as producer:
                    await until_true(lambda: len(producer.of("receipt")) == COUNT, 30)
                    await until_true(lambda: bool(producer.of("bad-request")))
                    await until_true(lambda: len(consumer.of("message")) == COUNT + 1)
                    assert producer.of("error") == []
                await agreed(producer, consumer)
                await a_new_configuration(stub, consumer)
                await what_was_sent(consumer)
                # An agent that starts anew is found again, and says nothing twice.
                await asyncio.to_thread(agent.kill)
                agent.start()
                await until_true(lambda: len(consumer.of("open")) == 2, 30)
                await asyncio.sleep(1)
                assert len(consumer.of("message")) == COUNT + 1
            await asyncio.to_thread(agent.stop)
        finally:
            agent.end()


async def agreed(producer: Program, consumer: Program) -> None:
    """What one sent is what the other got."""
    (refused,) = producer.of("bad-request")
    assert str(refused["text"]).startswith("Validation Error, Error: ")
    got = [each for each in consumer.of("message") if each.get("sequencenumber") != 1000]
    assert [each["contentdata"] for each in got] == [f"content {n}" for n in range(COUNT)]
    assert [each["contextdata"] for each in got] == [f'{{"n":{n}}}' for n in range(COUNT)]
    assert {(each["publisher"], each["priority"]) for each in got} == {("m1", 5)}
    receipts = producer.of("receipt")
    assert [each["id"] for each in receipts] == [each["id"] for each in got]
    assert {each["infotype"] for each in got} == {"number"}


async def a_new_configuration(stub: ControllerStub, consumer: Program) -> None:
    first = replace(microservice("m1"), config='{"rate":1}')
    second = replace(microservice("m2"), config='{"rate":2}', revision=9)
    stub.wants(first, second, revision=9)
    await until_true(lambda: {"rate": 2} in [each["config"] for each in consumer.of("new-config")])


async def what_was_sent(consumer: Program) -> None:
    assert consumer.process.stdin is not None
    consumer.process.stdin.write(b"query\n")
    await until_true(lambda: bool(consumer.of("query")))
    assert consumer.of("query")[0]["count"] == COUNT + 1
