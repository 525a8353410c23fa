"""How many messages go from one node to another, beside bare aio-pika with confirms.

    python -m tests.benchmarks.interior [--messages N] [--rounds N]

Alone on the machine, with RabbitMQ. Bodies of 1 KB, a durable route, a quorum queue. Ours:
published at an edge router in one process (and on its disk), sent by its link with confirms,
received by the link of a second process, taken and acknowledged there by a receiver. Theirs:
aio-pika's own publish and consume in two processes, with as many in flight, persistent,
acknowledged one by one, nothing on a disk but RabbitMQ's. Each from the first publish to the last
one taken. Look at the ratio.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import aio_pika
from msgspec import Struct, json

from agent.messages.receiving import ON_LOAN
from agent.messages.routing import StoreFull
from agent.messages.sending import IN_HAND
from routing.message import Message
from tests.agent.interior.nodes import Interior, elsewhere, node, until
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker, private_broker

BODY = bytes(range(256)) * 4
PUBLISHERS = 64
QUEUE = "ecn.in.b"


class Work(Struct):
    """What a process is told to do."""

    what: str
    """ours-send, ours-receive, theirs-send, theirs-receive."""
    url: str
    folder: str
    messages: int


def say(line: str) -> None:
    """One line of the outcome."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def our_sender(work: Work) -> None:
    """Publishes all at an edge router; returns when all are gone."""
    async with node(Path(work.folder), "n1") as n1:
        n1.wish(elsewhere(), here=("a",), broker=Interior.access_to(work.url))
        await n1.until("ab", "up")
        say(str(time.time()))

        async def publish(count: int) -> None:
            for _ in range(count):
                while True:
                    try:
                        await n1.router.publish("a", Message(body=BODY))
                        break
                    except StoreFull:
                        await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(PUBLISHERS):
                tasks.create_task(publish(work.messages // PUBLISHERS))
        await until(lambda: not any(each.stored for each in n1.router.statuses()), 60)


async def our_receiver(work: Work) -> None:
    """Takes all and acknowledges them."""
    async with node(Path(work.folder), "n2") as n2:
        n2.wish(here=("b",), inboxes=("b",), broker=Interior.access_to(work.url))
        inbox = n2.router.inbox("b")
        await asyncio.sleep(0.5)
        say("ready")
        taken = 0
        async with asyncio.TaskGroup() as tasks:
            while taken < work.messages:
                deliveries = await inbox.next(100, 30)
                taken += len(deliveries)
                tasks.create_task(inbox.done(deliveries))
        say(str(time.time()))
        await asyncio.sleep(0.2)


async def their_sender(work: Work) -> None:
    """As aio-pika's documentation shows, with many in flight."""
    connection = await aio_pika.connect(_with_user(work.url))
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        room = asyncio.Semaphore(IN_HAND)
        say(str(time.time()))

        async def publish() -> None:
            try:
                message = aio_pika.Message(BODY, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, QUEUE)
            finally:
                room.release()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(work.messages):
                await room.acquire()
                tasks.create_task(publish())


async def their_receiver(work: Work) -> None:
    """As aio-pika's documentation shows."""
    connection = await aio_pika.connect(_with_user(work.url))
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=ON_LOAN[0][1])
        queue = await channel.get_queue(QUEUE)
        say("ready")
        taken = 0
        async with queue.iterator() as messages:
            async for message in messages:
                await message.ack()
                taken += 1
                if taken == work.messages:
                    break
        say(str(time.time()))


def _with_user(url: str) -> str:
    return url.replace("://", f"://{ADMIN}:{PASSWORD}@", 1)


def rate(broker: PrivateBroker, folder: Path, kind: str, number: int, messages: int) -> float:
    """Messages per second, in a vhost of its own."""
    vhost = f"{kind}-{number}"
    broker.make_vhost(vhost)
    interior = Interior(broker, vhost)
    interior.node("n1")
    interior.microservice("b")
    interior.lead("ab", "n1", "b")

    def start(side: str) -> subprocess.Popen[str]:
        work = Work(f"{kind}-{side}", broker.url(vhost), str(folder / vhost / side), messages)
        Path(work.folder).mkdir(parents=True)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.interior", "--work", json.encode(work)],
            stdout=subprocess.PIPE,
            text=True,
        )

    receiving = start("receive")
    assert _line(receiving) == "ready"
    sending = start("send")
    began = float(_line(sending))
    ended = float(_line(receiving))
    assert (receiving.wait(60), sending.wait(60)) == (0, 0)
    broker.delete_vhost(vhost)
    return messages / (ended - began)


def _line(process: subprocess.Popen[str]) -> str:
    """What it says besides its log."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        if "[" not in line:
            return line.strip()
    raise AssertionError("it ended")


def measured(messages: int, rounds: int) -> None:
    """Print the rates and their ratio."""
    with tempfile.TemporaryDirectory(prefix="ecn-bench-", dir="/var/tmp") as name:
        broker = private_broker(Path(name) / "broker")
        broker.start()
        try:
            ours, theirs = [], []
            for number in range(rounds):
                theirs.append(rate(broker, Path(name), "theirs", number, messages))
                ours.append(rate(broker, Path(name), "ours", number, messages))
                say(f"node to node {ours[-1]:.0f}/s, bare aio-pika {theirs[-1]:.0f}/s")
            say(
                f"median: node to node {median(ours):.0f}/s, bare aio-pika {median(theirs):.0f}/s, "
                f"ratio {median(ours) / median(theirs):.2f}"
            )
        finally:
            broker.stop()


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=12_800)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", default="")
    options = parser.parse_args()
    if not options.work:
        measured(options.messages, options.rounds)
        return
    work = json.decode(options.work, type=Work)
    parts = {
        "ours-send": our_sender,
        "ours-receive": our_receiver,
        "theirs-send": their_sender,
        "theirs-receive": their_receiver,
    }
    asyncio.run(parts[work.what](work))


if __name__ == "__main__":
    main()
