"""`kill -9` of an edge router at random points, again and again: what was promised is kept.

`ECN_KILL_ROUNDS` says how many rounds; before a release it should be hundreds.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from agent.storage.journal import Journal

ROUNDS = int(os.environ.get("ECN_KILL_ROUNDS", "5"))
SEED = int(os.environ.get("ECN_KILL_SEED", "0")) or random.randrange(10**6)


async def life(folder: Path, number: int, *, kill_after: float | None) -> None:
    """One process: to its end, or killed so many seconds after its first word."""
    said = folder / "said"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.agent.messages.busy_router", str(folder), str(number)),
        *([] if kill_after is not None else ["drain"]),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        if kill_after is None:
            async with asyncio.timeout(60):
                assert await process.wait() == 0
            return
        async with asyncio.timeout(30):
            while f"up {number}\n" not in await asyncio.to_thread(_text, said):
                assert process.returncode is None, "it ended by itself"
                await asyncio.sleep(0.02)
        await asyncio.sleep(kill_after)
        assert process.returncode is None, "it ended by itself"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _text(said: Path) -> str:
    return said.read_text() if said.exists() else ""


@pytest.mark.system
@pytest.mark.timeout(60 + 10 * ROUNDS)
async def test_what_was_promised_is_kept_however_often_it_is_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for number in range(ROUNDS):
        await life(tmp_path, number, kill_after=chance.choice([0.1, 0.5, 1.5]) * chance.random())
    await life(tmp_path, ROUNDS, kill_after=None)
    lines = _text(tmp_path / "said").splitlines()
    kept = {int(line.split()[1]) for line in lines if line.startswith("kept")}
    had: dict[str, Counter[int]] = {
        "b": Counter(),
        "up": Counter(),
        "far": Counter(),
        "m": Counter(),
    }
    done: set[tuple[str, int]] = set()
    order: dict[tuple[str, int], int] = {}
    for line in lines:
        match line.split():
            case ["up", _]:
                order.clear()  # what was in somebody's hands comes again, in its order
            case ["had", what, n]:
                number = int(n)
                assert (what, number) not in done, f"again after it was done: {line} ({SEED})"
                had[what][number] += 1
                publisher = what, number // 10**7
                assert what == "far" or order.get(publisher, -1) < number, f"{line} ({SEED})"
                order[publisher] = number
            case ["done", what, n]:
                done.add((what, int(n)))
    assert kept, "nothing was published"
    for what in ("b", "up"):
        assert kept <= had[what].keys(), f"lost: {sorted(kept - had[what].keys())[:5]} ({SEED})"
    assert len(had["far"]) == ROUNDS * 40
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert not [d for d in journal.pending().drops if d.route_id in ("b", "up")]
