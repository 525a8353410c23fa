"""How much the agent writes to its disk on a day on which nothing happens, with ten microservices.

`python -m tests.benchmarks.agent_writes [SECONDS]`: the kernel's own count for the process over so
many seconds, and the files of its folder that were touched meanwhile.
"""

import sys
import time
from pathlib import Path

from tests.benchmarks.agent_at_rest import at_rest, used

MEASURED = 300.0
SETTLE = 45.0
DAY = 86_400.0


def touched(folder: Path, since: float) -> list[str]:
    """Files that were written to after that."""
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and file.stat().st_mtime > since
    )


def measure(seconds: float) -> None:
    """See the module."""
    with at_rest(SETTLE) as (one, agent):
        folder = one.data / "agent"
        before, began = used(agent), time.time()
        time.sleep(seconds)
        written = used(agent).written_bytes - before.written_bytes
        files = touched(folder, began)
    show(f"{written} bytes in {seconds:.0f} s: {written * DAY / seconds / 1024:.0f} KiB a day")
    show(f"files written to: {', '.join(files) or 'none'}")


def show(text: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    measure(float(sys.argv[1]) if sys.argv[1:] else MEASURED)
