"""Bring a database to the shape that this program needs: all that is missing, or nothing."""

from asyncpg import Connection, InsufficientPrivilegeError

from events.migrations import Applied, MayNotMigrate, Migration, known_migrations, pending
from events.named_sql import load

SQL = load("events", "sql/migrate.sql")


async def migrate(connection: Connection) -> list[Migration]:
    """Apply what is missing, in one transaction; what was applied.

    Controllers that start together come one after the other: the second finds nothing to do.
    Errors: MigrationRefused; asyncpg's own, for the pool to translate.
    """
    try:
        return await _migrate(connection)
    except InsufficientPrivilegeError as e:
        raise MayNotMigrate(str(e)) from e


async def _migrate(connection: Connection) -> list[Migration]:
    async with connection.transaction():
        await connection.execute(SQL["lock"])
        if not await connection.fetchval(SQL["is_prepared"]):
            await connection.execute(SQL["prepare"])
        applied = [
            Applied(version=row["version"], name=row["name"], sha256=row["sha256"])
            for row in await connection.fetch(SQL["applied"])
        ]
        missing = pending(known_migrations(), applied)
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                SQL["record"], migration.version, migration.name, migration.sha256
            )
    return missing
