"""Each microservice's own way to its agent: an HTTP server on `/run/ecn/agent.sock`.

One listening socket per microservice, in the directory that only its container sees: to have come
in by it is the identity, so there is neither a credential nor a port, and nothing that another
container could reach. That the directory is mounted read-only hinders nobody: a connection writes
nothing into it. What can be asked is a table (`local_routes.py`); what is answered is one
microservice's own (`Local`).

A container is not trusted: its connections, the requests that it may have held, its bodies and its
patience are bounded, and answers are few at a time.

Level-based, started by `run.py`: sockets that are missing are made at each look, also those that
somebody removed; what an agent before this one left is replaced in one step, by a rename.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from aiohttp import web
from msgspec import Struct

from agent.carry_out import Node
from agent.config_delivery import ConfigDelivery
from agent.contract import EdgeResource, Microservice
from agent.desired_state import Known
from agent.errors import EngineError
from agent.local_problems import LocalRefused, problem

log = structlog.get_logger()

SOCKET_FILE = "agent.sock"
CONNECTIONS = 32
"""Of one microservice."""
HELD = 16
"""Requests of one microservice that wait for something to change."""
ANSWERED = 4
"""Requests of one microservice at a time, but for those that wait: an answer may be 1 MiB."""
LARGEST_BODY = 64 * 1024
BODY_WITHIN = 10.0
"""Seconds, as the next ones."""
HEADERS_WITHIN = 10.0
"""From the connection to the end of the first request's headers."""
IDLE_FOR = 75.0
"""Between the requests of a connection."""
TAKEN_WITHIN = 30.0
"""For the other side to take the answer."""
LONGEST_WAIT = 300.0
LOOK_AGAIN = 60.0


class Asked(Struct, frozen=True, kw_only=True):
    """A request, whole."""

    method: str
    path: str
    etag: str = ""
    """Of `If-None-Match`, as `Answer.etag`."""
    wait: float = 0.0
    """Of `Prefer: wait=N`: seconds that the answer may be held, at most LONGEST_WAIT."""
    content_type: str = ""
    body: bytes = b""


class Answer(Struct, frozen=True, kw_only=True):
    """What it is answered with. etag: without quotes; empty is none."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    etag: str = ""


class Local:
    """One microservice, as its own socket shows it. The routes read it; the sockets keep it."""

    def __init__(self, node: Node, microservice: Microservice) -> None:
        self.node = node
        self.microservice = microservice
        self.edge_resources: list[EdgeResource] = []
        self._news = asyncio.Event()
        self._held = 0
        self.answering = asyncio.Semaphore(ANSWERED)

    @property
    def microservice_id(self) -> str:
        """Whose it is."""
        return self.microservice.microservice_id

    def tell(self) -> None:
        """Something that its routes show may have changed: those who wait look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def current(self, asked: Asked, read: Callable[[], Answer]) -> Answer:
        """What `read` gives, once its etag is not the one that the asker has; 304 when it stays so.

        read: called again after each `tell`. Errors: LocalRefused when too many wait already.
        """
        answer = read()
        if answer.etag != asked.etag:
            return answer
        with self._holding(), suppress(TimeoutError):
            async with asyncio.timeout(asked.wait):
                while answer.etag == asked.etag:
                    news = self._news
                    await news.wait()
                    answer = read()
        return answer if answer.etag != asked.etag else Answer(status=304, etag=answer.etag)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        if self._held >= HELD:
            raise LocalRefused(
                429,
                "too-many-held",
                f"{HELD} requests of this microservice are being held already",
                next_step="hold one, and read its answer everywhere",
            )
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1


Route = Callable[[Local, Asked], Awaitable[Answer]]
Routes = Mapping[tuple[str, str], Route]
"""By method and path."""


class LocalSockets:
    """The sockets of all microservices of the node."""

    def __init__(self, node: Node, config: ConfigDelivery, routes: Routes) -> None:
        self._node = node
        self._config = config
        self._routes = routes
        self._known: Known | None = None
        self._doors: dict[str, _Door] = {}
        self._locals: dict[str, Local] = {}
        self._wake = asyncio.Event()

    def wish(self, known: Known) -> None:
        """This is the desired state from now on. Those who wait hear of it at once."""
        self._known = known
        for gone in self._locals.keys() - known.microservices.keys():
            del self._locals[gone]
        for microservice_id, microservice in known.microservices.items():
            local = self._locals.get(microservice_id)
            if local is None:
                local = self._locals[microservice_id] = Local(self._node, microservice)
            local.microservice = microservice
            local.edge_resources = known.edge_resources
            local.tell()
        self._wake.set()

    def tell(self, microservice_id: str) -> None:
        """Something else that this microservice's routes show has changed."""
        if microservice_id in self._locals:
            self._locals[microservice_id].tell()

    async def run(self) -> None:
        """Until cancelled; all sockets are closed then."""
        try:
            while True:
                self._wake.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN):
                        await self._wake.wait()
        finally:
            doors, self._doors = list(self._doors.values()), {}
            await asyncio.gather(*(door.close() for door in doors))

    async def _look(self) -> None:
        wanted = dict(self._locals)
        surplus = [m for m, door in self._doors.items() if wanted.get(m) is not door.local]
        for microservice_id in surplus:
            await self._doors.pop(microservice_id).close()
        for microservice_id, local in wanted.items():
            door = self._doors.get(microservice_id)
            if door is not None and door.stands():
                continue
            if door is not None:
                await self._doors.pop(microservice_id).close()
            try:
                folder = self._config.directory(microservice_id)
                self._doors[microservice_id] = await _Door.opened(folder, local, self._routes)
            except (OSError, EngineError) as error:
                log.error(
                    "local-socket-not-opened",
                    microservice=local.microservice.name,
                    error=str(error),
                    again_in=LOOK_AGAIN,
                )


class _Door:
    """One listening socket, and who came in by it."""

    def __init__(self, local: Local, routes: Routes, path: Path, inode: int) -> None:
        self.local = local
        self._routes = routes
        self._path = path
        self._inode = inode
        self._server: asyncio.Server | None = None
        # Cancelled when the other side leaves: a held request must not outlive who asked.
        self._http = web.Server(self._answer, handler_cancellation=True)

    @classmethod
    async def opened(cls, folder: Path, local: Local, routes: Routes) -> "_Door":
        """Listening. Errors: OSError."""
        listening, inode = _listening(folder)
        door = cls(local, routes, folder / SOCKET_FILE, inode)
        try:
            door._server = await asyncio.get_running_loop().create_unix_server(
                door._entering, sock=listening
            )
        except BaseException:
            listening.close()
            raise
        return door

    def stands(self) -> bool:
        """Whether its file is there still, and no other in its place."""
        try:
            return _is_socket(os.lstat(self._path), self._inode)
        except OSError:
            return False

    async def close(self) -> None:
        """Nobody gets in any more, and who is in has to leave."""
        if self._server is not None:
            self._server.close()
        with suppress(OSError):
            if _is_socket(os.lstat(self._path), self._inode):
                self._path.unlink()
        await self._http.shutdown(0.1)  # not 0, by which aiohttp means for ever

    def _entering(self) -> asyncio.Protocol:
        if len(self._http.connections) >= CONNECTIONS:
            return _TurnedAway()
        return _Connection(
            self._http,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=IDLE_FOR,
            lingering_time=1.0,
            tcp_keepalive=False,
            access_log=None,  # type: ignore[arg-type]  # so aiohttp is told to write none
            auto_decompress=False,  # a body counts as it comes
        )

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, _Connection):
            connection.spoke()
        try:
            answer = await self._answered(request)
        except LocalRefused as refused:
            answer = _refusal(refused)
        except Exception:
            log.exception("local-request-broke", microservice=self.local.microservice.name)
            answer = _refusal(
                LocalRefused(
                    500,
                    "internal",
                    "the agent made a mistake",
                    next_step="look into the agent's log on the device, and report it",
                )
            )
        response = web.Response(status=answer.status, body=answer.body)
        if answer.status not in (204, 304):
            response.content_type = answer.content_type
        if answer.etag:
            response.headers["ETag"] = f'"{answer.etag}"'
        if answer.status == 429:
            response.headers["Retry-After"] = "1"
        async with self.local.answering:
            try:
                async with asyncio.timeout(TAKEN_WITHIN):
                    await response.prepare(request)
                    await response.write_eof()
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _answered(self, request: web.BaseRequest) -> Answer:
        method, path = request.method, request.path
        route = self._routes.get((method, path))
        if route is None:
            if any(path == each for _, each in self._routes):
                raise LocalRefused(405, "method-not-allowed", f"{path} does not know {method}")
            raise LocalRefused(
                404,
                "no-such-path",
                "there is nothing at this path",
                next_step="there are: " + ", ".join(sorted({each for _, each in self._routes})),
            )
        return await route(
            self.local,
            Asked(
                method=method,
                path=path,
                etag=request.headers.get("If-None-Match", "").removeprefix("W/").strip('"'),
                wait=_wait(request.headers.getall("Prefer", [])),
                content_type=request.content_type,
                body=await _body(request),
            ),
        )


class _Connection(web.RequestHandler):
    """One that has to say something soon."""

    __slots__ = ("_timer",)

    _timer: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock begins to run."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HEADERS_WITHIN, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nobody is waited for any more."""
        self.spoke()
        super().connection_lost(exc)

    def spoke(self) -> None:
        """It did."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is answered, and no line of the agent's log."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is on its way")
        refused = LocalRefused(status, "bad-request", "this is no HTTP request that can be read")
        answer = _refusal(refused)
        response = web.Response(status=status, body=answer.body, content_type=answer.content_type)
        response.force_close()
        return response


class _TurnedAway(asyncio.Protocol):
    """One connection too many: told so at once, and let go."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        if not isinstance(transport, asyncio.Transport):
            return
        body = problem(
            LocalRefused(
                503,
                "too-many-connections",
                f"this microservice has {CONNECTIONS} connections to its agent already",
                next_step="close some, or keep one and use it again",
            )
        )
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
            b"Retry-After: 1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        transport.close()


def _refusal(refused: LocalRefused) -> Answer:
    return Answer(
        status=refused.status, body=problem(refused), content_type="application/problem+json"
    )


def _listening(folder: Path) -> tuple[socket.socket, int]:
    """A listening socket in the folder, and its inode. Errors: OSError.

    Bound by way of the folder's descriptor: the path of a socket has 107 bytes at most, and an
    agent's folder may be anywhere. Bound beside and renamed: nobody finds none in between.
    """
    beside = f".{SOCKET_FILE}.new"
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder, flags)
    try:
        with suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=descriptor)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listening.bind(f"/proc/self/fd/{descriptor}/{beside}")
            # A container's user need not be root, and only its container sees the folder.
            os.chmod(beside, 0o666, dir_fd=descriptor)  # noqa: S103
            listening.listen(CONNECTIONS)
            inode = os.stat(beside, dir_fd=descriptor, follow_symlinks=False).st_ino
            os.replace(beside, SOCKET_FILE, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        except BaseException:
            listening.close()
            raise
    finally:
        os.close(descriptor)
    return listening, inode


def _is_socket(found: os.stat_result, inode: int) -> bool:
    return stat.S_ISSOCK(found.st_mode) and found.st_ino == inode


async def _body(request: web.BaseRequest) -> bytes:
    """Errors: LocalRefused when it is too large or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for piece in request.content.iter_chunked(LARGEST_BODY):
                body += piece
                if len(body) > LARGEST_BODY:
                    raise LocalRefused(
                        413, "body-too-large", f"a body has at most {LARGEST_BODY >> 10} KiB"
                    )
    except TimeoutError:
        raise LocalRefused(
            408, "body-too-slow", f"the body did not come within {BODY_WITHIN:.0f} s"
        ) from None
    return bytes(body)


def _wait(preferences: list[str]) -> float:
    """Seconds, from `Prefer: wait=N` (RFC 7240)."""
    for preference in ",".join(preferences).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "wait" and value.isascii() and value.isdecimal():
            return min(float(value[:9]), LONGEST_WAIT)
    return 0.0
