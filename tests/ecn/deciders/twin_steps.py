"""Random commands about twins, from both sides: few keys, so that they collide."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Raw

from ecn.commands.node import TwinReport
from ecn.commands.twin import PatchTwin, ReplaceTwin
from events.ids import MicroserviceId
from events.twin import TwinSection
from projections.twins import twin_of
from projections.world import World
from tests.ecn.deciders.offers import Kinds

if TYPE_CHECKING:
    from tests.ecn.deciders.histories import Drawn

PATCHES = tuple(
    Raw(each)
    for each in (
        b'{"a":1}',
        b'{"a":2,"b":{"c":1}}',
        b'{"b":{"c":2,"d":"x"}}',
        b'{"a":null,"b":{"d":null}}',
        b'{"b":5}',
        b"{}",
    )
)
WHOLES = tuple(Raw(each) for each in (b"{}", b'{"a":1}', b'{"b":{"c":1}}', b'{"a":[1,null]}'))
NO_TWIN = Raw(b"[]")


def patch_twin(drawn: "Drawn", world: World, _: datetime) -> PatchTwin:
    """From the centre."""
    key = drawn.key(world.microservices, MicroserviceId("nobody"))
    patch = NO_TWIN if drawn.chance(12) else drawn.any(PATCHES)
    return PatchTwin(microservice_id=key, patch=patch, seen=_seen(drawn, world, key))


def replace_twin(drawn: "Drawn", world: World, _: datetime) -> ReplaceTwin:
    """From the centre."""
    key = drawn.key(world.microservices, MicroserviceId("nobody"))
    return ReplaceTwin(
        microservice_id=key, desired=drawn.any(WHOLES), seen=_seen(drawn, world, key)
    )


def twin_reports(
    drawn: "Drawn", world: World, placed: Sequence[MicroserviceId], last: int, now: datetime
) -> list[TwinReport]:
    """From the device, each made on a version that it may have known."""
    reports = []
    for _ in range(drawn.any((0, 0, 1, 2))):
        key = drawn.key(world.microservices if drawn.chance(6) else placed, MicroserviceId("x"))
        section = drawn.any(tuple(TwinSection))
        version = twin_of(world, key).desired_version
        reports.append(
            TwinReport(
                sequence=max(1, last + drawn.any((0, 1, 2, 3))),
                microservice_id=key,
                section=section,
                patch=drawn.any((*PATCHES, NO_TWIN)),
                whole=drawn.any((*WHOLES, NO_TWIN)),
                base=max(0, version - drawn.any((0, 0, 1, 2))),
                at=now - timedelta(seconds=drawn.any((-5, 0, 5))),
            )
        )
    return reports


def _seen(drawn: "Drawn", world: World, key: MicroserviceId) -> int | None:
    if not drawn.chance(4):
        return None
    return twin_of(world, key).desired_version - drawn.any((0, 0, 1))


TWINS: Kinds = (patch_twin, patch_twin, replace_twin)
