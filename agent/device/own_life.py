"""The agent's care for itself, beside its care for containers: built and started by `run.py`.

The supervisor hears that it lives, the watchdog sees it turn, its memory has a bound, its log a
level; instructions are carried out, an upgrade on trial proves itself, and the commands of this
device get their answers.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from msgspec import Struct

from agent import logs
from agent.contract import DeviceUsage, NodeConfig
from agent.device.control_socket import Living, Wish, listening
from agent.device.facts import agent_version
from agent.device.instructions import Instructions, Reboot
from agent.device.supervisor import Supervisor
from agent.device.upgrade import Trial, Upgrades
from agent.device.watchdog import Watchdog
from agent.local_api.environment import PORT
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder

log = structlog.get_logger()

BEAT = 10.0
"""Seconds between beats; memory is looked at as often."""
BEATS_ABOVE = 6
"""So many looks in a row above the limit end the agent: a minute, and no passing peak."""
LATELY = 120.0
"""Seconds within which the controller was heard, if it is there."""
STATM = Path("/proc/self/statm")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the device lets its agent do, and how it was started. From the command line."""

    engine_url: str
    prefix: Path | None = None
    """Of the installation, where a launcher started it."""
    reboot_command: Sequence[str] | None = None
    local_api_port: int = PORT
    metrics: tuple[str, int] | None = None
    """Host and port where scrapers read metrics; None: nowhere."""


class OwnLife:
    """Of one running agent. The callables read what other parts know at that moment."""

    def __init__(
        self,
        around: Surroundings,
        folder: Folder,
        journal: Journal,
        *,
        stop: asyncio.Event,
        engine_seen: Callable[[], bool],
        prune: Callable[[], Awaitable[str]] | None = None,
        usage: Callable[[], DeviceUsage | None] = lambda: None,
    ) -> None:
        self._prefix = around.prefix
        self._folder = folder
        self._stop = stop
        self._usage = usage
        self._config = NodeConfig()
        self._above = 0
        self._started_at = self._now()
        self._supervisor = Supervisor()
        self._watchdog = Watchdog()
        self._upgrades = Upgrades(
            around.prefix, folder, around.engine_url, online=self._online, restart=self._end_anew
        )
        self._instructions = Instructions(
            journal, self._upgrades, Reboot(around.reboot_command), prune, self._now
        )
        self._trial = Trial(
            around.prefix, folder, journal, engine_seen=engine_seen,
            heard=lambda: self.heard_at() is not None,
        )  # fmt: skip
        self.heard_at: Callable[[], datetime | None] = lambda: None
        """When the controller last answered; set by `run.py`, as the next two."""
        self.controller_problem: Callable[[], str] = lambda: ""
        self.deprovision: Callable[[], None] = lambda: None
        self.begins_anew = False
        """Whether the agent ends in order to be started again."""

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        if known.node.log_level != self._config.log_level:
            logs.set_level(known.node.log_level)
        self._config = known.node
        self._instructions.wish(known)

    async def run(self) -> None:
        """Until cancelled."""
        self._watchdog.start()
        self._supervisor.ready()
        try:
            async with listening(self._folder.path, self._answer), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._instructions.run())
                tasks.create_task(self._trial.run())
                await self._beat()
        finally:
            self._watchdog.stop()
            self._supervisor.stopping()

    async def _beat(self) -> None:
        while True:
            self._watchdog.beat()
            self._supervisor.beat()
            problem = self.controller_problem()
            self._supervisor.status(
                f"the controller does not answer: {problem}" if problem else "connected"
            )
            self._weigh()
            await asyncio.sleep(BEAT)

    def _weigh(self) -> None:
        """End in good order when the agent itself takes more memory than it may, for a minute."""
        limit, used = self._config.memory_limit_mib, resident_mib()
        self._above = self._above + 1 if 0 < limit < used else 0
        if self._above >= BEATS_ABOVE:
            log.error("memory-limit", used_mib=round(used), limit_mib=limit, next="starts anew")
            self._end_anew()

    def _end_anew(self) -> None:
        self.begins_anew = True
        self._stop.set()

    def _online(self) -> bool:
        heard = self.heard_at()
        return heard is not None and (self._now() - heard).total_seconds() < LATELY

    def _answer(self, wish: Wish) -> Living:
        if wish is Wish.DEPROVISION:
            log.warning("deprovisioned-here")
            self.deprovision()
        return Living(
            pid=os.getpid(),
            version=agent_version(),
            started_at=self._started_at,
            heard_at=self.heard_at(),
            controller_problem=self.controller_problem(),
            usage=self._usage(),
            on_trial=self._upgrades.under_way(),
        )

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)


def resident_mib() -> float:
    """What this process has in memory; 0 where the system does not say."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)
