"""Health checks that the agent makes itself: an HTTP question or a TCP connection to a container.

`control_loop.py` says on each look which containers are there (`follow`) and gets them back with
the health that was found. Each probed container has one task, in the loop's task group, that asks
at its interval, a little less by chance, so that not all are asked in the same moment; when the
answers amount to something else, the loop is woken. Nothing is asked of one that does not run.

The questions go from the device straight to the container's address on its application's network,
or to 127.0.0.1 on the host's. A redirect is a good answer (200 to 399 are) and never followed: what
it leads to may be anything, anywhere.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import aiohttp
import structlog
from msgspec.structs import replace
from yarl import URL

from agent.contract import ContainerState, ContainerStatus, Health, Microservice, Probe
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.probe_results import Tally, judged, pause, said
from agent.lifecycle.reconcile import spec_digest

log = structlog.get_logger()

SPREAD = 0.1
"""By how much of it an interval is shortened at most."""

Ask = Callable[[Probe, str], Awaitable[str]]
"""Puts the question to an address; what is wrong with the answer, empty when nothing is."""


@dataclass
class _Watch:
    probe: Probe
    address: str
    age: float
    """Seconds since the container's start when this began."""
    tally: Tally
    task: asyncio.Task[None] | None = None


class Probes:
    """The probes of one node. now: the device's clock. wake: something is known that was not.

    reaches: whether containers can be reached from here at all. Where not, nothing is asked and
    nobody is called unwell for it.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        ask: Ask | None = None,
        *,
        reaches: bool = True,
    ) -> None:
        self._reaches = reaches
        self._warned = False
        self._now = now
        self._wake = wake
        self._ask = ask or ask_container
        self._watches: dict[tuple[str, datetime | None], _Watch] = {}

    def follow(
        self,
        desired: Mapping[str, Microservice],
        actual: Sequence[Container],
        last_told: Mapping[str, ContainerStatus],
        tasks: asyncio.TaskGroup,
    ) -> list[Container]:
        """Probe those that should be, in tasks of this group, and no others.

        last_told: by microservice; what was healthy before the agent's own restart still is,
        until an answer says otherwise. Returns all containers, with the health of those probed.
        """
        probed = {
            (c.container_id, c.started_at): (c, probe)
            for c in actual
            if (probe := _probe(desired, c)) is not None
        }
        if not self._reaches:
            self._warn(len(probed))
            return list(actual)
        for key in self._watches.keys() - probed.keys():
            self._end(key)
        for key, (container, probe) in probed.items():
            self._begin(key, container, probe, last_told, tasks)
        return [self._seen(c) for c in actual]

    def _warn(self, probed: int) -> None:
        if probed and not self._warned:
            self._warned = True
            log.warning(
                "containers-not-reached",
                why="the agent is in a container with a network of its own",
                next="give it the host's (--network host): health checks by HTTP and TCP need it",
            )

    def _begin(
        self,
        key: tuple[str, datetime | None],
        container: Container,
        probe: Probe,
        last_told: Mapping[str, ContainerStatus],
        tasks: asyncio.TaskGroup,
    ) -> None:
        before = self._watches.get(key)
        if before is not None and (before.probe, before.address) == (probe, container.address):
            return
        told = last_told.get(container.microservice_id)
        was_well = (
            before.tally.health is Health.HEALTHY
            if before is not None
            else told is not None
            and (told.container_id, told.state, told.health)
            == (container.container_id, ContainerState.RUNNING, Health.HEALTHY)
        )
        if before is not None:
            self._end(key)
        began = container.started_at or self._now()
        watch = _Watch(
            probe=probe,
            address=container.address,
            # Of a clock that was set back, the start may lie ahead.
            age=max(0.0, (self._now() - began).total_seconds()),
            tally=Tally(health=Health.HEALTHY) if was_well else Tally(),
        )
        self._watches[key] = watch
        watch.task = tasks.create_task(self._watch(watch, container))

    def _end(self, key: tuple[str, datetime | None]) -> None:
        watch = self._watches.pop(key)
        if watch.task is not None:
            watch.task.cancel()

    def _seen(self, container: Container) -> Container:
        watch = self._watches.get((container.container_id, container.started_at))
        if watch is None:
            return container
        return replace(
            container, health=watch.tally.health, health_said=said(watch.tally, watch.probe)
        )

    async def _watch(self, watch: _Watch, container: Container) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            age = watch.age + clock() - began
            wait = pause(watch.tally, age, watch.probe)
            await asyncio.sleep(wait * (1 - random.uniform(0, SPREAD)))  # noqa: S311
            try:
                failure = await self._ask(watch.probe, watch.address)
            except Exception:
                # A fault of ours must not end the loop, which owns this task.
                log.exception("probe-broke", microservice=container.microservice_id)
                failure = "could not be asked: the agent has a fault"
            before = watch.tally
            watch.tally = judged(before, failure, watch.age + clock() - began, watch.probe)
            if watch.tally.health is not before.health:
                log.info(
                    "probed",
                    microservice=container.microservice_id,
                    health=watch.tally.health.value,
                    because=said(watch.tally, watch.probe),
                )
                self._wake()


def _probe(desired: Mapping[str, Microservice], container: Container) -> Probe | None:
    """What to ask it; one that is made from another spec is asked nothing, as its answers may be
    to other questions."""
    wanted = desired.get(container.microservice_id)
    if wanted is None or wanted.probe is None or not wanted.running:
        return None
    if container.state is not EngineState.RUNNING:
        return None
    return wanted.probe if container.spec_digest == spec_digest(wanted.spec) else None


async def ask_container(probe: Probe, address: str) -> str:
    """What is wrong with the answer to this question, as the end of a sentence; else empty."""
    if not address:
        return "can't be asked: the container has no address"
    try:
        async with asyncio.timeout(probe.timeout):
            if probe.http_path is None:
                return await _connect(address, probe.port)
            return await _get(probe, address)
    except TimeoutError:
        return f"did not answer within {probe.timeout:g} s"
    except aiohttp.ClientConnectorError as error:
        return _refusal(error.os_error)
    except aiohttp.ServerDisconnectedError:
        return "closed the connection without an answer"
    except (aiohttp.ClientError, ValueError) as error:
        return f"gave no answer that is HTTP ({type(error).__name__})"
    except OSError as error:
        return _refusal(error)


async def _get(probe: Probe, address: str) -> str:
    host = f"[{address}]" if ip_address(address).version == 6 else address
    url = URL(f"http://{host}:{probe.port}{probe.http_path}", encoded=True)
    headers = {"User-Agent": "ecn-agent"}
    if probe.http_host:
        headers["Host"] = probe.http_host
    # A session each time: nothing is kept between questions, no cookie and no connection.
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return "" if 200 <= answer.status < 400 else f"answered {answer.status}"


async def _connect(address: str, port: int) -> str:
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return ""


def _refusal(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    return f"could not be reached: {error.strerror or error}"
