"""The file of the store: how it is opened, what tables it has, what becomes of a broken one.

Used by `store.py`, from its thread.

A message is one row of `bodies`, however many wait for it: each of those is a row of `waiting`, and
`archived` may have one too. Where there is more than one, `shared` counts how many are left.
"""

import sqlite3
from pathlib import Path

import structlog

from agent.storage.reserve import Reserve

log = structlog.get_logger()

PAGE = 4096
"""Bytes."""
PAGES_BEFORE_CHECKPOINT = 1000
"""How large the write-ahead log grows: 4 MB, which are synced once more in one go."""
CACHE_KIB = 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bodies (message INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS lanes (lane INTEGER PRIMARY KEY, way BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (
    lane INTEGER NOT NULL, message INTEGER NOT NULL, at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, size INTEGER NOT NULL, copies INTEGER NOT NULL,
    PRIMARY KEY (lane, message)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archived (
    message INTEGER PRIMARY KEY, at INTEGER NOT NULL, size INTEGER NOT NULL,
    publisher TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS shared (message INTEGER PRIMARY KEY, copies INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS drops (
    drop_id INTEGER PRIMARY KEY AUTOINCREMENT, route_id TEXT NOT NULL, reason TEXT NOT NULL,
    messages INTEGER NOT NULL, size INTEGER NOT NULL, since INTEGER NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS taken (taken INTEGER PRIMARY KEY, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS file (id TEXT NOT NULL);
"""


def opened(path: Path, reserve: Reserve, file_id: str) -> sqlite3.Connection:
    """The database at `path`; made when missing, and named so then.

    Errors: sqlite3.OperationalError when the disk does not take or give it, the reserve given up;
    sqlite3.DatabaseError when it is none.
    """
    try:
        return _connected(path, file_id)
    except sqlite3.OperationalError:
        if not reserve.give_up():  # it may be the room that is missing
            raise
        return _connected(path, file_id)


def set_aside(path: Path) -> Path:
    """Move a broken one out of the way, for whoever wants to look; to where."""
    aside = path.with_name(f"{path.name}.broken")
    path.replace(aside)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return aside


def _connected(path: Path, file_id: str) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    try:
        database.execute(f"PRAGMA page_size = {PAGE}")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new one; before its first table
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BEFORE_CHECKPOINT}")
        database.execute(f"PRAGMA journal_size_limit = {PAGE * PAGES_BEFORE_CHECKPOINT}")
        database.executescript(_SCHEMA)
        if database.execute("SELECT id FROM file").fetchone() is None:
            database.execute("INSERT INTO file VALUES (?)", (file_id,))
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
