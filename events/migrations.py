"""Which changes of the database's shape there are, and which of them a database still needs.

Pure but for reading the files; postgres_migrate.py applies. An applier of our own, because yoyo
needs a second driver beside asyncpg, and Alembic an ORM: a locked loop over numbered files is all
that is wanted of either.

A file that was released never changes; a correction is the next number.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from msgspec import Struct

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(Struct, frozen=True, kw_only=True):
    """One numbered file."""

    version: int
    name: str
    sql: str
    sha256: bytes


class Applied(Struct, frozen=True, kw_only=True):
    """One that a database has had."""

    version: int
    name: str
    sha256: bytes


class MigrationRefused(Exception):
    """The database is not of the shape that this program could work with or change."""


class DatabaseIsNewer(MigrationRefused):
    """A newer ecn has been here."""

    def __init__(self, database: int, program: int) -> None:
        super().__init__(
            f"the database is at version {database} and this program knows only {program}: "
            "update this controller to the newest version among those that share the database"
        )
        self.database, self.program = database, program


class MigrationDiffers(MigrationRefused):
    """The database was made by other files than ours."""

    def __init__(self, migration: Migration) -> None:
        super().__init__(
            f"migration {migration.version:04} ({migration.name}) was not applied to the database "
            "as this program has it: it was made by a development version or changed by hand; "
            "use the program that made it, or move its events to a new database"
        )
        self.migration = migration


class MayNotMigrate(MigrationRefused):
    """The role that we connect as may not make what is missing."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the database does not let this role make its tables ({reason}): grant it CREATE on "
            "the database, or create a schema `ecn` that belongs to it"
        )


def known_migrations() -> list[Migration]:
    """Those of this program, in order."""
    found = []
    for file in files("events").joinpath("sql/migrations").iterdir():
        if match := _FILE.fullmatch(file.name):
            content = file.read_bytes()
            found.append(
                Migration(
                    version=int(match[1]),
                    name=match[2],
                    sql=content.decode(),
                    sha256=sha256(content).digest(),
                )
            )
    return sorted(found, key=lambda migration: migration.version)


def pending(known: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """Which of `known` come next. Both ascend. Errors: DatabaseIsNewer, MigrationDiffers."""
    if applied and applied[-1].version > known[-1].version:
        raise DatabaseIsNewer(applied[-1].version, known[-1].version)
    for ours, theirs in zip(known, applied, strict=False):
        if (ours.version, ours.sha256) != (theirs.version, theirs.sha256):
            raise MigrationDiffers(ours)
    return list(known[len(applied) :])
