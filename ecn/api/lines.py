"""Answers that take a while: one JSON document per line, each sent when it is known.

Long work over the whole log (verify, replay, export) tells how far it is in its first lines and
what came of it in the last one.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web
from msgspec import Struct

MEDIA = "application/x-ndjson"
SLOWEST_READER = 30.0
"""Seconds that a client may take for a line; then its connection is cut."""


async def lines_answer(request: web.Request, lines: AsyncIterator[Struct]) -> web.StreamResponse:
    """Send each line as it comes. What fails before the first line is answered as an error."""
    first = await anext(lines, None)
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = MEDIA
    await response.prepare(request)
    if first is not None:
        await _send(response, first)
        async for line in lines:
            await _send(response, line)
    await response.write_eof()
    return response


async def _send(response: web.StreamResponse, line: Struct) -> None:
    async with asyncio.timeout(SLOWEST_READER):
        await response.write(msgspec.json.encode(line) + b"\n")
