"""Folding through the log at full speed: for the start, for the past, for proofs.

The next pages are fetched while this one is folded, and everything runs in slices: a controller
that serves meanwhile stays quick.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from events.envelope import Bare
from events.ids import Position
from events.log import EventLog
from projections.world import Folding

PAGE = 500
"""Events that are asked for, decoded and folded in one go: some 3 ms. Larger pages are slower: what
was decoded has left the processor's cache again when it is folded."""

AHEAD = 2
"""Pages that are on their way while one is folded. Each takes a connection of the pool."""


async def fold_up_to(log: EventLog, folding: Folding, end: Position) -> None:
    """Go on with `folding` through all events up to `end`, which the log must have.

    How far it is, whoever waits sees in `folding.draft.position`.
    Errors: LogUnavailable; ValueError when the log has a hole, or ends before.
    """
    begin = folding.draft.position
    async with _pages(log, begin, end) as pages:
        for page in pages:
            folding.fold(await page)
            await asyncio.sleep(0)
    if folding.draft.position != end:
        raise ValueError(f"the log ends at {folding.draft.position}, not at {end}")


@asynccontextmanager
async def _pages(
    log: EventLog, begin: Position, end: Position
) -> AsyncIterator[Iterator[asyncio.Task[Sequence[Bare]]]]:
    """All pages, in order, some of them asked for ahead.

    No task group: whoever folds catches the log's errors by their type, not in a group.
    """
    asked: deque[asyncio.Task[Sequence[Bare]]] = deque()

    def ask() -> Iterator[asyncio.Task[Sequence[Bare]]]:
        for after in range(begin, end, PAGE):
            limit = min(PAGE, end - after)
            asked.append(asyncio.create_task(log.read_bare(Position(after), limit=limit)))
            if len(asked) > AHEAD:
                yield asked.popleft()
        while asked:
            yield asked.popleft()

    try:
        yield ask()
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
