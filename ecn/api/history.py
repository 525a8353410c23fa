"""What changed, why, and through whom: differences, reasons, blame.

The questions are pure (ecn/history/); here they are given their worlds and their events, in
portions, so that nobody else waits for a large answer.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import TypeVar, cast

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from ecn.api.answers import json_answer
from ecn.api.commanding import OPERATOR
from ecn.api.endpoint import Endpoint, Query
from ecn.api.history_documents import Blame, Difference, Differences, PatchOperation, Why
from ecn.api.keys import LIVE, LOG, PAST
from ecn.api.moments import asked, position_of
from ecn.api.principal import allow
from ecn.errors import Invalid, NotFound
from ecn.history import subjects, why
from ecn.history.asking import Question
from ecn.history.blame import blame
from ecn.history.diff import differences, ordered
from ecn.history.patch import MEDIA, patch
from ecn.history.trees import KINDS
from events.log import EventLog
from events.user import Role
from projections.things import row_of
from projections.world import World

T = TypeVar("T")

PORTION = 500
"""Differences that are put in order at a time."""


async def show_differences(request: web.Request) -> web.StreamResponse:
    """How two moments differ, as a document or as a JSON patch."""
    if "from" not in request.query:
        raise Invalid("is missing: from when on?", field="?from")
    start = await position_of(request, request.query["from"], field="?from")
    live, past = request.app[LIVE], request.app[PAST]
    after = live.world
    if "to" in request.query:
        after = await past.world_at(await position_of(request, request.query["to"], field="?to"))
    before = await past.world_at(start)
    kinds, subject = await _asked_about(request, before, after)
    wants_patch = MEDIA in request.headers.get("Accept", "")
    portions = []
    for portion in differences(before, after, kinds=kinds, subject=subject):
        portions.append([_written(each, as_patch=wants_patch) for each in portion])
        await asyncio.sleep(0)
    parts: list[Raw] = []
    found = ordered(portions)
    while some := list(islice(found, PORTION)):
        parts += [part for each in some for part in each.parts]
        await asyncio.sleep(0)
    headers = {"ECN-Position": str(after.position)}
    if wants_patch:
        return web.Response(body=msgspec.json.encode(parts), content_type=MEDIA, headers=headers)
    return json_answer(
        Differences(
            from_=before.position,
            from_time=before.head.time if before.position else None,
            to=after.position,
            to_time=after.head.time if after.position else None,
            items=cast("list[Difference]", parts),  # as they will be read
        ),
        headers=headers,
    )


class _Written(Struct, frozen=True, gc=False):
    """A difference as it is sent. Documents of thousands of things would cost a full collection
    of the heap, in which nobody has a turn; bytes do not."""

    subject: str
    name: str
    parts: list[Raw]


def _written(each: Difference, *, as_patch: bool) -> _Written:
    documents = list(patch([each])) if as_patch else [each]
    parts = [Raw(msgspec.json.encode(document)) for document in documents]
    return _Written(each.subject, each.name, parts)


async def show_why(request: web.Request) -> web.Response:
    """Why something is as it is."""
    return await _why(request, request.match_info["kind"])


async def show_why_of_microservice(request: web.Request) -> web.Response:
    """Why a microservice is as it is, by its two names."""
    return await _why(request, "microservice")


async def show_why_of_route(request: web.Request) -> web.Response:
    """Why a route is as it is, by its two names."""
    return await _why(request, "route")


async def _why(request: web.Request, kind: str) -> web.Response:
    world = asked(request).world
    subject = await _subject(request, world, kind, why.KINDS)
    return json_answer(await answered(request.app[LOG], why.why(world, subject)))


async def show_blame(request: web.Request) -> web.Response:
    """Who set each field."""
    return await _blame(request, request.match_info["kind"])


async def show_blame_of_microservice(request: web.Request) -> web.Response:
    """Who set each field of a microservice, by its two names."""
    return await _blame(request, "microservice")


async def show_blame_of_route(request: web.Request) -> web.Response:
    """Who set each field of a route, by its two names."""
    return await _blame(request, "route")


async def _blame(request: web.Request, kind: str) -> web.Response:
    world = asked(request).world
    subject = await _subject(request, world, kind, KINDS)
    if row_of(world, kind, subject.partition("/")[2]) is None:
        raise NotFound(kind, _ref(request))
    return json_answer(await answered(request.app[LOG], blame(world, subject)))


async def answered(log: EventLog, question: Question[T]) -> T:
    """The answer to a question about history, with the events that it asks for.

    Errors: LogUnavailable.
    """
    try:
        search = next(question)
        while True:
            found = await log.search(
                search.wanted,
                after=search.after,
                before=search.before,
                limit=search.limit,
                descending=search.descending,
            )
            search = question.send(found)
    except StopIteration as e:
        answer: T = e.value
        return answer


def _ref(request: web.Request) -> str:
    parts = request.match_info
    return parts.get("ref") or f"{parts['application']}/{parts['name']}"


async def _subject(request: web.Request, world: World, kind: str, kinds: Sequence[str]) -> str:
    """What the path means, there or gone. Errors: Invalid, NotFound, NotAllowed."""
    ref = _ref(request)
    if kind not in kinds:
        raise Invalid(f"{kind!r} is none of {', '.join(kinds)}", field="kind")
    if kind == "user":
        allow(request[OPERATOR], Role.ADMIN)
    subject = subjects.present(world, kind, ref)
    if subject is None:
        bore = await _gone(world, kind, ref)
        subject = await answered(request.app[LOG], subjects.latest_of(world, bore))
    if subject is None:
        raise NotFound(kind, ref)
    return subject


async def _gone(world: World, kind: str, name: str) -> list[str]:
    found = []
    for portion in subjects.gone(world, kind, name):
        found += portion
        await asyncio.sleep(0)
    return found


async def _asked_about(
    request: web.Request, before: World, after: World
) -> tuple[Sequence[str], str | None]:
    """The kinds that may differ, and the one subject if it is one. Users are for admins."""
    kind, slash, ref = request.query.get("subject", "").partition("/")
    if not kind:
        is_admin = request[OPERATOR].role is Role.ADMIN
        return [each for each in KINDS if each != "user" or is_admin], None
    if kind not in KINDS:
        raise Invalid(f"{kind!r} is none of {', '.join(KINDS)}", field="?subject")
    if kind == "user":
        allow(request[OPERATOR], Role.ADMIN)
    if not slash or not ref:
        return [kind], None
    for world in (after, before):
        subject = subjects.present(world, kind, ref)
        if subject is not None:
            return [kind], subject
    gone = await _gone(after, kind, ref)
    if not gone:
        raise NotFound(kind, ref, field="?subject")
    return [kind], await answered(request.app[LOG], subjects.latest_of(after, gone))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/diff",
        handler=show_differences,
        access=Role.VIEWER,
        tag="history",
        summary=f"How two moments differ; with `Accept: {MEDIA}`, as a JSON patch",
        answer=Differences,
        or_list=((MEDIA, PatchOperation),),
        queries=(
            Query("from", "the one moment: a position of the log, or an RFC 3339 time"),
            Query("to", "the other one; now, unless told"),
            Query("subject", "kind, kind/name or kind/id"),
        ),
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/why/{kind}/{ref}",
        handler=show_why,
        access=Role.VIEWER,
        tag="history",
        summary="Why a thing is as it is, or is gone",
        answer=Why,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/why/microservice/{application}/{name}",
        handler=show_why_of_microservice,
        access=Role.VIEWER,
        tag="history",
        summary="The same, of a microservice by its names",
        answer=Why,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/why/route/{application}/{name}",
        handler=show_why_of_route,
        access=Role.VIEWER,
        tag="history",
        summary="The same, of a route by its names",
        answer=Why,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/blame/{kind}/{ref}",
        handler=show_blame,
        access=Role.VIEWER,
        tag="history",
        summary="Which event set each field of a thing",
        answer=Blame,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/blame/microservice/{application}/{name}",
        handler=show_blame_of_microservice,
        access=Role.VIEWER,
        tag="history",
        summary="The same, of a microservice by its names",
        answer=Blame,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/blame/route/{application}/{name}",
        handler=show_blame_of_route,
        access=Role.VIEWER,
        tag="history",
        summary="The same, of a route by its names",
        answer=Blame,
        at=True,
        refusals=(404,),
    ),
)
