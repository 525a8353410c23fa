"""The last lines that a container printed before it ended: often the reason, in its own words.

`control_loop.py` has them read once for each end and keeps them in the memory of the microservice;
`reconcile.py` puts them into the reason that the operator sees. They go into the controller's log
of events for good, so they are few and short, and nothing in them can steer a terminal.
"""

import asyncio
import re
from contextlib import aclosing
from datetime import timedelta

import structlog

from agent.engine import Container, ContainerEngine
from agent.errors import EngineError

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
