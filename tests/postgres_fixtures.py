"""A real Postgres for all tests that want one: started once, a fresh database for each test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool

TEMPLATE = "ecn_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A folder that the account of Postgres can get to, which pytest's own is not for root."""
    path = Path(tempfile.mkdtemp(prefix="ecn-tests-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def open_folder(session_folder: Path) -> Path:
    """A new folder for one test, as `session_folder`."""
    path = session_folder / f"test-{next(_numbers)}"
    path.mkdir(mode=0o711)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server(session_folder: Path) -> AsyncIterator[str]:
    """DSN of the one server, with a database that has had all migrations."""
    with DataFolder.open(session_folder / "shared") as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await _execute(postgres.dsn, f"create database {TEMPLATE}")
            async with PostgresPool.open(_database(postgres.dsn, TEMPLATE)):
                pass
            yield postgres.dsn


@pytest.fixture
async def empty_database_dsn(postgres_server: str) -> AsyncIterator[str]:
    """A database without anything in it."""
    async with _fresh_database(postgres_server, "template0") as dsn:
        yield dsn


@pytest.fixture
async def postgres_dsn(postgres_server: str) -> AsyncIterator[str]:
    """A database of its own for this test, migrated and with an empty log."""
    async with _fresh_database(postgres_server, TEMPLATE) as dsn:
        yield dsn


@pytest.fixture
async def postgres_pool(postgres_dsn: str) -> AsyncIterator[PostgresPool]:
    """The pool of that database."""
    async with PostgresPool.open(postgres_dsn) as pool:
        yield pool


@pytest.fixture
async def postgres_log(postgres_pool: PostgresPool) -> AsyncIterator[PostgresLog]:
    """The log of that database."""
    async with PostgresLog.open(postgres_pool) as log:
        yield log


@asynccontextmanager
async def _fresh_database(server: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(server, f"create database {name} template {template}")
    yield _database(server, name)
    await _execute(server, f"drop database {name} with (force)")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
