"""Messages a second through the Python SDK and the Local API, with a router that keeps nothing.

Run `PYTHONPATH=routing/sdk python -m tests.benchmarks.sdk [messages]`. What the SDK costs
shows in the ratio to a bare aiohttp client that posts the same documents to the same Local API, and
reads its answers.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import ClientSession, TCPConnector
from ecn_sdk import Client
from ecn_sdk.message import to_send

from tests.agent.local_api.serving import Serving, serving
from tests.sdk.settings import settings

BODY = {"n": 1, "text": "x" * 1000}
PROPERTIES: dict[str, str | int | float | bool] = {"temp": 71, "severity": "high"}
TOGETHER = 8


async def rate(messages: int, together: int, publish: Callable[[], Awaitable[object]]) -> float:
    """Messages a second, with so many of them on their way."""

    async def some() -> None:
        for _ in range(messages // together):
            await publish()

    began = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(together)))
    return messages / (time.perf_counter() - began)


def bare(session: ClientSession, one: Serving) -> Callable[[], Awaitable[object]]:
    """The same message, by hand."""
    document = to_send(BODY, publisher="m1", properties=PROPERTIES, output="raw").to_document()
    headers = {"Authorization": f"Bearer {one.tokens.of('m1')}"}
    url = f"http://127.0.0.1:{one.port}/v2/messages/new"

    async def publish() -> object:
        async with session.post(url, json=document, headers=headers) as answer:
            return await answer.json(content_type=None)

    return publish


async def run(messages: int) -> None:
    """Print a line for each."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(serving())
        client = await stack.enter_async_context(Client(settings(one)))
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=10)))
        post = bare(session, one)
        for together in (1, TOGETHER):
            ours = await rate(
                messages,
                together,
                lambda: client.publish(BODY, properties=PROPERTIES, output="raw"),
            )
            theirs = await rate(messages, together, post)
            say(f"publish, {together} at once: {ours:,.0f}/s, {ours / theirs:.2f} of bare aiohttp")
        one.routing.routes = {"m1": "m1"}
        for _ in range(messages):
            await client.publish(BODY, properties=PROPERTIES, output="raw")
        began, left = time.perf_counter(), messages
        async for _ in client.messages():
            left -= 1
            if not left:
                break
        say(f"receive: {messages / (time.perf_counter() - began):,.0f}/s, each acknowledged")


def say(line: str) -> None:
    """To whoever runs it."""
    print(line)  # noqa: T201


def main() -> None:
    """From the command line."""
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 4000))


if __name__ == "__main__":
    main()
