"""What a query string asks of the log: names and words become ids and filters, as of a moment.

People ask by name; events carry ids. The world knows the last name of all that ever was, so that
what was deleted since is found like what is there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ecn.api.endpoint import Query, truth
from ecn.api.times import time
from ecn.errors import Invalid, NotFound
from events.application import MicroserviceCreated
from events.envelope import Recorded
from events.filter import EventFilter, Text
from events.log import EventLog
from events.route import RouteCreated
from events.shown import folded
from projections.things import TABLES, row_of
from projections.world import World

KINDS = tuple(TABLES)
IN_APPLICATIONS = ("microservice/", "route/")
REPORTS = ("container.reported.", "node.facts-reported.", "twin.reported-changed.")
"""Types of what devices tell of themselves: no change that somebody made."""
LONGEST_WORD = 200
SLICE = 2000
"""Names that are looked at before others get their turn."""

QUERIES = (
    Query("subject", "kind, kind/name or kind/id; what is in an application is among it"),
    Query("type", "node.registered.v1, node.registered (all versions), or node (all about nodes)"),
    Query("actor", "such as user/admin, or node/name"),
    Query("command_id", "of one command"),
    Query("correlation_id", "of all that one request led to"),
    Query("text", "a word in the subject's name or in the data, in capitals or not"),
    Query("changes", "without what devices merely report", bool),
    Query("since", "RFC 3339 time, included"),
    Query("until", "RFC 3339 time, excluded"),
)


class Question(Struct, frozen=True, kw_only=True):
    """A query string, read but not looked up."""

    kind: str
    """Of the subject; "" when none is asked for."""
    ref: str
    """Its name or id; "" for all of the kind."""
    actor: str
    word: str
    plain: EventFilter
    """What needs no looking up."""


def question(request: web.Request) -> Question:
    """What is asked. Errors: Invalid."""
    given = request.query
    for name, value in given.items():
        if "\0" in value:
            raise Invalid("has a NUL character, which nothing in the log has", field=f"?{name}")
    subject = given.get("subject")
    kind, _, ref = (subject or "").partition("/")
    if subject is not None and kind not in KINDS:
        raise Invalid(
            f"{subject!r} is no subject, as in node/<name>: {', '.join(KINDS)}", field="?subject"
        )
    word = given.get("text")
    if word is not None and not 0 < len(word) <= LONGEST_WORD:
        raise Invalid(f"a word has 1 to {LONGEST_WORD} characters", field="?text")
    exact, prefix = _type(given.get("type"))
    return Question(
        kind=kind,
        ref=ref,
        actor=given.get("actor", ""),
        word=word or "",
        plain=EventFilter(
            subject_prefix=f"{kind}/" if kind and not ref else None,
            type=exact,
            type_prefix=prefix,
            but_types=REPORTS if truth(request, "changes") else (),
            command_id=given.get("command_id"),
            correlation_id=given.get("correlation_id"),
            since=time(request, "since"),
            until=time(request, "until"),
        ),
    )


def _type(text: str | None) -> tuple[str | None, str | None]:
    """An exact type, or a prefix: whole words, and every version where none is named."""
    if text is None:
        return None, None
    words = text.removesuffix(".*").removesuffix(".")
    if not words or "*" in words:
        raise Invalid(
            f"{text!r} is no type: write node, node.registered or node.registered.v1",
            field="?type",
        )
    version = words.rpartition(".v")[2]
    if words == text and ".v" in words and version.isascii() and version.isdecimal():
        return words, None
    return None, f"{words}."


async def looked_up(asked: Question, world: World, log: EventLog) -> EventFilter:
    """The filter that it means in that world. Errors: NotFound; LogUnavailable."""
    wanted = asked.plain
    if asked.ref:
        subjects = await _bearers(world, asked.kind, asked.ref)
        if not subjects:
            raise NotFound(asked.kind, asked.ref)
        if asked.kind == "application":
            subjects |= await _members(world, subjects, log)
        wanted = replace(wanted, subjects=frozenset(subjects))
    if asked.actor:
        kind, _, name = asked.actor.partition("/")
        nodes = await _bearers(world, kind, name) if kind == "node" else set()
        # Other actors are in the log by name.
        wanted = replace(wanted, actors=frozenset(nodes | {asked.actor}))
    if asked.word:
        word = folded(asked.word)
        named = {subject async for subject, name in _names(world) if word in folded(name)}
        wanted = replace(wanted, text=Text(word=asked.word, named=named))
    return wanted


def learned(
    asked: Question, wanted: EventFilter, world: World, page: Sequence[Recorded]
) -> EventFilter:
    """The filter for a page that came in later: what was made or named meanwhile is known, too."""
    if asked.ref and wanted.subjects is not None:
        subjects = set(wanted.subjects)
        for each in page:
            if _is_asked_for(asked, subjects, world, each):
                subjects.add(each.subject)
        if len(subjects) > len(wanted.subjects):
            wanted = replace(wanted, subjects=frozenset(subjects))
    if asked.actor.startswith("node/") and wanted.actors is not None:
        named = {each.actor for each in page if _name(world, each.actor) == asked.actor[5:]}
        if not named <= wanted.actors:
            wanted = replace(wanted, actors=wanted.actors | named)
    if wanted.text is not None:
        word = folded(asked.word)
        named = {each.subject for each in page if word in folded(_name(world, each.subject))}
        wanted = replace(wanted, text=Text(word=asked.word, named=named))
    return wanted


def _is_asked_for(asked: Question, subjects: set[str], world: World, recorded: Recorded) -> bool:
    created = recorded.event
    if asked.kind == "application" and isinstance(created, MicroserviceCreated | RouteCreated):
        return f"application/{created.application_id}" in subjects
    kind = recorded.subject.partition("/")[0]
    return kind == asked.kind and _name(world, recorded.subject) == asked.ref


async def _bearers(world: World, kind: str, ref: str) -> set[str]:
    """The subject with that id; otherwise all that bear that name, or bore it when they went."""
    subject = f"{kind}/{ref}"
    if subject in world.names or row_of(world, kind, ref) is not None:
        return {subject}
    return {
        subject
        async for subject, name in _names(world)
        if name == ref and subject.startswith(f"{kind}/")
    }


async def _members(world: World, applications: set[str], log: EventLog) -> set[str]:
    """The microservices and routes that are or were of these applications."""
    names = {_name(world, each) for each in applications}
    members: set[str] = set()
    others = False
    async for subject, name in _names(world):
        if subject.startswith(IN_APPLICATIONS) and name.partition("/")[0] in names:
            members.add(subject)
        elif name in names and subject.startswith("application/"):
            others = others or subject not in applications
    if not others or not members:
        return members
    # Another application bore the name: what made each of them says whose it was.
    theirs = set()
    for kind in IN_APPLICATIONS:
        of_kind = EventFilter(
            subjects=frozenset(each for each in members if each.startswith(kind)),
            type_prefix=f"{kind[:-1]}.created.",
        )
        if not of_kind.subjects:
            continue
        for each in await log.search(of_kind, limit=len(members)):
            if (
                isinstance(each.event, MicroserviceCreated | RouteCreated)
                and f"application/{each.event.application_id}" in applications
            ):
                theirs.add(each.subject)
    return theirs


async def _names(world: World) -> AsyncIterator[tuple[str, str]]:
    """Each subject that ever was, with its last name."""
    for number, named in enumerate(world.names.items()):
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        yield named


def _name(world: World, subject: str) -> str:
    return world.names.get(subject) or ""
