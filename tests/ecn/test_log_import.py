"""A network moved with its log: from a file into a database, and a controller started on it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import structlog
from click.testing import CliRunner, Result

from ecn.cli.main import cli
from events.chaining import BEGINNING, Stored
from events.envelope import GENESIS, stored_of
from events.export import Header, LogPacker
from tests.ecn.controller_process import ControllerProcess
from tests.events.builders import batch
from tests.events.golden.reading import LOG, golden_events

pytestmark = [pytest.mark.postgres, pytest.mark.system]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The command sets it for its process, which here is ours."""
    yield
    structlog.reset_defaults()


def packed(events: Sequence[Stored]) -> bytes:
    """The file of a whole log."""
    header = Header(first=1, last=len(events), previous_hash=BEGINNING.hash.hex())
    packer = LogPacker(header)
    return packer.begin() + packer.go_on(events) + packer.end()


def imported(file: Path, dsn: str) -> Result:
    """`ecn log import`, into a database."""
    return CliRunner().invoke(
        cli, ["log", "import", str(file)], env={"ECN_DATABASE_URL": dsn}, prog_name="ecn"
    )


def ended_at(dsn: str) -> tuple[int, int]:
    """How many events there are, and where the log says that it ends."""

    async def ask() -> tuple[int, int]:
        connection = await asyncpg.connect(dsn)
        try:
            count = await connection.fetchval("select count(*) from ecn.event")
            return count, await connection.fetchval("select position from ecn.head")
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_log_is_imported_once(postgres_dsn: str) -> None:
    first = imported(LOG, postgres_dsn)
    assert first.exit_code == 0, first.output
    count = len(golden_events())
    assert first.stdout == f"imported {count} events\n"
    assert first.stderr == (
        "1 event of type zeppelin.landed.v1, which this version does not know\n"
    )
    assert ended_at(postgres_dsn) == (count, count)
    again = imported(LOG, postgres_dsn)
    assert again.exit_code == 1
    assert f"holds {count} events already: a log is imported into an empty one" in again.stderr
    assert ended_at(postgres_dsn) == (count, count)


def broken(content: bytes) -> bytes:
    return content.replace(b"at the door", b"at the moor")


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_end(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:-1])


def from_the_middle(_: bytes) -> bytes:
    events = golden_events()[5:]
    header = Header(first=6, last=events[-1].position, previous_hash=events[0].previous_hash.hex())
    packer = LogPacker(header)
    return packer.begin() + packer.go_on(events) + packer.end()


def newer(content: bytes) -> bytes:
    return content.replace(b'"version":1', b'"version":2', 1)


def another_file(_: bytes) -> bytes:
    return b"kind: Application\n"


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (broken, "broken. Event 3: its content does not match its hash. Nothing was imported."),
        (cut, "breaks off"),
        (without_end, "its last line is missing. Export the log again"),
        (from_the_middle, "holds the events from 6 on, and a log begins with 1"),
        (newer, "version 2 of the format"),
        (another_file, "no exported log: make one with ecn log export"),
    ],
)
def test_what_is_no_whole_log_leaves_the_database_empty(
    postgres_dsn: str, tmp_path: Path, spoiled: Callable[[bytes], bytes], said: str
) -> None:
    file = tmp_path / "log"
    file.write_bytes(spoiled(LOG.read_bytes()))
    result = imported(file, postgres_dsn)
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert ended_at(postgres_dsn) == (0, 0)


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = imported(LOG, "postgresql://ecn@127.0.0.1:1/ecn")
    assert result.exit_code == 1
    assert "the database can't be used now" in result.stderr


def test_a_killed_import_leaves_the_log_empty_and_is_done_again(
    postgres_dsn: str, tmp_path: Path
) -> None:
    content = packed([stored_of(each) for each in batch(GENESIS, 20_000)])
    process = subprocess.Popen(
        [sys.executable, "-m", "ecn", "log", "import", "-"],
        stdin=subprocess.PIPE,
        env={"ECN_DATABASE_URL": postgres_dsn, "PATH": ""},
    )
    try:
        assert process.stdin is not None
        process.stdin.write(content[: len(content) * 3 // 4])
        process.stdin.flush()
        assert copied(postgres_dsn) > 0
    finally:
        process.kill()
        process.wait(10)
    assert process.stdin is not None
    process.stdin.close()
    assert ended_at(postgres_dsn) == (0, 0)
    file = tmp_path / "log.zst"
    file.write_bytes(content)
    deadline = time.monotonic() + 30
    while (result := imported(file, postgres_dsn)).exit_code != 0:
        # The killed one's session holds the end of the log until Postgres notices.
        assert time.monotonic() < deadline, result.output
    assert ended_at(postgres_dsn) == (20_000, 20_000)


def copied(dsn: str) -> int:
    """How many events are on their way, as soon as there are some."""

    async def ask() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            async with asyncio.timeout(60):
                while True:
                    rows = await connection.fetch(
                        "select tuples_processed from pg_stat_progress_copy where datname = "
                        "current_database()"
                    )
                    if rows and rows[0]["tuples_processed"] > 1000:
                        return int(rows[0]["tuples_processed"])
                    await asyncio.sleep(0.02)
        finally:
            await connection.close()

    return asyncio.run(ask())


async def test_a_network_moves_with_its_log_and_everybody_is_let_in_as_before(
    open_folder: Path,
) -> None:
    one, other = (ControllerProcess(open_folder / name) for name in ("one", "other"))
    ecn = [sys.executable, "-m", "ecn"]
    file = str(open_folder / "log.zst")

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ecn, *arguments],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    try:
        await asyncio.to_thread(one.start)
        access = {"ECN_SERVER": one.url, "ECN_TOKEN": one.admin()["token"]}
        assert (await asyncio.to_thread(command, "create", "node", "east", **access)).stdout
        done = await asyncio.to_thread(command, "log", "export", "-o", file, **access)
        assert done.returncode == 0, done.stderr

        busy = await asyncio.to_thread(command, "log", "import", file, "--data", str(one.data))
        assert busy.returncode == 1
        assert f"in use by process {one.process.pid}: stop that controller first" in busy.stderr

        done = await asyncio.to_thread(command, "log", "import", file, "--data", str(other.data))
        assert (done.returncode, done.stderr) == (0, "")
        await asyncio.to_thread(other.start)
        async with aiohttp.ClientSession(headers=one.authorization()) as session:
            async with session.get(f"{other.url}/api/v1/nodes/east") as response:
                assert response.status == 200
            login = {"name": one.admin()["name"], "password": one.admin()["password"]}
            async with session.post(f"{other.url}/api/v1/login", json=login) as response:
                assert response.status == 200
        assert not (other.data / "admin.json").exists()
    finally:
        one.end()
        other.end()
