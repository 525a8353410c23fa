"""Documents of ioFog in `ecn deploy -f`: what they stand for, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.cli.errors import BadManifest
from ecn.cli.manifests import read_manifests
from ecn.manifests.iofog.order import Circle, ordered
from ecn.manifests.iofog.reading import ELSEWHERE
from ecn.manifests.kinds import Kind
from ecn.manifests.wishes import (
    ORDER,
    CatalogItem,
    EdgeResource,
    Manifest,
    NodeChange,
    Ported,
    Registry,
    Route,
    Volume,
    reference,
)
from ecn.yaml_text import dumped


def document(kind: str, name: str = "x", **spec: object) -> str:
    """One of ioFog's."""
    frame = {"apiVersion": "iofog.org/v3", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return dumped(frame)


def read(*documents: str) -> list[Manifest]:
    return read_manifests([("m.yaml", "---\n".join(documents))])


def one(text: str) -> Manifest:
    [manifest] = read(text)
    return manifest


def faults(*documents: str) -> list[str]:
    with pytest.raises(BadManifest) as refused:
        read(*documents)
    return [line.partition(" ")[2] for line in str(refused.value.message).split("\n")]


ROUTE = document("Route", "demo/back", **{"from": "a", "to": "b"})
MICROSERVICE = {
    "name": "web",
    "agent": {"name": "edge"},
    "images": {"x86": "busybox", "registry": "remote"},
    "container": {"ports": [{"internal": 80, "external": 5000}], "env": [{"key": "A", "value": 1}]},
    "config": {"any": ["thing"]},
}
APPLICATION = document("Application", "demo", microservices=[MICROSERVICE], routes=[])


def test_an_agents_configuration_is_a_change_of_a_node() -> None:
    text = document(
        "AgentConfig",
        "edge",
        host="10.0.0.7",
        agentType="arm",
        diskLimit=20,
        bluetoothEnabled=False,
        upstreamRouters=["hub", "default-router"],
        routerConfig={"routerMode": "edge", "messagingPort": 5673},
    ).replace("name: edge\n", "name: edge\n  tags: [gpu]\n", 1)
    assert one(text) == NodeChange(
        "edge",
        {
            "host": "10.0.0.7",
            "platform": "arm",
            "tags": ["gpu"],
            "agent": {"disk_limit_gib": 20, "bluetooth": False},
            "router": {
                "messaging_port": 5673,
                "mode": "edge",
                "upstreams": ["hub", "default-router"],
            },
        },
    )


def test_an_edge_resource_a_route_a_catalog_item_and_a_volume_are_ours() -> None:
    resource = one(
        document(
            "EdgeResource",
            "camera",
            version="1.10.0",
            interfaceProtocol="https",
            interface={"endpoints": [{"name": "shot", "method": "GET", "url": "/shot"}]},
            orchestrationTags=["cam"],
        )
    )
    assert isinstance(resource, EdgeResource)
    assert (resource.name, resource.body.endpoints[0].url) == ("camera@1.10.0", "/shot")
    route = one(ROUTE)
    assert isinstance(route, Route)
    assert (route.name, route.body.source, route.body.destination) == ("demo/back", "a", "b")
    item = one(document("CatalogItem", "till", x86="till:1", registry="local"))
    assert isinstance(item, CatalogItem)
    assert (item.body.images, item.body.from_cache) == ({"x86": "till:1"}, True)
    volume = one(document("Volume", agents=["e"], source="conf", destination="/etc/x/"))
    assert isinstance(volume, Volume)
    assert (volume.spec.destination, volume.spec.nodes) == ("/etc/x", ["e"])


def test_a_registry_without_a_name_is_called_like_its_host() -> None:
    spec = "spec: {url: 'https://hub.example:5000/v1/', private: true, username: u, password: p}\n"
    registry = one(f"apiVersion: iofog.org/v3\nkind: Registry\n{spec}")
    assert isinstance(registry, Registry)
    assert (registry.name, registry.spec.url) == ("hub.example-5000", "hub.example:5000")
    assert (registry.spec.public, registry.spec.secure) == (False, True)


def test_applications_go_to_the_controller_as_they_are() -> None:
    application = one(APPLICATION)
    assert isinstance(application, Ported)
    assert (application.kind, application.name) == (Kind.APPLICATION, "demo")
    assert application.document.spec["microservices"] == [MICROSERVICE]
    spec = {name: value for name, value in MICROSERVICE.items() if name != "name"}
    microservice = one(document("Microservice", "demo/web", **spec))
    assert reference(microservice).name == "demo/web"


@pytest.mark.parametrize("kind", sorted(ELSEWHERE))
def test_what_is_about_machines_is_refused_with_what_to_do_instead(kind: str) -> None:
    [said] = faults(document(kind, controllers=[]))
    assert said.startswith(f"kind: {kind} is nothing that ecn deploys; ")
    assert "ecn " in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            document("AgentConfig", dikLimit=3),
            "spec.dikLimit: there is no such field; did you mean diskLimit?",
        ),
        (
            document("AgentConfig", agentType="mips"),
            "spec.agentType: 'mips' is not possible; known are: auto, x86, arm",
        ),
        (
            document("AgentConfig", routerConfig={"routerMode": "interio"}),
            "spec.routerConfig.routerMode: 'interio' is not possible; did you mean interior?",
        ),
        (
            document("Route", "back", **{"from": "a", "to": "b"}),
            "metadata.name: 'back' names no Route: write <application>/<name>",
        ),
        (
            document("Volume", agents=["e"], source=".", destination="/x", mode=3),
            "spec.mode: there is no such field; known are: name, agents, source, destination, "
            "permissions",
        ),
        (
            document("Registry", id=5, url="hub"),
            "spec.id: it is known by its name here: leave the id out",
        ),
        (
            document("CatalogItem", registry="5"),
            "spec.registry: remote, local, or a registry's name here: ecn get registries",
        ),
        (
            APPLICATION.replace("external: 5000", "external: [1]"),
            "spec.microservices[0].container.ports[0].external: expected a whole number, "
            "found a list",
        ),
        (
            APPLICATION.replace("commands", "x").replace("internal", "internl"),
            "spec.microservices[0].container.ports[0].internl: there is no such field; "
            "did you mean internal?",
        ),
        (
            APPLICATION.replace("name: edge", "name: edge\n        config: {diskLimit: 3}"),
            "spec.microservices[0].agent.config: an agent is set up by a document of its own, "
            "of kind AgentConfig",
        ),
        (document("Aplication"), "kind: 'Aplication' is not a kind; did you mean Application?"),
    ],
)
def test_faults_are_told_with_their_place(text: str, said: str) -> None:
    assert said in faults(text)


def test_liquid_may_stand_for_any_value_that_the_controller_fills_in() -> None:
    text = APPLICATION.replace("external: 5000", "external: '{{ port }}'")
    assert isinstance(one(text), Ported)
    plain = APPLICATION.replace("name: web", "name: [web]")
    assert faults(plain)[0].startswith("spec.microservices[0].name: expected text")


def test_all_of_a_file_is_done_in_the_order_of_iofogctl() -> None:
    documents = [
        ROUTE,
        APPLICATION,
        document("CatalogItem", x86="a"),
        document("Registry", url="hub"),
        document("Volume", agents=[], source=".", destination="/x"),
        document("ApplicationTemplate", application={}),
        document("EdgeResource", version="1.0.0", interfaceProtocol="https"),
        document("AgentConfig", "edge", upstreamRouters=["hub"]),
        document("AgentConfig", "hub"),
        "apiVersion: ecn/v1\nkind: Node\nmetadata: {name: ours}\n",
    ]
    found = [reference(each) for each in read(*documents)]
    assert [each.kind for each in found] == sorted((each.kind for each in found), key=ORDER.index)
    names = [each.name for each in found if each.kind is Kind.NODE]
    assert names.index("hub") < names.index("edge")


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=6
    )
)
def test_routers_come_before_those_that_lead_to_them_or_it_is_a_circle(
    leads: dict[str, list[str]],
) -> None:
    nodes: list[Manifest] = [
        NodeChange(name, {"router": {"upstreams": upstreams}}) for name, upstreams in leads.items()
    ]
    try:
        order = [each.name for each in ordered(nodes)]
    except Circle as circle:
        first, *_, last = str(circle).partition(": ")[2].split(" -> ")
        assert first == last
        return
    assert sorted(order) == sorted(leads)
    for name, upstreams in leads.items():
        for each in upstreams:
            assert each not in leads or order.index(each) < order.index(name)


def test_routers_in_a_circle_are_told_with_the_place_of_one() -> None:
    one_ = document("AgentConfig", "one", upstreamRouters=["two"])
    two = document("AgentConfig", "two", networkRouter="one")
    assert faults(one_, two) == ["routers lead in a circle: one -> two -> one"]
