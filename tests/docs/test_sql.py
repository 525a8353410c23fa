"""The page for people with SQL: what it shows can be typed, and it names every table and column."""

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec import Raw

from ecn.presence_store import MemoryLeadership
from ecn.view_writer import ViewWriter
from events.catalog import CatalogItemCreated, CatalogItemSettings
from events.edge_resource import EdgeResourceCreated, EdgeResourceSettings
from events.envelope import GENESIS, KnownEvent
from events.ids import CatalogItemId, EdgeResourceId, RouteId, TemplateId, VolumeId
from events.network import NetworkSettingChanged
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from events.route import RouteCreated, RouteEnds
from events.template import TemplateCreated, TemplateSettings
from events.twin import TwinDesiredChanged
from events.volume import VolumeCreated, VolumeFile, VolumeSettings
from projections.live import Live
from projections.postgres_views import PostgresViews
from tests.builders import (
    SHOP,
    WEB,
    application,
    history,
    microservice,
    registered,
    registry,
    told,
    user,
)

PAGE = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
OF_THE_PROGRAM = {"event_text", "view_document"}

pytestmark = pytest.mark.postgres

SECRET = b"a key of somebody's"
RATE = Raw(b'{"rate":5}')
OFFERED: tuple[KnownEvent, ...] = (
    RouteCreated(
        route_id=RouteId("r"),
        application_id=SHOP,
        name="r",
        ends=RouteEnds(source=WEB, destination=WEB),
    ),
    CatalogItemCreated(
        catalog_item_id=CatalogItemId("c"),
        name="c",
        settings=CatalogItemSettings(images={"x86": "c:1"}),
    ),
    TemplateCreated(template_id=TemplateId("t"), name="t", settings=TemplateSettings()),
    EdgeResourceCreated(
        edge_resource_id=EdgeResourceId("e"),
        name="e",
        version="1.0.0",
        settings=EdgeResourceSettings(),
    ),
    VolumeCreated(
        volume_id=VolumeId("v"),
        name="v",
        settings=VolumeSettings(
            destination="/srv", files=[VolumeFile(path="a.pem", content=SECRET)]
        ),
    ),
    NetworkSettingChanged(network_id="default-proxy-host", value="proxy.example"),
    TwinDesiredChanged(microservice_id=WEB, version=1, patch=RATE, desired=RATE),
)


@pytest.fixture
async def dsn(postgres_dsn: str) -> str:
    """A small network, its rows written."""
    events = history(
        registered(), application(), microservice(), told(1), registry(), user(), *OFFERED
    )
    async with (
        PostgresPool.open(postgres_dsn) as pool,
        PostgresLog.open(pool) as log,
        PostgresViews.open(pool) as views,
    ):
        await log.append(events, expected=GENESIS)
        live = Live(log)
        await live.catch_up()
        await ViewWriter(views, MemoryLeadership({}), live).flush()
    return postgres_dsn


async def test_every_example_finds_something(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in STATEMENTS:
            if statement.startswith("select") and "is distinct from 'running'" not in statement:
                assert await connection.fetch(statement), statement
            elif statement.startswith("select"):
                await connection.fetch(statement)
    finally:
        await connection.close()


async def test_a_reader_made_as_the_page_says_reads_these_tables_and_nothing_else(
    dsn: str,
) -> None:
    (recipe,) = (each for each in STATEMENTS if each.startswith("create role"))
    owner = await asyncpg.connect(dsn)
    reader = None
    try:
        for statement in recipe.split(";")[:-1]:
            await owner.execute(statement)
        url = urlsplit(dsn)
        netloc = f"ecn_reader:choose%20one@{url.netloc.rpartition('@')[2]}"
        reader = await asyncpg.connect(urlunsplit(url._replace(netloc=netloc)))
        relations = await owner.fetch(
            "select relname from pg_class where relnamespace = 'ecn'::regnamespace "
            "and relkind in ('r', 'v')"
        )
        readable = set(re.findall(r"^### ecn\.(\w+)$", PAGE, flags=re.MULTILINE))
        for (name,) in relations:
            if name in readable:
                assert await reader.fetch(f"select * from ecn.{name}"), name
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await reader.fetch(f"select * from ecn.{name}")
    finally:
        if reader is not None:
            await reader.close()
        await owner.execute("drop owned by ecn_reader; drop role ecn_reader")
        await owner.close()


async def test_every_table_and_column_for_people_is_on_the_page(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        columns = await connection.fetch(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'ecn' and table_name in "
            "(select table_name from information_schema.views where table_schema = 'ecn')"
        )
    finally:
        await connection.close()
    sections = dict(re.findall(r"^### ecn\.(\w+)\n(.*?)(?=^##)", PAGE, flags=re.S | re.M))
    shown = {table for table, _ in columns} - OF_THE_PROGRAM
    assert set(sections) == shown
    for table, column in columns:
        if table in shown:
            assert f"`{column}`" in sections[table], f"{table}.{column}"


async def test_what_is_in_the_files_of_a_volume_is_for_nobody_with_sql(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        (row,) = await connection.fetch("select v::text from ecn.volumes as v")
    finally:
        await connection.close()
    assert "a.pem" in row["v"]
    assert b64encode(SECRET).decode() not in row["v"]
