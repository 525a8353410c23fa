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
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct, field

from agent import disk, launcher
from agent.check import folder_problems
from agent.errors import CannotUpgrade
from agent.journal import Journal, Result
from agent.store import Folder, write_whole

log = structlog.get_logger()

VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,62}(?:\+[0-9A-Za-z.]{1,30})?")
INSTALL_WITHIN, CHECK_WITHIN = 1800.0, 90.0
"""Seconds: a slow link and a slow disk, and a device that swaps."""
NEEDED = 256 * 1024 * 1024
"""Bytes that an environment takes, beside what the disk keeps in reserve."""
COPIES = "before-upgrade"
SMALL_FILES = ("identity.json", "desired-state.json", "images.json")
REQUIREMENT = "ecn[agent]"


class _Metadata(Struct, frozen=True):
    version: str


class _Candidate(Struct, frozen=True):
    metadata: _Metadata


class _PipReport(Struct, frozen=True):
    """What `pip install --report` says, as far as we read it."""

    install: list[_Candidate] = field(default_factory=list)


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
        version = version or await _newest(prefix)
        if not VERSION.fullmatch(version):
            raise CannotUpgrade(f"{version!r} is no version")
        if version == launcher.pointed(prefix, "current"):
            return f"version {version} runs already"
        await _build(prefix, version)
        return await self._try(prefix, version, told_at)

    async def back(self, told_at: int) -> str:
        """As `to`, with the version that ran before."""
        prefix = self._installed()
        version = launcher.pointed(prefix, "previous")
        if not version or not _complete(prefix, version):
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
                "example with `ecn prune`"
            )

    async def _try(self, prefix: Path, version: str, told_at: int) -> str:
        python = prefix / "versions" / version / "bin" / "python"
        said = await version_in(prefix / "versions" / version)
        if said != version:
            raise CannotUpgrade(f"what was installed as {version} says that it is {said}")
        folder, engine = str(self._folder.path), self._engine_url
        check = ("-P", "-m", "agent", "check", "--data", folder, "--docker-host", engine)
        await _ran(python, *check, within=CHECK_WITHIN)
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


async def _newest(prefix: Path) -> str:
    """What the package index has."""
    said = await _pip(
        prefix / "current", "--dry-run", "--ignore-installed", "--no-deps", "--quiet",
        "--report", "-", REQUIREMENT, within=CHECK_WITHIN * 2,
    )  # fmt: skip
    try:
        found = msgspec.json.decode(said[said.index("{") :], type=_PipReport).install
    except (ValueError, msgspec.DecodeError) as error:
        raise CannotUpgrade("pip did not say which version is the newest") from error
    if not found:
        raise CannotUpgrade("the package index of this device has no version of ecn")
    return found[0].metadata.version


def _complete(prefix: Path, version: str) -> bool:
    return (prefix / "versions" / version / "complete").exists()


async def _build(prefix: Path, version: str) -> None:
    """An environment with that version; one that is whole is used as it is."""
    if _complete(prefix, version):
        return
    await build(prefix, version, f"{REQUIREMENT}=={version}", _shares_packages(prefix))


async def build(prefix: Path, version: str, requirement: str, shares: bool) -> None:
    """An environment made of that requirement. Also for `ecn-agent install`.

    shares: whether it sees the packages of the system. Errors: CannotUpgrade; what was half built
    is removed now, or by the next attempt.
    """
    home = prefix / "versions" / version
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    base = str(getattr(sys, "_base_executable", sys.executable))
    shared = ("--system-site-packages",) if shares else ()
    try:
        await _ran(base, "-m", "venv", *shared, home, within=CHECK_WITHIN * 2)
        await _pip(home, requirement, within=INSTALL_WITHIN)
        await asyncio.to_thread((home / "complete").write_text, "")
        await asyncio.to_thread(os.sync)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
        raise


async def version_in(environment: Path) -> str:
    """What the agent there says that it is. Errors: CannotUpgrade."""
    python = environment / "bin" / "python"
    said = await _ran(python, "-P", "-m", "agent", "--version", within=CHECK_WITHIN)
    version = said.split()[-1] if said.split() else ""
    if not VERSION.fullmatch(version):
        raise CannotUpgrade(f"what was installed says no version: {said[:100]!r}")
    return version


def _shares_packages(prefix: Path) -> bool:
    try:
        said = (prefix / "current" / "pyvenv.cfg").read_text()
    except OSError:
        return False
    return re.search(r"(?m)^include-system-site-packages\s*=\s*true", said) is not None


async def _pip(environment: Path, *arguments: str, within: float) -> str:
    pip = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check")
    nice = ("nice", "-n", "19") if shutil.which("nice") else ()
    return await _ran(*nice, environment / "bin" / "python", *pip, *arguments, within=within)


async def _ran(*command: str | Path, within: float) -> str:
    """What it wrote to standard output. Errors: CannotUpgrade with the last it said."""
    words = [str(each) for each in command]
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("NOTIFY_", "WATCHDOG_", "ECN_"))
    }
    process = await asyncio.create_subprocess_exec(
        *words, env=kept, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    what = "pip" if "pip" in words else " ".join(words[words.index("-m") + 1 :][:2])
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise CannotUpgrade(f"{what} did not end within {within:.0f} s") from error
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            await process.wait()
    if process.returncode != 0:
        raise CannotUpgrade(f"{what} failed: {last_words(err.decode(errors='replace'))}")
    return out.decode(errors="replace")


def last_words(said: str) -> str:
    """The end of a program's complaint, bounded, without what may be a password in an address."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.lower().startswith("error")] or lines
    return re.sub(r"//[^/@\s]+@", "//***@", " ".join(telling[-2:]))[-500:] or "it said nothing"


def _reap() -> None:
    """Collect the launcher's watcher, if it is there: nobody else waits for it."""
    watcher = os.environ.pop(launcher.WATCHER_VARIABLE, "")
    if watcher.isdecimal():
        try:
            os.waitpid(int(watcher), os.WNOHANG)
        except ChildProcessError:
            return
