"""Applications and routes as ioFog's clients are shown them: from rows to answers. Pure."""

from msgspec import Struct, field

from ecn.iofog import numbers
from ecn.iofog.microservice_documents import Member, Usage, member, of_application
from ecn.iofog.owners import user_number
from ecn.iofog.times import iso
from events.ids import ApplicationId, RouteId
from projections.routes import takes_all
from projections.world import World


class Way(Struct, frozen=True, kw_only=True):
    """A route where its application is shown."""

    name: str
    from_: str = field(name="from")
    to: str


class Application(Struct, frozen=True, kw_only=True, rename="camel"):
    """One application with its parts."""

    id: int
    name: str
    description: str
    is_activated: bool
    is_system: bool
    created_at: str
    updated_at: str
    user_id: int | None
    microservices: list[Member]
    routes: list[Way]


class Applications(Struct, frozen=True):
    """All that are not of the system."""

    applications: list[Application]


class Flows(Struct, frozen=True):
    """The same, as they were called before."""

    flows: list[Application]


class Created(Struct, frozen=True):
    """An application that has just been made."""

    id: int
    name: str


class Route(Struct, frozen=True, kw_only=True, rename="camel"):
    """One route."""

    application: str
    name: str
    from_: str = field(name="from")
    to: str
    source_microservice_uuid: str
    dest_microservice_uuid: str


class Routes(Struct, frozen=True):
    """All routes."""

    routes: list[Route]


class CreatedRoute(Struct, frozen=True, kw_only=True, rename="camel"):
    """A route that has just been made."""

    is_network_connection: bool = False
    id: int
    name: str
    source_microservice_uuid: str
    dest_microservice_uuid: str
    application_id: int


def application(world: World, key: ApplicationId, usage: Usage) -> Application:
    """One application."""
    row = world.applications[key]
    return Application(
        id=numbers.on_the_wire(row.number),
        name=row.name,
        description=row.description,
        is_activated=row.started,
        is_system=row.system,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
        user_id=user_number(world, row.created_by),
        microservices=[member(world, each, usage) for each in of_application(world, key)],
        routes=[
            Way(name=shown.name, from_=shown.from_, to=shown.to)
            for each in _by_number(world, key)
            if (shown := route(world, each)) is not None
        ],
    )


def applications(world: World, usage: Usage) -> list[Application]:
    """All that are not of the system, as they were made."""
    listed = [(row.number, key) for key, row in world.applications.items() if not row.system]
    return [application(world, key, usage) for _, key in sorted(listed)]


def route(world: World, key: RouteId) -> Route | None:
    """One route; None, where it is none that ioFog's words can say."""
    row = world.routes[key]
    source, destination = row.ends.source, row.ends.destination
    if source is None or destination is None or not takes_all(row):
        return None
    return Route(
        application=world.applications[row.application_id].name,
        name=row.name,
        from_=world.microservices[source].name,
        to=world.microservices[destination].name,
        source_microservice_uuid=source,
        dest_microservice_uuid=destination,
    )


def routes(world: World) -> Routes:
    """All routes, as they were made."""
    listed = sorted((row.number, key) for key, row in world.routes.items())
    return Routes([shown for _, key in listed if (shown := route(world, key)) is not None])


def _by_number(world: World, key: ApplicationId) -> list[RouteId]:
    return sorted(world.routes.find("application", key), key=lambda each: world.routes[each].number)
