"""A wake-up whenever the log grows. It says "look again", never what there is to see.

Its listener is a task of its own and not in a TaskGroup, which would wrap the errors of the work
beside it into groups; `listening` owns it and ends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ecn.cli.client import Client
from ecn.cli.errors import CliError


class News:
    """Whether something happened since it was last asked."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()

    def forget(self) -> None:
        """Before a look: what happens from now on is news."""
        self.happened.clear()

    async def wait(self, at_most: float) -> None:
        """Until something happened, or so many seconds."""
        try:
            async with asyncio.timeout(at_most):
                await self.happened.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def listening(client: Client, after: int | None) -> AsyncIterator[News]:
    """News of what comes behind a position, or of what comes from now on."""
    news = News()
    listener = asyncio.create_task(_listen(client, after, news))
    try:
        yield news
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def _listen(client: Client, after: int | None, news: News) -> None:
    try:
        async with aclosing(client.follow({}, after=after)) as events:
            async for _ in events:
                news.happened.set()
    except CliError:
        return  # whoever waits looks from time to time, and meets the same trouble or does not
