"""From what goes wrong to what HTTP says: one table, and RFC 9457 bodies."""

import msgspec
from aiohttp import web

from ecn.api.documents import Problem
from ecn.errors import (
    BadCredentials,
    Behind,
    Conflict,
    Invalid,
    KeyRefused,
    KeyReused,
    NotAllowed,
    NotFound,
    Refused,
    TooMany,
    TwinMoved,
    Unreachable,
    Withdrawn,
)
from ecn.master_key import MasterKeyMissing
from events.log import OutcomeUnknown, StoreUnavailable

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 2
"""Seconds after which a client may try again what the log could not take."""

# The status says what the reader will do: correct it (4xx by kind), log in, look elsewhere.
STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (Invalid, 400, "A value is not as it has to be"),
    (BadCredentials, 401, "Who is asking is not known"),
    (KeyRefused, 403, "The provisioning key redeems nothing"),
    (NotAllowed, 403, "This may not be done"),
    (NotFound, 404, "There is no such thing"),
    (Conflict, 409, "It contradicts what is there"),
    (Withdrawn, 410, "This device is no longer a node"),
    (TwinMoved, 412, "It is another version by now"),
    (KeyReused, 422, "The idempotency key is taken"),
    (TooMany, 429, "Too much at once"),
    (Behind, 503, "Not as far yet"),
    (Unreachable, 504, "The node does not answer"),
    (Refused, 400, "Refused"),
)

HTTP_ERRORS = {
    404: ("no-such-path", "There is nothing at this path", "See /api/v1/docs for what there is."),
    405: ("method-not-allowed", "This path does not know this method", "See /api/v1/docs."),
    413: (
        "body-too-large",
        "The body is too large",
        "Send less at once: a body has at most 4 MiB.",
    ),
}


def response(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    """The problem as an answer."""
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(problem),
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def _problem(code: str, title: str, status: int, request_id: str, **more: str) -> Problem:
    return Problem(
        type=f"urn:ecn:problem:{code}",
        title=title,
        status=status,
        code=code,
        request_id=request_id,
        **more,
    )


def document(error: Refused, request_id: str) -> Problem:
    """What was refused, as a document."""
    status, title = next((s, t) for kind, s, t in STATUS if isinstance(error, kind))
    return _problem(
        error.code,
        title,
        status,
        request_id,
        detail=error.detail,
        next_step=error.next_step,
        field=error.field,
    )


def refusal(error: Refused, request_id: str) -> web.Response:
    """What was refused."""
    problem = document(error, request_id)
    status, headers = problem.status, {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="ecn"'
    return response(problem, headers)


def unavailable(
    error: StoreUnavailable | OutcomeUnknown, request_id: str, *, disk_full: bool = False
) -> web.Response:
    """As `unavailable_document`, as an answer."""
    problem = unavailable_document(error, request_id, disk_full=disk_full)
    return response(problem, {"Retry-After": str(RETRY_AFTER)})


def unavailable_document(
    error: StoreUnavailable | OutcomeUnknown, request_id: str, *, disk_full: bool = False
) -> Problem:
    """The log could not take or give it, or a secret can't be opened for now.

    disk_full: known to be the reason, although the error may not say so.
    """
    if isinstance(error, MasterKeyMissing):
        return _problem(
            "master-key-missing",
            "A secret can't be opened",
            503,
            request_id,
            detail="a secret is wrapped under a master key that this controller does not have",
            next_step="An admin of this controller finds which, and what to do, in its log.",
        )
    if disk_full and not isinstance(error, OutcomeUnknown):
        code, detail, step = (
            "disk-full",
            "the disk that the event log is kept on is full; nothing was changed",
            "Free some space there. The controller goes on by itself; then try again.",
        )
    elif isinstance(error, OutcomeUnknown):
        code, detail, step = (
            "outcome-unknown",
            "the connection to the log broke: the change may or may not have been made"
            + ("; the disk that the log is kept on is full" if disk_full else ""),
            "Send the same request with the same Idempotency-Key again: it takes effect once.",
        )
    else:
        code, detail, step = (
            "log-unavailable",
            "the event log can't be reached or can't write; nothing was changed",
            "Try again shortly; if it lasts, see to the controller's Postgres.",
        )
    return _problem(code, "The log is away", 503, request_id, detail=detail, next_step=step)


def http_error(error: web.HTTPException, request_id: str) -> web.Response:
    """What aiohttp itself refused."""
    code, title, step = HTTP_ERRORS.get(
        error.status, (f"http-{error.status}", error.reason, "See /api/v1/docs.")
    )
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return response(_problem(code, title, error.status, request_id, next_step=step), headers)


def fault(request_id: str) -> web.Response:
    """A fault of ours. What it was is in the log under the request id, never in the answer."""
    return response(
        _problem(
            "internal",
            "The controller made a mistake",
            500,
            request_id,
            detail="this should not have happened; nothing is known of its effect",
            next_step=f"Look for request {request_id} in the controller's log, and report it.",
        )
    )
