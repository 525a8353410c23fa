"""Single microservices: added, changed, moved, started, stopped, removed."""

import pytest

from ecn.commands.application import (
    CreateMicroservice,
    DeleteMicroservice,
    MoveMicroservice,
    Placement,
    StartMicroservice,
    StopMicroservice,
    UpdateMicroservice,
)
from ecn.errors import Invalid, NameTaken, NotFound, PortTaken, RevisionMoved
from events.application import (
    ApplicationStopped,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.envelope import KnownEvent
from events.ids import Position
from tests.builders import (
    BANK,
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    microservice,
    placement,
    registered,
    spec,
    told,
)

SHOP_WITH_WEB: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    application(),
    microservice("web", 8080),
)
AS_MADE = Position(len(SHOP_WITH_WEB))
MOVED = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)


def create(wanted: Placement) -> CreateMicroservice:
    return CreateMicroservice(application_id=SHOP, placement=wanted)


def update(wanted: Placement, seen: Position = AS_MADE) -> UpdateMicroservice:
    return UpdateMicroservice(microservice_id=WEB, placement=wanted, seen=seen)


def test_one_is_added_to_an_application() -> None:
    given(*SHOP_WITH_WEB).when(create(placement("cache", 9090, node="west"))).then(
        microservice("cache", 9090, node_id=WEST)
    )


def test_one_may_be_added_to_be_started_later() -> None:
    given(*SHOP_WITH_WEB).when(create(placement("cache", started=False))).then(
        microservice("cache"),
        MicroserviceStopped(microservice_id=CACHE),
    )


def test_two_of_an_application_never_share_a_name() -> None:
    refused = given(*SHOP_WITH_WEB).when(create(placement("web", 9090))).raises(NameTaken)
    assert refused.name == "shop/web"


def test_two_of_different_applications_may() -> None:
    wanted = placement("web", 9090, microservice_id="other")
    given(*SHOP_WITH_WEB, application(BANK)).when(
        CreateMicroservice(application_id=BANK, placement=wanted)
    ).then(microservice("web", 9090, application_id=BANK, microservice_id="other"))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (placement("Cache"), "$.name"),
        (placement("cache", made_from=spec(image="")), "$.image"),
        (placement("cache", made_from=spec(config="[" * 3000)), "$.config"),
    ],
)
def test_one_is_added_by_the_rules(wanted: Placement, field: str) -> None:
    assert given(*SHOP_WITH_WEB).when(create(wanted)).raises(Invalid).field == field


@pytest.mark.parametrize(
    ("wanted", "field"),
    [(placement("cache", node="north"), "$.node"), (placement(registry="hub"), "$.registry")],
)
def test_what_it_names_has_to_be_there(wanted: Placement, field: str) -> None:
    assert given(*SHOP_WITH_WEB).when(create(wanted)).raises(NotFound).field == field


def test_it_needs_an_application() -> None:
    refused = given(registered()).when(create(placement())).raises(NotFound)
    assert refused.kind == "application"


def test_a_taken_port_is_refused_where_it_stands() -> None:
    refused = given(*SHOP_WITH_WEB).when(create(placement("cache", 1, 8080))).raises(PortTaken)
    assert (refused.field, refused.holder) == ("$.ports[1].host", "microservice 'shop/web'")


def test_an_update_is_what_differs() -> None:
    world = given(*SHOP_WITH_WEB)
    world.when(update(placement("web", 8080))).then()
    world.when(update(placement("web", 8081, node="west", started=False))).then(
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8081)),
        MOVED,
        MicroserviceStopped(microservice_id=WEB),
    )


def test_an_update_keeps_its_own_port() -> None:
    given(*SHOP_WITH_WEB).when(update(placement("web", 8080, 8081))).then(
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8080, 8081))
    )


def test_an_update_takes_no_port_of_another() -> None:
    given(*SHOP_WITH_WEB, microservice("cache", 9090)).when(update(placement("web", 9090))).raises(
        PortTaken
    )


def test_a_microservice_keeps_its_name() -> None:
    assert given(*SHOP_WITH_WEB).when(update(placement("shop"))).raises(Invalid).field == "$.name"


@pytest.mark.parametrize(
    "event",
    [
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8081)),
        MOVED,
        MicroserviceStopped(microservice_id=WEB),
        ApplicationStopped(application_id=SHOP),
    ],
)
def test_an_update_of_something_that_has_changed_since_is_refused(event: KnownEvent) -> None:
    given(*SHOP_WITH_WEB, event).when(update(placement("web", 9999))).raises(RevisionMoved)
    given(*SHOP_WITH_WEB, event).when(
        update(placement("web", 9999), Position(AS_MADE + 1))
    ).then_world()


def test_a_switch_within_a_stopped_application_is_a_change_too() -> None:
    """Nothing runs either way, but an edit that was begun before would undo it unseen."""
    given(
        *SHOP_WITH_WEB,
        ApplicationStopped(application_id=SHOP),
        MicroserviceStopped(microservice_id=WEB),
    ).when(update(placement("web", 9999), Position(AS_MADE + 1))).raises(RevisionMoved)


def test_what_its_agent_says_of_it_is_no_change() -> None:
    given(*SHOP_WITH_WEB, told(1)).when(update(placement("web", 8080))).then()


def test_one_is_stopped_and_started_once_each() -> None:
    stop, start = StopMicroservice(microservice_id=WEB), StartMicroservice(microservice_id=WEB)
    running = given(*SHOP_WITH_WEB)
    running.when(start).then()
    stopped = running.when(stop).then(MicroserviceStopped(microservice_id=WEB))
    stopped.when(stop).then()
    stopped.when(start).then(MicroserviceStarted(microservice_id=WEB))


@pytest.mark.parametrize("node", [WEST, "west"])
def test_one_is_moved_by_a_nodes_name_or_id(node: str) -> None:
    move = MoveMicroservice(microservice_id=WEB, node=node)
    given(*SHOP_WITH_WEB).when(move).then(MOVED).when(move).then()


def test_one_is_not_moved_into_a_taken_port() -> None:
    refused = (
        given(*SHOP_WITH_WEB, microservice("cache", 8080, node_id=WEST))
        .when(MoveMicroservice(microservice_id=WEB, node="west"))
        .raises(PortTaken)
    )
    assert (refused.port, refused.holder) == (8080, "microservice 'shop/cache'")


def test_one_is_not_moved_to_nowhere() -> None:
    move = MoveMicroservice(microservice_id=WEB, node="north")
    refused = given(*SHOP_WITH_WEB).when(move).raises(NotFound)
    assert (refused.kind, refused.field) == ("node", "$.node")


def test_one_is_deleted_once() -> None:
    delete = DeleteMicroservice(microservice_id=WEB)
    given(*SHOP_WITH_WEB).when(delete).then(MicroserviceDeleted(microservice_id=WEB)).when(
        delete
    ).then()


def test_the_port_of_a_deleted_one_is_free() -> None:
    given(*SHOP_WITH_WEB, MicroserviceDeleted(microservice_id=WEB)).when(
        create(placement("cache", 8080))
    ).then(microservice("cache", 8080))


@pytest.mark.parametrize(
    "command",
    [
        StartMicroservice(microservice_id=WEB),
        StopMicroservice(microservice_id=WEB),
        MoveMicroservice(microservice_id=WEB, node=EAST),
        update(placement()),
    ],
)
def test_what_is_not_there_is_not_found(
    command: StartMicroservice | StopMicroservice | MoveMicroservice | UpdateMicroservice,
) -> None:
    assert given(registered()).when(command).raises(NotFound).kind == "microservice"
