"""An agent's stream or session that another controller waits for, passed on to it.

The agent meets any controller; which one waits, the requests' bus has told (ecn/request_bus.py).
What goes through here is the agent's own request, credential and all, to a controller of the same
network.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
from aiohttp import WSMsgType, web

from agent.contract import LARGEST_FRAME
from ecn.api.keys import RELAY
from ecn.api.session_link import LinkBroken, SessionLink, new_socket
from ecn.errors import Unreachable

CONNECT_WITHIN = 5.0
LONGEST = 9 * 3600.0
"""Seconds."""
CHUNK = 1 << 16


async def relayed_stream(request: web.Request, url: str) -> web.Response:
    """Pass a stream on; the answer is that of the other controller. Errors: Unreachable."""
    timeout = aiohttp.ClientTimeout(total=LONGEST, sock_connect=CONNECT_WITHIN)
    try:
        async with request.app[RELAY].post(
            _there(request, url),
            data=_pieces(request),
            headers=_headers(request),
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                headers={"Content-Type": answer.headers.get("Content-Type", "text/plain")},
            )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(url, error) from error


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    async for piece in request.content.iter_chunked(CHUNK):
        yield piece


async def relayed_session(request: web.Request, url: str) -> web.StreamResponse:
    """Pass a session on, frame by frame. Errors: Unreachable."""
    try:
        async with request.app[RELAY].ws_connect(
            _there(request, url),
            headers=_headers(request),
            timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_WITHIN),
            max_msg_size=2 * LARGEST_FRAME,
        ) as there:
            here = new_socket()
            await here.prepare(request)
            link = SessionLink(here)
            ways = [asyncio.ensure_future(way) for way in (_in(link, there), _out(there, link))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
                await asyncio.gather(link.close(), there.close())
            return here
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(url, error) from error


async def _in(device: SessionLink, there: aiohttp.ClientWebSocketResponse) -> None:
    """From the device to the controller that waits."""
    pinging = asyncio.ensure_future(device.ping())
    try:
        with suppress(aiohttp.ClientError, OSError):
            while isinstance(said := await device.receive(), bytes):
                await there.send_bytes(said)
    finally:
        pinging.cancel()


async def _out(there: aiohttp.ClientWebSocketResponse, device: SessionLink) -> None:
    """Pings of the controller that waits are answered by aiohttp."""
    with suppress(LinkBroken):
        async for message in there:
            if message.type is WSMsgType.BINARY:
                await device.send(message.data)


def _there(request: web.Request, url: str) -> str:
    return url.rstrip("/") + request.path


def _headers(request: web.Request) -> dict[str, str]:
    """With a word that it was passed on once: controllers must not play ball with it."""
    return {"Authorization": request.headers.get("Authorization", ""), PASSED_ON: "1"}


PASSED_ON = "ECN-Passed-On"


def _unreachable(url: str, error: Exception) -> Unreachable:
    return Unreachable(
        f"the controller that waits for this, {url}, can't be reached from here: {error}",
        next_step="Give each controller an address that the others reach: --advertise URL",
    )
