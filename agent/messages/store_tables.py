"""Rows of the store's tables: many at once, and bodies that go with the last who waited for them.

Used by `store.py`, within its transactions.
"""

import sqlite3
from collections.abc import Iterable, Sequence

_ROWS = (64, 8, 1)
"""How many rows one statement writes: each statement lets go of the interpreter, and has to wait
for it again."""


class StoreTables:
    """Of the store in that database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def insert(self, table: str, rows: Sequence[tuple[int | str | bytes, ...]]) -> None:
        """Add rows, all columns of each in the table's order."""
        at = 0
        for many in _ROWS:
            while len(rows) - at >= many:
                chunk = rows[at : at + many]
                marks = ",".join(["(" + ",".join("?" * len(chunk[0])) + ")"] * many)
                self._database.execute(
                    f"INSERT INTO {table} VALUES {marks}",  # noqa: S608 - our own words
                    [value for row in chunk for value in row],
                )
                at += many

    def fewer(self, sequences: Sequence[int]) -> None:
        """One copy less of each."""
        if sequences:
            self._database.execute(
                "UPDATE shared SET copies = copies - 1 "
                "WHERE message IN (SELECT value FROM json_each(?))",
                (listed(sequences),),
            )

    def without_copies(self, sequences: Sequence[int]) -> None:
        """Those of them that nobody waits for any more go."""
        if not sequences:
            return
        rows = self._database.execute(
            "DELETE FROM shared WHERE copies <= 0 "
            "AND message IN (SELECT value FROM json_each(?)) RETURNING message",
            (listed(sequences),),
        ).fetchall()
        self.without_body([row[0] for row in rows])

    def without_body(self, sequences: Sequence[int]) -> None:
        """Nobody waits for these messages."""
        if sequences:
            self._database.execute(
                "DELETE FROM bodies WHERE message IN (SELECT value FROM json_each(?))",
                (listed(sequences),),
            )

    def pages_used(self) -> int:
        """Of the file, those that hold something; also within a transaction."""
        execute = self._database.execute
        (pages,) = execute("PRAGMA page_count").fetchone()
        (free,) = execute("PRAGMA freelist_count").fetchone()
        return int(pages - free)


def listed(numbers: Iterable[int]) -> str:
    """For `json_each`: any number of numbers as one parameter."""
    return "[" + ",".join(map(str, numbers)) + "]"
