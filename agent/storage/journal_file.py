"""The file of the journal: how it is opened, what tables it has, what becomes of a broken one.

Used by `journal.py`. Writes are few and bounded: a write-ahead log of at most 256 KiB, synced with
each transaction, and a file that gives its pages back.
"""

import sqlite3
from pathlib import Path

import structlog

from agent.errors import FolderUnusable
from agent.storage.reserve import Reserve

log = structlog.get_logger()

PAGES_BEFORE_CHECKPOINT = 64
"""Of 4 KiB: how large the write-ahead log grows."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, about TEXT NOT NULL,
    body BLOB NOT NULL, gist TEXT NOT NULL DEFAULT '', path TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS outbox_about ON outbox (kind, about, sequence);
CREATE TABLE IF NOT EXISTS told (microservice_id TEXT PRIMARY KEY, told BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS memory (microservice_id TEXT PRIMARY KEY, memory BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS instructions (
    told_at INTEGER PRIMARY KEY, mark BLOB NOT NULL, spoken INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS twins (microservice_id TEXT PRIMARY KEY, reported BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS drops_told (file_id TEXT PRIMARY KEY, through INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS twin_edits (
    sequence INTEGER PRIMARY KEY, microservice_id TEXT NOT NULL, change BLOB NOT NULL
);
"""


def opened(path: Path, reserve: Reserve) -> sqlite3.Connection:
    """The database at `path`; made when missing. Errors: FolderUnusable."""
    try:
        return _connected(path)
    except sqlite3.OperationalError as error:
        if reserve.give_up():  # it may be the room that is missing
            return opened(path, reserve)
        # Locked, full, not to be opened: nothing is wrong with what it holds.
        raise FolderUnusable(path.parent, f"{path.name}: {error}") from error
    except sqlite3.DatabaseError as error:
        # The containers matter more than what was to be told about them: begin a new one.
        # `accepted` notices that the controller has seen higher numbers.
        aside = path.with_name(f"{path.name}.broken")
        log.error("journal-unreadable", error=str(error), moved_to=str(aside))
        path.replace(aside)
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=5.0)
    try:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new one; before its first table
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BEFORE_CHECKPOINT}")
        database.execute(f"PRAGMA journal_size_limit = {4096 * PAGES_BEFORE_CHECKPOINT}")
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def number(cursor: sqlite3.Cursor) -> int:
    """The one number that was asked for; 0 for none."""
    row: tuple[int] | None = cursor.fetchone()
    return 0 if row is None else row[0]
