"""Routes: between microservices of one application, each way once, gone with either end."""

import pytest

from ecn.commands.application import (
    ApplyApplication,
    DeleteApplication,
    DeleteMicroservice,
    RenameMicroservice,
    WantedRoute,
)
from ecn.commands.node import DeleteNode
from ecn.commands.route import CreateRoute, DeleteRoute, UpdateRoute
from ecn.errors import Invalid, NameTaken, NotFound, RouteExists
from events.application import (
    ApplicationDeleted,
    MicroserviceDeleted,
    MicroserviceRenamed,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, RouteId
from events.node import NodeDeleted
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteUpdated
from tests.builders import (
    BANK,
    CACHE,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    manifest,
    microservice,
    placement,
    registered,
)

R = RouteId("route")
THERE = RouteEnds(source=WEB, destination=CACHE)
BACK = RouteEnds(source=CACHE, destination=WEB)
SHOP_OF_TWO: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    application(),
    application(BANK),
    microservice("web"),
    microservice("cache", node_id=WEST),
    microservice("till", application_id=BANK),
)


def route(
    name: str = "r-web-cache", ends: RouteEnds = THERE, route_id: str = "route"
) -> KnownEvent:
    return RouteCreated(route_id=RouteId(route_id), application_id=SHOP, name=name, ends=ends)


def create(
    source: str = "web",
    destination: str = "cache",
    name: str = "",
    *,
    application_id: ApplicationId = SHOP,
) -> CreateRoute:
    return CreateRoute(
        route_id=R,
        application_id=application_id,
        name=name,
        source=source,
        destination=destination,
    )


@pytest.mark.parametrize("source", ["web", WEB])
def test_one_is_made_by_names_or_ids_and_called_after_them(source: str) -> None:
    given(*SHOP_OF_TWO).when(create(source)).then(route())


def test_a_microservice_may_speak_to_itself() -> None:
    given(*SHOP_OF_TWO).when(create("web", "web", "loop")).then(
        route("loop", RouteEnds(source=WEB, destination=WEB))
    )


def test_each_way_is_there_once() -> None:
    network = given(*SHOP_OF_TWO, route())
    assert network.when(create(name="again")).raises(RouteExists).route == "shop/r-web-cache"
    network.when(create("cache", "web")).then(route("r-cache-web", BACK))


def test_names_are_unique_in_an_application() -> None:
    network = given(*SHOP_OF_TWO, route("a"))
    network.when(create("cache", "web", "a")).raises(NameTaken)
    network.when(create("till", "till", "a", application_id=BANK)).then(
        RouteCreated(
            route_id=R,
            application_id=BANK,
            name="a",
            ends=RouteEnds(
                source=MicroserviceId("microservice-till"),
                destination=MicroserviceId("microservice-till"),
            ),
        )
    )


@pytest.mark.parametrize("end", ["nobody", "till", "microservice-till"])
def test_both_ends_are_of_that_application(end: str) -> None:
    network = given(*SHOP_OF_TWO)
    assert network.when(create("web", end)).raises(NotFound).field == "$.destination"
    assert network.when(create(end, "web")).raises(NotFound).field == "$.source"


def test_no_application_no_route() -> None:
    given(*SHOP_OF_TWO).when(create(application_id=ApplicationId("nobody"))).raises(NotFound)


@pytest.mark.parametrize("name", ["Upper", "a/b", "-a", "a" * 200])
def test_its_name_keeps_the_rules(name: str) -> None:
    given(*SHOP_OF_TWO).when(create(name=name)).raises(Invalid)


def test_the_usual_name_fits_the_longest_names() -> None:
    one, other = "a" * 63, "b" * 63
    network = given(registered(), application(), microservice(one), microservice(other))
    network.when(create(one, other)).then_world()


def test_it_gets_another_name_and_other_ends() -> None:
    update = UpdateRoute(route_id=R, name="back", source="cache", destination="web")
    after = given(*SHOP_OF_TWO, route()).when(update)
    after.then(RouteUpdated(route_id=R, name="back", ends=BACK)).when(update).then()


def test_changed_it_breaks_no_rule_either() -> None:
    network = given(*SHOP_OF_TWO, route("a"), route("b", BACK, "other"))

    def update(name: str, source: str, destination: str) -> UpdateRoute:
        return UpdateRoute(route_id=R, name=name, source=source, destination=destination)

    network.when(update("b", "web", "cache")).raises(NameTaken)
    network.when(update("a", "cache", "web")).raises(RouteExists)
    network.when(update("a", "web", "nobody")).raises(NotFound)


def test_it_is_deleted_and_stays_so() -> None:
    delete = DeleteRoute(route_id=R)
    given(*SHOP_OF_TWO, route()).when(delete).then(RouteDeleted(route_id=R)).when(delete).then()


def test_it_goes_before_its_end_does() -> None:
    network = given(*SHOP_OF_TWO, route(), route("b", BACK, "other"))
    both = [RouteDeleted(route_id=RouteId("other")), RouteDeleted(route_id=R)]
    network.when(DeleteMicroservice(microservice_id=WEB)).then(
        *both, MicroserviceDeleted(microservice_id=WEB)
    )
    gone = [MicroserviceDeleted(microservice_id=key) for key in (CACHE, WEB)]
    network.when(DeleteApplication(application_id=SHOP)).then(
        *both, *gone, ApplicationDeleted(application_id=SHOP)
    )
    network.when(DeleteNode(node_id=WEST, force=True)).then(
        *both, MicroserviceDeleted(microservice_id=CACHE), NodeDeleted(node_id=WEST)
    )


def test_an_end_may_get_another_name() -> None:
    rename = RenameMicroservice(microservice_id=WEB, name="site")
    given(*SHOP_OF_TWO, route()).when(rename).then(
        MicroserviceRenamed(microservice_id=WEB, name="site")
    )


def wanted(source: str, destination: str, name: str = "") -> WantedRoute:
    return WantedRoute(
        route_id=RouteId(f"fresh-{source}-{destination}"),
        name=name,
        source=source,
        destination=destination,
    )


def apply(*routes: WantedRoute, started: bool = True) -> ApplyApplication:
    shop = manifest(placement("web"), placement("cache", node=WEST))
    return ApplyApplication(
        application_id=shop.application_id,
        name=shop.name,
        microservices=shop.microservices,
        routes=list(routes),
        started=started,
    )


def test_an_application_is_applied_with_its_routes() -> None:
    network = given(*SHOP_OF_TWO, route("gone", BACK, "other"), route("kept"))
    command = apply(wanted("web", "cache", "kept"), wanted("cache", "cache"))
    fresh = RouteId("fresh-cache-cache")
    ends = RouteEnds(source=CACHE, destination=CACHE)
    after = network.when(command).then(
        RouteDeleted(route_id=RouteId("other")),
        RouteCreated(route_id=fresh, application_id=SHOP, name="r-cache-cache", ends=ends),
    )
    after.when(command).then()


def test_a_route_of_the_same_name_is_turned() -> None:
    given(*SHOP_OF_TWO, route("a")).when(apply(wanted("cache", "web", "a"))).then(
        RouteUpdated(route_id=R, name="a", ends=BACK)
    )


def test_two_routes_swap_their_names() -> None:
    network = given(*SHOP_OF_TWO, route("a"), route("b", BACK, "other"))
    world = network.when(
        apply(wanted("web", "cache", "b"), wanted("cache", "web", "a"))
    ).then_world()
    assert {row.name: row.ends for _, row in world.routes.items()} == {"a": BACK, "b": THERE}


def test_none_leaves_routes_and_microservices_as_they_are() -> None:
    leave = ApplyApplication(application_id=SHOP, name="shop", microservices=None, routes=None)
    given(*SHOP_OF_TWO, route()).when(leave).then()


def test_routes_alone_are_applied_to_what_is_there() -> None:
    only = ApplyApplication(
        application_id=SHOP, name="shop", microservices=None, routes=[wanted("web", "cache")]
    )
    given(*SHOP_OF_TWO).when(only).then(
        RouteCreated(
            route_id=RouteId("fresh-web-cache"),
            application_id=SHOP,
            name="r-web-cache",
            ends=THERE,
        )
    )


def test_a_microservice_that_leaves_takes_its_route_along() -> None:
    shop = manifest(placement("web"))
    leave = ApplyApplication(
        application_id=SHOP, name="shop", microservices=shop.microservices, routes=None
    )
    given(*SHOP_OF_TWO, route()).when(leave).then(
        RouteDeleted(route_id=R), MicroserviceDeleted(microservice_id=CACHE)
    )


@pytest.mark.parametrize(
    ("routes", "refusal"),
    [
        ([wanted("web", "nobody")], NotFound),
        ([wanted("web", "cache", "a"), wanted("cache", "web", "a")], Invalid),
        ([wanted("web", "cache", "a"), wanted("web", "cache", "b")], RouteExists),
    ],
)
def test_an_application_with_impossible_routes_is_refused(
    routes: list[WantedRoute], refusal: type[Invalid | NotFound | RouteExists]
) -> None:
    given(*SHOP_OF_TWO).when(apply(*routes)).raises(refusal)
