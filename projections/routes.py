"""Routes between microservices as they are."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import ApplicationId, MicroserviceId, RouteId
from events.route import (
    ANY_SOURCE,
    UPSTREAM,
    RouteCreated,
    RouteDeleted,
    RouteDropped,
    RouteEnds,
    RouteEvents,
    RouteTerms,
    RouteUpdated,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "routes", 2


class RouteRow(Struct, frozen=True, kw_only=True, gc=False):
    """One route."""

    application_id: ApplicationId
    name: str
    ends: RouteEnds
    terms: RouteTerms
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
    created_at: datetime
    updated_at: datetime


def ends_as_written(ends: RouteEnds, name_of: Callable[[MicroserviceId], str]) -> tuple[str, str]:
    """Source and destination as people write them: names within the application, `*`,
    `$upstream`."""
    source, destination = ends.source, ends.destination
    return (
        ANY_SOURCE if source is None else name_of(source),
        UPSTREAM if destination is None else name_of(destination),
    )


def takes_all(row: RouteRow | RouteCreated | RouteUpdated) -> bool:
    """Whether all messages of one microservice go to one other: what ioFog calls a route."""
    ends, terms = row.ends, row.terms
    some = terms.condition or terms.output or terms.twin_changes
    return ends.source is not None and ends.destination is not None and not some


def end_names(world: "World", ends: RouteEnds) -> tuple[str, str]:
    """The same, of a route that is there."""
    return ends_as_written(ends, lambda key: world.microservices[key].name)


def table() -> Table[RouteId, RouteRow]:
    """An empty table of routes."""
    return Table(
        {
            "application": lambda row: (row.application_id,),
            "name": lambda row: ((row.application_id, row.name),),
            "any_source": lambda row: (row.application_id,) if row.ends.source is None else (),
            "source": lambda row: (row.ends.source,) if row.ends.source is not None else (),
            "destination": lambda row: (
                (row.ends.destination,) if row.ends.destination is not None else ()
            ),
        }
    )


def project(
    world: "World", event: RouteEvents, recorded: Recorded
) -> Iterator[Put[RouteId, RouteRow] | Drop[RouteId]]:
    """See view.py."""
    key, time = event.route_id, recorded.time
    match event:
        case RouteCreated():
            yield Put(
                key,
                RouteRow(
                    application_id=event.application_id,
                    name=event.name,
                    ends=event.ends,
                    terms=event.terms,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case RouteUpdated():
            row = world.routes[key]
            yield Put(
                key,
                replace(row, name=event.name, ends=event.ends, terms=event.terms, updated_at=time),
            )
        case RouteDeleted():
            yield Drop(key)
        case RouteDropped():
            pass  # of its messages, not of the route
        case _:
            assert_never(event)
