"""What a node's agent is told of a microservice: with all looked up that its spec only names."""

from msgspec.structs import replace

from agent import contract
from ecn.api.agent_documents import changed_since, desired, passwords_needed
from events.application import (
    ExtraHost,
    MicroserviceRebuilt,
    MicroserviceSpec,
    PullPolicy,
)
from events.catalog import (
    CatalogItemCreated,
    CatalogItemSettings,
    CatalogItemUpdated,
    RegistryCreated,
    RegistrySettings,
    SealedSecret,
)
from events.envelope import KnownEvent
from events.ids import START, CatalogItemId
from events.node import NodeRegistered, NodeSettings, Platform
from projections.world import World
from tests.builders import EAST, HUB, WEB, WEST, application, microservice, port, world_after

ITEM = CatalogItemId("item")
SECRET = SealedSecret(secret_id="secret", ciphertext=b"sealed")
SETTINGS = CatalogItemSettings(images={"arm": "camera:1-arm"}, registry_id=HUB)
NETWORK: tuple[KnownEvent, ...] = (
    NodeRegistered(
        node_id=EAST, name="east", settings=NodeSettings(host="10.0.0.1", platform=Platform.ARM)
    ),
    NodeRegistered(node_id=WEST, name="west", settings=NodeSettings(host="10.0.0.2")),
    RegistryCreated(
        registry_id=HUB, name="hub", settings=RegistrySettings(url="hub.example", password=SECRET)
    ),
    CatalogItemCreated(catalog_item_id=ITEM, name="camera", settings=SETTINGS),
    application(),
)


def told(world: World) -> contract.Microservice:
    """Of the one microservice of east."""
    changed = changed_since(world, EAST, START)
    passwords = dict.fromkeys(passwords_needed(world, changed), "open sesame")
    state = desired(
        world, EAST, since=START, changed=changed, passwords=passwords, stream_requests=[]
    )
    (found,) = state.changed
    return found


def network(spec: MicroserviceSpec, *more: KnownEvent) -> World:
    return world_after(*NETWORK, microservice(made_from=spec), *more)


def test_an_image_by_platform_is_the_nodes() -> None:
    spec = MicroserviceSpec(images={"x86": "a:1", "arm": "a:1-arm"})
    assert told(network(spec)).spec.image == "a:1-arm"


def test_where_there_is_none_it_is_empty() -> None:
    assert told(network(MicroserviceSpec(images={"x86": "a:1"}))).spec.image == ""


def test_an_item_brings_image_registry_and_password() -> None:
    found = told(network(MicroserviceSpec(catalog_item_id=ITEM)))
    assert found.spec.image == "camera:1-arm"
    assert found.registry == contract.Registry(url="hub.example", password="open sesame")


def test_a_changed_item_is_told_anew_and_a_cached_one_never_pulled() -> None:
    cached = CatalogItemSettings(images={"arm": "camera:2-arm"}, from_cache=True)
    changed = CatalogItemUpdated(catalog_item_id=ITEM, name="camera", settings=cached)
    world = network(MicroserviceSpec(catalog_item_id=ITEM, pull=PullPolicy.ALWAYS), changed)
    found = told(world)
    assert (found.spec.image, found.pull) == ("camera:2-arm", "never")
    assert found.registry is None
    assert found.revision == world.position


def test_ports_on_the_hosts_network_are_led_nowhere() -> None:
    spec = MicroserviceSpec(image="a:1", ports=[port(8080)])
    assert told(network(spec)).spec.ports == [contract.Port(host=8080, container=80)]
    assert told(network(replace(spec, host_network=True))).spec.ports == []


def test_hosts_are_told_as_they_are_now() -> None:
    hosts = [
        ExtraHost(name="till", address="${Agents.west}"),
        ExtraHost(name="gone", address="${Agents.nobody}"),
        ExtraHost(name="fixed", address="10.0.0.9"),
    ]
    assert told(network(MicroserviceSpec(image="a:1", extra_hosts=hosts))).spec.extra_hosts == [
        contract.ExtraHost(name="till", address="10.0.0.2"),
        contract.ExtraHost(name="fixed", address="10.0.0.9"),
    ]


def test_a_rebuild_wants_another_container() -> None:
    spec = MicroserviceSpec(image="a:1")
    before, after = (
        told(network(spec)),
        told(network(spec, MicroserviceRebuilt(microservice_id=WEB))),
    )
    assert before.spec != after.spec
    assert replace(after.spec, generation=before.spec.generation) == before.spec
