"""The HTTP that is spoken at a microservice's socket.

A container is not trusted: its connections, its bodies and its patience are bounded, and answers
are few at a time. Imported by `socket.py` when the first connection comes: on a device whose
microservices never ask, its megabytes are better kept.
"""

import asyncio

import structlog
from aiohttp import web

from agent.local.problems import LocalRefused, problem
from agent.local.requests import LONGEST_WAIT, Answer, Asked, Local, Routes

log = structlog.get_logger()

CONNECTIONS = 32
"""Of one microservice."""
LARGEST_BODY = 64 * 1024
BODY_WITHIN = 10.0
"""Seconds, as the next ones."""
HEADERS_WITHIN = 10.0
"""From the connection to the end of the first request's headers."""
IDLE_FOR = 75.0
"""Between the requests of a connection."""
TAKEN_WITHIN = 30.0
"""For the other side to take the answer."""


class LocalHttp:
    """Whoever is in by the socket of one microservice."""

    def __init__(self, local: Local, routes: Routes) -> None:
        self._local = local
        self._routes = routes
        # Cancelled when the other side leaves: a held request must not outlive who asked.
        self._http = web.Server(self._answer, handler_cancellation=True)

    async def close(self) -> None:
        """Who is in has to leave."""
        await self._http.shutdown(0.1)  # not 0, by which aiohttp means for ever

    def entering(self) -> asyncio.Protocol:
        """Somebody comes in."""
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
            # A fault of ours in one question must not end the microservice's socket.
            log.exception("local-request-broke", microservice=self._local.microservice.name)
            answer = _refusal(
                LocalRefused(
                    500,
                    "internal",
                    "the agent made a mistake",
                    next_step="look into the agent's log on the device, and report it",
                )
            )
        response = web.Response(status=answer.status, body=answer.body)
        response.headers["Server"] = "ecn-agent"
        if answer.status not in (204, 304):
            response.content_type = answer.content_type
        if answer.etag:
            response.headers["ETag"] = f'"{answer.etag}"'
        if answer.status == 429:
            response.headers["Retry-After"] = "1"
        async with self._local.answering:
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
            self._local,
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
