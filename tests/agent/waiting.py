"""Waiting for what another task or program brings about, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def until(look: Callable[[], Awaitable[Found | None]], within: float = 15.0) -> Found:
    """The first thing that `look` finds."""
    async with asyncio.timeout(within):
        while (found := await look()) is None:  # noqa: ASYNC110 - it is seen, not told
            await asyncio.sleep(0.02)
        return found


async def until_true(check: Callable[[], bool], within: float = 15.0) -> None:
    """Returns when the check holds."""
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110 - it is seen, not told
            await asyncio.sleep(0.02)
