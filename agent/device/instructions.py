"""What an operator told the agent to do once: reboot, prune, upgrade, rollback.

`run.py` gives it each desired state, which lists what was not spoken about yet. Each instruction is
carried out once, whatever crashes: what is begun is written down before (`Journal.begin`), what
came of it goes into the journal's outbox with the rest, and is told from there until accepted.
One after the other, in the order in which they were told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from agent.contract import Instruction
from agent.device.facts import agent_version
from agent.device.upgrade import Upgrades
from agent.errors import AgentError, CannotUpgrade
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.outbox import Result

log = structlog.get_logger()

ATTEMPTS = 3
"""Interrupted as often as this (the device lost power, say), an instruction has failed."""
LOOK_AGAIN = 5.0
"""Seconds until what has to wait is looked at again."""
REBOOT_WITHIN = 600.0
"""Seconds from the order to the end of this agent."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Mark(Struct, frozen=True, kw_only=True):
    """What is written down before an instruction is carried out."""

    attempts: int = 0
    boot: str = ""
    """Which start of the device it was."""


class Reboot:
    """Restarting the device. command: None where that is not allowed here."""

    def __init__(
        self,
        command: Sequence[str] | None,
        *,
        boot_id: Callable[[], str] = lambda: BOOT_ID.read_text().strip(),
        within: float = REBOOT_WITHIN,
    ) -> None:
        self.command = command
        self.boot_id = boot_id
        self.within = within

    async def order(self) -> str:
        """Returns only if the device does not restart: why."""
        command = self.command or ()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, err = await process.communicate()
        except OSError as error:
            return f"{command[0]} can't be run: {error.strerror}"
        if process.returncode != 0:
            return f"{command[0]} failed: {err.decode(errors='replace').strip()[-300:]}"
        await asyncio.sleep(self.within)
        return f"the device did not restart within {self.within:.0f} s of being told to"


class Instructions:
    """Those of one node. prune: removes what can go, and says in a sentence what went."""

    def __init__(
        self,
        journal: Journal,
        upgrades: Upgrades,
        reboot: Reboot,
        prune: Callable[[], Awaitable[str]] | None,
        now: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._upgrades = upgrades
        self._reboot = reboot
        self._prune = prune
        self._now = now
        self._told: list[Instruction] = []
        self._wake = asyncio.Event()

    def wish(self, known: Known) -> None:
        """These are the ones from now on."""
        self._told = sorted(known.instructions, key=lambda each: each.told_at)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._journal.forget_instructions({each.told_at for each in self._told})
            if not await self._all():
                await asyncio.sleep(LOOK_AGAIN)
                self._wake.set()

    async def _all(self) -> bool:
        """Carry out what is told; False when some of it has to wait."""
        done = True
        for each in self._told:
            if self._journal.spoken(each.told_at):
                continue
            result = await self._one(each)
            if result is None or not self._journal.speak(each.told_at, result):
                done = False
                continue
            log.warning(
                "instruction-carried-out",
                instruction=each.kind,
                outcome=result.outcome,
                detail=result.detail,
            )
        return done

    async def _one(self, told: Instruction) -> Result | None:
        """What came of it; None when that is not known yet."""
        kept = self._journal.mark(told.told_at)
        before = msgspec.json.decode(kept, type=_Mark) if kept else _Mark()
        if told.kind == "reboot" and before.boot and before.boot != self._reboot.boot_id():
            return self._result("done", "the device was restarted")
        if told.kind in ("upgrade", "rollback") and self._upgrades.under_way():
            return None  # its trial tells the outcome
        if before.attempts >= ATTEMPTS:
            return self._result(
                "failed", f"it was begun {ATTEMPTS} times and interrupted each time"
            )
        refusal = self._refusal(told)
        if refusal:
            return self._result("failed", refusal)
        boot = self._reboot.boot_id() if told.kind == "reboot" else ""
        mark = _Mark(attempts=before.attempts + 1, boot=boot)
        if not self._journal.begin(told.told_at, msgspec.json.encode(mark)):
            return None
        log.warning("instruction-begun", instruction=told.kind, told_at=told.told_at)
        try:
            return await self._carried_out(told)
        except AgentError as error:
            return self._result("failed", str(error))
        except Exception as error:
            # A fault of ours: to be told rather than repeated for ever.
            log.exception("instruction-broke", instruction=told.kind)
            return self._result("failed", f"the agent has a fault: {type(error).__name__}")

    def _refusal(self, told: Instruction) -> str:
        """Why this agent will not even begin; empty when it will."""
        match told.kind:
            case "reboot" if self._reboot.command is None:
                return (
                    "this device does not let its agent restart it: allow it there with "
                    "`ecn-agent install --allow-reboot`"
                )
            case "prune" if self._prune is None:
                return "this agent keeps no account of images, so it removes none"
            case "reboot" | "prune" | "upgrade" | "rollback":
                return ""
            case _:
                version = agent_version()
                return f"the agent (version {version}) does not know how to {told.kind}: upgrade it"

    async def _carried_out(self, told: Instruction) -> Result | None:
        match told.kind:
            case "prune" if self._prune is not None:
                return self._result("done", await self._prune())
            case "reboot":
                return self._result("failed", await self._reboot.order())
            case "upgrade":
                said = await self._upgrades.to(told.version, told.told_at)
            case "rollback":
                said = await self._upgrades.back(told.told_at)
            case _:
                raise CannotUpgrade(f"nobody knows how to {told.kind}")
        return self._result("done", said) if said else None

    def _result(self, outcome: str, detail: str) -> Result:
        return Result(outcome=outcome, detail=detail, at=self._now())
