"""Proving a stored log: a walk from its first event to its last, in pages that let others run."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from events.chaining import ChainBroken, Place, Verification
from events.stored import StoredReader

PAGE = 1000
"""Events of one question to the store, followed in one go: some 5 ms in which nobody else has a
turn. Four times as many are a tenth faster, and hold the others up for longer than is decent."""


async def walk(
    reader: StoredReader, marks: Mapping[int, bytes] | None = None
) -> AsyncGenerator[tuple[Place, int]]:
    """Follow the chain of all that is stored now; how far it is, and how far to go, each page.

    The last that is yielded is the end of the log, proved.
    marks: position -> the hash that it must have.
    Errors: ChainBroken at the first event that is wrong, with `proved`; LogUnavailable.
    """
    verification = Verification(marks=marks)
    try:
        async with aclosing(_walk(reader, verification)) as steps:
            async for step in steps:
                yield step
    except ChainBroken as e:
        e.proved = verification.place
        raise


async def _walk(
    reader: StoredReader, verification: Verification
) -> AsyncGenerator[tuple[Place, int]]:
    extent = await reader.extent()
    if extent.first is not None and extent.first < 1:
        raise ChainBroken(extent.first, "it lies before the beginning of the log")
    yield verification.place, extent.last
    while verification.place.position < extent.last:
        after = verification.place.position
        up_to = min(after + PAGE, extent.last)
        verification.go_on(await reader.between(after, up_to))
        # A store in memory answers without letting anybody else have a turn.
        await asyncio.sleep(0)
        if verification.place.position < up_to:
            raise ChainBroken(
                verification.place.position + 1,
                f"it is missing: the log has events up to {extent.last}",
            )
        if up_to < extent.last:
            yield verification.place, extent.last
    if extent.noted is None:
        raise ChainBroken(
            extent.last, "the end of the log is not noted here, or twice: see the table ecn.head"
        )
    yield verification.end(extent.noted), extent.last
