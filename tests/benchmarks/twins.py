"""How soon a twin's change is at the other end, and what the controller decides in a second.

    python -m tests.benchmarks.twins

The controller is real but for Postgres, the agent's end is real but for containers: whoever holds
`GET /v1/twin/desired` open and reports back is this program. Printed: the time from the PATCH at
the controller to the answer of the held question (p50, p99), the same for the way back, beside a
bare round trip of HTTP to the controller; then twin reports decided per second, on one core.
"""

import asyncio
import logging
import statistics
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import structlog
from msgspec.structs import replace

from agent.contract import Facts
from agent.lifecycle.carry_out import Node
from agent.lifecycle.engine import ContainerEngine
from agent.link.controller_client import ControllerClient
from agent.link.streams import Streams
from agent.link.uplink import Uplink
from agent.local.config_delivery import ConfigDelivery
from agent.local.socket import SOCKET_FILE, LocalSockets
from agent.local.twin_routes import twin_routes
from agent.local.twin_store import TwinStore
from agent.local.twins import Twins
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder
from ecn.deciders.decide import decide
from tests.agent.fake_engine import FakeEngine
from tests.agent.waiting import until_true
from tests.builders import world_after
from tests.ecn.api.server import CREDENTIAL, Network, manifest
from tests.ecn.deciders.test_twin import from_device, network, said

CHANGES, REPORTS = 200, 200
DESIRED = "/microservices/shop/web/twin/desired"


def say(line: str) -> None:
    """To whoever runs it."""
    print(line)  # noqa: T201


def milliseconds(seconds: list[float]) -> str:
    """p50 and p99."""
    ordered = sorted(seconds)
    return f"p50 {statistics.median(ordered) * 1e3:.1f} ms, p99 {ordered[-2] * 1e3:.1f} ms"


async def ends(folder: Path) -> None:
    """From the one end to the other."""
    async with Network.running() as net, net.controller() as controller:
        device = await controller.agent("east")
        body = {"microservices": [manifest("web")]}
        (await controller.operator.put("/applications/shop", body)).is_good(201)
        key = (await controller.operator.get("/microservices/shop/web")).text("id")
        node = Node(node_id=device.node_id, name="east")
        engine: ContainerEngine = FakeEngine()
        config = ConfigDelivery(folder / "microservices")
        with Journal(folder / "journal.sqlite") as journal:
            twins = Twins(
                TwinStore(journal),
                config,
                now=lambda: datetime.now(UTC),
                clock=lambda: time.monotonic() * 1e6,  # as fast as this program asks
                tell=lambda m: sockets.tell(m),
            )
            sockets = LocalSockets(node, config, twin_routes(twins))

            def wish(known: Known) -> None:
                for listener in (twins.wish, config.wish, sockets.wish):
                    listener(known)

            credential = CREDENTIAL.format("east-1")
            async with ControllerClient(controller.url, credential=credential) as client:
                streams = Streams(node.node_id, engine, client)
                uplink = Uplink(client, Folder(folder), journal, streams, None, wish, Facts)
                journal._on_transition = uplink.tell
                tasks = [asyncio.create_task(uplink.run()), asyncio.create_task(sockets.run())]
                path = folder / "microservices" / key / SOCKET_FILE
                await until_true(path.is_socket, 10)
                connector = aiohttp.UnixConnector(str(path))
                async with aiohttp.ClientSession("http://agent", connector=connector) as local:
                    there, back, bare, etag = [], [], [], '"0"'
                    for number in range(CHANGES):
                        began = time.perf_counter()
                        (await controller.operator.get("/status")).is_good()
                        bare.append(time.perf_counter() - began)
                        headers = {"If-None-Match": etag, "Prefer": "wait=30"}
                        held = asyncio.create_task(local.get("/v1/twin/desired", headers=headers))
                        await asyncio.sleep(0.02)
                        began = time.perf_counter()
                        (await controller.operator.patch(DESIRED, {"n": number})).is_good()
                        async with await held as answer:
                            etag = answer.headers["ETag"]
                            await answer.read()
                        there.append(time.perf_counter() - began)
                        began = time.perf_counter()
                        async with local.patch("/v1/twin/reported", json={"n": number}) as answer:
                            assert answer.status == 200
                        while True:
                            twin = (await controller.operator.get(DESIRED[:-8])).json
                            reported = twin["reported"]
                            assert isinstance(reported, dict)
                            if reported["version"] == number + 1:
                                break
                        back.append(time.perf_counter() - began)
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
    say(f"a round trip of HTTP:        {milliseconds(bare)}")
    say(f"centre to microservice:      {milliseconds(there)}")
    say(f"microservice to the centre:  {milliseconds(back)}, of which 20 ms are for gathering")
    ratio = statistics.median(there) / statistics.median(bare)
    say(f"centre to microservice, in round trips: {ratio:.1f}")


def decided() -> None:
    """Reports of 1 KiB twins, decided in a row."""
    world = world_after(*network())
    whole = {f"sensor{n}": {"value": n, "unit": "C"} for n in range(30)}
    command = from_device(
        *(replace(said(whole | {"n": n}, base=n), sequence=n + 1) for n in range(REPORTS))
    )
    began = time.perf_counter()
    events = decide(world, command)
    seconds = time.perf_counter() - began
    assert len(events) >= REPORTS
    say(f"reports of 1 KiB decided: {REPORTS / seconds:,.0f} a second")


def main() -> None:
    """See the module."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(ends(Path(folder)))
    decided()


if __name__ == "__main__":
    main()
