"""What happens around every request: its id, who asks, the position, and errors on the way out."""

import asyncio
import logging
import time
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from ecn.api import problems
from ecn.api.commanding import (
    COMMAND_ID,
    DEVICE,
    OPERATOR,
    REQUEST_ID,
    SENDER,
    changing,
    name_command,
)
from ecn.api.endpoint import Access, Endpoint, whole_number
from ecn.api.keys import CLOCK, DISK_FULL, LIVE, PRESENCE, REQUESTS
from ecn.api.moments import ASKED, ask, asks_of_the_past
from ecn.api.premises import by_device, by_token
from ecn.api.principal import allow, device, may_route, operator
from ecn.api.standing import asker, check_page, cookie_is_spent, forget, says_who
from ecn.errors import BadCredentials, Behind, Invalid, NotAllowed, NotFound, Refused
from events.ids import Position, new_id
from events.log import DiskFull, OutcomeUnknown, StoreUnavailable
from projections.live import Live

AT_LEAST_PATIENCE = 10.0
"""Seconds that a read waits for the position it asked for."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


def middlewares(endpoints: Mapping[Handler, Endpoint], look: "Look") -> list[object]:
    """Outermost first."""

    @web.middleware
    async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-Id", "")
        # Only what can't break a log line or a header is taken over.
        good = given.isascii() and given.replace("-", "").isalnum() and len(given) <= 64
        request[REQUEST_ID] = given if good else new_id()
        started, status = time.perf_counter(), "gone"
        try:
            response = await answered(request, handler)
            status = str(response.status)
        finally:
            _measure(request, status, time.perf_counter() - started)
        milliseconds = (time.perf_counter() - started) * 1000
        log.debug(
            "request",
            method=request.method,
            path=request.path,
            status=response.status,
            ms=round(milliseconds, 1),
            request_id=request[REQUEST_ID],
        )
        return response

    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as e:
            if e.status < 400:
                raise
            response = problems.http_error(e, request[REQUEST_ID])
        except ConnectionResetError:
            # The client left: there is nobody to answer, and aiohttp finds that out by itself.
            response = web.Response()
        except Exception as e:
            response = _cut(request, e) if STARTED in request else _told(request, e)
            if isinstance(e, BadCredentials) and cookie_is_spent(request):
                forget(request, response)
            if request.method == "GET":
                # "There is none" is said of a position too.
                response.headers["ECN-Position"] = _position(request)
        if not response.prepared:
            response.headers.setdefault("X-Request-Id", request[REQUEST_ID])
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @web.middleware
    async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = endpoints.get(request.match_info.handler)
        if endpoint is None:
            return await handler(request)
        live = request.app[LIVE]
        try:
            actor = _identify(request, endpoint)
        except (BadCredentials, NotAllowed):
            # Maybe it was issued, or allowed, by another controller, and we have not heard yet.
            if not says_who(request) or not await look(live):
                raise
            actor = _identify(request, endpoint)
        if OPERATOR in request:
            check_page(request, request[OPERATOR])
        if request.method == "GET":
            await _at_least(request)
            await ask(request, endpoint)
            response = await _as_of_then(request, handler)
            if not response.prepared:
                response.headers.setdefault("ECN-Position", _position(request))
            return response
        await ask(request, endpoint)
        await name_command(request, actor)
        structlog.contextvars.bind_contextvars(command_id=request[COMMAND_ID])
        return await changing(request, handler, endpoint)

    return [request_id, identified]


def _measure(request: web.Request, status: str, seconds: float) -> None:
    """Under the endpoint as it is written: of those there are few, however many paths are asked."""
    resource = request.match_info.route.resource
    endpoint = "none" if resource is None else resource.canonical
    # Anybody may call a method what they like.
    method = request.method if request.method in METHODS else "other"
    measures = request.app[REQUESTS]
    measures.answers.add(method, endpoint, status)
    measures.seconds.observe(seconds, method, endpoint)


class Look:
    """A look at the log's end, shared by all who ask for one at about the same time.

    Whoever guesses tokens must not make the log read once for each guess.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._begun = 0

    async def __call__(self, live: Live) -> bool:
        """Whether the world is now as new as the log was when this was called."""
        before = self._begun
        try:
            async with self._turn:
                if self._begun == before:
                    self._begun += 1
                    await live.catch_up()
        except StoreUnavailable:
            return False
        return True


def _identify(request: web.Request, endpoint: Endpoint) -> str:
    """Who is asking, as the log names them. Errors: BadCredentials, NotAllowed, Withdrawn."""
    world, authorization = request.app[LIVE].world, request.headers.get("Authorization")
    match endpoint.access:
        case Access.ANYONE:
            if endpoint.at and asks_of_the_past(request):
                # The past costs work, and is for those who may read.
                request[OPERATOR] = asker(request)
            return "anonymous"
        case Access.AGENT:
            who = request[DEVICE] = device(world, authorization)
            request[SENDER] = by_device(who)
            request.app[PRESENCE].heard(who.node_id)
            return who.actor
        case Access.ROUTER:
            router = request[OPERATOR] = operator(world, authorization, request.app[CLOCK]())
            may_route(router)
            return router.actor
        case role:
            user = request[OPERATOR] = asker(request)
            allow(user, role)
            request[SENDER] = by_token(user, role)
            return user.actor


LOOK = web.AppKey("LOOK", Look)
"""For whoever does not know a token, before it is said to be none."""

STARTED: web.RequestKey[bool] = web.RequestKey("STARTED", bool)
"""Of a request whose answer is on its way: it can't be answered otherwise any more."""


async def mark_started(request: web.Request, response: web.StreamResponse) -> None:
    """To be called when an answer begins."""
    request[STARTED] = True
    about = request.get(ASKED)
    # The past is never stale. What is said of now, refusals too, may be, while the log is away.
    if request.method == "GET" and request.app[LIVE].stale and not (about and about.past):
        response.headers["ECN-Stale"] = "true"


def _told(request: web.Request, error: Exception) -> web.Response:
    """What went wrong, as an answer."""
    request_id = request[REQUEST_ID]
    match error:
        case Refused():
            return problems.refusal(error, request_id)
        case StoreUnavailable() | OutcomeUnknown():
            log.warning("log_unavailable", reason=str(error), request_id=request_id)
            full = isinstance(error, DiskFull) or request.app.get(DISK_FULL, _unknown)()
            return problems.unavailable(error, request_id, disk_full=full)
        case web.RequestPayloadError():
            unread = Invalid(
                "the body can't be read: it breaks off, or is not packed as its header says",
                next_step="Send it again, with the Content-Encoding that it has.",
            )
            return problems.refusal(unread, request_id)
        case _:
            log.exception(
                "request_failed", request_id=request_id, path=request.path, exc_info=error
            )
            return problems.fault(request_id)


def _unknown() -> bool:
    """Of a database that somebody else looks after."""
    return False


def _cut(request: web.Request, error: Exception) -> web.Response:
    """End a stream in its midst, so that its reader sees a break and no false end."""
    known = isinstance(error, (TimeoutError, StoreUnavailable, Refused))
    log.log(
        logging.INFO if known else logging.ERROR,
        "stream_cut",
        reason=str(error) or type(error).__name__,
        request_id=request[REQUEST_ID],
        path=request.path,
        exc_info=None if known else error,
    )
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # which goes nowhere


def _position(request: web.Request) -> str:
    """What the answer is valid for."""
    about = request.get(ASKED)
    return str((about or request.app[LIVE]).world.position)


async def _as_of_then(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer; what it does not find in the past is said of the past."""
    try:
        return await handler(request)
    except NotFound as e:
        about = request.get(ASKED)
        if about is None or not about.past:
            raise
        raise NotFound(e.kind, e.ref, field=e.field, at=about.position) from e


async def _at_least(request: web.Request) -> None:
    wanted = whole_number(request, "at_least")
    if wanted is None:
        return
    live = request.app[LIVE]
    if live.world.position >= wanted:
        return
    if not await live.grown_beyond(Position(wanted - 1), at_most=AT_LEAST_PATIENCE):
        raise Behind(live.world.position, wanted)
