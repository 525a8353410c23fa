"""What a port that is reached from afar costs, beside the same port reached directly.

Run `python -m tests.benchmarks.port_forward`, alone on the machine, with a Docker Engine.
Controller, agent, `ecn tunnel` and the server behind the port are real processes of this machine;
the baseline speaks to the server in the same run. Look at the ratios: all processes share the
machine's cores. Prints MiB per second down and up, milliseconds for a new connection that hears an
echo, such connections per second from eight threads, and what the floods left in the memory of
agent and command.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.docker_fixtures import make_image
from tests.system.network import Network

SIZE = 200 << 20
ROUNDS = 50
CONNECTIONS, THREADS = 400, 8

SERVER = """
import asyncio, sys
PIECE = bytes(1 << 18)
async def serve(reader, writer):
    try:
        word = await reader.readline()
        if word == b"down\\n":
            for _ in range(int(sys.argv[1]) // len(PIECE)):
                writer.write(PIECE)
                await writer.drain()
        elif word == b"up\\n":
            while await reader.read(1 << 18):
                pass
            writer.write(b"got\\n")
        else:
            writer.write(word)
        writer.close()
    except OSError:
        pass
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def say(line: str) -> None:
    """One line of the outcome."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def printing_port(command: list[str], environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A process that says its port first; its pid, and the port."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        found = re.match(r"(?:127\.0\.0\.1:)?(\d+)", process.stdout.readline())
        assert found is not None, "it did not begin"
        yield process.pid, int(found[1])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def down(port: int) -> int:
    """Bytes that came."""
    with connected(port) as sock:
        sock.sendall(b"down\n")
        got, room = 0, bytearray(1 << 20)
        while count := sock.recv_into(room):
            got += count
        return got


def up(port: int) -> int:
    """Bytes that arrived."""
    piece = bytes(1 << 18)
    with connected(port) as sock:
        sock.sendall(b"up\n")
        for _ in range(SIZE // len(piece)):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(10) == b"got\n"
    return SIZE


def echo(port: int) -> None:
    """A connection of its own, one word and its echo."""
    with connected(port) as sock:
        sock.sendall(b"hello\n")
        assert sock.recv(10) == b"hello\n"


def rate(work: Callable[[int], int], port: int) -> float:
    """MiB per second."""
    began = time.perf_counter()
    assert work(port) == SIZE
    return (SIZE >> 20) / (time.perf_counter() - began)


def latency(port: int) -> float:
    """Milliseconds, the median."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        echo(port)
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def connections(port: int) -> float:
    """Per second."""
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(echo, [port] * CONNECTIONS))
    return CONNECTIONS / (time.perf_counter() - began)


def memory(pid: int) -> float:
    """MiB that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


def main() -> None:
    """See the module."""
    make_image()
    with tempfile.TemporaryDirectory(prefix="ecn-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        network = Network(folder)
        network.start()
        try:
            node = str(network.items("nodes")[0]["name"])
            server = [sys.executable, "-c", SERVER, str(SIZE)]
            with printing_port(server, dict(os.environ)) as (_, direct):
                tunnel = [sys.executable, "-m", "ecn", "tunnel", node, f"0:{direct}"]
                with printing_port(tunnel, dict(network.environment)) as (pid, through):
                    measure(
                        network.process("agent", "run", str(network.data)), pid, direct, through
                    )
        finally:
            network.stop()


def measure(agent: int, command: int, direct: int, through: int) -> None:
    """Print all of it."""
    for warm_up in range(2):
        for port in (direct, through):
            echo(port)
        if warm_up:
            down(through)
    before = memory(agent), memory(command)
    for name, work in (("down", down), ("up", up)):
        theirs, ours = rate(work, direct), rate(work, through)
        say(f"{name}: {ours:.0f} MiB/s, directly {theirs:.0f} MiB/s, ratio {ours / theirs:.2f}")
    theirs, ours = latency(direct), latency(through)
    say(f"a connection with an echo: {ours:.1f} ms, directly {theirs:.1f} ms")
    theirs, ours = connections(direct), connections(through)
    say(f"connections from {THREADS} threads: {ours:.0f}/s, directly {theirs:.0f}/s")
    after = memory(agent), memory(command)
    say(
        f"memory of the agent: {before[0]:.0f} MiB, {after[0]:.0f} MiB after the floods; "
        f"of the command: {before[1]:.0f} MiB, {after[1]:.0f} MiB"
    )


if __name__ == "__main__":
    main()
