"""How fast a change reaches its waiting agent, and what a waiting agent costs, beside the barest.

Run `python -m tests.benchmarks.long_poll [agents]`, alone on the machine. The baseline, in the
same run: an aiohttp handler that awaits a future, with as many clients waiting. Look at the
ratios; the absolute numbers say something about this machine and no more. Each is measured in a
process of its own, so that neither finds memory that the other left. Client and server share it,
so both sides' connections are in the memory, for both alike.
"""

import asyncio
import gc
import logging
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from statistics import median

import aiohttp
import structlog
from aiohttp import web

from ecn.vault import hash_of
from events.application import ApplicationCreated, MicroserviceCreated, MicroserviceSpec
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId
from events.node import NodeFacts, NodeProvisioned, NodeRegistered, NodeSettings
from tests.builders import chained
from tests.ecn.api.server import BASE, Controller, Network

AGENTS = 2000
WAKES = 200


def resident_mib() -> float:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


async def wake_times(
    wait: Callable[[int], Coroutine[None, None, None]],
    change: Callable[[int], Awaitable[None]],
    agents: int,
) -> tuple[float, float]:
    """Median seconds from a change to its answer, and MiB per 1000 waiting agents.

    wait: asks as that agent, until it is answered; change: what answers it.
    """
    gc.collect()
    before = resident_mib()
    polls = {number: asyncio.create_task(wait(number)) for number in range(agents)}
    # A second after the last connection came all of them wait.
    await asyncio.sleep(1 + agents / 500)
    gc.collect()
    memory = (resident_mib() - before) / agents * 1000
    times = []
    for number in range(0, agents, max(1, agents // WAKES)):
        began = time.perf_counter()
        await change(number)
        await polls.pop(number)
        times.append(time.perf_counter() - began)
    for poll in polls.values():
        poll.cancel()
    await asyncio.gather(*polls.values(), return_exceptions=True)
    return median(times), memory


async def bare(session: aiohttp.ClientSession, agents: int) -> tuple[float, float]:
    """The baseline: a handler that awaits a future."""
    futures: dict[str, asyncio.Future[None]] = {}

    async def held(request: web.Request) -> web.Response:
        future = futures[request.match_info["number"]] = asyncio.get_running_loop().create_future()
        await future
        return web.Response(body=b"{}")

    app = web.Application()
    app.router.add_get("/{number}", held)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
    await runner.setup()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    await web.SockSite(runner, sock, backlog=4096).start()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"

    async def wait(number: int) -> None:
        async with session.get(f"{url}/{number}") as response:
            await response.read()

    async def change(number: int) -> None:
        futures[str(number)].set_result(None)

    try:
        return await wake_times(wait, change, agents)
    finally:
        await runner.cleanup()


async def agents_of(controller: Controller, agents: int) -> list[int]:
    """So many nodes with a device and a microservice each; their revisions."""
    shop = ApplicationId("shop")
    happened: list[KnownEvent] = [ApplicationCreated(application_id=shop, name="shop")]
    for number in range(agents):
        node_id = NodeId(f"n{number}")
        happened += [
            NodeRegistered(node_id=node_id, name=f"n{number}", settings=NodeSettings()),
            NodeProvisioned(
                node_id=node_id,
                key_hash=f"k{number}",
                credential_hash=hash_of(f"c{number}"),
                facts=NodeFacts(),
            ),
            MicroserviceCreated(
                microservice_id=MicroserviceId(f"m{number}"),
                application_id=shop,
                node_id=node_id,
                name=f"m{number}",
                spec=MicroserviceSpec(image="shop/web:1"),
            ),
        ]
    log, live = controller.network.log, controller.live
    events = chained(live.world.head, *happened, now=controller.network.clock.time)
    await log.append(events, expected=live.world.head)
    await live.catch_up()
    return [live.world.revisions.get(NodeId(f"n{number}")) or 0 for number in range(agents)]


async def ours(network: Network, agents: int) -> tuple[float, float]:
    """A controller over a log in memory: the whole way of a PATCH to the agent."""
    async with network.controller() as controller:
        revisions = await agents_of(controller, agents)
        url, session = controller.url + BASE, network.session

        async def wait(number: int) -> None:
            headers = {
                "Authorization": f"Bearer c{number}",
                "If-None-Match": f'"{revisions[number]}"',
                "Prefer": "wait=300",
            }
            async with session.get(f"{url}/agent/desired-state", headers=headers) as response:
                assert response.status == 200, response.status
                await response.read()

        async def change(number: int) -> None:
            path = f"{url}/microservices/shop/m{number}"
            headers = controller.operator.headers()
            body = {"env": {"A": "1"}}
            async with session.patch(path, json=body, headers=headers) as response:
                assert response.status == 200, await response.text()

        return await wake_times(wait, change, agents)


async def measure(what: str, agents: int) -> None:
    """One of both, printed for the parent."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with Network.running() as network:
        network.session._timeout = aiohttp.ClientTimeout(total=600)
        if what == "bare":
            wake, memory = await bare(network.session, agents)
        else:
            wake, memory = await ours(network, agents)
    show(f"{wake} {memory}")


def measured(what: str, agents: int) -> tuple[float, float]:
    """One of both, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.long_poll", str(agents), what]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wake, memory = output.splitlines()[-1].split()
    return float(wake), float(memory)


def compare(agents: int) -> None:
    """Measure both, and print the ratios."""
    bare_wake, bare_memory = measured("bare", agents)
    wake, memory = measured("ours", agents)
    show(f"{agents} waiting agents; the baseline is a bare handler that awaits a future")
    show(f"from a PATCH to the agent's answer: {wake / bare_wake:.1f} times the baseline's wake")
    show(f"memory of a waiting agent: {memory / bare_memory:.2f} times the baseline's")
    show(f"(baseline: {bare_wake * 1000:.2f} ms, {bare_memory * 1.024:.0f} KiB each;")
    show(f" ours:     {wake * 1000:.2f} ms, {memory * 1.024:.0f} KiB each)")


def show(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    given = sys.argv[1:]
    count = int(given[0]) if given else AGENTS
    if len(given) > 1:
        asyncio.run(measure(given[1], count))
    else:
        compare(count)
