"""Commands whose append is interrupted: nobody is told a thing that is not so, and a retry with
the same key is answered as the first time, by this controller and by any other.

The whole way of a command but HTTP: a real writer and world, a real Postgres, a proxy between.
A crowd of commands is on its way at once, so that some are decided on what others are about to
leave while the append of those breaks.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from ecn.batch import Issued, Outcome
from ecn.commands.node import RegisterNode
from ecn.controller import now
from ecn.errors import NameTaken, Refused
from ecn.writer import Writer
from events import postgres_append, postgres_pool
from events.background import beside
from events.envelope import GENESIS, Recorded, verify
from events.ids import START, CommandId, NodeId, new_id
from events.log import LogUnavailable, OutcomeUnknown
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.live import Live, follow
from tests.fault_proxy import Cut, FaultProxy, Hold

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def controller(dsn: str) -> AsyncIterator[Writer]:
    """A writer and what it needs."""
    async with PostgresPool.open(dsn) as pool, PostgresLog.open(pool) as log:
        live = Live(log)
        await live.catch_up()
        writer = Writer(live, log, now)
        async with beside(writer.run()), beside(follow(live, log)):
            yield writer


def register(name: str, key: str) -> Issued:
    """Each time with a fresh id, as handlers do it."""
    command_id = CommandId(f"key-{key:0>32}-0123456789abcdef")
    command = RegisterNode(node_id=NodeId(new_id()), name=name)
    return Issued(
        command=command, actor="user/anna", command_id=command_id, correlation_id=new_id()
    )


async def told(writer: Writer, issued: Issued) -> Outcome | Exception:
    """What it led to, or why that is not known."""
    try:
        return await writer.execute(issued)
    except (LogUnavailable, OutcomeUnknown, Refused) as e:
        return e


async def insisted(writer: Writer, make: Callable[[], Issued]) -> Outcome:
    """Repeated, as clients do, until there is an answer."""
    async with asyncio.timeout(30):
        while True:
            answer = await told(writer, make())
            if isinstance(answer, Outcome):
                return answer
            assert isinstance(answer, (LogUnavailable, OutcomeUnknown)), answer
            await asyncio.sleep(0.02)


Fault = Callable[[FaultProxy, str, float], None]


def cut_request(proxy: FaultProxy, _: str, share: float) -> None:
    proxy.cut_request = Cut(round(share * 1200))


def cut_answer(proxy: FaultProxy, _: str, share: float) -> None:
    proxy.cut_answer = Cut(round(share * 27))


def deliver_late(proxy: FaultProxy, _: str, share: float) -> None:
    proxy.cut_request = Cut(0, deliver_rest_in=share / 2)


def refuse_for_a_while(proxy: FaultProxy, _: str, share: float) -> None:
    def refuse() -> None:
        proxy.refusing = True
        asyncio.get_running_loop().call_later(1.5 * share, setattr, proxy, "refusing", False)

    proxy.cut_answer = Cut(round(share * 27), then=refuse)


def hang(proxy: FaultProxy, _: str, share: float) -> None:
    hold = Hold(round(share * 27), asyncio.Event().wait)  # type: ignore[arg-type]
    if share < 0.5:
        proxy.hold_request = hold
    else:
        proxy.hold_answer = hold


def terminate(proxy: FaultProxy, dsn: str, share: float) -> None:
    async def do() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name ^@ 'ecn' and datname = current_database()"
            )
        finally:
            await connection.close()

    if share < 0.5:
        proxy.hold_request = Hold(round(share * 1200), do)
    else:
        proxy.hold_answer = Hold(round(share * 27), do)


FAULTS: tuple[Fault, ...] = (
    cut_request,
    cut_answer,
    deliver_late,
    refuse_for_a_while,
    hang,
    terminate,
)


@pytest.fixture
async def proxy(postgres_dsn: str, open_folder: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(postgres_dsn, open_folder) as proxy:
        yield proxy


async def whole(log: PostgresLog) -> dict[str, list[Recorded]]:
    """The log by command; its chain is whole."""
    events = await log.read(START)
    verify(GENESIS, events)
    by_command: dict[str, list[Recorded]] = {}
    for event in events:
        by_command.setdefault(event.command_id, []).append(event)
    return by_command


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: str(each.__name__))
async def test_a_crowd_of_commands_whose_append_breaks(
    fault: Fault,
    proxy: FaultProxy,
    postgres_dsn: str,
    postgres_log: PostgresLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_append, "APPEND_WITHIN", 0.8)
    monkeypatch.setattr(postgres_pool, "CLIENT_GRACE", 0.3)
    chance = random.Random(fault.__name__)
    rounds = 4 if fault is hang else 8
    async with controller(proxy.dsn) as writer, controller(postgres_dsn) as other:
        for round_ in range(rounds):
            await insisted(writer, lambda: register(new_id(), new_id()))
            fault(proxy, postgres_dsn, (round_ + 0.5) / rounds)
            keys = [f"{round_}a{number}" for number in range(9)]

            async def one(key: str) -> Outcome | Exception:
                await asyncio.sleep(chance.random() / 50)
                return await told(writer, register(f"node-{key}", key))

            first = await asyncio.gather(*(one(key) for key in keys))
            # A name is wanted by two, one of whom may come while the other is under way.
            rival = await told(writer, register(f"node-{keys[0]}", f"{round_}b"))
            retried = [
                await insisted(writer, lambda key=key: register(f"node-{key}", key))  # type: ignore[misc]
                for key in keys
                if not isinstance(rival, Outcome) or key != keys[0]
            ]
            log = await whole(postgres_log)
            for key, answer in zip(keys, first, strict=True):
                found = log.get(register("", key).command_id, [])
                if isinstance(answer, Outcome):
                    assert [each.type for each in found] == list(answer.events)
                    assert found[-1].position == answer.position
                    assert found[0].subject == answer.subject
            for outcome in retried:
                found = log[outcome.command_id]
                assert [each.type for each in found] == ["node.registered.v1"]
                assert found[0].position == outcome.position
                assert found[0].subject == outcome.subject
            if isinstance(rival, Refused):
                assert isinstance(rival, NameTaken)
            # Any other controller answers the same.
            for outcome in retried:
                issued = register("whatever", outcome.command_id[4:36])
                again = await other.execute(issued)
                assert again.repeated
                assert (again.position, again.subject) == (outcome.position, outcome.subject)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: str(each.__name__))
async def test_what_is_said_not_to_have_happened_never_happens(
    fault: Fault,
    proxy: FaultProxy,
    postgres_dsn: str,
    postgres_log: PostgresLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_append, "APPEND_WITHIN", 0.8)
    monkeypatch.setattr(postgres_pool, "CLIENT_GRACE", 0.3)
    async with controller(proxy.dsn) as writer:
        rounds = 3 if fault is hang else 8
        nothing: set[str] = set()
        for round_ in range(rounds):
            await insisted(writer, lambda: register(new_id(), new_id()))
            fault(proxy, postgres_dsn, (round_ + 0.5) / rounds)
            issued = [register(new_id(), new_id()) for _ in range(4)]
            for each, answer in zip(
                issued, await asyncio.gather(*(told(writer, each) for each in issued)), strict=True
            ):
                if isinstance(answer, LogUnavailable):
                    nothing.add(each.command_id)
        await asyncio.sleep(0.8)
        assert not nothing & (await whole(postgres_log)).keys()
