"""Questions to real servers, and what the loop sees of the answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from msgspec.structs import replace

from agent.contract import ContainerState, ContainerStatus, Health, Microservice, Probe
from agent.lifecycle.engine import Container
from agent.lifecycle.probes import Probes, ask_container
from tests.agent import faked_time
from tests.agent.builders import NOW, at, container, exited, microservice, spec
from tests.ports import free_port

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: bytes | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives this answer to all, or none at all; its port, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked
        server.close()


def http(status: str, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n{headers}\r\n".encode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http("200 OK"), ""),
        (http("204 No Content"), ""),
        (http("302 Found", "Location: http://192.0.2.1/\r\n"), ""),
        (http("404 Not Found"), "answered 404"),
        (http("503 Service Unavailable"), "answered 503"),
        (b"220 mail.example ESMTP\r\n", "gave no answer that is HTTP"),
        (b"", "closed the connection without an answer"),
        (None, "did not answer within 0.2 s"),
    ],
)
async def test_an_answer_is_well_from_200_to_399(answer: bytes | None, said: str) -> None:
    async with serving(answer) as (port, asked):
        probe = Probe(port=port, http_path="/ready?deep=1", http_host="shop.example", timeout=0.2)
        found = await ask_container(probe, "127.0.0.1")
        assert found.startswith(said) if said else found == ""
        assert asked[0].startswith(b"GET /ready?deep=1 HTTP/1.1\r\n")
        assert b"\r\nHost: shop.example\r\n" in asked[0]
        # aiohttp asks once more when a connection closes without a word.
        assert len(asked) == (2 if answer == b"" else 1)


async def test_a_port_that_takes_connections_is_well() -> None:
    async with serving(None) as (port, _):
        assert await ask_container(Probe(port=port, timeout=1), "127.0.0.1") == ""


@pytest.mark.parametrize("path", [None, "/"])
async def test_a_port_where_nobody_listens_is_not(path: str | None) -> None:
    probe = Probe(port=free_port(), http_path=path, timeout=1)
    assert await ask_container(probe, "127.0.0.1") == "refused the connection"
    assert await ask_container(probe, "") == "can't be asked: the container has no address"


class Bedside:
    """Probes in faked time, whose answers the test decides."""

    def __init__(self, tasks: asyncio.TaskGroup, probe: Probe) -> None:
        self.tasks = tasks
        self.answer = ""
        self.asked: list[float] = []
        self.woken = 0
        self.wanted = replace(microservice(), probe=probe)
        self.probes = Probes(faked_time.now, self._wake, self._ask)

    def _wake(self) -> None:
        self.woken += 1

    async def _ask(self, probe: Probe, address: str) -> str:
        assert address == "10.0.0.2"
        self.asked.append(asyncio.get_running_loop().time())
        if self.answer == "a fault":
            raise ZeroDivisionError
        return self.answer

    def look(self, *there: Container, told: ContainerStatus | None = None) -> list[Container]:
        desired: dict[str, Microservice] = {"m1": self.wanted}
        return self.probes.follow(desired, there, {"m1": told} if told else {}, self.tasks)


def there(container_id: str = "c-m1") -> Container:
    return replace(container(container_id=container_id, started=0), address="10.0.0.2")


def bedside(story: Callable[[Bedside], Awaitable[None]], probe: Probe | None = None) -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            await story(Bedside(tasks, probe or Probe(port=80, http_path="/", interval=10)))
            me = asyncio.current_task()
            for task in asyncio.all_tasks() - {me}:
                task.cancel()

    faked_time.run(scene)


def test_it_is_starting_then_healthy_then_unhealthy_and_the_loop_is_woken_for_each() -> None:
    async def story(bed: Bedside) -> None:
        assert bed.look(there())[0].health is Health.STARTING
        await asyncio.sleep(2)
        assert bed.look(there())[0].health is Health.HEALTHY
        bed.answer = "answered 503"
        await asyncio.sleep(31)
        seen = bed.look(there())[0]
        assert seen.health is Health.UNHEALTHY
        assert seen.health_said == "GET / on port 80 answered 503, 3 times in a row"
        assert bed.woken == 2

    bedside(story)


def test_one_task_asks_about_one_container_at_about_its_interval() -> None:
    async def story(bed: Bedside) -> None:
        for _ in range(100):
            bed.look(there())
            await asyncio.sleep(1)
        gaps = [b - a for a, b in zip(bed.asked[1:], bed.asked[2:], strict=False)]
        assert all(9 <= gap <= 10 for gap in gaps)
        assert len(set(gaps)) > 1

    bedside(story)


def test_what_does_not_run_is_not_asked() -> None:
    async def story(bed: Bedside) -> None:
        bed.look(there())
        await asyncio.sleep(25)
        assert bed.asked
        count = len(bed.asked)
        for gone in ((), (exited(),), (replace(there(), spec_digest="another"),)):
            bed.look(*gone)
            await asyncio.sleep(100)
        bed.wanted = replace(bed.wanted, running=False)
        bed.look(there())
        await asyncio.sleep(100)
        assert len(bed.asked) == count

    bedside(story)


def test_a_container_that_was_started_again_is_judged_anew() -> None:
    async def story(bed: Bedside) -> None:
        bed.look(there())
        await asyncio.sleep(5)
        assert bed.look(there())[0].health is Health.HEALTHY
        again = replace(there(), started_at=at(5))
        assert bed.look(again)[0].health is Health.STARTING

    bedside(story)


def test_another_probe_is_asked_at_once_and_what_was_well_stays_so() -> None:
    async def story(bed: Bedside) -> None:
        bed.look(there())
        await asyncio.sleep(5)
        bed.wanted = replace(bed.wanted, probe=Probe(port=81, interval=2))
        assert bed.look(there())[0].health is Health.HEALTHY
        count = len(bed.asked)
        await asyncio.sleep(20)
        assert len(bed.asked) - count >= 9

    bedside(story)


@pytest.mark.parametrize("same", [True, False])
def test_a_new_agent_believes_what_was_told_of_this_very_container(same: bool) -> None:
    async def story(bed: Bedside) -> None:
        told = ContainerStatus(
            state=ContainerState.RUNNING,
            health=Health.HEALTHY,
            container_id="c-m1" if same else "another",
            at=NOW,
        )
        expected = Health.HEALTHY if same else Health.STARTING
        assert bed.look(there(), told=told)[0].health is expected

    bedside(story)


def test_a_fault_of_ours_is_an_answer_like_others() -> None:
    async def story(bed: Bedside) -> None:
        bed.answer = "a fault"
        bed.look(there())
        await asyncio.sleep(60)
        assert "the agent has a fault" in bed.look(there())[0].health_said

    bedside(story)


def test_a_start_in_the_future_is_a_clock_that_was_set_back() -> None:
    async def story(bed: Bedside) -> None:
        bed.answer = "refused the connection"
        ahead = replace(there(), started_at=at(86_400))
        bed.look(ahead)
        await asyncio.sleep(60)
        assert bed.look(ahead)[0].health is Health.UNHEALTHY

    bedside(story)


def test_containers_without_a_probe_are_returned_as_they_are() -> None:
    async def story(bed: Bedside) -> None:
        bed.wanted = microservice(of=spec())
        sick: Container = replace(there(), health=Health.UNHEALTHY)
        assert bed.look(sick) == [sick]
        began: datetime | None = sick.started_at
        assert began == NOW

    bedside(story)


async def test_containers_that_cant_be_reached_are_not_called_unwell() -> None:
    probes = Probes(lambda: NOW, lambda: None, reaches=False)
    wanted = {"m1": replace(microservice("m1"), probe=Probe(port=80, interval=0.01, retries=1))}
    async with asyncio.TaskGroup() as tasks:
        assert probes.follow(wanted, [there()], {}, tasks) == [there()]
