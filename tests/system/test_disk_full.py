"""The disk of the database is full: nothing acknowledged is lost, and it heals by itself.

A small tmpfs is the data folder. Postgres meets a full disk in two ways: a table can't grow, which
it says in order and lives on; or its write-ahead log can't, at which it ends itself, and does not
start before there is room.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from events.envelope import GENESIS, verify
from tests.ecn.controller_process import ControllerProcess
from tests.system.test_kill_controller import history

pytestmark = [pytest.mark.postgres, pytest.mark.system]

MIB = 1 << 20
SIZE = 200
"""MiB: a new database with its write-ahead log, and some room."""


@pytest.fixture
async def disk(open_folder: Path) -> AsyncIterator[Path]:
    """A folder on a small disk of its own."""
    folder = open_folder / "data"
    folder.mkdir()
    mounted = await asyncio.to_thread(mount, folder)
    if mounted.returncode:
        pytest.skip(f"a tmpfs can't be mounted here: {mounted.stderr.strip().splitlines()[0]}")
    try:
        yield folder
    finally:
        await asyncio.to_thread(unmount, folder)


def mount(folder: Path) -> subprocess.CompletedProcess[str]:
    kind = ["-t", "tmpfs", "-o", f"size={SIZE}m,mode=0711", "tmpfs"]
    return subprocess.run(["mount", *kind, folder], capture_output=True, text=True)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)


class Client:
    """Registers nodes, one after the other, and keeps what was acknowledged."""

    def __init__(self, session: aiohttp.ClientSession, controller: ControllerProcess) -> None:
        self.session, self.controller = session, controller
        self.acknowledged: dict[str, int] = {}
        self.number = 0

    async def register(self) -> aiohttp.ClientResponse:
        """One more node, a big one: tables shall grow."""
        self.number += 1
        name = f"node-{self.number}"
        labels = {f"l{number}": "x" * 60 for number in range(60)}
        body = {"name": name, "settings": {"labels": labels}}
        answer = await self.ask("POST", "/nodes", body)
        if answer.status == 201:
            self.acknowledged[name] = (await answer.json())["position"]
        return answer

    async def ask(self, method: str, path: str, body: object = None) -> aiohttp.ClientResponse:
        """The answer, read."""
        async with self.session.request(
            method,
            f"{self.controller.url}/api/v1{path}",
            json=body,
            headers=self.controller.authorization(),
        ) as response:
            await response.read()
            return response

    async def refused(self) -> aiohttp.ClientResponse:
        """Write until nothing can be written: that answer."""
        async with asyncio.timeout(60):
            while True:
                answer = await self.register()
                if answer.status != 201:
                    return answer

    async def accepted(self) -> float:
        """Write until it can be written again: after how many seconds."""
        began = time.monotonic()
        async with asyncio.timeout(60):
            while True:
                if (await self.register()).status == 201:
                    return time.monotonic() - began
                await asyncio.sleep(0.2)


@asynccontextmanager
async def running(disk: Path) -> AsyncIterator[Client]:
    controller = ControllerProcess(disk)
    timeout = aiohttp.ClientTimeout(total=45)
    try:
        await asyncio.to_thread(controller.start)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = Client(session, controller)
            for _ in range(5):
                assert (await client.register()).status == 201
            yield client
        assert "Traceback" not in controller.output()
        await asyncio.to_thread(controller.terminate)
        events = await history(disk)
        assert verify(GENESIS, events).position == len(events)
        there = {
            getattr(event.event, "name", ""): event.position
            for event in events
            if event.type == "node.registered.v1"
        }
        assert client.acknowledged.items() <= there.items()
    finally:
        controller.end()


def fill(disk: Path) -> Path:
    """The file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        size = MIB
        while size:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
            except OSError:
                size //= 2
    return ballast


async def names_the_disk(answer: aiohttp.ClientResponse) -> bool:
    """A refusal as it has to be; whether it is known already that it is the disk."""
    assert answer.status == 503, await answer.text()
    assert int(answer.headers["Retry-After"]) > 0
    problem = await answer.json()
    assert problem["next_step"]
    return "disk" in problem["detail"]


async def test_a_table_that_can_not_grow(disk: Path) -> None:
    async with running(disk) as client:
        ballast = await asyncio.to_thread(fill, disk)
        refused = await client.refused()
        assert await names_the_disk(refused)
        for path in ("/nodes", "/nodes/node-1"):
            assert (await client.ask("GET", path)).status == 200
        assert await names_the_disk(await client.register())
        await asyncio.to_thread(ballast.unlink)
        assert await client.accepted() < 30


async def test_a_write_ahead_log_that_can_not_grow(disk: Path) -> None:
    async with running(disk) as client:
        ballast = await asyncio.to_thread(fill, disk)
        before = client.controller.postgres_pid()
        await exhaust_the_write_ahead_log(disk)
        refused = await client.refused()
        assert await names_the_disk(refused)
        # Reads go on from memory, and say what they are.
        for path in ("/nodes", "/nodes/node-1", "/nodes/nobody", "/status"):
            answer = await client.ask("GET", path)
            assert answer.status == (404 if path == "/nodes/nobody" else 200)
            assert answer.headers["ECN-Stale"] == "true"
        nodes = await (await client.ask("GET", "/nodes")).json()
        assert nodes["stale"] is True
        assert len(nodes["items"]) == len(client.acknowledged)
        await asyncio.sleep(3)
        assert await names_the_disk(await client.register())
        assert client.controller.output().count("postgres does not start") < 20
        await asyncio.to_thread(ballast.unlink)
        seconds = await client.accepted()
        sys.stdout.write(f"\nwrote again {seconds:.1f} s after there was room\n")
        assert seconds < 40
        assert client.controller.postgres_pid() != before
        fresh = await client.ask("GET", "/nodes/node-1")
        assert "ECN-Stale" not in fresh.headers


async def exhaust_the_write_ahead_log(disk: Path) -> None:
    """Begin one new piece of it after the other, until there is no room."""
    password = (disk / "postgres-password").read_text()
    try:
        connection = await asyncpg.connect(
            host=str(disk / "postgres-socket"), user="ecn", password=password, database="postgres"
        )
    except (OSError, asyncpg.PostgresError):
        return
    try:
        for _ in range(200):
            await connection.execute("select pg_logical_emit_message(false, 'x', repeat('x', 999))")
            await connection.execute("select pg_switch_wal()")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return
    finally:
        connection.terminate()
