"""A controller: the one place that builds everything and runs it, from settings to shutdown.

Order of life: hold the data folder, have a Postgres, open the log, fold it into the world, make
the first admin, serve. The end goes the same way back, and each step has a bound.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import structlog
from aiohttp import ClientSession, TCPConnector, web
from msgspec import Struct

from ecn.api import app as api
from ecn.api import keys
from ecn.api.streams import Streams
from ecn.attempts import Attempts
from ecn.batch import Issued
from ecn.broker.keeper import BrokerKeeper
from ecn.broker.settings import BrokerSettings
from ecn.broker.settings import read as read_broker
from ecn.broker.webhooks import Webhooks
from ecn.collector import settle
from ecn.commands.network import SetBroker
from ecn.container_snapshots import ContainerSnapshots
from ecn.dashboard.broadcast import Broadcast
from ecn.dashboard.packed import SharedSnapshot
from ecn.dashboard.telemetry_parts import Pulse
from ecn.dashboard.timelines import Timelines
from ecn.data_folder import DataFolder, DataFolderError
from ecn.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from ecn.first_admin import ensure_admin
from ecn.master_key import Keyring, MasterKeyFileUnusable
from ecn.master_key import opened as opened_master_keys
from ecn.metrics.look import ControllerLook
from ecn.passwords import Passwords
from ecn.postgres_leadership import PostgresLeadership
from ecn.postgres_presence import PostgresPresenceStore
from ecn.postgres_request_bus import PostgresRequestBus
from ecn.postgres_secret_keys import PostgresSecretKeyStore
from ecn.postgres_telemetry import PostgresTelemetryStore
from ecn.postmaster import StartFailed
from ecn.presence import Presence
from ecn.rebuilds import Rebuilds
from ecn.replay import Replay
from ecn.router_presence import RouterPresence
from ecn.secret_keeper import SecretKeeper
from ecn.secret_key_store import SecretKeyStore
from ecn.session_keeper import SessionKeeper
from ecn.settings import CannotStart, ControllerSettings
from ecn.snapshot_keeper import SnapshotKeeper
from ecn.socket_folder import SocketFolderUnsafe
from ecn.start_world import world_at_start
from ecn.telemetry import Telemetry
from ecn.unprivileged import AccountMissing, NotReachable
from ecn.vault import SecretLost, Vault
from ecn.version import VERSION
from ecn.view_writer import ViewWriter
from ecn.writer import Writer
from events.background import beside
from events.ids import CommandId, new_id
from events.log import LogError, LogUnavailable, StoreUnavailable
from events.migrations import MigrationRefused
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from events.postgres_stored import PostgresStored
from projections.live import Live, follow
from projections.past import Past
from projections.postgres_snapshots import PostgresSnapshots
from projections.postgres_views import PostgresViews
from projections.world import World
from routing import language
from routing.metrics.server import CannotServe, Look, serving

DATABASE_WITHIN = 60.0
"""Seconds that a database of one's own may take to answer at the start."""

SHUTDOWN_WITHIN = 1.0
"""Seconds that requests may go on at the end. aiohttp waits twice so long for long-polls and feeds,
which would go on for ever, and whose clients come back by themselves."""

KEEP_ALIVE = (
    (socket.TCP_KEEPIDLE, 20),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
)
"""A connection is asked after 20 silent seconds, and given up when three questions are lost."""

FOR_THE_OPERATOR = (
    DataFolderError,
    EmbeddedPostgresError,
    StartFailed,
    SocketFolderUnsafe,
    AccountMissing,
    NotReachable,
    MasterKeyFileUnusable,
    MigrationRefused,
    StoreUnavailable,
    LogError,
)
"""What can be wrong with the machine or its database; each says so in a sentence."""

log = structlog.get_logger()


def now() -> datetime:
    """The clock that everything here is given."""
    return datetime.now(UTC)


async def run(settings: ControllerSettings) -> None:
    """Serve until cancelled. Errors: CannotStart."""
    try:
        await _run(settings)
    except FOR_THE_OPERATOR as e:
        raise CannotStart(str(e)) from e


async def _run(settings: ControllerSettings) -> None:
    tls = _tls(settings)
    interior = None if settings.broker is None else read_broker(settings.broker)
    with _listening(settings) as sock, DataFolder.open(settings.data) as folder:
        async with (
            _database(settings, folder) as database,
            _opened(database.dsn) as pool,
            PostgresLog.open(pool) as event_log,
            PostgresLeadership.open(pool) as leadership,
            PostgresViews.open(pool) as views,
        ):
            secret_keys = PostgresSecretKeyStore(pool)
            vault = await _vault(settings, opened_master_keys(folder.path), secret_keys)
            live = Live(event_log, await _world(event_log, views))
            writer = Writer(live, event_log, now)
            keeper = SecretKeeper(vault, secret_keys, leadership, live, now)
            presence = Presence(
                PostgresPresenceStore(pool),
                leadership,
                live,
                writer,
                now,
                offline_after=settings.offline_after,
            )
            telemetry = Telemetry(PostgresTelemetryStore(pool), live, now)
            broker = _keeper(interior, vault, leadership, live, writer)
            hooks = None if interior is None else Webhooks(interior, leadership, live)
            sessions = SessionKeeper(live, writer, leadership, now)
            snapshots = PostgresSnapshots(pool)
            past = Past(live, event_log, snapshots)
            view_writer = ViewWriter(views, leadership, live)
            snapshot_keeper = SnapshotKeeper(snapshots, leadership, view_writer.leader, live, past)
            passwords = Passwords()
            application = api.application()
            application[keys.LIVE] = live
            application[keys.PAST] = past
            application[keys.REPLAY] = Replay(live, event_log, views)
            application[keys.LOG] = event_log
            application[keys.STORED] = PostgresStored(pool)
            application[keys.WRITER] = writer
            application[keys.VAULT] = vault
            application[keys.PASSWORDS] = passwords
            application[keys.PRESENCE] = presence
            application[keys.TELEMETRY] = telemetry
            application[keys.ROUTERS] = RouterPresence()
            application[keys.ATTEMPTS] = Attempts()
            application[keys.REBUILDS] = Rebuilds()
            application[keys.SNAPSHOTS] = ContainerSnapshots(folder.path / "diagnostics")
            application[keys.TUNNEL] = settings.tunnel
            bus = _bus(settings, pool, sock, secure=tls is not None)
            application[keys.STREAMS] = Streams(live.wake, live.waits, bus)
            application[keys.SESSIONS] = sessions
            application[keys.BROKER] = broker
            broadcast = Broadcast(live, past, Pulse(live, telemetry, presence, broker, now))
            application[keys.BROADCAST] = broadcast
            application[keys.DASHBOARD_SNAPSHOT] = SharedSnapshot(live, broadcast)
            application[keys.TIMELINES] = Timelines(live, event_log)
            application[keys.METRICS] = ControllerLook(
                live,
                application[keys.REQUESTS],
                writer.measures,
                presence=presence,
                telemetry=telemetry,
                views=view_writer,
                broker=broker,
            )
            application[keys.CLOCK] = now
            application[keys.OPEN_SIGNUP] = settings.open_signup
            application[keys.DISK_FULL] = database.disk_full
            application[keys.STARTED_AT] = now()
            url = _url(sock, secure=tls is not None)
            async with beside(writer.run()), beside(follow(live, event_log)):
                await ensure_admin(folder, live, writer, passwords, url)
                if settings.forget_broker:
                    await _forget_broker(writer)
                # Read by the first route it would hold up everybody: deciders run on the loop.
                await asyncio.to_thread(language.load)
                settle()
                async with (
                    beside(presence.run()),
                    beside(telemetry.run()),
                    beside(keeper.run()),
                    beside(sessions.run()),
                    _kept(broker, hooks),
                    _talking(application, settings, bus),
                    beside(view_writer.run()),
                    beside(snapshot_keeper.run()),
                    beside(broadcast.run()),
                    _measured(settings, application[keys.METRICS]),
                    _serving(application, sock, tls),
                ):
                    log.info(
                        "ready",
                        url=url,
                        position=live.world.position,
                        version=VERSION,
                        pid=os.getpid(),
                    )
                    await asyncio.Event().wait()


@asynccontextmanager
async def _measured(settings: ControllerSettings, look: Look) -> AsyncIterator[None]:
    """With a place for scrapers, where one is wanted. Errors: CannotStart."""
    if settings.metrics is None:
        yield
        return
    host, port = settings.metrics
    try:
        async with serving(host, port, look):
            yield
    except CannotServe as e:
        raise CannotStart(f"{e}. Give another address with --metrics.") from e


def _bus(
    settings: ControllerSettings, pool: PostgresPool, sock: socket.socket, *, secure: bool
) -> PostgresRequestBus | None:
    """To the other controllers: over a Postgres of one's own there are none."""
    if settings.database_url is None:
        return None
    return PostgresRequestBus(pool, settings.advertise or _url(sock, secure=secure))


def _keeper(
    interior: BrokerSettings | None,
    vault: Vault,
    leadership: PostgresLeadership,
    live: Live,
    writer: Writer,
) -> BrokerKeeper | None:
    """Of the interior router, where this controller was told of one."""
    if interior is None:
        return None
    return BrokerKeeper(interior, vault, leadership, live, writer, now)


@asynccontextmanager
async def _kept(broker: BrokerKeeper | None, hooks: Webhooks | None) -> AsyncIterator[None]:
    if broker is None or hooks is None:
        yield
        return
    async with beside(broker.run()), beside(hooks.run()):
        yield


async def _forget_broker(writer: Writer) -> None:
    command_id = CommandId(new_id())
    await writer.execute(
        Issued(
            command=SetBroker(broker=None),
            actor="controller",
            command_id=command_id,
            correlation_id=command_id,
        )
    )


@asynccontextmanager
async def _talking(
    application: web.Application, settings: ControllerSettings, bus: PostgresRequestBus | None
) -> AsyncIterator[None]:
    """With other controllers, where there are any."""
    trust: ssl.SSLContext | bool = True
    if settings.tls_cert is not None:
        # What we show ourselves is good enough to be shown to us.
        trust = ssl.create_default_context()
        trust.load_verify_locations(settings.tls_cert)
    async with AsyncExitStack() as stack:
        session = ClientSession(connector=TCPConnector(ssl=trust, limit=0))
        application[keys.RELAY] = await stack.enter_async_context(session)
        if bus is not None:
            await stack.enter_async_context(beside(bus.run()))
        yield


def _listening(settings: ControllerSettings) -> socket.socket:
    """The socket to serve on, before anything else is touched: a taken port costs nothing."""
    try:
        family, *_, address = socket.getaddrinfo(
            settings.listen_host, settings.listen_port, type=socket.SOCK_STREAM
        )[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Taken over by each connection: one whose other side vanished is noticed, also where a
        # stream has had nothing to say for long.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        sock.bind(address)
    except OSError as e:
        raise CannotStart(
            f"can't listen on {settings.listen_host}:{settings.listen_port}: {e.strerror}. "
            "Stop what listens there, or give another address with --listen."
        ) from e
    return sock


class _Database(Struct, frozen=True):
    dsn: str
    disk_full: Callable[[], bool]


@asynccontextmanager
async def _database(settings: ControllerSettings, folder: DataFolder) -> AsyncIterator[_Database]:
    if settings.database_url is not None:
        yield _Database(settings.database_url, lambda: False)
        return
    async with EmbeddedPostgres.running(folder) as postgres:
        log.info("postgres_running", pid=postgres.pid)
        yield _Database(postgres.dsn, lambda: postgres.disk_full)


@asynccontextmanager
async def _opened(dsn: str) -> AsyncIterator[PostgresPool]:
    """The database, once it answers."""
    deadline, pause = time.monotonic() + DATABASE_WITHIN, 0.2
    while True:
        opening = PostgresPool.open(dsn)
        try:
            pool = await opening.__aenter__()
            break
        except StoreUnavailable as e:
            if time.monotonic() + pause > deadline:
                raise CannotStart(
                    f"the database does not answer within {DATABASE_WITHIN:.0f} seconds: {e}. "
                    "Check --database-url and that Postgres runs."
                ) from e
            log.warning("database_unavailable", reason=str(e), next_try_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
    try:
        yield pool
    finally:
        await opening.__aexit__(None, None, None)


async def _world(event_log: PostgresLog, views: PostgresViews) -> World:
    """All that is in the log. Errors: CannotStart."""
    try:
        return await world_at_start(event_log, views)
    except LogUnavailable as e:
        raise CannotStart(f"the log can't be read: {e}") from e


async def _vault(settings: ControllerSettings, masters: Keyring, keys: SecretKeyStore) -> Vault:
    """The vault, once it is known to open what the database holds. Errors: CannotStart."""
    forget = settings.forget_master_key
    if forget is not None:
        if masters.find(forget) is not None:
            raise CannotStart(
                f"master key {forget} is in the key file: what it wraps is not lost. "
                "Start without --forget-master-key."
            )
        given_up = await keys.destroy_under(forget)
        log.warning("master_key_forgotten", key_id=forget, keys=given_up)
    vault = Vault(masters, keys)
    try:
        await vault.check()
    except SecretLost as e:
        raise CannotStart(
            f"{e}. Restore table ecn.secret_key from a backup. If there is none: delete that one "
            "row, and another key is made; checkpoints of the log are signed with that from then on"
        ) from e
    return vault


def _tls(settings: ControllerSettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as e:
        raise CannotStart(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key: {e}"
        ) from e
    return context


@asynccontextmanager
async def _serving(
    application: web.Application, sock: socket.socket, tls: ssl.SSLContext | None
) -> AsyncIterator[None]:
    # Without handler cancellation a client that left would hold its long-poll for ever.
    runner = web.AppRunner(
        application,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_WITHIN,
        access_log=None,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, sock, ssl_context=tls, backlog=4096).start()
        yield
    finally:
        await runner.cleanup()


def _url(sock: socket.socket, *, secure: bool) -> str:
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # named in a link, not listened on
        host = "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{shown}:{port}"
