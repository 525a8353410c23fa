"""Manifests over HTTP: what they would lead to, and all of it or nothing.

They are read by the very translation that `ecn deploy` reads files with (`ecn/manifests`). That
sends one request for each thing, and may be stopped in between; here they are one command.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ecn.api import plan_views
from ecn.api.answers import json_answer
from ecn.api.commanding import (
    COMMAND_ID,
    MERGE_PATIENCE,
    REQUEST_ID,
    SENDER,
    execute,
    replayed,
    told,
)
from ecn.api.deploy_documents import Deployed, DeployRequest, ManifestFault, ManifestText
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.iofog_deploying import translation
from ecn.api.keys import LIVE, PAST, VAULT
from ecn.api.moments import position_of
from ecn.api.plan_documents import AnyChange, ApplyRegistry, Plan
from ecn.api.planned_changes import UNSEALED, wanted
from ecn.api.plans import MOST_CHANGES, password_of_registry, same_password
from ecn.api.registries import destroy_key
from ecn.batch import Outcome, repetition
from ecn.commands import catalog
from ecn.commands.together import Part, SingleCommand, Together
from ecn.errors import Invalid, Refused, RevisionMoved
from ecn.manifests.changes import all_there, change_of
from ecn.manifests.reading import Located, Read, Unreadable, read
from ecn.manifests.shape import Bad
from ecn.planning.decided import Decided, Wanted, decided
from events.catalog import SealedSecret
from events.ids import CommandId, Position, new_id
from events.user import Role
from projections.world import World

LARGEST = 1 << 20
"""Characters of all texts together. People write manifests, and reading one takes a while."""


class _Worked(Struct, frozen=True):
    """What the changes lead to on a world."""

    plan: Plan
    decided: Sequence[Decided]
    parts: Sequence[Part]


async def deploy(request: web.Request) -> web.Response:
    """Let everything be as the manifests say, all or none."""
    body = await read_body(request, DeployRequest)
    if sum(len(each.text) for each in body.sources) > LARGEST:
        raise Invalid(f"more than {LARGEST >> 20} MiB of manifests", field="$.sources")
    try:
        changes = await asyncio.to_thread(changes_in, body.sources)
    except Unreadable as e:
        if body.plan:
            return _unplanned(request, e)
        raise Invalid(
            str(e),
            field="$.sources",
            next_step="Nothing was done: correct what is named, and send it again.",
        ) from e
    repeated = repetition(request.app[LIVE].world, CommandId(request[COMMAND_ID]))
    if repeated is not None:
        # The plan of then: of the world that the changes met.
        met = Position(repeated.position - len(repeated.events))
        worked = await _worked_out(request, await request.app[PAST].world_at(met), changes)
        return _answer(worked.plan, repeated)
    deadline = asyncio.get_running_loop().time() + MERGE_PATIENCE
    while True:
        world = request.app[LIVE].world
        worked = await _worked_out(request, world, changes)
        await _check_as_seen(request, worked.plan, changes, body.expected_position)
        if body.plan:
            return _answer(worked.plan, None)
        for each in worked.decided:
            if each.refused is not None:
                raise each.refused.of(each.about)
        try:
            return _answer(worked.plan, await _carried_out(request, world, worked.parts, changes))
        except RevisionMoved:
            # Somebody was faster. What they left is as good, unless what was seen is said.
            if asyncio.get_running_loop().time() > deadline:
                raise


def changes_in(sources: Sequence[ManifestText]) -> list[AnyChange]:
    """What the texts ask for, in the order to do it. Errors: Unreadable, Invalid."""
    faults, changes = list[Located](), list[AnyChange]()
    for each in read([(each.name, each.text) for each in sources]):
        try:
            changes.append(change_of(all_there(each.manifest)))
        except Bad as e:
            faults += _in_place(each, e)
    if faults:
        raise Unreadable(faults)
    if not changes:
        raise Invalid("there is no manifest in that", field="$.sources")
    if len(changes) > MOST_CHANGES:
        raise Invalid(f"more than {MOST_CHANGES} manifests", field="$.sources")
    return changes


def _in_place(of: Read, bad: Bad) -> list[Located]:
    return [of.located(fault) for fault in bad.found]


def _unplanned(request: web.Request, unreadable: Unreadable) -> web.Response:
    """While somebody writes, there are faults: that is no refusal of anything."""
    live = request.app[LIVE]
    faults = [
        ManifestFault(source=each.source, line=each.line, column=each.column, says=each.says)
        for each in unreadable.faults
    ]
    return json_answer(
        Deployed(
            position=live.world.position, stale=live.stale, plan=None, done=None, faults=faults
        )
    )


async def _worked_out(request: web.Request, world: World, changes: Sequence[AnyChange]) -> _Worked:
    same = [await same_password(request, world, change) for change in changes]
    stale = request.app[LIVE].stale

    def worked_out() -> _Worked:
        done, parts, now = list[Decided](), list[Part](), world
        for change, kept in zip(changes, same, strict=True):
            each = wanted(change, now, new_id, same_password=kept, translate=translation(request))
            result, commands = _decided(request, now, each)
            done.append(result)
            parts.append(Part(each.about, tuple(commands)))
            now = result.after
        plan = plan_views.plan(world, done, stale=stale, request_id=request[REQUEST_ID])
        return _Worked(plan, done, parts)

    return await asyncio.to_thread(worked_out)


def _decided(
    request: web.Request, world: World, each: Wanted
) -> tuple[Decided, Sequence[SingleCommand]]:
    made = list[SingleCommand]()

    def commands(world: World) -> Sequence[SingleCommand]:
        made.extend(each.commands(world))
        return made

    result = decided(world, replace(each, commands=commands), sent=request.get(SENDER))
    return result, made


async def _check_as_seen(
    request: web.Request, plan: Plan, changes: Sequence[AnyChange], expected: int | None
) -> None:
    """Errors: RevisionMoved when the plan is another one than that of the position seen."""
    if expected is None or expected == plan.position:
        return
    at = await position_of(request, str(expected), field="$.expected_position")
    seen = (await _worked_out(request, await request.app[PAST].world_at(at), changes)).plan
    for now, then in zip(plan.changes, seen.changes, strict=True):
        if (now.word, now.events) != (then.word, then.events):
            kind, _, name = now.about.partition("/")
            raise RevisionMoved(kind, name)


async def _carried_out(
    request: web.Request, world: World, parts: Sequence[Part], changes: Sequence[AnyChange]
) -> Outcome:
    """Passwords are sealed for it; those that nothing uses behind it are destroyed."""
    vault = request.app[VAULT]
    given = {
        each.name: each.manifest.password
        for each in changes
        if isinstance(each, ApplyRegistry) and each.manifest.password is not None
    }
    needed = [
        each.name
        for part in parts
        for each in part.commands
        if isinstance(each, catalog.ApplyRegistry) and each.password is UNSEALED
    ]
    sealed = {name: await vault.seal(given[name]) for name in needed}
    command = Together(parts=tuple(_with_passwords(part, sealed) for part in parts))
    try:
        outcome = await execute(request, command)
    except Refused:
        for secret in sealed.values():
            await destroy_key(vault, secret)
        raise
    after = request.app[LIVE].world
    for name, secret in sealed.items():
        kept = password_of_registry(after, name)
        for each in (password_of_registry(world, name), secret):
            if each is not None and each != kept:
                await destroy_key(vault, each)
    return outcome


def _with_passwords(part: Part, sealed: Mapping[str, SealedSecret]) -> Part:
    def filled(command: SingleCommand) -> SingleCommand:
        if isinstance(command, catalog.ApplyRegistry) and command.name in sealed:
            return replace(command, password=sealed[command.name])
        return command

    fill: Callable[[SingleCommand], SingleCommand] = filled
    return Part(part.about, tuple(map(fill, part.commands)))


def _answer(plan: Plan, outcome: Outcome | None) -> web.Response:
    return json_answer(
        Deployed(
            position=plan.position if outcome is None else outcome.position,
            plan=plan,
            done=None if outcome is None else told(outcome),
            faults=[],
        ),
        headers=None if outcome is None else replayed(outcome),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/manifests",
        handler=deploy,
        access=Role.OPERATOR,
        tag="plans",
        summary="Let everything be as manifests say, all of it or nothing; or only plan it",
        body=DeployRequest,
        answer=Deployed,
        refusals=(404, 409),
    ),
)
