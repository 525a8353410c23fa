"""What the agent costs a device: memory and CPU with ten microservices at rest.

`python -m tests.benchmarks.agent_footprint [SECONDS]`. Beside it, what the engine itself costs
in the same minute: most of that is for the agent's looks.
"""

import sys
import time

from tests.benchmarks.agent_at_rest import Used, at_rest, engine_pids, used

MEASURED = 60.0
SETTLE = 20.0
MEMORY_GOAL, CPU_GOAL = 60.0, 0.5


def line(name: str, before: Used, after: Used, seconds: float) -> str:
    """For people."""
    share = (after.cpu_seconds - before.cpu_seconds) / seconds * 100
    return (
        f"{name:12} {after.resident_mib:7.1f} MiB resident {after.proportional_mib:7.1f} MiB "
        f"proportional {share:6.2f} % of a core {after.threads:3} threads"
    )


def measure(seconds: float) -> None:
    """See the module."""
    with at_rest(SETTLE) as (_, agent):
        pids = {"agent": agent, **engine_pids()}
        before = {name: used(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        after = {name: used(pid) for name, pid in pids.items()}
    for name in pids:
        show(line(name, before[name], after[name], seconds))
    memory = after["agent"].resident_mib
    cpu = (after["agent"].cpu_seconds - before["agent"].cpu_seconds) / seconds * 100
    good = memory < MEMORY_GOAL and cpu < CPU_GOAL
    show(f"goals for the agent: {MEMORY_GOAL:.0f} MiB, {CPU_GOAL} % of a core: "
         f"{'met' if good else 'NOT met'}")  # fmt: skip


def show(text: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    measure(float(sys.argv[1]) if sys.argv[1:] else MEASURED)
