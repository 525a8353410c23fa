"""What the device and the agent use at this moment, from `/proc` and `statvfs`: a millisecond.

`link/uplink.py` asks before each report. Shares of a processor are of the time since the last
question.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from agent.contract import DeviceUsage, Microservice, PullProgress
from agent.images.disk import Disk
from agent.images.reference import engine_name

SIGN_OF_LIFE = 18.0
"""Seconds after which it is told again, although nothing is pulled: a little less than the uplink's
own, so that each of its signs of life brings one."""
PULLS_EVERY = 2.0
"""Seconds between two reports of how far pulls are."""
_MIB = 1 << 20


class _Times(Struct, frozen=True):
    """Seconds of processor time since some beginning."""

    busy: float
    total: float
    own: float
    at: float


class Usage:
    """Reads this device. pulls: by reference. on_news: called when a report is worth while."""

    def __init__(
        self,
        disk: Disk,
        pulls: Callable[[], Mapping[str, PullProgress]],
        wanted: Callable[[], Mapping[str, Microservice]],
        on_news: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        proc: Path = Path("/proc"),
    ) -> None:
        self._disk = disk
        self._pulls = pulls
        self._wanted = wanted
        self._on_news = on_news
        self._clock = clock
        self._proc = proc
        self._before = self._times()
        self._told_at = -SIGN_OF_LIFE
        self._told_pulls: dict[str, PullProgress] = {}
        self.latest: DeviceUsage | None = None
        """What was told last; for who asks at the device."""

    def pulls_moved(self) -> None:
        """Somebody got on with a pull: told, but not each time."""
        if self._clock() - self._told_at >= PULLS_EVERY:
            self._on_news()

    def now(self) -> DeviceUsage | None:
        """For the next report; None where there is nothing new to say so soon."""
        now = self._clock()
        pulls = self._by_microservice()
        least = PULLS_EVERY if pulls != self._told_pulls else SIGN_OF_LIFE
        if now - self._told_at < least:
            return None
        self._told_at, self._told_pulls = now, pulls
        self.latest = self._read(pulls)
        return self.latest

    def _read(self, pulls: dict[str, PullProgress]) -> DeviceUsage:
        before, times = self._before, self._times()
        self._before = times
        short = self._disk.shortest()
        span, total = times.at - before.at, times.total - before.total
        return DeviceUsage(
            cpu_percent=_share(times.busy - before.busy, total),
            memory_available_mib=self._available(),
            disk_free_mib=short.free // _MIB if short is not None else 0,
            agent_cpu_percent=_share(times.own - before.own, span),
            agent_memory_mib=round(self._resident() / _MIB, 1),
            pulls=pulls,
        )

    def _by_microservice(self) -> dict[str, PullProgress]:
        running = self._pulls()
        if not running:
            return {}
        return {
            m.microservice_id: running[reference]
            for m in self._wanted().values()
            if m.spec.image and (reference := engine_name(m.spec.image)) in running
        }

    def _times(self) -> _Times:
        own = os.times()
        busy = total = 0.0
        try:
            with (self._proc / "stat").open() as file:
                # user nice system idle iowait irq softirq steal; guests are in user already.
                parts = [int(part) for part in file.readline().split()[1:9]]
        except (OSError, ValueError):
            parts = []
        if len(parts) >= 5:
            total = float(sum(parts))
            busy = total - parts[3] - parts[4]
        return _Times(busy=busy, total=total, own=own.user + own.system, at=self._clock())

    def _available(self) -> int:
        """MiB that programs could have without swapping."""
        try:
            with (self._proc / "meminfo").open() as file:
                for line in file:
                    if line.startswith("MemAvailable:"):
                        return int(line.split()[1]) // 1024
        except (OSError, ValueError, IndexError):
            pass
        return 0

    def _resident(self) -> int:
        try:
            pages = int((self._proc / "self" / "statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")


def _share(part: float, whole: float) -> float:
    """Percent; 0 where nothing can be said."""
    return round(max(0.0, 100.0 * part / whole), 1) if whole > 0 else 0.0
