"""What a pull costs: by the engine alone, through the gateway, with a limit, after a break.

    nice python -m tests.benchmarks.pulls [MIB]

Against the Docker Engine of this machine and a registry in a process of its own; prints what it
measured. The image is removed afterwards.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from agent.contract import NodeConfig
from agent.docker.engine import DockerEngine
from agent.images.disk import Disk
from agent.images.fetching import ImageFetching
from agent.images.ledger import ImageLedger
from agent.images.partial_pulls import PartialPulls
from tests.agent.fake_registry import FakeRegistry
from tests.docker_fixtures import ENGINE_URL, forget_image

MIB = 1 << 20


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def registry_process(pipe: Connection, size: int) -> None:
    """Serves until told to end; answers each question with the bytes served since the last."""

    async def serve() -> None:
        registry = FakeRegistry(size * MIB)
        async with registry.serving():
            pipe.send((registry.reference, registry.blob_bytes))
            while True:
                order = await asyncio.to_thread(pipe.recv)
                if order is None:
                    return
                registry.drops_at = [order] if order else []
                pipe.send(registry.served)
                registry.served = 0

    asyncio.run(serve())


async def measure(pipe: Connection, size: int) -> None:
    reference, total = pipe.recv()

    def served(breaks_at: int = 0) -> int:
        pipe.send(breaks_at)
        count: int = pipe.recv()
        return count

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with DockerEngine(ENGINE_URL) as engine:

            async def nothing(*, all_there_is: bool) -> None:
                return

            fetching = ImageFetching(
                engine.images, ImageLedger(folder / "images.json"), Disk(folder),
                PartialPulls(folder / "pulls"), nothing, lambda: datetime.now(UTC),
            )  # fmt: skip

            async def pull(kib: int, times: int = 3) -> float:
                took = []
                for _ in range(times):
                    forget_image(reference)
                    forget_image(f"{reference.rpartition(':')[0]}@{digest}" if digest else "-")
                    fetching.configure(NodeConfig(pull_limit_kib=kib))
                    began = time.perf_counter()
                    await fetching.pull(reference, None)
                    took.append(time.perf_counter() - began)
                return sorted(took)[len(took) // 2]

            digest = ""
            direct = await pull(0)
            images = await engine.images.images()
            (digest,) = (
                n.partition("@")[2]
                for i in images
                for n in i.references
                if n.startswith(reference.rpartition(":")[0] + "@")
            )
            gateway = await pull(10_000_000)
            say(
                f"{total / MIB:.0f} MiB, median of 3: the engine alone {direct:.2f} s, through "
                f"the gateway {gateway:.2f} s, ratio {gateway / direct:.2f}"
            )
            for kib in (20_480, 5_120):
                took = await pull(kib, 1)
                rate = total / 1024 / took
                # What the engine does after the last byte is in it: unpacking.
                say(f"limit {kib} KiB/s: {took:.1f} s, {rate:.0f} KiB/s, {rate / kib:.0%} of it")
            served(int(total * 0.6))
            await pull(10_000_000, 1)
            say(f"line broken at 60 %: {served() / total:.1%} of the image served in all")
            forget_image(reference)
            forget_image(f"{reference.rpartition(':')[0]}@{digest}")
    pipe.send(None)


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=registry_process, args=(theirs, size)
    )
    process.start()
    asyncio.run(measure(ours, size))
    process.join(10)


if __name__ == "__main__":
    main()
