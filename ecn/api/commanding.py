"""From a request that changes something to a command, and from its outcome to an answer.

A request with an `Idempotency-Key` becomes a command whose id is made of the key, who sent it,
and what it says: a retry is recognised wherever and whenever it arrives, also by the log.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint
from ecn.api.keys import LIVE, LOG, PAST, WRITER
from ecn.api.premises import with_premises
from ecn.api.principal import Device, Operator
from ecn.batch import Issued, Outcome, repetition
from ecn.commands import AnyCommand
from ecn.commands.command import ByDevice, ByToken
from ecn.errors import Invalid, NotFound, ReferenceMoved, RevisionMoved
from events.envelope import KnownEvent
from events.filter import EventFilter
from events.ids import CommandId, Position, new_id
from projections.commands import KEYED
from projections.world import World

REQUEST_ID: web.RequestKey[str] = web.RequestKey("REQUEST_ID", str)
OPERATOR: web.RequestKey[Operator] = web.RequestKey("OPERATOR", Operator)
DEVICE: web.RequestKey[Device] = web.RequestKey("DEVICE", Device)
SENDER: web.RequestKey[ByToken | ByDevice] = web.RequestKey("SENDER")
COMMAND_ID: web.RequestKey[str] = web.RequestKey("COMMAND_ID", str)
NAMELESS: web.RequestKey[bool] = web.RequestKey("NAMELESS", bool)
"""Of a request whose path does not name things as ours do."""

LONGEST_KEY = 255
MERGE_PATIENCE = 10.0
"""Seconds that a merge is tried again where others change the same thing all the time."""

E = TypeVar("E", bound=KnownEvent)


async def name_command(request: web.Request, actor: str) -> CommandId:
    """Give the request its command id. Errors: Invalid for a key that is too long."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        command_id = new_id()
    else:
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Invalid(f"an Idempotency-Key has 1 to {LONGEST_KEY} characters")
        # A header's bytes that are no UTF-8 arrive as surrogates.
        scoped = f"{actor}\0{key}".encode(errors="surrogateescape")
        scope = hashlib.sha256(scoped).hexdigest()[:32]
        said = hashlib.sha256(f"{request.method} {request.path_qs}\0".encode())
        said.update(await request.read())
        command_id = f"{KEYED}{scope}-{said.hexdigest()[:16]}"
    request[COMMAND_ID] = command_id
    return CommandId(command_id)


async def execute(
    request: web.Request, command: AnyCommand, *, actor: str = "", causation: str = ""
) -> Outcome:
    """Carry the command out in the name of whoever asks. Errors: as Writer.execute.

    actor: for a request that carries no credential yet but makes known who sent it.
    causation: what of the log it goes back to, where that is not plain from the command.
    """
    who = request.get(OPERATOR) or request.get(DEVICE)
    path = {} if NAMELESS in request else request.match_info
    return await request.app[WRITER].execute(
        Issued(
            command=with_premises(command, path, request.get(SENDER)),
            actor=who.actor if who is not None else actor,
            command_id=CommandId(request[COMMAND_ID]),
            correlation_id=request[REQUEST_ID],
            causation_id=causation,
        )
    )


async def merge(request: web.Request, command: Callable[[World], AnyCommand]) -> Outcome:
    """Carry out a change that is merged into what is there, as often as others were faster.

    command: made of the world that it will be decided on, if nobody comes in between.
    Errors: NotFound; as Writer.execute; ReferenceMoved when it is gone meanwhile; RevisionMoved
    when others were faster for MERGE_PATIENCE.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MERGE_PATIENCE
    found = False
    while True:
        try:
            asked = command(request.app[LIVE].world)
        except NotFound as e:
            if not found:
                raise
            # It was found a moment ago: whether its name means something still is looked up anew.
            raise ReferenceMoved(e.kind, e.ref) from e
        found = True
        try:
            return await execute(request, asked)
        except RevisionMoved:
            if loop.time() > deadline:
                raise


async def first_event(request: web.Request, outcome: Outcome, kind: type[E]) -> E | None:
    """The event of that kind that a command led to at first; None if this was the first time."""
    if not outcome.repeated:
        return None
    wanted = EventFilter(command_id=outcome.command_id)
    after = Position(outcome.position - len(outcome.events))
    for recorded in await request.app[LOG].search(wanted, after=after):
        if isinstance(recorded.event, kind):
            return recorded.event
    return None


async def decided_on(request: web.Request, outcome: Outcome) -> World:
    """The world that a command with nothing to do was decided on: others may have gone on since.

    Errors: LogUnavailable.
    """
    live = request.app[LIVE]
    if live.world.position == outcome.position:
        return live.world
    return await request.app[PAST].world_at(outcome.position)


def changed(outcome: Outcome, subject: str, status: int = 200) -> web.Response:
    """The answer to a command. subject: for a command that had nothing to do."""
    return json_answer(told(outcome, subject), status=status, headers=replayed(outcome))


def told(outcome: Outcome, subject: str = "") -> Changed:
    """The outcome as a document. subject: as of `changed`."""
    return Changed(
        position=outcome.position,
        command_id=outcome.command_id,
        subject=outcome.subject or subject,
        events=list(outcome.events),
    )


def replayed(outcome: Outcome) -> dict[str, str]:
    """The header that tells a retry's answer from a first one."""
    return {"Idempotency-Replayed": "true"} if outcome.repeated else {}


def created_or_ok(outcome: Outcome, kind: str) -> int:
    """For a PUT of a thing of that kind: 201 where the thing itself is new, else 200."""
    return 201 if f"{kind}.created.v1" in outcome.events else 200


async def changing(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    endpoint: Endpoint,
) -> web.StreamResponse:
    """Run a handler that changes something.

    A retry of what was carried out before is answered at once, before the handler looks up what
    may be gone by now: the retried delete of a deleted thing succeeded.
    An answer that holds a secret is not kept: its handler makes it again.
    """

    async def changed_or_repeated(request: web.Request) -> web.StreamResponse:
        if endpoint.answer is Changed:
            world = request.app[LIVE].world
            repeated = repetition(world, CommandId(request[COMMAND_ID]))
            if repeated is not None:
                status = endpoint.status
                if endpoint.creates:
                    status = created_or_ok(repeated, endpoint.creates)
                return changed(repeated, repeated.subject, status)
        return await handler(request)

    return await again(request, changed_or_repeated)


async def again(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Run a handler that changes something, again where it was told of an old world.

    "Not found" on a world that other controllers have moved on from is no answer: it is asked
    again on a new one; so is what was found, and meant something else by the time that it was
    decided.
    """
    live, loop = request.app[LIVE], asyncio.get_running_loop()
    deadline, looked = loop.time() + MERGE_PATIENCE, False
    while True:
        before = live.world.position
        try:
            return await handler(request)
        except ReferenceMoved:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0)  # whatever keeps it moving needs a turn, too
        except NotFound:
            if looked:
                raise
            # If the log is away nobody knows: the client is told so, and asks again later.
            await live.catch_up()
            looked = True
            if live.world.position == before:
                raise
