"""A controller without HTTP for tests: a world and its writer over some log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from ecn.batch import Issued, Outcome
from ecn.commands import AnyCommand
from ecn.commands.node import RegisterNode
from ecn.writer import Writer
from events.background import beside
from events.envelope import GENESIS, Recorded, verify
from events.ids import CommandId, NodeId, new_id
from events.log import EventLog
from projections.live import Live
from projections.world import World, fold
from tests.builders import NOW


def clock() -> datetime:
    return NOW


def issued(command: AnyCommand, command_id: str = "") -> Issued:
    """A command as a handler issues it."""
    return Issued(
        command=command,
        actor="user/anna",
        command_id=CommandId(command_id or new_id()),
        correlation_id="request",
    )


def register(name: str, node_id: str = "", command_id: str = "") -> Issued:
    """A node is wanted; each time with a fresh id, as handlers do it."""
    node = NodeId(node_id or new_id())
    return issued(RegisterNode(node_id=node, name=name), command_id)


class Controller:
    """A world and its writer over some log."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.live = Live(log)
        self.writer = Writer(self.live, log, clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Controller"]:
        """While the writer's task runs."""
        async with beside(self.writer.run()):
            yield self

    @property
    def world(self) -> World:
        return self.live.world

    async def names(self) -> list[str]:
        """Of the nodes in the log, not in any memory."""
        world = fold(World(), await self.log.read(GENESIS.position))
        return sorted(row.name for _, row in world.nodes.items())


async def all_of(writer: Writer, commands: Sequence[Issued]) -> list[Outcome | BaseException]:
    """Everyone's answer or refusal."""
    return await asyncio.gather(
        *(writer.execute(each) for each in commands), return_exceptions=True
    )


async def checked_log(log: EventLog) -> list[Recorded]:
    """All events, gapless and chained."""
    events = await log.read(GENESIS.position)
    verify(GENESIS, events)
    return events


def is_stale(live: Live) -> bool:
    return live.stale


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)
