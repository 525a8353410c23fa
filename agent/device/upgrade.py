"""Another version of the agent beside the running one, tried, and kept or taken back.

For `instructions.py`. What is installed, and by what it is started, is explained in `launcher.py`;
only an agent that its launcher started can replace itself. The order of an upgrade:

1. an environment of its own for the new version: `pip install ecn[agent]==VERSION`, from the
   package index that this device is configured for (pip's own settings; PIP_* of the service)
2. the new version itself looks whether it can read this device's folder, and reach its engine
3. the small files of the folder are copied, should the new version write what the old can't read
4. `upgrade.json` and `current` say that it is on trial, and the agent ends: its supervisor starts
   the new one, which confirms itself (`Trial`) or is taken back
5. whichever runs then tells what came of it (`settle`)

Until step 4 nothing that runs is touched; what a crash leaves is begun anew.
"""

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog

from agent.device import launcher
from agent.device.check import folder_problems
from agent.device.environments import (
    CHECK_WITHIN,
    VERSION,
    build_version,
    complete,
    newest,
    ran,
    version_in,
)
from agent.errors import CannotUpgrade
from agent.images import disk
from agent.storage.journal import Journal
from agent.storage.outbox import Result
from agent.storage.store import Folder, write_whole

log = structlog.get_logger()

NEEDED = 256 * 1024 * 1024
"""Bytes that an environment takes, beside what the disk keeps in reserve."""
COPIES = "before-upgrade"
SMALL_FILES = ("identity.json", "desired-state.json", "images.json")


def prefix_of_this() -> Path | None:
    """Where the launcher that started this agent lives; None when none did."""
    named = os.environ.get(launcher.PREFIX_VARIABLE, "")
    if not named or (Path(named) / "current").resolve() != Path(sys.prefix).resolve():
        return None
    return Path(named)


def in_container() -> bool:
    """Whether the agent itself runs in one, as Docker and Podman mark them."""
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()


def why_not(*, contained: bool) -> str:
    """What an agent that can't upgrade itself says, with what to do instead."""
    if contained:
        return (
            "the agent runs in a container, and does not change its own image: pull a newer one "
            "and make the container anew"
        )
    return (
        "the agent was not installed as a service, so nothing would take a bad upgrade back: "
        "upgrade it as it was installed (pipx upgrade ecn), or run `ecn-agent install`"
    )


class Upgrades:
    """Of the agent at `prefix`. online: whether the controller was heard lately."""

    def __init__(
        self,
        prefix: Path | None,
        folder: Folder,
        engine_url: str,
        *,
        online: Callable[[], bool],
        restart: Callable[[], None],
    ) -> None:
        self._prefix = prefix
        self._folder = folder
        self._engine_url = engine_url
        self._online = online
        self._restart = restart

    async def to(self, version: str, told_at: int) -> str:
        """Begin the trial of that version (empty: the newest); a sentence when it runs already.

        Empty when the agent is about to end. Errors: CannotUpgrade, and nothing was changed.
        """
        prefix = self._installed()
        self._room(prefix)
        version = version or await newest(prefix)
        if not VERSION.fullmatch(version):
            raise CannotUpgrade(f"{version!r} is no version")
        if version == launcher.pointed(prefix, "current"):
            return f"version {version} runs already"
        await build_version(prefix, version)
        return await self._try(prefix, version, told_at)

    async def back(self, told_at: int) -> str:
        """As `to`, with the version that ran before."""
        prefix = self._installed()
        version = launcher.pointed(prefix, "previous")
        if not version or not complete(prefix, version):
            raise CannotUpgrade("there is no version before this one on the device")
        return await self._try(prefix, version, told_at)

    def under_way(self) -> bool:
        """Whether a change is on trial, or over and not told yet."""
        return self._prefix is not None and launcher.change(self._prefix) is not None

    def _installed(self) -> Path:
        if self._prefix is None:
            raise CannotUpgrade(why_not(contained=in_container()))
        return self._prefix

    def _room(self, prefix: Path) -> None:
        room = disk.room_at(prefix)
        if room is not None and room.free < disk.reserve(room.total) + NEEDED:
            reserve = disk.amount(disk.reserve(room.total))
            raise CannotUpgrade(
                f"the disk has only {disk.amount(room.free)} left, and an upgrade needs "
                f"{disk.amount(NEEDED)} beside its reserve of {reserve}: make room first, for "
                "example with `ecn prune node NAME`"
            )

    async def _try(self, prefix: Path, version: str, told_at: int) -> str:
        python = prefix / "versions" / version / "bin" / "python"
        said = await version_in(prefix / "versions" / version)
        if said != version:
            raise CannotUpgrade(f"what was installed as {version} says that it is {said}")
        folder, engine = str(self._folder.path), self._engine_url
        check = ("-P", "-m", "agent", "check", "--data", folder, "--docker-host", engine)
        await ran(python, *check, within=CHECK_WITHIN)
        await asyncio.to_thread(copy_state, self._folder)
        with launcher.exclusive(prefix):
            launcher.keep(
                prefix,
                launcher.Change(
                    phase="trial",
                    target=version,
                    former=launcher.pointed(prefix, "current"),
                    told_at=told_at,
                    online=self._online(),
                ),
            )
            launcher.point(prefix, "current", version)
        log.warning("upgrade-on-trial", version=version, seconds=launcher.TRIAL)
        self._restart()
        return ""


class Trial:
    """A new version's own proof: it runs, it has seen the engine, the controller has heard it."""

    def __init__(
        self,
        prefix: Path | None,
        folder: Folder,
        journal: Journal,
        *,
        engine_seen: Callable[[], bool],
        heard: Callable[[], bool],
    ) -> None:
        self._prefix = prefix
        self._folder = folder
        self._journal = journal
        self._engine_seen = engine_seen
        self._heard = heard

    async def run(self) -> None:
        """Returns when there is nothing to prove (any more)."""
        prefix = self._prefix
        if prefix is None:
            return
        now = launcher.change(prefix)
        if now is not None and now.phase == "trial":
            await self._prove(prefix, now)
        while (now := launcher.change(prefix)) is not None and now.phase != "trial":
            if await asyncio.to_thread(settle, prefix, self._folder, self._journal_speak(now)):
                return
            await asyncio.sleep(60)  # the disk takes no writes for now

    def _journal_speak(self, now: launcher.Change) -> bool:
        """Tell what came of it: in the loop's thread, which is the journal's."""
        if not now.told_at:
            return True
        undone = now.phase == "undone"
        detail = (
            f"version {now.former} runs again: {now.reason}"
            if undone
            else f"version {now.target} runs; before it ran {now.former}"
        )
        outcome = "undone" if undone else "done"
        return self._journal.speak(
            now.told_at, Result(outcome=outcome, detail=detail, at=datetime.now(UTC))
        )

    async def _prove(self, prefix: Path, now: launcher.Change) -> None:
        told = ""
        while True:
            missing = []
            if not self._engine_seen():
                missing.append("it has not seen the container engine")
            if now.online and not self._heard():
                missing.append("the controller has not heard it")
            if not missing:
                break
            if told != (told := " and ".join(missing)):
                (prefix / "trial-waits-for").write_text(told)
            await asyncio.sleep(1)
        if confirm(prefix):
            log.warning("upgrade-confirmed", version=now.target, before=now.former)
        await asyncio.sleep(2)  # the watcher sees it, and ends: it is a child of ours
        _reap()


def confirm(prefix: Path) -> bool:
    """This version stays. False when the watcher was faster and took it back."""
    with launcher.exclusive(prefix):
        now = launcher.change(prefix)
        if now is None or now.phase != "trial":
            return False
        launcher.keep(prefix, now._replace(phase="confirmed"))
        return True


def settle(prefix: Path, folder: Folder, told: bool) -> bool:
    """What a change that is over leaves is tidied. False while it is not told."""
    if not told:
        return False
    with launcher.exclusive(prefix):
        now = launcher.change(prefix)
        if now is None or now.phase == "trial":
            return now is None
        if now.phase == "confirmed":
            launcher.point(prefix, "previous", now.former)
        (prefix / "trial-waits-for").unlink(missing_ok=True)
        launcher.keep(prefix, None)
    shutil.rmtree(folder.path / COPIES, ignore_errors=True)
    keep = {launcher.pointed(prefix, link) for link in ("current", "previous")}
    for version in (prefix / "versions").iterdir():
        if version.name not in keep:
            shutil.rmtree(version, ignore_errors=True)
    return True


def copy_state(folder: Folder) -> None:
    """Beside the folder's files, as they are before another version writes to them."""
    copies = folder.path / COPIES
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir(mode=0o700)
    for name in SMALL_FILES:
        if (folder.path / name).exists():
            write_whole(copies / name, (folder.path / name).read_bytes(), mode=0o600)
    if folder.journal.exists():
        with (
            closing(sqlite3.connect(f"file:{folder.journal}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copies / folder.journal.name)) as copy,
        ):
            source.backup(copy)


def recover(prefix: Path | None, folder: Folder) -> None:
    """After a version was taken back: what it wrote and we can't read is as it was before.

    Called with the folder locked, before anything of it is read. What we can read stays: it is
    newer, and the controller knows it.
    """
    now = launcher.change(prefix) if prefix is not None else None
    if now is None or now.phase != "undone":
        return
    for name in folder_problems(folder):
        copy = folder.path / COPIES / name
        log.warning("state-restored", file=name, restored=copy.exists())
        for tail in ("-wal", "-shm"):
            (folder.path / f"{name}{tail}").unlink(missing_ok=True)
        if copy.exists():
            copy.replace(folder.path / name)


def _reap() -> None:
    """Collect the launcher's watcher, if it is there: nobody else waits for it."""
    watcher = os.environ.pop(launcher.WATCHER_VARIABLE, "")
    if watcher.isdecimal():
        try:
            os.waitpid(int(watcher), os.WNOHANG)
        except ChildProcessError:
            return
