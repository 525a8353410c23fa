"""How many messages go from one microservice to another by the Local API's sockets, beside an echo.

    python -m tests.benchmarks.local_api [--messages N]

A process with a real edge router and a real Local API; another with a producer that has so many
messages without a receipt at most, and a consumer that acknowledges each, bodies of 1 KB. The
baseline, in the same run: the same frames through an aiohttp WebSocket that sends each back. Look
at the ratios; the absolute numbers say something about this machine and no more.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from agent.contract import NodeConfig
from agent.local_api.callers import Callers
from agent.local_api.local_api import LocalApi
from agent.local_api.node_state import NodeState
from agent.local_api.tokens import Tokens
from routing.iomessage import ACK, MESSAGE, RECEIPT, IoMessage, message_frame
from tests.agent.fake_engine import FakeEngine
from tests.agent.messages.running import known, route, running
from tests.ports import free_port

FRAME = message_frame(IoMessage(infotype="t", infoformat="f", contentdata=bytes(range(256)) * 4))
OUT = 256
"""Messages of the producer without a receipt."""
HOST = "127.0.0.1"


async def serve(kind: str, port: int, folder: Path) -> None:
    """As a process of its own: an echo, or a Local API with a route of that kind."""
    if kind == "echo":
        await _echo(port)
        return
    desired = known(route(durable=kind == "durable"))
    async with running(folder, desired) as router:
        engine = FakeEngine()
        state = NodeState(router, Callers("node1", engine, time.monotonic), Tokens(b"s" * 32))
        api = LocalApi("node1", engine, state, port=port)
        api.wish(replace(desired, node=NodeConfig(local_api="open")))
        await api.run()


async def _echo(port: int) -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            await ws.send_bytes(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/echo", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await asyncio.Event().wait()


async def echoed(port: int, many: int) -> float:
    """Frames per second, there and back."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"http://{HOST}:{port}/echo") as ws,
    ):
        window = asyncio.Semaphore(OUT)
        began = time.perf_counter()

        async def send() -> None:
            for _ in range(many):
                await window.acquire()
                await ws.send_bytes(FRAME)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            for _ in range(many):
                await ws.receive()
                window.release()
        return many / (time.perf_counter() - began)


async def moved(port: int, many: int) -> float:
    """Messages per second, from the first that is sent to the last that is acknowledged."""
    socket = f"http://{HOST}:{port}/v2/message/socket/id"
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{socket}/b") as consumer,
        client.ws_connect(f"{socket}/a") as producer,
    ):
        window = asyncio.Semaphore(OUT)
        began = time.perf_counter()

        async def send() -> None:
            for _ in range(many):
                await window.acquire()
                await producer.send_bytes(FRAME)

        async def receipts() -> None:
            for _ in range(many):
                frame = await producer.receive()
                assert frame.data[0] == RECEIPT
                await producer.send_bytes(bytes([ACK]))
                window.release()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            tasks.create_task(receipts())
            for _ in range(many):
                frame = await consumer.receive()
                assert frame.data[0] == MESSAGE
                await consumer.send_bytes(bytes([ACK]))
        return many / (time.perf_counter() - began)


async def one(kind: str, many: int) -> float:
    """Of a process of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ecn-local-api-") as folder:
        served = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.local_api"),
            *("--serve", kind, str(port), folder),
            stdout=subprocess.DEVNULL,
        )
        try:
            await _until_listening(port)
            return await (echoed if kind == "echo" else moved)(port, many)
        finally:
            served.kill()
            await served.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


async def main(many: int) -> None:
    echo = await one("echo", many)
    say(f"{'echo':<10} {echo:>8.0f} /s")
    for kind in ("memory", "durable"):
        speed = await one(kind, many)
        say(f"{kind:<10} {speed:>8.0f} /s    {speed / echo:.2f} of the echo")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=20_000)
    options.add_argument("--serve", nargs=3, metavar=("KIND", "PORT", "FOLDER"))
    given = options.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve[0], int(given.serve[1]), Path(given.serve[2])))
    else:
        asyncio.run(main(given.messages))
