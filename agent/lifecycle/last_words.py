"""The last lines that a container printed before it ended: often the reason, in its own words.

`control_loop.py` has them read once for each end and keeps them in the memory of the microservice;
`reconcile.py` puts them into the reason that the operator sees. They go into the controller's log
of events for good, so they are few and short, and nothing in them can steer a terminal.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from agent.errors import EngineError
from agent.lifecycle.engine import Container, ContainerEngine, EngineState
from agent.lifecycle.memory import end_of
from agent.storage.journal import Journal

log = structlog.get_logger()

LINES = 5
LONGEST = 1000
"""Characters, of all lines together."""
MOST_BYTES = 64 * 1024
"""Of the log, read for them: a program may print megabytes without an end of line."""
BEFORE_START = timedelta(seconds=1)
"""The engine notes a start a moment after a program has begun to print."""
READ_WITHIN = 5.0
"""Seconds. What is to be healed is not held up longer for the sake of an explanation."""
READ_AT_ONCE = 8
BETWEEN = " | "

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")


def last_lines(printed: bytes) -> str:
    """The end of what was printed: at most LINES lines that say something, LONGEST characters.

    On one line, with BETWEEN between them, without escape sequences and control characters.
    """
    text = _ESCAPES.sub("", printed.decode("utf-8", "replace"))
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    told = [words for line in lines if (words := " ".join(line.split()))]
    joined = BETWEEN.join(told[-LINES:])
    return joined if len(joined) <= LONGEST else f"…{joined[-LONGEST + 1 :]}"


async def last_words(engine: ContainerEngine, container: Container) -> str:
    """What this container printed last in its last run; empty when that can't be read."""
    printed = bytearray()
    began = container.started_at
    since = None if began is None else began - BEFORE_START
    lines = engine.logs(container.container_id, tail=LINES, follow=False, since=since)
    try:
        async with asyncio.timeout(READ_WITHIN), aclosing(lines):  # type: ignore[type-var]
            async for piece in lines:
                printed += piece
                del printed[:-MOST_BYTES]
    except (EngineError, TimeoutError) as error:
        # Some log drivers can't be read; an engine that is in trouble is told elsewhere.
        log.debug("last-words-not-read", container=container.container_id[:12], error=str(error))
    return last_lines(bytes(printed))


class LastWords:
    """Those of all microservices of a node, kept with what is remembered of them."""

    def __init__(self, engine: ContainerEngine, journal: Journal) -> None:
        self._engine = engine
        self._journal = journal
        self._turn = asyncio.Semaphore(READ_AT_ONCE)

    async def hear(self, containers: Iterable[Container]) -> None:
        """Of those that ended since the last time; of several of a microservice, the latest."""
        ended: dict[str, Container] = {}
        for container in containers:
            if container.state is EngineState.EXITED and end_of(container):
                other = ended.get(container.microservice_id, container)
                ended[container.microservice_id] = max(container, other, key=_finished)
        await asyncio.gather(
            *(
                self._hear(container)
                for container in ended.values()
                if self._journal.memory(container.microservice_id).words_of != end_of(container)
            )
        )

    async def _hear(self, container: Container) -> None:
        async with self._turn:
            words = await last_words(self._engine, container)
        memory = self._journal.memory(container.microservice_id)
        self._journal.remember(
            container.microservice_id,
            replace(memory, last_words=words, words_of=end_of(container)),
        )


def _finished(container: Container) -> datetime:
    return container.finished_at or container.created_at
