"""What happens around every request: its id, who asks, the position, and errors on the way out."""

import time
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from ecn.api import problems
from ecn.api.commanding import COMMAND_ID, DEVICE, OPERATOR, REQUEST_ID, changing, name_command
from ecn.api.documents import Changed
from ecn.api.endpoint import Access, Endpoint, whole_number
from ecn.api.keys import CLOCK, LIVE, PRESENCE
from ecn.api.principal import allow, device, operator
from ecn.errors import Refused, Unreachable
from events.ids import Position, new_id
from events.log import OutcomeUnknown, StoreUnavailable

AT_LEAST_PATIENCE = 10.0
"""Seconds that a read waits for the position it asked for."""

log = structlog.get_logger()


def middlewares(endpoints: Mapping[Handler, Endpoint]) -> list[object]:
    """Outermost first."""

    @web.middleware
    async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-Id", "")
        # Only what can't break a log line or a header is taken over.
        good = given.isascii() and given.replace("-", "").isalnum() and len(given) <= 64
        request[REQUEST_ID] = given if good else new_id()
        started = time.perf_counter()
        response = await answered(request, handler)
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
        try:
            response = await handler(request)
        except Refused as refused:
            response = problems.refusal(refused, request[REQUEST_ID])
        except (StoreUnavailable, OutcomeUnknown) as e:
            log.warning("log_unavailable", reason=str(e), request_id=request[REQUEST_ID])
            response = problems.unavailable(e, request[REQUEST_ID])
        except web.HTTPException as e:
            if e.status < 400:
                raise
            response = problems.http_error(e, request[REQUEST_ID])
        except ConnectionResetError:
            raise  # the client left; there is nobody to answer
        except Exception:
            log.exception("request_failed", request_id=request[REQUEST_ID], path=request.path)
            response = problems.fault(request[REQUEST_ID])
        if not response.prepared:
            response.headers.setdefault("X-Request-Id", request[REQUEST_ID])
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @web.middleware
    async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = endpoints.get(request.match_info.handler)
        if endpoint is None:
            return await handler(request)
        live, authorization = request.app[LIVE], request.headers.get("Authorization")
        match endpoint.access:
            case Access.ANYONE:
                actor = "anonymous"
            case Access.AGENT:
                who = request[DEVICE] = device(live.world, authorization)
                request.app[PRESENCE].heard(who.node_id)
                actor = who.actor
            case role:
                user = request[OPERATOR] = operator(live.world, authorization, request.app[CLOCK]())
                allow(user, role)
                actor = user.actor
        if request.method == "GET":
            await _at_least(request)
            response = await handler(request)
            if not response.prepared:
                response.headers.setdefault("ECN-Position", str(live.world.position))
            return response
        await name_command(request, actor)
        structlog.contextvars.bind_contextvars(command_id=request[COMMAND_ID])
        return await changing(request, handler, replays=endpoint.answer is Changed)

    return [request_id, identified]


async def _at_least(request: web.Request) -> None:
    wanted = whole_number(request, "at_least")
    if wanted is None:
        return
    live = request.app[LIVE]
    if live.world.position >= wanted:
        return
    if not await live.grown_beyond(Position(wanted - 1), at_most=AT_LEAST_PATIENCE):
        raise Unreachable(
            f"this controller is at position {live.world.position}, not yet at {wanted}",
            next_step="Ask again shortly, or ask for a position that an answer named.",
        )
