"""A process that is killed: an edge router at work, and all that was promised, line by line.

`python -m tests.agent.messages.busy_router FOLDER ROUND [drain]`, started by `test_kill_router.py`.
Lines go to `FOLDER/said` in one write each, so that a line that is there was true before the kill:

    kept <n>          publishing it has returned: it must reach b, and go upstream
    had <what> <n>    a receiver has it in its hands, before it says so
    done <what> <n>   saying so has returned: it must not come again
"""

import asyncio
import os
import sys
from pathlib import Path

from agent.messages.router import EdgeRouter
from agent.messages.routing import Delivery, Outgoing, StoreFull
from routing.message import Message
from tests.agent.messages.running import known, route, running

ROUTES = known(
    route("b", priority=1), route("up", destination=""), route("m", durable=False, input="m")
)
REMOTE = 40
"""Messages from another node that the broker brings again until they are acknowledged."""


class Said:
    """The file of lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, text: str) -> None:
        os.write(self._file, f"{text}\n".encode())


async def publish(router: EdgeRouter, said: Said, first: int) -> None:
    """Until killed; numbers go up."""
    for n in range(first, first + 10**6):
        size = (n % 7) * (n % 5) * 1000
        try:
            await router.publish("a", Message(body=f"{n} ".encode().ljust(size)))
        except StoreFull:
            await asyncio.sleep(0.05)
            continue
        said(f"kept {n}")


async def receive(router: EdgeRouter, said: Said, batch: int, *, drain: bool) -> None:
    """Take, and say so, or give back now and then."""
    inbox, turn = router.inbox("b"), 0
    while True:
        deliveries = await inbox.next(batch, 1.0)
        if drain and not deliveries:
            return
        turn += 1
        if turn % 9 == 0 and not drain:
            inbox.give_back(deliveries)
            continue
        for each in deliveries:
            said(f"had {_what(each)} {_number(each.message)}")
        await inbox.done(deliveries)
        for each in deliveries:
            said(f"done {_what(each)} {_number(each.message)}")


async def send(router: EdgeRouter, said: Said, batch: int, *, drain: bool) -> None:
    """As the link to the interior router does."""
    while True:
        outgoing: list[Outgoing] = []
        try:
            async with asyncio.timeout(1.0 if drain else 60.0):
                outgoing = await router.next_outgoing(batch, 10**6)
        except TimeoutError:
            return
        for each in outgoing:
            said(f"had up {_number(each.message)}")
        await router.sent(outgoing)
        for each in outgoing:
            said(f"done up {_number(each.message)}")


async def bring(router: EdgeRouter, said: Said, numbers: list[int]) -> None:
    """As the broker does: those that were not acknowledged come again."""

    async def one(n: int) -> None:
        await router.receive("b", Message(message_id=f"{n:032}", body=str(n).encode()), "far")
        said(f"acknowledged {n}")

    async with asyncio.TaskGroup() as tasks:
        for n in numbers:
            tasks.create_task(one(n))


def _what(delivery: Delivery) -> str:
    return delivery.route or "far"


def _number(message: Message) -> int:
    return int(message.body.split(b" ")[0])


async def work(folder: Path, number: int, *, drain: bool) -> None:
    """One life."""
    before = (folder / "said").read_text().splitlines() if (folder / "said").exists() else []
    acknowledged = {int(line.split()[1]) for line in before if line.startswith("acknowledged")}
    said = Said(folder / "said")
    said(f"up {number}")
    far = [n for n in range(number * REMOTE) if n not in acknowledged]
    async with running(folder, ROUTES) as router, asyncio.TaskGroup() as tasks:
        tasks.create_task(bring(router, said, far))
        tasks.create_task(receive(router, said, 1 + number % 20, drain=drain))
        tasks.create_task(send(router, said, 1 + number % 13, drain=drain))
        if not drain:
            for place in range(3):
                tasks.create_task(publish(router, said, (number * 3 + place) * 10**7))


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2]), drain=sys.argv[3:] == ["drain"]))
