"""Microservices as ioFog writes them, as the domain keeps them, as ioFog is shown them again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.commands.application import CreateMicroservice, UpdateMicroservice
from ecn.iofog import microservice_documents as documents
from ecn.iofog import microservices
from ecn.iofog.bodies import typed
from ecn.iofog.microservice_bodies import UpdateMicroservice as Said
from ecn.iofog.refusals import Refusal
from events.application import ApplicationCreated, PullPolicy, VolumeMount
from events.ids import ApplicationId, MicroserviceId, NodeId
from events.network import DefaultRouter, DefaultRouterSet
from events.node import DEFAULT_ROUTER, NodeRegistered, NodeSettings, Platform
from projections.world import World
from tests.builders import When, world_after

APPLICATION, KEY = ApplicationId("a" * 32), MicroserviceId("b" * 32)
NODE, OTHER = NodeId("1" * 32), NodeId("2" * 32)
WORLD = world_after(
    NodeRegistered(
        node_id=NODE,
        name="node-1",
        settings=NodeSettings(host="1.2.3.4", platform=Platform.X86),
    ),
    NodeRegistered(node_id=OTHER, name="node-2", settings=NodeSettings()),
    DefaultRouterSet(network_id=DEFAULT_ROUTER, router=DefaultRouter(host="gate.example")),
    ApplicationCreated(application_id=APPLICATION, name="shop", started=False),
)

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
KEYS = st.text("ABC_", min_size=1, max_size=4)
PORTS = st.lists(
    st.builds(
        lambda internal, external, public: {
            "internal": internal,
            "external": external,
            "protocol": "tcp",
            **({"public": public} if public else {}),
        },
        st.integers(1, 9),
        st.integers(1, 9),
        st.none()
        | st.builds(
            lambda schemes, port, enabled: {
                "schemes": schemes,
                "protocol": "tcp",
                "enabled": enabled,
                "router": {"port": port, "host": "default-router"},
            },
            st.lists(st.sampled_from(["https", "wss", "tcp"]), min_size=1, max_size=2),
            st.integers(7000, 7100),
            st.booleans(),
        ),
    ),
    max_size=3,
    unique_by=(lambda port: port["internal"], lambda port: port["external"]),
).filter(
    lambda ports: (
        len({each["public"]["router"]["port"] for each in ports if "public" in each})
        == sum("public" in each for each in ports)
    )
)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "config": TEXT.filter(lambda said: said != "" and '\\"' not in said),
    "images": st.lists(
        st.sampled_from(["web:1", "repo/web:2", "host:5000/a/b@sha256:" + "0" * 64]),
        min_size=2,
        max_size=2,
    ).map(
        lambda names: [{"containerImage": n, "fogTypeId": i} for i, n in enumerate(names, start=1)]
    ),
    "registryId": st.sampled_from([1, 2]),
    "iofogUuid": st.sampled_from([NODE, OTHER]),
    "rootHostAccess": st.booleans(),
    "logSize": st.integers(1, 100),
    "volumeMappings": st.lists(
        st.builds(
            lambda source, target, mode: {
                "hostDestination": source,
                "containerDestination": "/" + target,
                "accessMode": mode,
                "type": "bind" if source.startswith("/") else "volume",
            },
            st.sampled_from(["/data", "/var/x", "named", "vol-1"]),
            st.sampled_from("abc"),
            st.sampled_from(["rw", "ro"]),
        ),
        max_size=3,
        unique_by=lambda volume: volume["containerDestination"],
    ),
    "ports": PORTS,
    "extraHosts": st.lists(
        st.sampled_from(
            [
                {"name": "a", "address": "10.0.0.1"},
                {"name": "b", "address": "${Agents.node-1}"},
            ]
        ),
        max_size=2,
        unique_by=lambda host: host["name"],
    ),
    "env": st.lists(
        st.builds(lambda key, value: {"key": key, "value": value}, KEYS, TEXT),
        max_size=4,
        unique_by=lambda variable: variable["key"],
    ),
    "cmd": st.lists(TEXT, max_size=3),
}
WHOLE = st.fixed_dictionaries(FIELDS)
PARTIAL = st.fixed_dictionaries({}, optional=FIELDS)

Body = dict[str, object]


def shown(world: World) -> Body:
    """The microservice as ioFog's clients read it."""
    document = documents.microservice(world, KEY, lambda _node, _microservice: None)
    read: Body = msgspec.json.decode(msgspec.json.encode(document))
    return read


def as_said(document: Body) -> Body:
    """The part of a document that a body may say, as a client would send it back."""
    kept = {key: document[key] for key in FIELDS}
    for port in msgspec.convert(kept["ports"], list[Body]):
        assert not isinstance(port.get("public"), str)
    return kept


def created(said: Body) -> World:
    wanted = microservices.wanted(WORLD, KEY, typed({"name": "web", **said}, Said), None)
    command = CreateMicroservice(application_id=APPLICATION, placement=wanted)
    return after(WORLD, command)


def changed(world: World, said: Body) -> World:
    row = world.microservices[KEY]
    wanted = microservices.wanted(world, KEY, typed(said, Said), row)
    command = UpdateMicroservice(microservice_id=KEY, placement=wanted, seen=row.revision)
    return after(world, command)


def after(world: World, command: CreateMicroservice | UpdateMicroservice) -> World:
    return When(world, command).then_world()


def expected(said: Body) -> Body:
    """What a client is to be shown of what it said: with links and numbers, and resolved."""
    return {
        key: [{k: v for k, v in each.items() if k != "public"} for each in value]  # type: ignore[attr-defined]
        if key == "ports"
        else value
        for key, value in said.items()
    }


def plain(document: Body) -> Body:
    """Without what the controller adds."""
    kept = as_said(document)
    for key, added in (("volumeMappings", "id"), ("extraHosts", "value"), ("ports", "public")):
        kept[key] = [
            {k: v for k, v in each.items() if k != added}
            for each in msgspec.convert(kept[key], list[Body])
        ]
    return kept


@given(WHOLE)
def test_what_is_said_is_shown(said: Body) -> None:
    assert plain(shown(created(said))) == expected(said)


@given(WHOLE)
def test_what_is_shown_changes_nothing_when_it_is_sent_back(said: Body) -> None:
    world = created(said)
    before = shown(world)
    again = changed(world, as_said(before))
    assert world.microservices[KEY] == again.microservices[KEY]
    assert shown(again) == before


@given(WHOLE, PARTIAL)
def test_what_is_not_said_stays_and_what_is_said_counts(said: Body, change: Body) -> None:
    world = created(said)
    before = plain(shown(world))
    after_ = plain(shown(changed(world, change)))
    assert after_ == {**before, **expected(change)}


@given(PORTS)
def test_public_ports_keep_what_is_said_and_have_a_link_for_each_scheme(ports: list[Body]) -> None:
    images = [{"containerImage": "web:1", "fogTypeId": 1}]
    document = shown(created({"agentName": "node-1", "images": images, "ports": ports}))
    found = msgspec.convert(document["ports"], list[Body])
    for said, mapping in zip(ports, found, strict=True):
        public, told = said.get("public"), mapping.get("public")
        assert (public is None) is (told is None)
        if isinstance(public, dict) and isinstance(told, dict):
            links = told.pop("links")
            assert told == public
            port = public["router"]["port"]
            assert links == [
                f"{scheme}://undefined-proxy-host:{port}" for scheme in public["schemes"]
            ]


IMAGES: Body = {"agentName": "node-1", "images": [{"containerImage": "web:1", "fogTypeId": 1}]}


def test_from_the_cache_means_never_pulled_and_back() -> None:
    world = created({**IMAGES, "registryId": 2})
    assert world.microservices[KEY].spec.pull is PullPolicy.NEVER
    world = changed(world, {"registryId": 1})
    assert world.microservices[KEY].spec.pull is PullPolicy.IF_NOT_PRESENT


def test_an_image_of_no_type_is_for_all() -> None:
    images = [{"containerImage": "web:1", "fogTypeId": 0}]
    spec = created({"agentName": "node-1", "images": images}).microservices[KEY].spec
    assert (spec.image, spec.images) == ("web:1", {})


def test_a_catalog_item_and_images_take_each_others_place() -> None:
    world = changed(created(IMAGES), {"catalogItemId": 14})
    assert (shown(world)["images"], shown(world)["catalogItemId"]) == ([], 14)
    with pytest.raises(Refusal, match="does not have valid images"):
        changed(world, {"catalogItemId": None})
    world = changed(world, {"catalogItemId": None, "images": IMAGES["images"]})
    assert (shown(world)["images"], shown(world)["catalogItemId"]) == (IMAGES["images"], None)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{\\"a\\": 1}', '{"a": 1}'),
        ('{"a": "x\\"y"}', '{"a": "x\\"y"}'),
        ('no json \\" at all', 'no json \\" at all'),
        ("string", "string"),
    ],
)
def test_a_config_is_the_text_that_was_meant(said: str, kept: str) -> None:
    assert microservices.config(said) == kept


@given(st.text(min_size=1), st.text(), st.booleans())
def test_a_volume_mapping_has_one_number_for_its_place(
    target: str, source: str, read_only: bool
) -> None:
    mount = VolumeMount(target=target, source=source, read_only=read_only)
    number = microservices.volume_number(mount)
    assert number == microservices.volume_number(VolumeMount(target=target))
    assert 0 < number < 1 << 31


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"ports": [{"internal": 1, "external": 54322}]}, "Port '54322' is reserved"),
        ({"ports": [{"internal": 1, "external": 1, "proxy": True}]}, "proxy broker"),
        (
            {
                "ports": [
                    {
                        "internal": 7,
                        "external": 1,
                        "public": {"schemes": ["ws"], "protocol": "http"},
                    }
                ]
            },
            "Public port 7 has a scheme of ws",
        ),
        ({"images": []}, "Microservice web does not have valid images"),
        ({"catalogItemId": 14, **IMAGES}, "Catalog item 14 does not match provided images"),
    ],
)
def test_what_may_not_be_is_refused(said: Body, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        changed(created(IMAGES), said)
