"""From what goes wrong to what ioFog's clients are told: `{"name", "message"}`, never a stack.

Clients look into ioFog's sentences: where it has one, that is said; otherwise ours, with the next
step.
"""

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from ecn.api import problems
from ecn.api.commanding import REQUEST_ID
from ecn.api.documents import Problem
from ecn.api.iofog.endpoint import ENDPOINT, JSON
from ecn.api.keys import DISK_FULL
from ecn.errors import (
    BadCredentials,
    Behind,
    Conflict,
    ImagesFrozen,
    Invalid,
    KeyRefused,
    KeyReused,
    NameTaken,
    NotAllowed,
    NotFound,
    PortTaken,
    Refused,
    RouteExists,
    RouterHasDownstreams,
    SystemNodeExists,
    TooMany,
    Unreachable,
    UpstreamNotInterior,
    Withdrawn,
)
from ecn.iofog.refusals import Refusal
from events.log import DiskFull, OutcomeUnknown, StoreUnavailable

log = structlog.get_logger()

STATUS: tuple[tuple[type[Refused], int, str], ...] = (
    (Invalid, 400, "ValidationError"),
    (BadCredentials, 401, "AuthenticationError"),
    (Withdrawn, 401, "AuthenticationError"),
    (KeyRefused, 404, "NotFoundError"),
    (NotAllowed, 403, "NotAllowedError"),
    (NotFound, 404, "NotFoundError"),
    (NameTaken, 409, "DuplicatePropertyError"),
    (PortTaken, 400, "ValidationError"),
    (ImagesFrozen, 400, "ValidationError"),
    (SystemNodeExists, 400, "ValidationError"),
    (UpstreamNotInterior, 400, "ValidationError"),
    (RouterHasDownstreams, 400, "ValidationError"),
    (RouteExists, 400, "DuplicatePropertyError"),
    (Conflict, 409, "ConflictError"),
    (KeyReused, 422, "ValidationError"),
    (TooMany, 429, "TooManyRequestsError"),
    (Behind, 503, "ServiceUnavailableError"),
    (Unreachable, 504, "UnreachableError"),
    (Refused, 400, "ValidationError"),
)
"""The first that fits. ioFog knows no 403, 409 or 429 where we have them: its clients treat all
that is no success alike."""

ABSENT = {
    "node": "Invalid ioFog UUID '{}'",
    "agent": "Could not find agent {}",
    "microservice": "Invalid microservice UUID '{}'",
    "application": "Invalid application id '{}'",
    "route": "Invalid route name '{}'",
    "registry": "Invalid registry id '{}'",
    "catalog-item": "Invalid catalog item id '{}'",
    "template": "Could not find Application Template {}",
    "edge-resource": "Could not find resource {}",
}
"""By kind, how ioFog says that there is no such thing."""


class Told(Struct, frozen=True):
    """The body of every refusal."""

    name: str
    message: str


def told(request: web.Request, error: Exception) -> web.Response:
    """What went wrong, as an answer."""
    match error:
        case Refusal():
            return _response(error.status, error.name, error.message)
        case Refused():
            return _refused(request, error)
        case StoreUnavailable() | OutcomeUnknown():
            log.warning("log_unavailable", reason=str(error), request_id=request[REQUEST_ID])
            full = isinstance(error, DiskFull) or request.app.get(DISK_FULL, _unknown)()
            problem = problems.unavailable_document(error, request[REQUEST_ID], disk_full=full)
            return _response(problem.status, problem.code, _sentence(problem), problems.RETRY_AFTER)
        case web.RequestPayloadError():
            return _response(400, "ValidationError", "The body can't be read: it breaks off")
        case web.HTTPException() if error.status >= 400:
            return _response(error.status, _class_of(error.status), error.reason)
        case web.HTTPException():
            raise error
        case _:
            log.exception(
                "request_failed",
                request_id=request[REQUEST_ID],
                path=request.path,
                exc_info=error,
            )
            message = (
                f"This is a fault of the controller: see request {request[REQUEST_ID]} in its log"
            )
            return _response(500, "Error", message)


def no_such_path(request: web.Request) -> web.Response:
    """Also for a method that a path does not know."""
    return _response(404, "NotFoundError", f"Cannot {request.method} {request.path}")


def _refused(request: web.Request, error: Refused) -> web.Response:
    status, name = next((s, n) for kind, s, n in STATUS if isinstance(error, kind))
    problem = problems.document(error, request[REQUEST_ID])
    message = _sentence(problem)
    endpoint = request.get(ENDPOINT)
    match error:
        case BadCredentials():
            message = "token expired" if "expired at" in error.detail else "authorization failed"
        case Withdrawn():
            message = "authorization failed"
            status = endpoint.withdrawn if endpoint is not None else status
        case NotFound():
            # What a body refers to is part of it: "not found" would be taken for the path's.
            status = 400 if error.field and request.method == "POST" else status
            message = ABSENT[error.kind].format(error.ref) if error.kind in ABSENT else message
        case NameTaken():
            # Of a microservice or a route, without its application.
            message = f"Duplicate name '{error.name.rpartition('/')[2]}'"
            status = endpoint.duplicate if endpoint is not None else status
    retry_after = 0
    if isinstance(error, TooMany):
        retry_after = max(1, round(error.retry_after))
    elif status == 503:
        retry_after = problems.RETRY_AFTER
    return _response(status, name, message, retry_after)


def _sentence(problem: Problem) -> str:
    """What is wrong and what to do, in one text."""
    detail = problem.detail[:1].upper() + problem.detail[1:]
    if problem.field:
        detail = f"{problem.field}: {problem.detail}"
    return f"{detail}. {problem.next_step}" if problem.next_step else detail


def _response(status: int, name: str, message: str, retry_after: int = 0) -> web.Response:
    response = web.Response(
        status=status, body=msgspec.json.encode(Told(name, message)), headers=JSON
    )
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _class_of(status: int) -> str:
    return "PayloadTooLargeError" if status == 413 else "ValidationError"


def _unknown() -> bool:
    """Of a database that somebody else looks after."""
    return False
