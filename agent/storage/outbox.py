"""What waits to be told, by kind, and how a row of it becomes a part of a report.

Pure. `journal.py` keeps the rows, `link/uplink.py` tells them.
"""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

import msgspec
from msgspec import Raw, Struct, field

from agent.contract import (
    ContainerReport,
    ContainerStatus,
    DropReport,
    OutcomeReport,
    TwinReport,
)


class Kind(StrEnum):
    """What a row of the outbox tells."""

    CONTAINER = "container"
    TWIN = "twin"
    OUTCOME = "outcome"
    DROP = "drop"


class Change(Struct, frozen=True, kw_only=True):
    """A change of a twin, without its number: see TwinReport."""

    section: str
    patch: Raw
    whole: Raw
    base: int
    at: datetime


class Result(Struct, frozen=True, kw_only=True):
    """What became of an instruction, without its number: see OutcomeReport."""

    outcome: str
    detail: str
    at: datetime


class Drop(Struct, frozen=True, kw_only=True):
    """Messages of a route were dropped, without its number: see DropReport."""

    reason: str
    messages: int
    size: int
    since: datetime
    at: datetime

    def with_earlier(self, earlier: "Drop") -> "Drop":
        """Both as one."""
        return Drop(
            reason=self.reason,
            messages=self.messages + earlier.messages,
            size=self.size + earlier.size,
            since=earlier.since,
            at=self.at,
        )


class Pending(Struct, kw_only=True):
    """What is to be told next, by kind. Numbers go up through all of them."""

    containers: list[ContainerReport] = field(default_factory=list)
    twins: list[TwinReport] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    drops: list[DropReport] = field(default_factory=list)
    first: int = 0
    """The lowest number; 0 when there is nothing."""
    count: int = 0
    more: bool = False
    """Whether there is more than this."""

    def add(self, sequence: int, kind: Kind, about: str, body: bytes) -> None:
        """One more row."""
        self.first = self.first or sequence
        self.count += 1
        match kind:
            case Kind.CONTAINER:
                status = msgspec.json.decode(body, type=ContainerStatus)
                self.containers.append(
                    ContainerReport(sequence=sequence, microservice_id=about, status=status)
                )
            case Kind.TWIN:
                change = msgspec.json.decode(body, type=Change)
                self.twins.append(
                    TwinReport(
                        sequence=sequence,
                        microservice_id=about,
                        section=change.section,
                        patch=change.patch,
                        whole=change.whole,
                        base=change.base,
                        at=change.at,
                    )
                )
            case Kind.OUTCOME:
                result = msgspec.json.decode(body, type=Result)
                self.outcomes.append(
                    OutcomeReport(
                        sequence=sequence,
                        told_at=int(about),
                        outcome=result.outcome,
                        detail=result.detail,
                        at=result.at,
                    )
                )
            case Kind.DROP:
                drop = msgspec.json.decode(body, type=Drop)
                self.drops.append(
                    DropReport(
                        sequence=sequence,
                        route_id=about,
                        reason=drop.reason,
                        messages=drop.messages,
                        size=drop.size,
                        since=drop.since,
                        at=drop.at,
                    )
                )
            case _:
                assert_never(kind)
