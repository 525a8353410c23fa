"""A task that runs beside a `with` block and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run `work` while the block runs; it is cancelled, and awaited, when the block ends.

    Errors: the block's own error comes out as itself, not wrapped in a group, so that callers
    can catch it by its type. If `work` fails, the block is cancelled and the group comes out.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work)
        try:
            yield
        except Exception as e:
            failure = e
        finally:
            task.cancel()
    if failure is not None:
        raise failure
