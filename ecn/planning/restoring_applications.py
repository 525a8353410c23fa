"""The commands that let applications stand as they stood, with what is in them. Pure."""

from collections.abc import Iterator

from ecn.commands.application import (
    ApplyApplication,
    CreateMicroservice,
    Placement,
    RenameMicroservice,
    StartApplication,
    StopApplication,
    UpdateApplication,
    UpdateMicroservice,
    WantedRoute,
)
from ecn.commands.route import CreateRoute, UpdateRoute
from ecn.commands.together import ApplicationStanding, SingleCommand
from ecn.commands.twin import ReplaceTwin
from ecn.errors import NotRestorable
from ecn.planning.references import as_it_is_named, spec_with_names
from events.ids import ApplicationId, MicroserviceId, RouteId
from projections.routes import ends_as_written
from projections.twins import twin_of
from projections.world import World


def application_as(
    now: World,
    then: World,
    here: ApplicationId | None,
    old: ApplicationId,
    stood: ApplicationStanding,
) -> list[SingleCommand]:
    """An application with its microservices and routes, under the names that they had.

    here: its id now, None where it is gone. old: the id that it had.
    """
    application_id = here or old
    restored: list[SingleCommand] = []
    if here is not None:
        row = now.applications[here]
        if row.name != stood.name:
            restored.append(
                UpdateApplication(
                    application_id=here,
                    name=stood.name,
                    description=row.description,
                    system=row.system,
                )
            )
        restored += _renames(now, then, here, old)
        restored += _renamed_routes(now, then, here, old)
    members = {
        row.name: key
        for key in then.microservices.find("application", old)
        for row in [then.microservices[key]]
    }
    routes = {then.routes[key].name: key for key in then.routes.find("application", old)}
    restored.append(
        ApplyApplication(
            application_id=application_id,
            name=stood.name,
            description=stood.description,
            labels=stood.labels,
            microservices=[_placement(now, then, members[name]) for name in stood.microservices],
            routes=[
                WantedRoute(
                    route_id=routes[name],
                    name=name,
                    source=each.source,
                    destination=each.destination,
                    terms=each.terms,
                )
                for name, each in stood.routes.items()
            ],
            system=stood.system,
            new=here is None,
        )
    )
    for name in stood.microservices:
        present = _present(now, here, members[name], name)
        restored += _twin(now, then, present, members[name])
    switch = StartApplication if stood.started else StopApplication
    return [*restored, switch(application_id=application_id)]


def microservice_as(
    now: World, then: World, here: MicroserviceId | None, old: MicroserviceId
) -> list[SingleCommand]:
    """One microservice, in the application that it was in."""
    placement = _placement(now, then, old)
    if here is None:
        application_id = _application(now, then, then.microservices[old].application_id)
        created = CreateMicroservice(application_id=application_id, placement=placement)
        return [created, *_twin(now, then, old, old)]
    row = now.microservices[here]
    updated = UpdateMicroservice(
        microservice_id=here,
        placement=_placement(now, then, old, name=row.name),
        seen=row.revision,
    )
    restored: list[SingleCommand] = [updated]
    if row.name != placement.name:
        restored.append(RenameMicroservice(microservice_id=here, name=placement.name))
    return [*restored, *_twin(now, then, here, old)]


def route_as(now: World, then: World, here: RouteId | None, old: RouteId) -> list[SingleCommand]:
    """One route, in the application that it was in."""
    row = then.routes[old]
    source, destination = ends_as_written(
        row.ends, lambda key: key if key in now.microservices else then.microservices[key].name
    )
    if here is not None:
        return [
            UpdateRoute(
                route_id=here,
                name=row.name,
                source=source,
                destination=destination,
                terms=row.terms,
            )
        ]
    return [
        CreateRoute(
            route_id=old,
            application_id=_application(now, then, row.application_id),
            name=row.name,
            source=source,
            destination=destination,
            terms=row.terms,
        )
    ]


def _application(now: World, then: World, old: ApplicationId) -> ApplicationId:
    """What is that application now. Errors: NotRestorable."""
    name = then.applications[old].name
    found = old if old in now.applications else now.applications.one("name", name)
    if found is None:
        raise NotRestorable(
            f"its application {name!r} is not there any more",
            next_step=f"Revert the application: application/{name}",
        )
    return found


def _renames(
    now: World, then: World, here: ApplicationId, old: ApplicationId
) -> Iterator[RenameMicroservice]:
    """What gives microservices that are still there the names that they had.

    Who bears such a name by now steps aside first: it gets its own old name then, or goes.
    """
    bears = {
        now.microservices[key].name: key for key in now.microservices.find("application", here)
    }
    for key in sorted(then.microservices.find("application", old)):
        if key not in now.microservices or now.microservices[key].application_id != here:
            continue
        name = then.microservices[key].name
        if bears.get(name) == key:
            continue
        other = bears.pop(name, None)
        if other is not None:
            aside = f"was-{other[:32]}".rstrip("-.")
            bears[aside] = other
            yield RenameMicroservice(microservice_id=other, name=aside)
        bears = {each: of for each, of in bears.items() if of != key} | {name: key}
        yield RenameMicroservice(microservice_id=key, name=name)


def _renamed_routes(
    now: World, then: World, here: ApplicationId, old: ApplicationId
) -> Iterator[UpdateRoute]:
    """What gives routes that are still there the names that they had, where those are free. Else
    they are made anew."""
    taken = {now.routes[key].name for key in now.routes.find("application", here)}
    for key in sorted(then.routes.find("application", old)):
        name, row = then.routes[key].name, now.routes.get(key)
        if row is not None and row.application_id == here and name not in taken:
            taken.add(name)
            source, destination = ends_as_written(row.ends, str)
            yield UpdateRoute(
                route_id=key,
                name=name,
                source=source,
                destination=destination,
                terms=row.terms,
            )


def _present(
    now: World, here: ApplicationId | None, old: MicroserviceId, name: str
) -> MicroserviceId:
    """What the microservice `old` is once its application is restored."""
    if here is None or old in now.microservices:
        return old
    return now.microservices.one("name", (here, name)) or old


def _twin(
    now: World, then: World, here: MicroserviceId, old: MicroserviceId
) -> Iterator[ReplaceTwin]:
    """What gives its twin the desired properties that it had. Reported ones are its own word."""
    stood = twin_of(then, old).desired
    if twin_of(now, here).desired != stood:
        yield ReplaceTwin(microservice_id=here, desired=stood)


def _placement(now: World, then: World, key: MicroserviceId, name: str = "") -> Placement:
    row = then.microservices[key]
    registry_id = row.spec.registry_id
    return Placement(
        microservice_id=key,
        name=name or row.name,
        node=as_it_is_named(now, then, "node", row.node_id),
        registry=as_it_is_named(now, then, "registry", registry_id) if registry_id else None,
        started=row.started,
        spec=spec_with_names(now, then, row.spec),
    )
