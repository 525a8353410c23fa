"""What would happen, over HTTP: plans, and reverts with theirs.

Both are worked out on a snapshot of the world, in a thread: worlds never change, and a large plan
must not keep others waiting.
"""

import asyncio
from collections.abc import Sequence

from aiohttp import web

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
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.iofog_deploying import translation
from ecn.api.keys import LIVE, PAST, VAULT
from ecn.api.moments import position_of
from ecn.api.plan_documents import (
    REVERT_TO,
    AnyChange,
    ApplyRegistry,
    Plan,
    PlanRequest,
    Reverted,
    RevertRequest,
)
from ecn.api.planned_changes import wanted
from ecn.api.registries import destroy_key, is_password
from ecn.batch import Outcome, repetition
from ecn.commands.together import Subject
from ecn.deciders.standing import name_of, standing
from ecn.errors import Invalid, RevisionMoved
from ecn.planning import revert as reverting
from ecn.planning.decided import Decided, decided
from ecn.planning.restoring import Then
from ecn.planning.revert import Revert
from ecn.vault import SecretLost
from events.catalog import RegistrySettings, SealedSecret
from events.ids import CommandId, Position, new_id
from events.user import Role
from projections.world import World

MOST_CHANGES = 1000
MOST_SUBJECTS = 100


async def make_plan(request: web.Request) -> web.Response:
    """What the changes would lead to."""
    body = await read_body(request, PlanRequest)
    if len(body.changes) > MOST_CHANGES:
        raise Invalid(f"more than {MOST_CHANGES} of them", field="$.changes")
    live = request.app[LIVE]
    world, stale = live.world, live.stale
    same = [await same_password(request, world, change) for change in body.changes]

    def planned() -> Plan:
        done, now = list[Decided](), world
        for change, same_password in zip(body.changes, same, strict=True):
            each = wanted(
                change, now, new_id, same_password=same_password, translate=translation(request)
            )
            done.append(decided(now, each, sent=request.get(SENDER)))
            now = done[-1].after
        return plan_views.plan(world, done, stale=stale, request_id=request[REQUEST_ID])

    return json_answer(await asyncio.to_thread(planned))


async def make_revert(request: web.Request) -> web.Response:
    """Let the subjects be as they were, all or none."""
    body = await read_body(request, RevertRequest)
    if not 1 <= len(body.subjects) <= MOST_SUBJECTS:
        raise Invalid(f"names none, or more than {MOST_SUBJECTS}", field="$.subjects")
    position = await position_of(request, body.to, field="$.to")
    then = await request.app[PAST].world_at(position)
    repeated = repetition(request.app[LIVE].world, CommandId(request[COMMAND_ID]))
    if repeated is not None:
        # The plan of then: the same subjects, to the same position, of the world that they met.
        met = Position(repeated.position - len(repeated.events))
        _, plan = await _worked_out(request, await request.app[PAST].world_at(met), then, body)
        return _answer(position, plan, repeated)
    deadline = asyncio.get_running_loop().time() + MERGE_PATIENCE
    while True:
        world = request.app[LIVE].world
        await _check_unchanged(request, world, then, body)
        revert, plan = await _worked_out(request, world, then, body)
        if body.plan:
            return _answer(position, plan, None)
        for each in revert.decided:
            if each.refused is not None:
                raise each.refused.of(each.about)
        try:
            outcome = await execute(request, revert.command, causation=f"{REVERT_TO}{position}")
        except RevisionMoved:
            # Somebody was faster; unless what was seen is said, what they left is as good.
            if asyncio.get_running_loop().time() > deadline:
                raise
            continue
        await _destroy_replaced(request, world, revert)
        return _answer(position, plan, outcome)


async def _worked_out(
    request: web.Request, world: World, then: World, body: RevertRequest
) -> tuple[Revert, Plan]:
    """What the revert is on that world, and its plan."""
    subjects = _subjects(world, then, body.subjects)
    lost = await _lost(request, then, subjects)
    stale = request.app[LIVE].stale

    def worked_out() -> tuple[Revert, Plan]:
        revert = reverting.revert(world, Then(then, lost), subjects, sent=request.get(SENDER))
        plan = plan_views.plan(
            world,
            revert.decided,
            more=revert.cautions,
            stale=stale,
            request_id=request[REQUEST_ID],
        )
        return revert, plan

    return await asyncio.to_thread(worked_out)


def _subjects(world: World, then: World, texts: Sequence[str]) -> list[Subject]:
    return [reverting.subject(world, then, text) for text in texts]


async def _check_unchanged(
    request: web.Request, world: World, then: World, body: RevertRequest
) -> None:
    """Errors: RevisionMoved when a subject is not any more what somebody saw of it."""
    if body.expected_position is None:
        return
    at = await position_of(request, str(body.expected_position), field="$.expected_position")
    seen = await request.app[PAST].world_at(at)
    for subject in _subjects(world, then, body.subjects):
        if standing(seen, subject) != standing(world, subject):
            raise RevisionMoved(subject.kind, name_of(world, subject))


async def _lost(request: web.Request, then: World, subjects: Sequence[Subject]) -> frozenset[str]:
    """Secrets that the subjects had then and that can't be opened any more."""
    lost = set()
    for subject in subjects:
        sealed = _password_of(then, subject)
        if sealed is None:
            continue
        try:
            await request.app[VAULT].open(sealed, lately=False)
        except SecretLost:
            lost.add(sealed.secret_id)
    return frozenset(lost)


async def _destroy_replaced(request: web.Request, before: World, revert: Revert) -> None:
    """Destroy the passwords that registries had and have no more, as every change of them does."""
    after = request.app[LIVE].world
    for subject in revert.command.seen:
        old = _password_of(before, subject)
        if old is not None and old != _password_of(after, subject):
            await destroy_key(request.app[VAULT], old)


async def same_password(request: web.Request, world: World, change: AnyChange) -> bool:
    """Whether the registry has this password already. It is compared, and kept nowhere."""
    if not isinstance(change, ApplyRegistry) or change.manifest.password is None:
        return False
    old = password_of_registry(world, change.name)
    return old is not None and await is_password(request.app[VAULT], old, change.manifest.password)


def _password_of(world: World, subject: Subject) -> SealedSecret | None:
    """Of a registry, if it is one and has one."""
    stood = standing(world, subject) if subject.kind == "registry" else None
    return stood.password if isinstance(stood, RegistrySettings) else None


def password_of_registry(world: World, name: str) -> SealedSecret | None:
    """Of the registry of that name, if there is one and it has one."""
    key = world.registries.one("name", name)
    return None if key is None else world.registries[key].settings.password


def _answer(position: Position, plan: Plan, outcome: Outcome | None) -> web.Response:
    return json_answer(
        Reverted(
            position=plan.position if outcome is None else outcome.position,
            to=position,
            plan=plan,
            done=None if outcome is None else told(outcome),
        ),
        headers=None if outcome is None else replayed(outcome),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/plan",
        handler=make_plan,
        # It compares registries' passwords, as applying does: a viewer could guess at them.
        access=Role.OPERATOR,
        tag="plans",
        summary="Say what changes would lead to, without making them",
        body=PlanRequest,
        answer=Plan,
    ),
    Endpoint(
        method="POST",
        path="/revert",
        handler=make_revert,
        access=Role.OPERATOR,
        tag="plans",
        summary="Let things be as they were at an earlier moment, all of them or none",
        body=RevertRequest,
        answer=Reverted,
        refusals=(404, 409),
    ),
)
