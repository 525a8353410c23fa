"""What is decided about twins, on the centre's word and on a device's.

A change from the centre is decided on the newest version, so that it never conflicts: who must not
overwrite what they have not seen name the version (`seen`). A change that was made on the device
was made on the version that the device knew, its `base`, and the centre may have moved on since.
The microservice's `twin_conflicts` says whose change counts then; every such change leads to an
event, or to two: what came to be, and what gave way. By the sequence numbers in them the device
learns that its change was decided, and shows the centre's version from then on.

| rule | changes of the centre since the base | the device's change |
|---|---|---|
| controller-wins | any at all | gives way, whole |
| edge-wins | to whatever fields | is made, whole |
| latest-wins | to the same field | each field: the later clock; the same instant is the centre's |
| merge | to the same field | each field: the centre |

Two fields are the same also where one is within the other: `net` and `net.dns`. What both sides
changed to the same value is no conflict.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from agent.local.merge_patch import (
    Document,
    NoDocument,
    changed,
    decoded,
    difference,
    encoded,
    leaves,
    patch_document,
    patched,
    same,
    section,
    without,
)
from ecn.commands.node import TwinReport
from ecn.commands.twin import PatchTwin, ReplaceTwin, TwinCommand
from ecn.deciders import find
from ecn.errors import Invalid, NotFound, TwinMoved
from events.application import ConflictRule
from events.ids import NodeId
from events.twin import (
    TwinDesiredChanged,
    TwinEditOverruled,
    TwinEvents,
    TwinReportedChanged,
    TwinSection,
)
from projections.twins import TwinRow, twin_of
from projections.world import World

LIMITS = "limits"
"""As a rule: what came of a change would be no twin."""
MOVED = "moved"
"""As a rule: the microservice is on another node by now."""


def decide(world: World, command: TwinCommand) -> Iterator[TwinDesiredChanged]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    key = command.microservice_id
    if key not in world.microservices:
        raise NotFound("microservice", key)
    row = twin_of(world, key)
    if command.seen is not None and command.seen != row.desired_version:
        raise TwinMoved(find.microservice_name(world, key), command.seen, row.desired_version)
    before = decoded(row.desired)
    try:
        match command:
            case PatchTwin():
                wanted = patched(before, patch_document(command.patch))
                section(encoded(wanted))
            case ReplaceTwin():
                wanted = section(command.desired)
            case _:
                assert_never(command)
    except NoDocument as error:
        raise Invalid(error.detail, field=error.field) from error
    patch = difference(before, wanted)
    if patch:
        yield TwinDesiredChanged(
            microservice_id=key,
            version=row.desired_version + 1,
            patch=encoded(patch),
            desired=encoded(changed(before, patch)),
        )


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a change that was made apart."""

    made: Document
    """The part that comes to be; empty also where all is so already."""
    lost: Document
    """The part that gives way."""


def from_device(
    row: TwinRow, rule: ConflictRule, node_id: NodeId, report: TwinReport
) -> Iterator[TwinEvents]:
    """What a change that was made on the device leads to.

    row: the twin as the reports before this one leave it.
    """
    match report.section:
        case TwinSection.REPORTED:
            yield from _reported(row, node_id, report)
        case TwinSection.DESIRED:
            yield from _edited(row, rule, node_id, report)
        case _:
            assert_never(report.section)


def left_behind(node_id: NodeId, report: TwinReport) -> Iterator[TwinEvents]:
    """What a change leads to that was made on a device which the microservice has left.

    What it reported there is nothing to where it is now.
    """
    if report.section is TwinSection.DESIRED:
        try:
            lost = patch_document(report.patch)
        except NoDocument:
            lost = {}
        yield _overruled(node_id, report, lost, MOVED)


def _reported(row: TwinRow, node_id: NodeId, report: TwinReport) -> Iterator[TwinEvents]:
    """The device is the only one who knows: its whole section counts.

    One that may not be a twin is left out; our own agents refuse it where it is made.
    """
    try:
        whole = section(report.whole)
    except NoDocument:
        return
    patch = difference(decoded(row.reported), whole)
    yield TwinReportedChanged(
        microservice_id=report.microservice_id,
        version=max(row.reported_version, report.base) + 1,
        patch=encoded(patch),
        reported=encoded(whole),
        node_id=node_id,
        at=report.at,
        sequence=report.sequence,
    )


def _edited(
    row: TwinRow, rule: ConflictRule, node_id: NodeId, report: TwinReport
) -> Iterator[TwinEvents]:
    before, ruled = decoded(row.desired), str(rule)
    try:
        patch = patch_document(report.patch)
    except NoDocument:
        patch, verdict, ruled = {}, Verdict(made={}, lost={}), LIMITS
    else:
        verdict = judged(row, patch, rule, base=report.base, at=report.at)
        if not _may_be_twin(changed(before, verdict.made)):
            verdict, ruled = Verdict(made={}, lost=patch), LIMITS
    if verdict.lost or ruled == LIMITS:
        yield _overruled(node_id, report, verdict.lost, ruled)
    made = difference(before, changed(before, verdict.made))
    if made or not (verdict.lost or ruled == LIMITS):
        yield TwinDesiredChanged(
            microservice_id=report.microservice_id,
            version=row.desired_version + (1 if made else 0),
            patch=encoded(made),
            desired=encoded(changed(before, made)),
            node_id=node_id,
            base=report.base,
            at=report.at,
            sequence=report.sequence,
        )


def _overruled(node_id: NodeId, report: TwinReport, lost: Document, rule: str) -> TwinEditOverruled:
    return TwinEditOverruled(
        microservice_id=report.microservice_id,
        patch=encoded(lost),
        base=report.base,
        rule=rule,
        node_id=node_id,
        at=report.at,
        sequence=report.sequence,
    )


def judged(
    row: TwinRow, patch: Document, rule: ConflictRule, *, base: int, at: datetime
) -> Verdict:
    """What becomes of a change of what should be that was made on version `base`, at `at`."""
    before = decoded(row.desired)
    match rule:
        case ConflictRule.EDGE_WINS:
            return Verdict(made=patch, lost={})
        case ConflictRule.CONTROLLER_WINS:
            agreed = not difference(before, changed(before, patch))
            if row.central <= base or agreed:
                return Verdict(made=patch, lost={})
            return Verdict(made={}, lost=patch)
        case ConflictRule.LATEST_WINS | ConflictRule.MERGE:
            lost = frozenset(
                path
                for path, value in leaves(patch)
                if not _is_so(before, path, value) and _gives_way(row, path, rule, base, at)
            )
            made = without(patch, lost)
            kept = frozenset(path for path, _ in leaves(patch) if path not in lost)
            return Verdict(made=made, lost=without(patch, kept))
        case _:
            assert_never(rule)


def _gives_way(row: TwinRow, path: str, rule: ConflictRule, base: int, at: datetime) -> bool:
    """Whether the centre changed the field since the base, and that counts."""
    if base < row.forgotten:
        return True  # it may have removed it: nobody knows any more
    since = [
        stamp
        for stamps in (row.desired_fields, row.gone)
        for other, stamp in stamps.items()
        if not stamp.edge and stamp.version > base and _related(path, other)
    ]
    if rule is ConflictRule.LATEST_WINS:
        return any(stamp.at >= at for stamp in since)
    return bool(since)


def _related(one: str, other: str) -> bool:
    """Whether the fields are the same, or one is within the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _is_so(before: Document, path: str, value: object) -> bool:
    """Whether the field is already what a leaf of a patch makes of it."""
    found: object = before
    for key in path.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            return value is None
        found = found[key]
    return isinstance(found, Mapping) if value == {} else same(found, value)


def _may_be_twin(document: Document) -> bool:
    try:
        section(encoded(document))
    except NoDocument:
        return False
    return True
