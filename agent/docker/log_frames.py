"""Docker's log stream as the bytes that were written."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp


async def demultiplexed(
    stream: aiohttp.StreamReader, *, timestamps: bool = False
) -> AsyncIterator[bytes]:
    """Frames of 8 bytes of header (stream, length) and content; ours never have a terminal.

    timestamps: they were asked for, and stand before each frame. A line longer than 16 KiB comes in
    several: the time stays at the first of them, so that one stands before each line.
    """
    whole: dict[int, bool] = {}
    while True:
        try:
            header = await stream.readexactly(8)
            content = await stream.readexactly(int.from_bytes(header[4:], "big"))
        except asyncio.IncompleteReadError:
            return
        if timestamps:
            begins = whole.get(header[0], True)
            whole[header[0]] = content.endswith(b"\n")
            if not begins:
                content = content.partition(b" ")[2]
        yield content
