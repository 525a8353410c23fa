"""Real controllers without Postgres: the whole web application over one log in memory.

A `Network` is what controllers share: the log, the stores, the master key, the clock. Each
`Controller` of it has a world and a writer of its own and listens on a free port. A `Client`
speaks to one controller as somebody, and holds every answer against the OpenAPI document that
this controller serves.
"""

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import aiohttp
from aiohttp import web
from argon2 import PasswordHasher
from msgspec import Struct

from ecn.api import keys
from ecn.api.app import application
from ecn.api.streams import Streams
from ecn.attempts import Attempts
from ecn.batch import Issued, Outcome
from ecn.commands import AnyCommand
from ecn.commands.user import CreateFirstAdmin, CreateUser, IssueToken
from ecn.container_snapshots import ContainerSnapshots
from ecn.dashboard.broadcast import Broadcast
from ecn.dashboard.packed import SharedSnapshot
from ecn.dashboard.telemetry_parts import Pulse
from ecn.dashboard.timelines import Timelines
from ecn.master_key import Keyring, MasterKey
from ecn.metrics.look import ControllerLook
from ecn.passwords import Passwords
from ecn.presence import Presence
from ecn.presence_store import MemoryLeadership, MemoryPresenceStore
from ecn.rebuilds import Rebuilds
from ecn.replay import Replay
from ecn.request_bus import MemoryBus
from ecn.router_presence import RouterPresence
from ecn.secret_key_store import MemorySecretKeyStore
from ecn.session_keeper import SessionKeeper
from ecn.settings import TunnelServer
from ecn.telemetry import Telemetry
from ecn.telemetry_store import MemoryTelemetryStore
from ecn.vault import Vault, hash_of
from ecn.writer import Writer
from events.background import beside
from events.envelope import Recorded
from events.ids import START, CommandId, TokenId, UserId, new_id
from events.log import EventLog, MemoryLog
from events.stored import MemoryStored
from events.user import Role
from projections.live import Live, follow
from projections.past import Past
from projections.view_store import MemoryViews
from tests.builders import NOW
from tests.ecn.api.described import Described

MASTER_KEY = bytes(range(32))
ADMIN, OPERATOR, VIEWER = "token-of-admin", "token-of-operator", "token-of-viewer"
PASSWORD = "password-of-{}"
"""With which admin, otto and vera log in."""
CREDENTIAL = "credential-of-agent-{}-" + "x" * 32
BASE = "/api/v1"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        """What it shows."""
        return self.time

    def advance(self, seconds: float) -> None:
        """So much later."""
        self.time += timedelta(seconds=seconds)


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body as a document."""
        document = json.loads(self.content)
        assert isinstance(document, dict)
        return document

    @property
    def lines(self) -> list[dict[str, object]]:
        """The body as one document per line."""
        return [json.loads(line) for line in self.content.splitlines()]

    def __getitem__(self, name: str) -> object:
        return self.json[name]

    def text(self, name: str) -> str:
        """A field of the body that is text."""
        value = self.json[name]
        assert isinstance(value, str)
        return value

    def number(self, name: str) -> int:
        """A field of the body that is a number."""
        value = self.json[name]
        assert isinstance(value, int)
        return value

    def items(self, name: str = "items") -> list[dict[str, object]]:
        """The documents of a list."""
        value = self.json[name]
        assert isinstance(value, list)
        return value

    def is_problem(self, status: int, code: str, *, field: str | None = None) -> "Answer":
        """Itself, when it is that refusal and told as every refusal has to be."""
        assert (self.status, self.json.get("code")) == (status, code), self.content.decode()
        assert self.headers["Content-Type"] == "application/problem+json"
        problem = self.json
        assert problem["type"] == f"urn:ecn:problem:{code}"
        assert problem["status"] == status
        assert problem["title"]
        assert problem["next_step"]
        assert problem["request_id"] == self.headers["X-Request-Id"]
        assert "Traceback" not in self.content.decode()
        if field is not None:
            assert problem.get("field", "") == field, self.content.decode()
        return self

    def is_good(self, status: int = 200) -> "Answer":
        """Itself, when it is as asked."""
        assert self.status == status, self.content.decode()
        return self


class Client:
    """Speaks to one controller as whom the token says."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, described: Described, token: str | None
    ) -> None:
        self.session = session
        self.url = url
        self.described = described
        self.token = token
        self.heard: list[bytes] = []
        """The bodies of all answers."""

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What it sends along."""
        given = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        return given | dict(more or {})

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | BytesIO | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. body: sent as JSON; content: sent as it is."""
        sent = self.headers(headers)
        if key is not None:
            sent["Idempotency-Key"] = key
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        async with self.session.request(
            method, self.url + BASE + path, data=content, headers=sent, params=query
        ) as response:
            answer = Answer(response.status, response.headers, await response.read())
        self.heard.append(answer.content)
        media = response.content_type
        said: list[object] = [answer.content]
        if media.endswith("json"):
            lines = answer.content.splitlines() if media.endswith("ndjson") else said
            said = [json.loads(line) for line in lines if isinstance(line, bytes)]
        for each in said:
            self.described.check(method, BASE + path, answer.status, media, each)
        return answer

    async def get(self, path: str, **query: str) -> Answer:
        """GET."""
        return await self.ask("GET", path, query=query)

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> Answer:
        """POST."""
        return await self.ask("POST", path, body, key=key)

    async def put(self, path: str, body: object, *, key: str | None = None) -> Answer:
        """PUT."""
        return await self.ask("PUT", path, body, key=key)

    async def patch(self, path: str, body: object, *, key: str | None = None) -> Answer:
        """PATCH."""
        return await self.ask("PATCH", path, body, key=key)

    async def delete(self, path: str, *, key: str | None = None, **query: str) -> Answer:
        """DELETE."""
        return await self.ask("DELETE", path, key=key, query=query)


class Agent:
    """Speaks as a device."""

    def __init__(self, client: Client, name: str, node_id: str) -> None:
        self.client = client
        self.name = name
        self.node_id = node_id
        self.known = 0
        """The revision that it has, where a test keeps one."""

    async def desired(self, have: int = 0, *, wait: int = 0) -> Answer:
        """The desired state, since a revision."""
        headers = {"If-None-Match": f'"{have}"'}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        return await self.client.ask("GET", "/agent/desired-state", headers=headers)

    async def report(self, **report: object) -> Answer:
        """Tell what happened."""
        return await self.client.post("/agent/report", report)

    async def revision(self) -> int:
        """The revision of now."""
        return (await self.desired()).number("revision")


class Controller:
    """One of the network's controllers. Made by `Network.controller`."""

    def __init__(
        self, network: "Network", live: Live, writer: Writer, presence: Presence, url: str
    ) -> None:
        self.network = network
        self.live = live
        self.writer = writer
        self.presence = presence
        self.url = url
        self.streams = Streams(live.wake, live.waits, MemoryBus(url, network.bus))
        self.vault: Vault
        self.sessions: SessionKeeper
        self.replay: Replay
        self.broadcast: Broadcast
        self.telemetry: Telemetry
        self.snapshots: ContainerSnapshots

    @property
    def world_position(self) -> int:
        """How far it has come."""
        return self.live.world.position

    def as_(self, token: str | None) -> Client:
        """A client that speaks to this controller."""
        client = Client(self.network.session, self.url, self.network.described, token)
        self.network.clients.append(client)
        return client

    @property
    def admin(self) -> Client:
        """May do everything."""
        return self.as_(ADMIN)

    @property
    def operator(self) -> Client:
        """May do everything but users."""
        return self.as_(OPERATOR)

    @property
    def viewer(self) -> Client:
        """May read."""
        return self.as_(VIEWER)

    @property
    def nobody(self) -> Client:
        """Has no token."""
        return self.as_(None)

    async def execute(self, command: AnyCommand) -> Outcome:
        """Past HTTP."""
        command_id = CommandId(new_id())
        return await self.writer.execute(
            Issued(
                command=command,
                actor="controller",
                command_id=command_id,
                correlation_id=command_id,
            )
        )

    async def agent(self, name: str, *, labels: dict[str, str] | None = None) -> Agent:
        """A node of that name with a device that has been heard."""
        operator = self.operator
        node = {"name": name, "settings": {"labels": labels or {}}}
        registered = (await operator.post("/nodes", node)).is_good(201)
        node_id = registered.text("subject").removeprefix("node/")
        return await self.provisioned(name, node_id)

    async def provisioned(self, name: str, node_id: str, number: int = 1) -> Agent:
        """The node's device from now on. number: makes another credential."""
        issued = await self.operator.post(f"/nodes/{node_id}/provisioning-key")
        credential = CREDENTIAL.format(f"{name}-{number}")
        body = {"key": issued.is_good(201).text("key"), "credential": credential, "facts": {}}
        (await self.nobody.post("/agent/provision", body)).is_good()
        return Agent(self.as_(credential), name, node_id)


class Network:
    """What its controllers share. Made by `running`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.log = MemoryLog()
        self.event_log: EventLog = self.log
        self.clock = Clock()
        self.master_keys = [MasterKey(MASTER_KEY)]
        self.secret_keys = MemorySecretKeyStore(self.clock.now)
        self.presence_store = MemoryPresenceStore()
        self.telemetry_store = MemoryTelemetryStore()
        self.views = MemoryViews(self.log)
        self.leaders: dict[str, MemoryLeadership] = {}
        self.clients: list[Client] = []
        self.bus: list[MemoryBus] = []
        self._described: Described | None = None

    @property
    def described(self) -> Described:
        """The OpenAPI document as the first controller serves it."""
        assert self._described is not None
        return self._described

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["Network"]:
        """A network without controllers."""
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield cls(session)

    @asynccontextmanager
    async def controller(
        self,
        *,
        following: bool = True,
        offline_after: float = 60.0,
        open_signup: bool = False,
        tunnel: TunnelServer | None = None,
        port: int = 0,
    ) -> AsyncIterator[Controller]:
        """One more controller.

        following: False lets it learn of others' doings only where it looks by itself.
        port: to listen on; 0 is any that is free.
        """
        live = Live(self.log)
        await live.catch_up()
        writer = Writer(live, self.log, self.clock.now)
        presence = Presence(
            self.presence_store,
            MemoryLeadership(self.leaders),
            live,
            writer,
            self.clock.now,
            offline_after=offline_after,
        )
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        controller = Controller(
            self, live, writer, presence, f"http://127.0.0.1:{sock.getsockname()[1]}"
        )
        app = application()
        app[keys.LIVE] = live
        past = app[keys.PAST] = Past(live, self.event_log)
        controller.replay = Replay(live, self.event_log, self.views)
        app[keys.REPLAY] = controller.replay
        app[keys.LOG] = self.event_log
        app[keys.STORED] = MemoryStored(self.event_log)
        app[keys.WRITER] = writer
        controller.vault = Vault(Keyring(self.master_keys), self.secret_keys)
        app[keys.VAULT] = controller.vault
        app[keys.PASSWORDS] = Passwords(CHEAP)
        app[keys.PRESENCE] = presence
        app[keys.STREAMS] = controller.streams
        app[keys.RELAY] = self.session
        controller.telemetry = Telemetry(self.telemetry_store, live, self.clock.now)
        app[keys.TELEMETRY] = controller.telemetry
        app[keys.ROUTERS] = RouterPresence()
        app[keys.ATTEMPTS] = Attempts()
        app[keys.REBUILDS] = Rebuilds()
        folder = tempfile.TemporaryDirectory(prefix="ecn-snapshots-")
        controller.snapshots = ContainerSnapshots(Path(folder.name), leave_free=0)
        app[keys.SNAPSHOTS] = controller.snapshots
        app[keys.TUNNEL] = tunnel
        leadership = MemoryLeadership(self.leaders)
        controller.sessions = SessionKeeper(live, writer, leadership, self.clock.now)
        app[keys.SESSIONS] = controller.sessions
        app[keys.BROKER] = None
        pulse = Pulse(live, controller.telemetry, presence, None, self.clock.now, every=0.1)
        controller.broadcast = Broadcast(live, past, pulse)
        app[keys.BROADCAST] = controller.broadcast
        app[keys.DASHBOARD_SNAPSHOT] = SharedSnapshot(live, controller.broadcast)
        app[keys.TIMELINES] = Timelines(live, self.event_log)
        app[keys.METRICS] = ControllerLook(
            live,
            app[keys.REQUESTS],
            writer.measures,
            presence=presence,
            telemetry=controller.telemetry,
        )
        app[keys.CLOCK] = self.clock.now
        app[keys.OPEN_SIGNUP] = open_signup
        app[keys.STARTED_AT] = self.clock.now()
        runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None
        )
        async with AsyncExitStack() as stack:
            stack.callback(folder.cleanup)
            await stack.enter_async_context(beside(writer.run()))
            await stack.enter_async_context(beside(controller.sessions.run()))
            await stack.enter_async_context(beside(controller.broadcast.run()))
            if following:
                await stack.enter_async_context(beside(follow(live, self.log)))
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, sock, backlog=1024).start()
            if self._described is None:
                async with self.session.get(f"{controller.url}{BASE}/openapi.json") as response:
                    self._described = Described(await response.json())
            if not len(live.world.users):
                await _make_users(controller)
            yield controller

    async def events(self, type_: str = "") -> Sequence[Recorded]:
        """All of the log, or those of one type."""
        return [each for each in await self.log.read(START) if type_ in ("", each.type)]


async def _make_users(controller: Controller) -> None:
    await controller.execute(
        CreateFirstAdmin(
            user_id=UserId("user-admin"),
            name="admin",
            password_hash=CHEAP.hash(PASSWORD.format("admin")),
            token_id=TokenId("token-admin"),
            token_hash=hash_of(ADMIN),
        )
    )
    for name, role, token in (
        ("otto", Role.OPERATOR, OPERATOR),
        ("vera", Role.VIEWER, VIEWER),
    ):
        user_id = UserId(f"user-{name}")
        await controller.execute(
            CreateUser(
                user_id=user_id,
                name=name,
                role=role,
                password_hash=CHEAP.hash(PASSWORD.format(name)),
            )
        )
        await controller.execute(
            IssueToken(
                user_id=user_id, token_id=TokenId(f"token-{name}"), token_hash=hash_of(token)
            )
        )


def manifest(name: str = "web", node: str = "east", **more: object) -> dict[str, object]:
    """A microservice's manifest."""
    return {"name": name, "node": node, "image": "shop/web:1", **more}


async def soon(check: Callable[[], bool], *, within: float = 5.0) -> None:
    """Until `check()` is true. Errors: TimeoutError."""
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110  # what is checked has no event
            await asyncio.sleep(0.005)
