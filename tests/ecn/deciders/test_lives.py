"""What becomes of applications and microservices besides their specs: names, rebuilds, traces."""

import pytest
from msgspec.structs import replace

from ecn.commands.application import (
    ApplyApplication,
    CreateMicroservice,
    RebuildMicroservice,
    RenameMicroservice,
    RequestSnapshot,
    SwitchTracing,
    UpdateApplication,
)
from ecn.errors import Invalid, NameTaken, NoImage, NotFound
from events.application import (
    ApplicationCreated,
    ApplicationRenamed,
    ApplicationUpdated,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceSpec,
    SnapshotRequested,
    TracingSwitched,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId
from events.node import NodeSettings, NodeUpdated, Platform
from projections.desired_state import revision
from projections.world import fold
from tests.builders import (
    BANK,
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    given,
    manifest,
    microservice,
    placement,
    registered,
    world_after,
)

NETWORK: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    application(),
    microservice("web"),
    microservice("cache", node_id=WEST),
)


def test_an_application_is_made_as_it_should_begin() -> None:
    command = ApplyApplication(application_id=SHOP, name="shop", started=False, system=True)
    made = (
        given()
        .when(command)
        .then(ApplicationCreated(application_id=SHOP, name="shop", started=False, system=True))
    )
    row = made.world.applications[SHOP]
    assert (row.started, row.system, row.number, row.created_by) == (False, True, 1, "user/anna")


def test_applied_again_it_goes_on_as_it_did() -> None:
    stopped = ApplyApplication(
        application_id=BANK, name="shop", started=False, microservices=None, routes=None
    )
    given(*NETWORK).when(stopped).then()


def test_a_new_one_has_a_name_of_its_own() -> None:
    new = ApplyApplication(application_id=BANK, name="shop", new=True)
    assert given(*NETWORK).when(new).raises(NameTaken).name == "shop"


def update(name: str = "shop", description: str = "", *, system: bool = False) -> UpdateApplication:
    return UpdateApplication(application_id=SHOP, name=name, description=description, system=system)


def test_an_application_gets_another_name_and_keeps_its_labels() -> None:
    labelled = ApplicationCreated(application_id=SHOP, name="shop", labels={"team": "web"})
    after = (
        given(labelled)
        .when(update("market", "sells", system=True))
        .then(
            ApplicationRenamed(application_id=SHOP, name="market"),
            ApplicationUpdated(
                application_id=SHOP, description="sells", labels={"team": "web"}, system=True
            ),
        )
    )
    after.when(update("market", "sells", system=True)).then()
    assert after.world.applications.one("name", "shop") is None


def test_it_keeps_the_rules() -> None:
    network = given(*NETWORK, application(BANK))
    network.when(update("bank")).raises(NameTaken)
    network.when(update("Not A Name")).raises(Invalid)
    network.when(replace(update(), application_id=ApplicationId("nobody"))).raises(NotFound)


def test_a_microservice_gets_another_name() -> None:
    rename = RenameMicroservice(microservice_id=WEB, name="site")
    after = given(*NETWORK).when(rename).then(MicroserviceRenamed(microservice_id=WEB, name="site"))
    after.when(rename).then()
    assert after.world.names.get(f"microservice/{WEB}") == "shop/site"


@pytest.mark.parametrize(("name", "refusal"), [("cache", NameTaken), ("Site", Invalid)])
def test_it_may_not_take_any(name: str, refusal: type[NameTaken | Invalid]) -> None:
    given(*NETWORK).when(RenameMicroservice(microservice_id=WEB, name=name)).raises(refusal)


def test_a_rebuild_is_a_rebuild_each_time() -> None:
    rebuild = RebuildMicroservice(microservice_id=WEB)
    rebuilt = MicroserviceRebuilt(microservice_id=WEB)
    given(*NETWORK).when(rebuild).then(rebuilt).when(rebuild).then(rebuilt)


def test_tracing_is_switched_and_stays_so() -> None:
    on = SwitchTracing(microservice_id=WEB, enabled=True)
    off = SwitchTracing(microservice_id=WEB, enabled=False)
    network = given(*NETWORK)
    network.when(off).then()
    traced = network.when(on).then(TracingSwitched(microservice_id=WEB, enabled=True))
    traced.when(on).then()
    traced.when(off).then(TracingSwitched(microservice_id=WEB, enabled=False))


def test_each_snapshot_is_asked_for() -> None:
    asked = SnapshotRequested(microservice_id=WEB)
    snapshot = RequestSnapshot(microservice_id=WEB)
    after = given(*NETWORK).when(snapshot).then(asked).when(snapshot).then(asked)
    assert after.world.microservices[WEB].snapshot == after.world.position


@pytest.mark.parametrize(
    "command",
    [
        RenameMicroservice(microservice_id=MicroserviceId("nobody"), name="a"),
        RebuildMicroservice(microservice_id=MicroserviceId("nobody")),
        SwitchTracing(microservice_id=MicroserviceId("nobody"), enabled=True),
        RequestSnapshot(microservice_id=MicroserviceId("nobody")),
    ],
)
def test_nobody_gets_nothing(
    command: RenameMicroservice | RebuildMicroservice | SwitchTracing | RequestSnapshot,
) -> None:
    given(*NETWORK).when(command).raises(NotFound)


@pytest.mark.parametrize(
    ("event", "rebuilt", "moved"),
    [
        (MicroserviceRebuilt(microservice_id=WEB), [WEB], [EAST]),
        (MicroserviceRenamed(microservice_id=WEB, name="site"), [WEB], [EAST]),
        (ApplicationRenamed(application_id=SHOP, name="market"), [CACHE, WEB], [EAST, WEST]),
        (TracingSwitched(microservice_id=WEB, enabled=True), [], []),
        (SnapshotRequested(microservice_id=WEB), [], []),
    ],
)
def test_what_gets_a_new_container_and_who_hears_of_it(
    event: KnownEvent, rebuilt: list[str], moved: list[str]
) -> None:
    before = world_after(*NETWORK)
    after = fold(before, chained(before.head, event))
    keys = [key for key in (CACHE, WEB) if after.microservices[key].rebuilt == after.position]
    assert keys == rebuilt
    assert [key for key in (EAST, WEST) if revision(after, key) == after.position] == moved


def test_a_renamed_application_is_known_by_its_new_name() -> None:
    renamed = ApplicationRenamed(application_id=SHOP, name="market")
    names = world_after(*NETWORK, renamed).names
    assert names.get(f"application/{SHOP}") == "market"
    assert names.get(f"microservice/{WEB}") == "market/web"


def test_one_of_three_says_what_to_run() -> None:
    nothing = MicroserviceSpec()
    both = MicroserviceSpec(image="a:1", images={"x86": "a:1"})
    for wrong in (nothing, both):
        refused = given(*NETWORK).when(manifest(placement(made_from=wrong))).raises(Invalid)
        assert refused.field == "$.microservices[0].image"


@pytest.mark.parametrize("images", [{"mips": "a:1"}, {"x86": "Not An Image"}])
def test_images_are_by_known_platforms(images: dict[str, str]) -> None:
    wrong = MicroserviceSpec(images=images)
    given(*NETWORK).when(manifest(placement(made_from=wrong))).raises(Invalid)


def test_an_image_for_the_nodes_platform_is_needed_where_that_is_known() -> None:
    arm_only = CreateMicroservice(
        application_id=SHOP,
        placement=placement("probe", made_from=MicroserviceSpec(images={"arm": "a:1"})),
    )
    x86 = NodeUpdated(node_id=EAST, settings=NodeSettings(platform=Platform.X86))
    refused = given(*NETWORK, x86).when(arm_only).raises(NoImage)
    assert (refused.field, refused.platform) == ("$.images", "x86")
    given(*NETWORK).when(arm_only).then_world()


@pytest.mark.parametrize("reserved", [54321, 54322])
def test_ports_of_the_agent_itself_are_nobodys(reserved: int) -> None:
    refused = given(*NETWORK).when(manifest(placement("web", reserved))).raises(Invalid)
    assert refused.field == "$.microservices[0].ports[0].host"
