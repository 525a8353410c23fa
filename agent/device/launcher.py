"""Starts the installed agent, and takes an upgrade back that does not prove itself.

A program of its own with the standard library alone: `ecn-agent install` copies it to the prefix,
where it stays over all upgrades and is what the supervisor (systemd) starts:

    python3 -I <prefix>/launcher.py ARGUMENTS...   becomes: <prefix>/current's agent with them

    <prefix>/versions/<version>/   an environment each, whole when it has a file `complete`
    <prefix>/current, previous     links to two of them
    <prefix>/upgrade.json          only while an upgrade is under way: see Change

In an ordinary start it replaces itself by the agent, and nothing of it stays in memory. During a
trial it leaves a watcher behind, a small process beside the agent, until the agent has confirmed
itself or the time is over. The agent itself uses this file too (`upgrade.py`): the two have to
agree on `upgrade.json`, also where they are of different versions, so its form may only grow.

Crash-safe: what `upgrade.json` says is what counts, and `current` is made to agree with it at each
start. A kill at any point leaves the old version or the new one.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PREFIX_VARIABLE = "ECN_AGENT_PREFIX"
"""Tells the agent that a launcher started it, and from where."""
WATCHER_VARIABLE = "ECN_AGENT_WATCHER"
"""The process that watches the agent's trial: a child, which the agent has to collect."""
TRIAL = 180.0
"""Seconds in which a new version has to confirm itself."""
STARTS = 3
"""So often a new version may be started before it has: the next start is the old one's."""
GRACE = 20.0
"""Seconds for a version that is taken back to end by itself."""


class Change(NamedTuple):
    """An upgrade, or a going back, that is under way. Phases:

    trial       `target` is to run, and has not confirmed itself yet
    confirmed   it has: what remains is to tell it, and to tidy
    undone      it has not: `former` is to run, and to tell `reason`
    """

    phase: str
    target: str
    """The version that is tried."""
    former: str
    told_at: int
    """The instruction that asked for it; 0: somebody on the device."""
    online: bool
    """Whether the controller was heard before: then it has to be heard again."""
    starts: int = 0
    reason: str = ""

    @property
    def runs(self) -> str:
        """The version that `current` has to be."""
        return self.former if self.phase == "undone" else self.target


@contextlib.contextmanager
def exclusive(prefix: Path) -> Iterator[None]:
    """Watcher and agent both change the state: one at a time. Freed with the process."""
    descriptor = os.open(prefix / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def change(prefix: Path) -> Change | None:
    """What is under way. A file that makes no sense is as good as none: `current` stands then."""
    try:
        found = json.loads((prefix / "upgrade.json").read_bytes())
        known = {name: found[name] for name in Change._fields if name in found}
        return Change(**known)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"{prefix}/upgrade.json makes no sense and is left aside: {error}\n")
        return None


def keep(prefix: Path, now: Change | None) -> None:
    """On disk when this returns."""
    path = prefix / "upgrade.json"
    if now is None:
        path.unlink(missing_ok=True)
    else:
        beside = prefix / ".upgrade.json.new"
        with beside.open("wb") as file:
            file.write(json.dumps(now._asdict()).encode())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    _sync(prefix)


def point(prefix: Path, link: str, version: str) -> None:
    """Let `current` or `previous` be that version; on disk when this returns."""
    if pointed(prefix, link) == version:
        return
    beside = prefix / f".{link}.new"
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path("versions") / version)
    beside.replace(prefix / link)
    _sync(prefix)


def pointed(prefix: Path, link: str) -> str:
    """The version that a link leads to; empty where there is none."""
    try:
        return (prefix / link).readlink().name
    except OSError:
        return ""


def undo(prefix: Path, reason: str) -> bool:
    """Take a trial back. False when there is none any more: it was confirmed a moment ago."""
    with exclusive(prefix):
        now = change(prefix)
        if now is None or now.phase != "trial":
            return False
        keep(prefix, now._replace(phase="undone", reason=reason))
        point(prefix, "current", now.former)
        return True


def begin(prefix: Path) -> Change | None:
    """Let `current` agree with what is under way, and count a start; a trial that goes on."""
    with exclusive(prefix):
        now = change(prefix)
        if now is None:
            return None
        if now.phase == "trial" and now.starts >= STARTS:
            reason = f"version {now.target} ended {now.starts} times before it had proved itself"
            now = now._replace(phase="undone", reason=reason)
            keep(prefix, now)
        point(prefix, "current", now.runs)
        if now.phase != "trial":
            return None
        now = now._replace(starts=now.starts + 1)
        keep(prefix, now)
        return now


def watch(prefix: Path, agent: int, trial: float) -> None:
    """End the agent, and take the upgrade back, unless it is confirmed in time. In a child."""
    clock = time.monotonic
    deadline = clock() + trial
    while clock() < deadline:
        time.sleep(min(0.5, trial / 10))
        now = change(prefix)
        if now is None or now.phase != "trial" or os.getppid() != agent:
            return  # confirmed; or it ended, and the next start counts
    if not undo(prefix, f"it had not proved itself after {trial:.0f} s: {_missing(prefix)}"):
        return
    sys.stderr.write("the new version has not proved itself and is taken back\n")
    for each, grace in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 0.0)):
        if os.getppid() != agent:  # our parent until it ends: nobody else has its number so long
            return
        os.kill(agent, each)
        end = clock() + grace
        while clock() < end and os.getppid() == agent:
            time.sleep(0.1)


def _missing(prefix: Path) -> str:
    """What the agent wrote that it still waits for."""
    try:
        said = (prefix / "trial-waits-for").read_text()[:500]
    except OSError:
        return "it never came so far as to say why"
    return said or "it never came so far as to say why"


def main(arguments: list[str], prefix: Path) -> None:
    """Become the agent."""
    trial = begin(prefix)
    python = prefix / "current" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} is missing: install the agent again, with `ecn-agent install`")
    if trial is not None:
        (prefix / "trial-waits-for").unlink(missing_ok=True)
        seconds = float(os.environ.get("ECN_AGENT_TRIAL", TRIAL))
        # A process of its own rather than a fork: after the exec nothing would collect it, and
        # who looks at the processes sees what it is.
        watcher = subprocess.Popen(
            [sys.executable, "-I", __file__, "--watch", str(os.getpid()), str(seconds)],
            stdin=subprocess.DEVNULL,
        )
        os.environ[WATCHER_VARIABLE] = str(watcher.pid)
    os.environ[PREFIX_VARIABLE] = str(prefix)
    os.execv(python, [str(python), "-P", "-m", "agent", *arguments])  # noqa: S606 - ours


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    here = Path(__file__).absolute().parent
    if sys.argv[1:2] == ["--watch"]:
        watch(here, int(sys.argv[2]), float(sys.argv[3]))
    else:
        main(sys.argv[1:], here)
