"""What a public port costs beside the port itself.

Run `python -m tests.benchmarks.proxies`, alone on the machine, with RabbitMQ's package. The server,
the edge proxy, the interior proxy and the client are processes of their own on this machine; the
direct rate is of the same client and server in the same run. Look at the ratios. Prints requests
per second at 32 connections (kept alive, and a new one for each), with the median and the 99th
percentile of their times; MiB per second of a download of 100 MB and of an upload; the memory of
both proxies before and after; and the same download from a web server in a container, where there
is a Docker Engine and the tests' image. The first server does nothing but give its memory to the
kernel: no proxy whose bytes pass four sockets on the same two cores comes near that.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from aiohttp import web

from routing.amqp_shapes import Access
from tests.docker_fixtures import IMAGE
from tests.ecn.router.proxied import Proxied, prepare
from tests.ports import free_port
from tests.private_broker import ADMIN, PASSWORD, private_broker
from tests.system.network import docker

SECONDS = 8.0
CONNECTIONS = 32
DOWNLOAD = 100_000_000
PIECE = bytes(1 << 17)
REQUEST = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
ONCE = b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def say(line: str) -> None:
    """For whoever runs it."""
    print(line, flush=True)  # noqa: T201


async def handle(request: web.Request) -> web.StreamResponse:
    """The service: a small answer, a large one, or how much was sent."""
    match request.path:
        case "/large":
            answer = web.StreamResponse(headers={"Content-Length": str(DOWNLOAD)})
            await answer.prepare(request)
            left = DOWNLOAD
            while left:
                piece = PIECE[: min(left, len(PIECE))]
                await answer.write(piece)
                left -= len(piece)
            return answer
        case "/upload":
            count = sum([len(each) async for each in request.content.iter_any()])
            return web.Response(text=str(count))
        case _:
            return web.Response(body=bytes(1000))


async def server(port: int) -> None:
    runner = web.AppRunner(_app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=512).start()
    await asyncio.Event().wait()


def _app() -> web.Application:
    app = web.Application(client_max_size=1 << 40)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def proxy(
    url: str, inner: int, outer: int, protocol: str, side: str, address: str = "127.0.0.1"
) -> None:
    """One of the two."""
    both = Proxied(Access(url=url, user=ADMIN, password=PASSWORD), inner, protocol, address)
    both.wished = type(both.wished)(
        port_id=both.wished.port_id,
        port=outer,
        protocol=protocol,
        node_id=both.wished.node_id,
        microservice="a/b",
        longest_idle=600,
    )
    async with asyncio.TaskGroup() as tasks:
        if side == "edge":
            tasks.create_task(both.edge.run())
        else:
            tasks.create_task(both.gates.run())
            tasks.create_task(both.link.run(asyncio.Event()))
        both.wish()


async def answer_of(reader: asyncio.StreamReader) -> int:
    """Reads one answer with a length; bytes of its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    left = length
    while left:
        content = await reader.read(min(left, 1 << 18))
        if not content:
            raise AssertionError("it broke off")
        left -= len(content)
    return length


async def requests(port: int, *, kept: bool) -> tuple[float, list[float]]:
    """Per second, and milliseconds of each."""
    times: list[float] = []
    ends = time.perf_counter() + SECONDS

    async def client() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < ends:
            if not kept:
                streams[1].close()
                streams = await asyncio.open_connection("127.0.0.1", port)
            streams[1].write(REQUEST if kept else ONCE)
            await answer_of(streams[0])
            times.append((time.perf_counter() - began) * 1000)
        streams[1].close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return len(times) / SECONDS, sorted(times)


async def download(port: int, address: str = "127.0.0.1") -> float:
    """MiB per second."""
    reader, writer = await asyncio.open_connection(address, port, limit=1 << 20)
    began = time.perf_counter()
    writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await answer_of(reader) == DOWNLOAD
    writer.close()
    return DOWNLOAD / 2**20 / (time.perf_counter() - began)


async def upload(port: int) -> float:
    """MiB per second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % DOWNLOAD)
    left = DOWNLOAD
    while left:
        writer.write(PIECE[: min(left, len(PIECE))])
        left -= min(left, len(PIECE))
        await writer.drain()
    await answer_of(reader)
    writer.close()
    return DOWNLOAD / 2**20 / (time.perf_counter() - began)


def memory(child: "subprocess.Popen[bytes]") -> float:
    """MiB that a process has."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _part(*words: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.proxies", *map(str, words)],
        stdout=subprocess.DEVNULL,
    )


async def _ready(port: int, address: str = "127.0.0.1") -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(REQUEST)
            await answer_of(reader)
            writer.close()
        except (OSError, asyncio.IncompleteReadError, ValueError, AssertionError):
            await asyncio.sleep(0.2)
        else:
            return


async def best(measure: Callable[[int], Awaitable[float]], port: int) -> float:
    return max([await measure(port) for _ in range(3)])


async def measure(url: str) -> None:
    """All of it, once."""
    await prepare(Access(url=url, user=ADMIN, password=PASSWORD))
    inner, tcp, http = free_port(), free_port(), free_port()
    children = [_part("server", inner), _part("edge", url, inner, tcp, "tcp")]
    try:
        for protocol in ("tcp", "http"):
            outer = tcp if protocol == "tcp" else http
            children.append(_part("centre", url, inner, outer, protocol))
            async with asyncio.timeout(60):
                await _ready(inner)
                await _ready(outer)
            edge, centre = children[1], children[-1]
            say(f"-- {protocol}")
            before = memory(edge), memory(centre)
            for kept in (True, False):
                direct, _ = await requests(inner, kept=kept)
                rate, times = await requests(outer, kept=kept)
                say(
                    f"requests/s, {CONNECTIONS} connections, {'kept' if kept else 'new each'}: "
                    f"{rate:.0f} (direct {direct:.0f}), "
                    f"p50 {median(times):.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms"
                )
            for name, way in (("download", download), ("upload", upload)):
                direct, through = await best(way, inner), await best(way, outer)
                say(
                    f"{name} of 100 MB: {through:.0f} MiB/s, direct {direct:.0f}, "
                    f"ratio {through / direct:.2f}"
                )
            say(
                f"memory before → after, MiB: edge {before[0]:.0f} → {memory(edge):.0f}, "
                f"interior {before[1]:.0f} → {memory(centre):.0f}"
            )
            children.pop().terminate()
    finally:
        for child in children:
            child.terminate()


async def measure_container(url: str) -> None:
    """The download alone, from a container."""
    await prepare(Access(url=url, user=ADMIN, password=PASSWORD))
    script = (
        f"mkdir /www; cd /www; echo x > small; head -c {DOWNLOAD} /dev/urandom > large; "
        "exec httpd -f -p 8080 -h /www"
    )
    container = docker("run", "-d", "--rm", IMAGE, "sh", "-c", script).strip()
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", container).strip()
    outer = free_port()
    children = [_part(side, url, 8080, outer, "http", address) for side in ("edge", "centre")]
    try:
        async with asyncio.timeout(60):
            await _ready(8080, address)
            await _ready(outer)
        direct, through = [], []
        for _ in range(7):
            direct.append(await download(8080, address))
            through.append(await download(outer))
        say("-- http, from a container")
        say(
            f"download of 100 MB, median (best) of 7: {median(through):.0f} "
            f"({max(through):.0f}) MiB/s, direct {median(direct):.0f} ({max(direct):.0f}), "
            f"ratio {median(through) / median(direct):.2f} ({max(through) / max(direct):.2f})"
        )
    finally:
        docker("rm", "-f", container)
        for child in children:
            child.terminate()


def main() -> None:
    match sys.argv[1:]:
        case ["server", port]:
            asyncio.run(server(int(port)))
        case [("edge" | "centre") as side, url, inner, outer, protocol, *address]:
            asyncio.run(proxy(url, int(inner), int(outer), protocol, side, *address))
        case _:
            with tempfile.TemporaryDirectory() as folder:
                broker = private_broker(Path(folder), tls=False)
                broker.start()
                try:
                    broker.make_vhost("ecn")
                    if "--container" not in sys.argv:
                        asyncio.run(measure(broker.url("ecn")))
                    asyncio.run(measure_container(broker.url("ecn")))
                finally:
                    broker.stop()


if __name__ == "__main__":
    main()
