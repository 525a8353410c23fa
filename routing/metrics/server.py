"""`GET /metrics` on an address of its own, for scrapers that have no token.

Whoever reaches it reads it: it belongs on a loopback or otherwise private address. Nothing else is
served, and nothing is changed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from routing.metrics.families import Family

AGAIN_AFTER = 30.0
"""Seconds until an address that could not be listened on is tried again."""

log = structlog.get_logger()

Look = Callable[[], Awaitable[list[Family]]]
"""What there is to say at this moment."""


class CannotServe(Exception):
    """The address can't be listened on; the sentence says why."""


@asynccontextmanager
async def serving(host: str, port: int, look: Look) -> AsyncIterator[int]:
    """Serve while the block runs; the port, which is chosen where 0 was given.

    Errors: CannotServe.
    """

    async def answer(request: web.Request) -> web.Response:
        return await answered(request, look)

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(
        application, handler_cancellation=True, shutdown_timeout=1.0, access_log=None
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise CannotServe(
                f"can't serve metrics on {host}:{port}: {error.strerror or error}"
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def serve_always(host: str, port: int, look: Look) -> None:
    """Serve until cancelled. An address that is taken is tried again and again."""
    while True:
        try:
            async with serving(host, port, look):
                log.info("metrics-served", host=host, port=port)
                await asyncio.Event().wait()
        except CannotServe as error:
            log.error("metrics-not-served", error=str(error), again_in=AGAIN_AFTER)
        await asyncio.sleep(AGAIN_AFTER)


async def answered(request: web.Request, look: Look) -> web.Response:
    """The page, in the form that its reader asks for."""
    from routing.metrics.page import page  # read when somebody first looks: it takes memory

    families, accept = await look(), request.headers.get("Accept", "")
    # Thousands of routes make a page of tenths of a second.
    body, media = await asyncio.to_thread(page, families, accept)
    return web.Response(body=body, headers={"Content-Type": media, "Cache-Control": "no-store"})
