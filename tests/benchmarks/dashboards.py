"""What two hundred open dashboards cost a controller, beside the same controller without any.

Run `python -m tests.benchmarks.dashboards [dashboards] [commands a second] [events]`, alone on the
machine. The controller is a process of its own over a real Postgres, with a thousand nodes, and
commands come in at a steady pace. Measured are its processor time and its memory, without and with
dashboards that follow the stream, and how long after an event was recorded a dashboard has it. The
clients share the machine: latencies are those of a busy one. Look at the ratios; at a pace of 15,
each command is a frame of its own, and what a dashboard costs is seen best.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.benchmarks.grown_log import copy_in
from tests.ecn.controller_process import ControllerProcess

DASHBOARDS, PACE, EVENTS = 200, 100, 50_000
NODES = 1000
SECONDS = 20.0
LISTENING = 10
"""How many of the dashboards look into what they are told; the others only take it."""

TICKS = 100
"""Of /proc, a second."""


class Dashboard(asyncio.Protocol):
    """One that follows, at the cost of a socket."""

    def __init__(self, head: bytes, latencies: list[float] | None) -> None:
        self._head = head
        self._latencies = latencies
        self._left = b""
        self.heard = 0
        self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self.heard += len(data)
        if self._latencies is None:
            return
        now = datetime.now(UTC)
        *whole, self._left = (self._left + data).split(b"\n")
        for line in whole:
            if line.startswith(b'data: {"position"'):
                self.frames += 1
                for event in json.loads(line[6:])["events"]:
                    at = datetime.fromisoformat(event["time"])
                    self._latencies.append((now - at).total_seconds())


class Usage:
    """What a process takes."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._began = time.perf_counter(), self._ticks()

    def _ticks(self) -> int:
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def processors(self) -> float:
        """How many it kept busy since this was made."""
        at, ticks = self._began
        return (self._ticks() - ticks) / TICKS / (time.perf_counter() - at)

    def memory(self) -> float:
        """MiB, now."""
        status = (self._proc / "status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@asynccontextmanager
async def commanding(
    session: aiohttp.ClientSession, nodes: list[str], pace: int, took: list[float]
) -> AsyncIterator[None]:
    """While commands come in at that pace. took: seconds of each."""

    async def one(number: int) -> None:
        # Never what is there already: that would be no event.
        text = f"{number} of {id(took)}"
        began = time.perf_counter()
        path = f"/api/v1/nodes/{nodes[number % len(nodes)]}"
        async with session.patch(path, json={"settings": {"description": text}}) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()
        took.append(time.perf_counter() - began)

    async def all_of_them() -> None:
        number, began = 0, time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(one(number))
                number += 1
                await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))

    task = asyncio.create_task(all_of_them()) if pace else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def snapshots(session: aiohttp.ClientSession, count: int) -> tuple[float, int, list[int]]:
    """So many at once: seconds until all have theirs, bytes of one, and the positions."""
    sizes, positions = [], []

    async def one() -> None:
        async with session.get("/api/v1/dashboard/snapshot") as answer:
            sizes.append(len(await answer.read()))
            positions.append(int(answer.headers["ECN-Position"]))

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - began, sizes[0], positions


async def measure(base: Path, dashboards: int, pace: int, events: int) -> None:
    """All of it, printed."""
    with DataFolder.open(base / "database") as data:
        async with EmbeddedPostgres.running(data) as postgres:
            async with PostgresPool.open(postgres.dsn) as pool, PostgresLog.open(pool):
                pass  # there are tables now
            await copy_in(postgres.dsn, events, NODES)
            controller = ControllerProcess(
                base / "controller", "--database-url", postgres.dsn, "--offline-after", "3600"
            )
            controller.start()
            try:
                await compare(controller, dashboards, pace)
            finally:
                controller.end()


async def opened_at(
    port: int, headers: str, latencies: list[float] | None
) -> tuple[asyncio.Transport, Dashboard]:
    """A dashboard that follows."""
    head = f"GET /api/v1/dashboard/stream HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n".encode()
    return await asyncio.get_running_loop().create_connection(
        lambda: Dashboard(head, latencies), "127.0.0.1", port
    )


async def compare(controller: ControllerProcess, dashboards: int, pace: int) -> None:
    """Without and with."""
    headers = controller.authorization() | {"Accept-Encoding": "gzip"}
    pid = controller.process.pid
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        controller.url, headers=headers, connector=connector, auto_decompress=False
    ) as session:
        await timelines(session)
        async with session.get("/api/v1/nodes", headers={"Accept-Encoding": "identity"}) as answer:
            nodes = [each["id"] for each in (await answer.json())["items"]]
        took_alone: list[float] = []
        async with commanding(session, nodes, pace, took_alone):
            await asyncio.sleep(3)
            took_alone.clear()
            usage = Usage(pid)
            await asyncio.sleep(SECONDS)
            done_alone = len(took_alone)
            alone, memory_alone = usage.processors(), usage.memory()
        took: list[float] = []
        latencies: list[float] = []
        async with commanding(session, nodes, pace, took):
            seconds, size, positions = await snapshots(session, dashboards)
            show(f"{dashboards} snapshots at once: {seconds:.2f} s, {size / 1000:.0f} kB each")
            opened = [
                await opened_at(
                    controller.port,
                    f"Last-Event-ID: {position}\r\nAuthorization: {headers['Authorization']}",
                    latencies if number < LISTENING else None,
                )
                for number, position in enumerate(positions)
            ]
            await asyncio.sleep(3)
            latencies.clear()
            took.clear()
            frames = opened[0][1].frames
            usage = Usage(pid)
            heard = sum(each.heard for _, each in opened)
            await asyncio.sleep(SECONDS)
            open_, memory_open = usage.processors(), usage.memory()
            heard = sum(each.heard for _, each in opened) - heard
            frames = opened[0][1].frames - frames
            done = len(took)
            assert all(not transport.is_closing() for transport, _ in opened)
        await asyncio.sleep(1)
        usage = Usage(pid)
        await asyncio.sleep(SECONDS / 2)
        idle = usage.processors()
        for transport, _ in opened:
            transport.close()
        usage = Usage(pid)
        await asyncio.sleep(SECONDS / 2)
        quiet = usage.processors()
    show(f"{NODES} nodes, {pace} commands a second")
    cost_alone, cost = alone * SECONDS / done_alone, open_ * SECONDS / done
    for name, busy, count, each in (
        ("no dashboard", alone, done_alone, cost_alone),
        (f"{dashboards} dashboards", open_, done, cost),
    ):
        show(
            f"{name}: {busy:.2f} processors, {count / SECONDS:.0f} commands a second, "
            f"{each * 1000:.2f} ms each"
        )
    show(f"a command costs {cost / cost_alone:.2f} times as much")
    told = max(1, frames * dashboards)
    show(
        f"{frames / SECONDS:.1f} frames a second; a dashboard's part of each costs "
        f"{(cost - cost_alone) * done / told * 1e6:.0f} µs"
    )
    show(f"without commands: {quiet:.3f} processors, and {idle:.3f} with dashboards")
    show(f"memory: {memory_alone:.0f} MiB, and {memory_open:.0f} MiB with dashboards")
    show(f"sent: {heard / SECONDS / 1e6:.2f} MB a second, to all together")
    for name, times in (("alone", took_alone), ("beside dashboards", took)):
        show(f"commands {name}: {spread(times)}")
    show(f"from the record of an event to a dashboard: {spread(latencies)}")


async def timelines(session: aiohttp.ClientSession) -> None:
    """How long the longest takes, once warm."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        async with session.get("/api/v1/dashboard/timeline?points=1000") as answer:
            said = json.loads(await answer.read())
        took.append(time.perf_counter() - began)
    show(
        f"timeline of {said['position']} events: {took[0] * 1000:.0f} ms at first, then "
        f"{median(took) * 1000:.0f} ms"
    )


def spread(times: list[float]) -> str:
    """Half of them, and all but the slowest."""
    return f"p50 {median(times) * 1000:.0f} ms, p99 {quantiles(times, n=100)[98] * 1000:.0f} ms"


def show(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(given: list[int]) -> None:
    """In a folder that the account of Postgres can get to."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ecn-dashboards-") as folder:
        Path(folder).chmod(0o755)
        numbers = given + [DASHBOARDS, PACE, EVENTS][len(given) :]
        asyncio.run(measure(Path(folder), *numbers))


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])
