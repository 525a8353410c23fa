"""Applications and routes as ioFog writes them, and of templates."""

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.commands import AnyCommand
from ecn.deciders.decide import decide
from ecn.errors import NotFound, RevisionMoved
from ecn.iofog import application_bodies as bodies
from ecn.iofog import application_documents as documents
from ecn.iofog import applications, template_deployment
from ecn.iofog.bodies import typed
from ecn.iofog.liquid import NO_LOOKUPS, render
from ecn.iofog.refusals import Refusal
from events.event import Event
from events.ids import NodeId, TemplateId
from events.node import NodeRegistered, NodeSettings, Platform
from events.template import TemplateCreated, TemplateSettings, Variable
from projections.world import World
from tests.builders import When, world_after

NODE = NodeId("1" * 32)
WORLD = world_after(
    NodeRegistered(
        node_id=NODE, name="node-1", settings=NodeSettings(host="1.2.3.4", platform=Platform.X86)
    )
)
Body = dict[str, object]


class Ids:
    """Ids one after the other."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> str:
        self.last += 1
        return f"{self.last:032x}"


IDS = Ids()
NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)


@st.composite
def wanted(draw: st.DrawFn) -> Body:
    """An application with a few microservices on one node, and routes between them."""
    names = draw(NAMES)
    ways = draw(
        st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=4, unique=True)
    )
    return {
        "name": "shop",
        "description": draw(st.sampled_from(["", "A shop"])),
        "isActivated": draw(st.booleans()),
        "isSystem": draw(st.booleans()),
        "microservices": [
            {
                "name": name,
                "agentName": "node-1",
                "images": [{"containerImage": f"{name}:1", "fogTypeId": 1}],
                "env": [{"key": "K", "value": draw(st.sampled_from("xyz"))}],
            }
            for name in names
        ],
        "routes": [{"from": source, "to": destination} for source, destination in ways],
    }


def shown(world: World) -> Body:
    """The application as ioFog's clients read it."""
    key = applications.named(world, "shop")
    document = documents.application(world, key, lambda _node, _microservice: None)
    read: Body = msgspec.json.decode(msgspec.json.encode(document))
    return read


def gist(said: Body) -> Body:
    """What a body says, whatever the order and whatever ids there are."""
    members = msgspec.convert(said["microservices"], list[Body])
    routes = msgspec.convert(said["routes"], list[Body])
    return {
        **{key: said[key] for key in ("name", "description", "isActivated", "isSystem")},
        "microservices": {(each["name"], str(each["env"])) for each in members},
        "routes": {(each["from"], each["to"]) for each in routes},
    }


def created(said: Body) -> World:
    command = applications.created(WORLD, typed(said, bodies.CreateApplication), IDS)
    return When(WORLD, command).then_world()


def put(world: World, said: Body) -> AnyCommand:
    key = applications.named(world, "shop")
    return applications.updated(world, key, typed(said, bodies.UpdateApplication), IDS)


def changes(world: World, command: AnyCommand) -> list[Event]:
    return list(decide(world, command))


@given(wanted())
def test_what_is_said_is_shown(said: Body) -> None:
    assert gist(shown(created(said))) == gist(said)


@given(wanted(), wanted())
def test_a_put_makes_it_what_is_said_whatever_it_was(before: Body, said: Body) -> None:
    world = created(before)
    after = When(world, put(world, said)).then_world()
    assert gist(shown(after)) == gist(said)


@given(wanted(), wanted())
def test_microservices_of_the_same_name_are_the_same(before: Body, said: Body) -> None:
    world = created(before)
    after = When(world, put(world, said)).then_world()
    ids = [
        {each["name"]: each["uuid"] for each in msgspec.convert(doc["microservices"], list[Body])}
        for doc in (shown(world), shown(after))
    ]
    for name in ids[0].keys() & ids[1].keys():
        assert ids[0][name] == ids[1][name]


@given(wanted())
def test_what_is_shown_changes_nothing_when_it_is_sent_back(said: Body) -> None:
    world = created(said)
    document = shown(world)
    members = msgspec.convert(document["microservices"], list[Body])
    for member in members:
        member.pop("rebuild")  # said, it is an order
    document["microservices"] = members
    assert changes(world, put(world, document)) == []


@given(wanted(), st.sets(st.sampled_from(["description", "isActivated", "isSystem", "routes"])))
def test_what_a_put_does_not_say_stays(said: Body, parts: set[str]) -> None:
    world = created(said)
    change: Body = {
        "description": "Another",
        "isActivated": not said["isActivated"],
        "isSystem": not said["isSystem"],
        "routes": [],
    }
    partial = {key: change[key] for key in parts}
    after = When(world, put(world, partial)).then_world()
    assert gist(shown(after)) == gist({**said, **partial})


@given(wanted(), wanted())
def test_a_change_in_between_is_noticed(said: Body, other: Body) -> None:
    world = created(said)
    late = put(world, {"microservices": []})
    between = When(world, put(world, other)).then_world()
    names = [gist(shown(each)) for each in (world, between)]
    if names[0]["microservices"] != names[1]["microservices"]:
        When(between, late).raises(RevisionMoved)


def test_a_number_and_a_name_mean_the_same() -> None:
    world = created({"name": "shop"})
    key = applications.named(world, "shop")
    number = documents.application(world, key, lambda _n, _m: None).id
    assert applications.meant(world, "shop") == key
    assert applications.meant(world, number) == key
    assert applications.meant(world, str(number)) == key
    nobody: list[object] = ["nothing", "", None, 7, 1.5, [], "१"]
    for ref in nobody:
        with pytest.raises(NotFound):
            applications.meant(world, ref)


TEMPLATE = TemplateSettings(
    variables=[
        Variable(key="node-name"),
        Variable(key="port", default=msgspec.Raw(b"8080")),
        Variable(key="mode", default=msgspec.Raw(b'"slow"')),
    ],
    application=msgspec.Raw(
        msgspec.json.encode(
            {
                "isActivated": True,
                "name": "not this",
                "microservices": [
                    {
                        "name": "web",
                        "agentName": "{{ node-name }}",
                        "ports": [{"internal": 80, "external": "{{ port }}"}],
                        "config": '{"port": "{{ port }}", "mode": "{{ mode }}"}',
                    },
                    {"name": "text", "config": '"string"'},
                    {"name": "empty", "config": ""},
                ],
                "routes": [{"from": "web", "to": "{{ self.microservices[1].name }}"}],
            }
        )
    ),
)


def filled(said: Body) -> Body:
    wanted_ = template_deployment.deployment(said)
    assert wanted_ is not None
    return template_deployment.filled(
        TEMPLATE, wanted_, said, lambda document, names: render(document, NO_LOOKUPS, names)
    )


def test_a_template_is_filled_with_what_is_given_over_its_defaults() -> None:
    given_ = [{"key": "node-name", "value": "node-1"}, {"key": "mode", "value": "fast"}]
    said: Body = {"name": "shop", "template": {"name": "t", "variables": given_}}
    assert filled(said) == {
        "name": "shop",
        "microservices": [
            {
                "name": "web",
                "agentName": "node-1",
                "ports": [{"internal": 80, "external": 8080}],
                "config": '{"port":8080,"mode":"fast"}',
            },
            {"name": "text", "config": "string"},
            {"name": "empty", "config": ""},
        ],
        "routes": [{"from": "web", "to": "text"}],
    }


def test_a_template_is_the_same_after_it_was_deployed() -> None:
    before = copy.deepcopy(bytes(TEMPLATE.application))
    filled({"name": "shop", "template": {"name": "t"}})
    assert bytes(TEMPLATE.application) == before


@pytest.mark.parametrize("said", [{}, {"template": None}, {"template": {}}, {"template": 7}, [], 7])
def test_a_body_without_a_template_is_left_alone(said: object) -> None:
    assert template_deployment.deployment(said) is None


def test_a_template_that_is_not_there_is_named() -> None:
    wanted_ = bodies.Deployment(name="nothing")
    with pytest.raises(NotFound):
        template_deployment.settings_of(WORLD, wanted_)
    world = world_after(
        TemplateCreated(template_id=TemplateId("t" * 32), name="there", settings=TEMPLATE)
    )
    assert template_deployment.settings_of(world, bodies.Deployment(name="there")) == TEMPLATE


@pytest.mark.parametrize(
    "application",
    [b"7", b"[]", b'{"microservices": 7}', b'{"microservices": [7]}',
     b'{"microservices": [{"config": "no json"}]}'],
)  # fmt: skip
def test_a_template_of_nonsense_is_refused_when_it_is_deployed(application: bytes) -> None:
    settings = TemplateSettings(application=msgspec.Raw(application))
    with pytest.raises(Refusal, match="Application Template t is invalid"):
        template_deployment.filled(
            settings, bodies.Deployment(name="t"), {}, lambda document, _names: document
        )
