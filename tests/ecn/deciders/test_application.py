"""Applications as wholes: let it be exactly this, and nothing of it twice."""

import pytest
from msgspec.structs import replace

from ecn.commands.application import (
    ApplyApplication,
    DeleteApplication,
    StartApplication,
    StopApplication,
)
from ecn.deciders import rules
from ecn.errors import Invalid, NotFound, PortTaken
from events.application import (
    ApplicationDeleted,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId
from tests.builders import (
    BANK,
    CACHE,
    EAST,
    HUB,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    manifest,
    microservice,
    placement,
    registered,
    registry,
    spec,
)

NODES: tuple[KnownEvent, ...] = (registered(), registered(WEST))
SHOP_WITH_WEB: tuple[KnownEvent, ...] = (*NODES, application(), microservice("web", 8080))
FRESH = ApplicationId("a fresh id that is not needed")


def test_an_application_is_made_with_its_microservices() -> None:
    made = (
        given(*NODES)
        .when(manifest(placement("web", 8080), placement("cache", node=WEST)))
        .then(application(), microservice("web", 8080), microservice("cache", node_id=WEST))
    )
    made.when(manifest(placement("web", 8080), placement("cache", node=WEST))).then()


def test_an_empty_application_is_one() -> None:
    given().when(manifest()).then(application())


def test_one_that_is_there_keeps_its_id_and_its_microservices_theirs() -> None:
    again = manifest(placement("web", 8080, microservice_id="fresh too"), application_id=FRESH)
    given(*SHOP_WITH_WEB).when(again).then()


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (
            manifest(placement("web", 8080), description="sells"),
            ApplicationUpdated(application_id=SHOP, description="sells", labels={}),
        ),
        (
            manifest(placement("web", 8080), labels={"tier": "gold"}),
            ApplicationUpdated(application_id=SHOP, description="", labels={"tier": "gold"}),
        ),
        (
            manifest(placement("web", 8081)),
            MicroserviceUpdated(microservice_id=WEB, spec=spec(8081)),
        ),
        (
            manifest(placement("web", 8080, node="west")),
            MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
        ),
        (
            manifest(placement("web", 8080, started=False)),
            MicroserviceStopped(microservice_id=WEB),
        ),
        (
            manifest(placement("web", 8080), placement("cache")),
            microservice("cache"),
        ),
        (manifest(), MicroserviceDeleted(microservice_id=WEB)),
    ],
)
def test_what_differs_is_changed_and_nothing_else(
    command: ApplyApplication, event: KnownEvent
) -> None:
    given(*SHOP_WITH_WEB).when(command).then(event).when(command).then()


def test_everything_of_one_microservice_may_change_at_once() -> None:
    given(*SHOP_WITH_WEB).when(manifest(placement("web", 9090, node=WEST, started=False))).then(
        MicroserviceUpdated(microservice_id=WEB, spec=spec(9090)),
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
        MicroserviceStopped(microservice_id=WEB),
    )


def test_a_microservice_may_be_placed_to_be_started_later() -> None:
    placed = (
        given(*NODES)
        .when(manifest(placement(started=False)))
        .then(application(), microservice(), MicroserviceStopped(microservice_id=WEB))
    )
    placed.when(manifest(placement())).then(MicroserviceStarted(microservice_id=WEB))


def test_nodes_and_registries_are_named_or_given_by_id() -> None:
    by_name = manifest(placement(node="east", registry="hub"))
    by_id = manifest(placement(node=EAST, registry=HUB))
    made = (
        given(*NODES, registry())
        .when(by_name)
        .then(application(), microservice(made_from=spec(registry_id=HUB)))
    )
    made.when(by_id).then()


def test_a_registry_id_in_the_spec_itself_means_nothing() -> None:
    forged = placement(made_from=spec(registry_id=HUB))
    given(*NODES, registry()).when(manifest(forged)).then(application(), microservice())


@pytest.mark.parametrize(
    ("wanted", "kind", "field"),
    [
        (placement("cache", node="north"), "node", "$.microservices[1].node"),
        (placement("cache", registry="hub"), "registry", "$.microservices[1].registry"),
    ],
)
def test_what_a_manifest_names_has_to_be_there(wanted: object, kind: str, field: str) -> None:
    assert isinstance(wanted, type(placement()))
    refused = given(*NODES).when(manifest(placement(), wanted)).raises(NotFound)
    assert (refused.kind, refused.field) == (kind, field)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (manifest(name="Shop"), "$.name"),
        (manifest(description="\x00"), "$.description"),
        (manifest(labels={"ecn.x": ""}), "$.labels"),
        (manifest(placement("Web")), "$.microservices[0].name"),
        (manifest(placement(), placement()), "$.microservices[1].name"),
        (
            manifest(placement(), placement("cache", made_from=spec(image=""))),
            "$.microservices[1].image",
        ),
        (manifest(placement("web", 0)), "$.microservices[0].ports[0].host"),
        (
            manifest(*(placement(f"m{n}") for n in range(rules.MOST_ENTRIES + 1))),
            "$.microservices",
        ),
    ],
)
def test_a_manifest_is_refused_by_field(command: ApplyApplication, field: str) -> None:
    assert given(*NODES).when(command).raises(Invalid).field == field


# Ports


def test_two_microservices_of_a_manifest_do_not_share_a_port() -> None:
    refused = (
        given(*NODES)
        .when(manifest(placement("web", 80), placement("cache", 81, 80)))
        .raises(PortTaken)
    )
    assert refused.field == "$.microservices[1].ports[1].host"
    assert (refused.port, refused.protocol, refused.holder) == (
        80,
        "tcp",
        "microservice 'shop/web'",
    )


def test_they_may_on_different_nodes() -> None:
    given(*NODES).when(manifest(placement("web", 80), placement("cache", 80, node=WEST))).then(
        application(), microservice("web", 80), microservice("cache", 80, node_id=WEST)
    )


def test_a_port_of_another_application_is_taken() -> None:
    refused = (
        given(*SHOP_WITH_WEB)
        .when(manifest(placement("till", 8080), name="bank", application_id=BANK))
        .raises(PortTaken)
    )
    assert refused.holder == "microservice 'shop/web'"
    assert "'east'" in refused.detail


def test_two_microservices_may_swap_their_ports_at_once() -> None:
    both = given(*SHOP_WITH_WEB, microservice("cache", 9090))
    both.when(manifest(placement("web", 9090), placement("cache", 8080))).then(
        MicroserviceUpdated(microservice_id=WEB, spec=spec(9090)),
        MicroserviceUpdated(microservice_id=CACHE, spec=spec(8080)),
    )


def test_two_microservices_may_swap_their_nodes_at_once() -> None:
    both = given(*SHOP_WITH_WEB, microservice("cache", 8080, node_id=WEST))
    both.when(manifest(placement("web", 8080, node=WEST), placement("cache", 8080))).then(
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
        MicroserviceMoved(microservice_id=CACHE, from_node_id=WEST, to_node_id=EAST),
    )


def test_the_port_of_one_that_goes_is_free_for_one_that_comes() -> None:
    given(*SHOP_WITH_WEB).when(manifest(placement("new", 8080))).then(
        MicroserviceDeleted(microservice_id=WEB), microservice("new", 8080)
    )


def test_a_stopped_microservice_keeps_its_port() -> None:
    stopped = given(*SHOP_WITH_WEB, MicroserviceStopped(microservice_id=WEB))
    stopped.when(manifest(placement("till", 8080), name="bank", application_id=BANK)).raises(
        PortTaken
    )


def test_a_refused_manifest_changes_nothing_at_all() -> None:
    world = given(*SHOP_WITH_WEB)
    world.when(manifest(placement("web", 1), placement("cache", 1))).raises(PortTaken)
    world.when(manifest(placement("web", 8080))).then()


# Start, stop, delete


def test_an_application_is_stopped_and_started_once_each() -> None:
    stop, start = StopApplication(application_id=SHOP), StartApplication(application_id=SHOP)
    running = given(*SHOP_WITH_WEB)
    running.when(start).then()
    stopped = running.when(stop).then(ApplicationStopped(application_id=SHOP))
    stopped.when(stop).then()
    stopped.when(start).then(ApplicationStarted(application_id=SHOP))


def test_applying_leaves_a_stopped_application_stopped() -> None:
    stopped = given(*SHOP_WITH_WEB, ApplicationStopped(application_id=SHOP))
    after = stopped.when(manifest(placement("web", 8081))).then(
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8081))
    )
    assert not after.world.applications[SHOP].started


def test_an_application_is_deleted_with_its_microservices_and_no_others() -> None:
    other: tuple[KnownEvent, ...] = (
        application(BANK),
        microservice("till", application_id=BANK),
        microservice("cache"),
    )
    gone = (
        given(*SHOP_WITH_WEB, *other)
        .when(DeleteApplication(application_id=SHOP))
        .then(
            MicroserviceDeleted(microservice_id=CACHE),
            MicroserviceDeleted(microservice_id=WEB),
            ApplicationDeleted(application_id=SHOP),
        )
    )
    assert set(gone.world.microservices) == {"microservice-till"}
    gone.when(DeleteApplication(application_id=SHOP)).then()


@pytest.mark.parametrize("kind", [StartApplication, StopApplication])
def test_what_is_not_there_is_not_started_or_stopped(
    kind: type[StartApplication] | type[StopApplication],
) -> None:
    assert given().when(kind(application_id=SHOP)).raises(NotFound).kind == "application"


def test_an_application_may_be_made_anew_under_the_old_name() -> None:
    anew = replace(manifest(placement("web", 8080, microservice_id="new")), application_id=BANK)
    given(
        *SHOP_WITH_WEB,
        MicroserviceDeleted(microservice_id=WEB),
        ApplicationDeleted(application_id=SHOP),
    ).when(anew).then(
        application(BANK, "shop"),
        MicroserviceCreated(
            microservice_id=MicroserviceId("new"),
            application_id=BANK,
            node_id=EAST,
            name="web",
            spec=spec(8080),
        ),
    )
