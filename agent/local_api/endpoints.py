"""The REST of ioFog's Local API: what each path does. `http.py` speaks, and has a table of these.

A body is JSON, whatever the microservice makes of it; what is wrong is answered with ioFog's words
where it has some.
"""

import re
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from msgspec import Struct

from agent.local_api.conversion import given, taken
from agent.local_api.identity import Caller, as_named, known
from agent.local_api.node_state import NodeState
from agent.local_api.position import Coordinates
from agent.local_api.refusals import Refused, invalid, missing, store_full
from agent.messages.routing import Delivery, MessageRefused, StoreFull
from routing.iomessage import BadIoMessage, IoMessage
from routing.message import Message

log = structlog.get_logger()

MOST_MESSAGES = 64
"""In one answer, and so many bytes of them at most, but for the first."""
MOST_BYTES = 2 * 1024 * 1024
MOST_PUBLISHERS = 64
"""In one query."""
LONGEST_LINE = 4096
"""Characters of a line for the agent's log."""

Body = Mapping[str, object]


class Asked(Struct, frozen=True, kw_only=True):
    """A request, whole."""

    who: Caller
    body: bytes = b""


class Answer(Struct, frozen=True, kw_only=True):
    """What it is answered with: JSON, with the status 200."""

    body: bytes


Endpoint = Callable[[NodeState, Asked], Awaitable[Answer]]


async def get_config(state: NodeState, asked: Asked) -> Answer:
    """`POST /v2/config/get`: a text, which SDKs parse."""
    named = _text(_object(asked.body), "id")
    if asked.who.believed and state.microservice(named) is None:
        raise Refused(f"No configuration found for the id {named}")
    microservice = as_named(state, asked.who, named)
    state.saw_config(named, state.config_version(named))
    return _okay(config=microservice.config)


async def new_message(state: NodeState, asked: Asked) -> Answer:
    """`POST /v2/messages/new`: answered once the message is kept for all that it is for."""
    body = _object(asked.body)
    for field in ("publisher", "version", "infotype", "infoformat", "contentdata"):
        if body.get(field) is None:
            raise missing(field)
    for field in ("publisher", "infotype", "infoformat"):
        if not body[field]:
            raise invalid(field)
    try:
        io = IoMessage.from_document(body)
        as_named(state, asked.who, io.publisher)
        message = await state.routing.publish(io.publisher, taken(io))
    except BadIoMessage as error:
        raise invalid(error.field or "message", str(error)) from error
    except MessageRefused as error:
        raise Refused(f"the message is not taken: {error}") from error
    except StoreFull as error:
        raise store_full() from error
    return _okay(timestamp=message.created, id=message.message_id)


def next_messages(deliveries: list[Delivery]) -> Answer:
    """`POST /v2/messages/next`: those that wait; `http.py` keeps them until they are sent."""
    messages = [given(each.message, each.input).to_document() for each in deliveries]
    return _okay(count=len(messages), messages=messages)


def of_one_answer(deliveries: list[Delivery]) -> int:
    """How many of them fit into one."""
    size = 0
    for count, each in enumerate(deliveries):
        size += each.message.size
        if size > MOST_BYTES and count:
            return count
    return len(deliveries)


def named_by(body: bytes) -> str:
    """The `id` of a body. Errors: Refused."""
    return _text(_object(body), "id")


async def query_messages(state: NodeState, asked: Asked) -> Answer:
    """`POST /v2/messages/query`: what publishers sent in a time frame, as far as it fits.

    `timeframeend` is then the time of the last one: from there the next question goes on.
    """
    body = _object(asked.body)
    receiver = as_named(state, asked.who, _text(body, "id")).microservice_id
    begin, end = _number(body, "timeframestart"), _number(body, "timeframeend")
    if end < begin:
        raise invalid("timeframeend", "it is before timeframestart")
    found: list[Message] = []
    for publisher in _publishers(body):
        more = await state.routing.archived(publisher, receiver, begin, end, MOST_BYTES)
        found = _first(sorted([*found, *more], key=lambda each: each.created))
    messages = [given(each).to_document() for each in found]
    return _okay(
        count=len(messages),
        timeframestart=begin,
        timeframeend=found[-1].created if found else end,
        messages=messages,
    )


async def write_log(state: NodeState, asked: Asked) -> Answer:
    """`POST /v2/log`: a line for the agent's log."""
    body = _object(asked.body)
    microservice = as_named(state, asked.who, _text(body, "id"))
    line, kind = _text(body, "message")[:LONGEST_LINE], _text(body, "type").lower()
    say = {"severe": log.error, "warning": log.warning}.get(kind, log.info)
    say(
        "microservice-says",
        application=microservice.application,
        name=microservice.name,
        line=line,
    )
    return _okay()


async def get_position(state: NodeState, asked: Asked) -> Answer:
    """`GET /v2/gps`: degrees as texts, empty where nobody knows."""
    known(asked.who)
    now = state.position.now
    return _okay(
        timestamp=state.milliseconds(),
        lat="" if now is None else str(now.latitude),
        lon="" if now is None else str(now.longitude),
    )


async def set_position(state: NodeState, asked: Asked) -> Answer:
    """`POST /v2/gps`: the device is there now. The controller hears of it every few minutes."""
    known(asked.who)
    body = _object(asked.body)
    coordinates = Coordinates(_degrees(body, "lat", 90.0), _degrees(body, "lon", 180.0))
    state.position.measured(coordinates)
    return _okay(
        timestamp=state.milliseconds(),
        lat=str(coordinates.latitude),
        lon=str(coordinates.longitude),
    )


async def get_edge_resources(state: NodeState, asked: Asked) -> Answer:
    """`GET /v2/edgeResources`: JSON in a text, as ioFog has it."""
    known(asked.who)
    if asked.who.microservice_id is not None:
        state.saw_resources(asked.who.microservice_id, state.resources_version())
    return Answer(body=msgspec.json.encode({"edgeResources": state.edge_resources}))


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/v2/config/get"): get_config,
    ("POST", "/v2/messages/new"): new_message,
    ("POST", "/v2/messages/query"): query_messages,
    ("POST", "/v2/log"): write_log,
    ("GET", "/v2/gps"): get_position,
    ("POST", "/v2/gps"): set_position,
    ("GET", "/v2/edgeResources"): get_edge_resources,
}
NEXT_MESSAGES = "/v2/messages/next"

MANAGEMENT = re.compile(r"/v2/(commandline|config|provision|deprovision|info|status|version)/?")
"""What ioFog's agent lets its command line do here."""
BLUETOOTH = "/v2/restblue"


def _okay(**members: object) -> Answer:
    return Answer(body=msgspec.json.encode({"status": "okay", **members}))


def _object(body: bytes) -> Body:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"Incorrect content: the body is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise Refused("Incorrect content: the body is not a JSON object")
    return document


def _text(body: Body, field: str) -> str:
    said = body.get(field)
    if said is None:
        raise missing(field)
    if not isinstance(said, str) or not said:
        raise invalid(field)
    return said


def _number(body: Body, field: str) -> int:
    said = body.get(field)
    if said is None:
        raise missing(field)
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) < 20:
        said = int(said)
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said < 2**63:
        raise invalid(field)
    return said


def _degrees(body: Body, field: str, most: float) -> float:
    said = body.get(field)
    if said is None:
        raise missing(field)
    try:
        degrees = float(said) if isinstance(said, str | int | float) else float("nan")
    except (ValueError, OverflowError) as error:
        raise invalid(field) from error
    if not -most <= degrees <= most:
        raise invalid(field, f"degrees are from {-most:.0f} to {most:.0f}")
    return degrees


def _publishers(body: Body) -> list[str]:
    said = body.get("publishers")
    if said is None:
        raise missing("publishers")
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise invalid("publishers")
    if len(said) > MOST_PUBLISHERS:
        raise invalid("publishers", f"at most {MOST_PUBLISHERS}")
    return sorted(set(said))


def _first(messages: list[Message]) -> list[Message]:
    """As many as fit into one answer."""
    size = 0
    for count, each in enumerate(messages):
        size += each.size
        if size > MOST_BYTES and count:
            return messages[:count]
    return messages
