"""One Postgres server process: started, seen ready, awaited, stopped; and those left over.

Knows processes and signals, not what the server is for: embedded_postgres.py decides that. It
leans on Linux: a pidfd names a process for good, where a pid may already belong to another.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ecn.embedded_errors import EmbeddedPostgresError
from ecn.unprivileged import Account

FAST_STOP = 30.0
"""Seconds for SIGINT: sessions are ended, and everything is written to disk."""
HARD_STOP = 5.0
"""Seconds for SIGQUIT and for SIGKILL, which write nothing: the next start recovers."""


class StartFailed(EmbeddedPostgresError):
    """Postgres ended, or said nothing for too long, before it was ready."""


class ServerProcess:
    """A process that is watched and signalled by its pidfd. `close` it."""

    def __init__(self, pid: int) -> None:
        """Errors: ProcessLookupError."""
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)
        self._over = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._over.set)

    @property
    def over(self) -> bool:
        """It has ended, as far as the loop has heard."""
        return self._over.is_set()

    async def ended(self) -> None:
        """Return when it has ended."""
        await self._over.wait()

    async def stop(self) -> None:
        """Ask, insist, kill; every wait is bounded. Returns at once if it has ended."""
        for number, patience in (
            (signal.SIGINT, FAST_STOP),
            (signal.SIGQUIT, HARD_STOP),
            (signal.SIGKILL, HARD_STOP),
        ):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._over.wait()
                    return

    def close(self) -> None:
        """Stop watching."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)


class Postmaster:
    """A server that we started."""

    def __init__(self, child: subprocess.Popen[bytes], data: Path, errors: Path) -> None:
        self._child = child
        self._data, self._errors = data, errors
        self.process = ServerProcess(child.pid)

    async def ready(self, *, within: float) -> None:
        """Return when it accepts connections. Errors: StartFailed.

        Postgres itself says so in the last line of postmaster.pid, where pg_ctl looks too: no
        connection needed, and no other server can be taken for ours.
        """
        try:
            async with asyncio.timeout(within):
                while not self._says_ready():
                    if self.process.over:
                        raise StartFailed(f"Postgres ended while starting: {self._last_words()}")
                    await asyncio.sleep(0.02)
        except TimeoutError as e:
            raise StartFailed(
                f"Postgres was not ready within {within:g} seconds: {self._last_words()}"
            ) from e

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        await self.process.ended()
        return self._child.wait(timeout=1)

    async def stop(self) -> None:
        """End it, and forget it."""
        await self.process.stop()
        self.process.close()
        # Reaps it. It has ended, or even SIGKILL did not work: then the kernel is stuck, not we.
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=1)

    def _says_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self._child.pid) and lines[7].strip() == "ready"

    def _last_words(self) -> str:
        logs = sorted((self._data / "log").glob("*.log"))[-1:]
        texts = [path.read_text(errors="replace") for path in (self._errors, *logs)]
        return " / ".join(line for text in texts for line in text.splitlines()[-5:])


def spawn(
    binary: Path, data: Path, settings: Sequence[str], account: Account | None, errors: Path
) -> Postmaster:
    """Start `postgres` on `data`.

    In a session of its own: Ctrl-C on the controller's terminal must not reach it before the
    controller has finished with it. With an environment of its own: nothing leaks from ours.
    """
    with errors.open("wb") as stderr:
        child = subprocess.Popen(
            [binary, "-D", data, *settings],
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    return Postmaster(child, data, errors)


async def end_leftovers(cluster_name: str) -> list[int]:
    """End every server and initdb that still runs under that name; their pids.

    A killed controller leaves its Postgres behind. It is ended and started anew rather than
    adopted: so the server is always our child, of this version, with these settings. Only call
    while holding the data folder's lock, which says that no living controller owns them.
    """
    ended: list[int] = []
    # Twice: once the server is gone, children of one that was killed may still be there.
    for _ in range(2):
        for pid in _processes_of(cluster_name):
            with suppress(ProcessLookupError):
                process = ServerProcess(pid)
                try:
                    # Looked at again, now that the pid can't change hands any more.
                    if _belongs(pid, cluster_name):
                        await process.stop()
                        ended.append(pid)
                finally:
                    process.close()
    return ended


def _processes_of(cluster_name: str) -> list[int]:
    """Servers first: their pid is lower than their children's but where pids wrapped around."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _belongs(pid, cluster_name)]


def _belongs(pid: int, cluster_name: str) -> bool:
    """By the command line: `/proc/<pid>/cwd` and `exe` are closed to root in most containers.

    Not by the folder that stands there: a container's process names a path of the container.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    if command.startswith(f"postgres: {cluster_name}: ".encode()):
        return True  # a child, by the title it gave itself
    program, *arguments = command.split(b"\0")
    return (
        Path(os.fsdecode(program)).name in ("postgres", "initdb")
        and f"cluster_name={cluster_name}".encode() in arguments
    )
