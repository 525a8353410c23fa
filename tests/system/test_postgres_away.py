"""While Postgres is away: reads, long-polls and feeds go on from memory and say so, writes are
told when to come back, and all of it heals by itself.

It goes away in all ways that there are: killed, ended in order, standing still, behind a network
that refuses or that swallows everything.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from ecn.postmaster import _processes_of
from tests.ecn.controller_process import ControllerProcess
from tests.fault_proxy import FaultProxy

pytestmark = [pytest.mark.postgres, pytest.mark.system]

STALE_WITHIN = 20.0
"""Seconds until it is said that there may be news: where nothing answers, a while is waited."""
REFUSED_WITHIN = 25.0
HEALED_WITHIN = 30.0
AT_ONCE = 2.0
ENDED_WITHIN = 25.0
"""Some six connections are given up, each of them in a second or two."""


class Scene:
    """A controller with a node, whose agent waits for news, and a feed that is followed."""

    def __init__(self, controller: ControllerProcess, session: aiohttp.ClientSession) -> None:
        self.controller, self.session = controller, session
        self.feed = b""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> aiohttp.ClientResponse:
        """The answer, read."""
        sent = self.controller.authorization() | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = f"{self.controller.url}/api/v1{path}"
        async with self.session.request(method, url, json=body, headers=sent) as response:
            await response.read()
            return response

    async def prepare(self) -> None:
        """The node and its device."""
        assert (await self.ask("POST", "/nodes", {"name": "east"})).status == 201
        key = (await (await self.ask("POST", "/nodes/east/provisioning-key")).json())["key"]
        device = {"key": key, "credential": "c" * 40, "facts": {}}
        assert (await self.ask("POST", "/agent/provision", device)).status == 200

    async def poll(self, wait: int) -> aiohttp.ClientResponse:
        """The agent's long-poll, from the state that it knows."""
        agent = {"Authorization": f"Bearer {'c' * 40}"}
        known = (await self.ask("GET", "/agent/desired-state", **agent)).headers["ETag"]
        return await self.ask(
            "GET", "/agent/desired-state", If_None_Match=known, Prefer=f"wait={wait}", **agent
        )

    async def follow(self) -> None:
        """Read the feed, until cancelled."""
        headers = {**self.controller.authorization(), "Accept": "text/event-stream"}
        url = f"{self.controller.url}/api/v1/events"
        async with self.session.get(url, headers=headers) as response:
            async for chunk in response.content.iter_any():
                self.feed += chunk

    async def until(self, is_so: Callable[[], bool], *, within: float) -> None:
        async with asyncio.timeout(within):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.1)

    async def until_stale(self, expected: bool, *, within: float) -> float:
        """Until that is said of reads: after how many seconds. Each of them is answered at once."""
        began = time.monotonic()
        async with asyncio.timeout(within):
            while True:
                asked = time.monotonic()
                answer = await self.ask("GET", "/nodes")
                assert answer.status == 200
                assert time.monotonic() - asked < AT_ONCE
                stale = (await answer.json())["stale"]
                assert stale == ("ECN-Stale" in answer.headers)
                if stale is expected:
                    return time.monotonic() - began
                await asyncio.sleep(0.1)


@asynccontextmanager
async def scene(data: Path, url: str | None) -> AsyncIterator[Scene]:
    environment = {"ECN_DATABASE_URL": url} if url else None
    controller = ControllerProcess(data, environment=environment)
    timeout = aiohttp.ClientTimeout(total=90)
    try:
        await asyncio.to_thread(controller.start)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            it = Scene(controller, session)
            await it.prepare()
            yield it
        # Nothing that was lost on the way holds up the end.
        assert await asyncio.to_thread(controller.terminate) < ENDED_WITHIN
        assert "Traceback" not in controller.output(), controller.output()[-3000:]
    finally:
        controller.end()


class Way:
    """A way to be away, and back."""

    def __init__(self, away: Callable[[], None], back: Callable[[], None]) -> None:
        self.away, self.back = away, back


def nothing() -> None:
    return


def signalled(data: Path, number: signal.Signals) -> Callable[[], None]:
    """Send it to the server and all its children."""

    def act() -> None:
        status = data.stat()
        for pid in _processes_of(f"ecn-{status.st_dev:x}-{status.st_ino:x}"):
            os.kill(pid, number)

    return act


@pytest.mark.parametrize("how", ["stopped", "refused", "swallowed", "forgotten"])
async def test_a_long_absence(how: str, postgres_dsn: str, open_folder: Path) -> None:
    async with AsyncExitStack() as stack:
        if how == "stopped":
            here = await stack.enter_async_context(scene(open_folder / "data", None))
            data = here.controller.data
            way = Way(signalled(data, signal.SIGSTOP), signalled(data, signal.SIGCONT))
            stack.callback(way.back)
        else:
            (open_folder / "proxy").mkdir()
            proxy = await stack.enter_async_context(
                FaultProxy.before(postgres_dsn, open_folder / "proxy")
            )
            here = await stack.enter_async_context(scene(open_folder / "data", proxy.dsn))

            def refuse() -> None:
                proxy.refusing = True
                proxy.cut_all()

            def accept() -> None:
                proxy.refusing = False

            way = {
                "refused": Way(refuse, accept),
                "swallowed": Way(proxy.flowing.clear, proxy.flowing.set),
                # As where a machine vanished and another took over its address.
                "forgotten": Way(proxy.flowing.clear, proxy.forget),
            }[how]
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(here.follow())
            polling = tasks.create_task(here.poll(80))
            await here.until(lambda: b": from " in here.feed, within=10)
            await asyncio.sleep(0.5)
            way.away()
            stale_after = await here.until_stale(True, within=STALE_WITHIN)
            for path, status in (("/nodes/east", 200), ("/nodes/nobody", 404), ("/status", 200)):
                answer = await here.ask("GET", path)
                assert (answer.status, answer.headers["ECN-Stale"]) == (status, "true")
            # Polls and feeds that begin now are served, and marked.
            short = await here.poll(1)
            assert (short.status, short.headers["ECN-Stale"]) == (304, "true")
            began = time.monotonic()
            refused = await here.ask("POST", "/nodes", {"name": "west"}, Idempotency_Key="west")
            refused_after = time.monotonic() - began
            assert refused.status == 503, await refused.text()
            assert int(refused.headers["Retry-After"]) > 0
            assert refused_after < REFUSED_WITHIN
            await here.until(lambda: b": the log is away" in here.feed, within=20)
            assert not polling.done()

            way.back()
            healed = time.monotonic()
            async with asyncio.timeout(HEALED_WITHIN):
                while True:
                    body = {"name": "west"}
                    made = await here.ask("POST", "/nodes", body, Idempotency_Key="west")
                    if made.status == 201:
                        break
                    assert made.status == 503
                    await asyncio.sleep(0.2)
            healed_after = time.monotonic() - healed
            await here.until_stale(False, within=HEALED_WITHIN)
            await here.until(lambda: b"node.registered.v1" in here.feed, within=10)
            web = {"microservices": [{"name": "web", "node": "east", "image": "web:1"}]}
            assert (await here.ask("PUT", "/applications/shop", web)).status == 201
            async with asyncio.timeout(5):
                assert (await polling).status == 200
            following.cancel()
    sys.stdout.write(
        f"\n{how}: stale said after {stale_after:.1f} s, a write refused in {refused_after:.1f} s, "
        f"written again {healed_after:.1f} s after it was back\n"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_postgres_ends_and_comes_back(number: signal.Signals, open_folder: Path) -> None:
    async with scene(open_folder / "data", None) as here, asyncio.TaskGroup() as tasks:
        following = tasks.create_task(here.follow())
        polling = tasks.create_task(here.poll(80))
        await here.until(lambda: b": from " in here.feed, within=10)
        pid = here.controller.postgres_pid()
        assert pid is not None
        os.kill(pid, number)
        began = time.monotonic()
        async with asyncio.timeout(HEALED_WITHIN):
            while True:
                assert (await here.ask("GET", "/nodes/east")).status == 200
                made = await here.ask("POST", "/nodes", {"name": "west"}, Idempotency_Key="west")
                if made.status == 201:
                    break
                assert made.status == 503
                assert "Retry-After" in made.headers
        healed_after = time.monotonic() - began
        await here.until_stale(False, within=HEALED_WITHIN)
        await here.until(lambda: b"node.registered.v1" in here.feed, within=10)
        web = {"microservices": [{"name": "web", "node": "east", "image": "web:1"}]}
        assert (await here.ask("PUT", "/applications/shop", web)).status == 201
        async with asyncio.timeout(5):
            assert (await polling).status == 200
        following.cancel()
    sys.stdout.write(f"\n{number.name}: written again after {healed_after:.1f} s\n")


async def test_a_controller_ends_though_nothing_answers(
    postgres_dsn: str, open_folder: Path
) -> None:
    (open_folder / "proxy").mkdir()
    async with (
        FaultProxy.before(postgres_dsn, open_folder / "proxy") as proxy,
        scene(open_folder / "data", proxy.dsn) as here,
    ):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(swallowed(here.poll(60)))
            await asyncio.sleep(0.5)
            proxy.flowing.clear()
            tasks.create_task(swallowed(here.ask("POST", "/nodes", {"name": "west"})))
            await asyncio.sleep(3)
            took = await asyncio.to_thread(here.controller.terminate)
        sys.stdout.write(f"\nended in {took:.1f} s\n")
        assert took < ENDED_WITHIN
        proxy.flowing.set()
        await asyncio.to_thread(here.controller.start)


async def swallowed(asking: Coroutine[None, None, aiohttp.ClientResponse]) -> None:
    """However it ends."""
    with suppress(aiohttp.ClientError):
        await asking
