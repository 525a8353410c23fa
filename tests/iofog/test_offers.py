"""What ioFog's people write about registries, the catalog, templates and edge resources is what
they see of it, and what they leave out of a change stays."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.errors import NotFound
from ecn.iofog import bodies, catalog, edge_resources, registries, templates
from ecn.iofog.refusals import Refusal
from events.catalog import CatalogItemSettings
from events.edge_resource import EdgeResourceSettings
from events.ids import RegistryId
from events.template import TemplateSettings
from projections.catalog import SEEDED
from projections.catalog_seeds import SYSTEM
from projections.world import World

TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAME = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,4}[a-z0-9])?", fullmatch=True)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)

ENDPOINT = st.fixed_dictionaries(
    {"name": NAME},
    optional={
        "description": TEXT | st.none(),
        "method": st.sampled_from(["GET", "POST", "OPTIONS"]),
        "url": TEXT,
        "requestType": TEXT | st.none(),
        "responsePayloadExample": TEXT | st.none(),
    },
)
RESOURCE = st.fixed_dictionaries(
    {
        "name": NAME,
        "version": st.sampled_from(["0.0.1", "v1.10.0", "1.0.0-rc.1+b"]),
        "interfaceProtocol": st.sampled_from(["http", "wss"]),
    },
    optional={
        "description": TEXT | st.none(),
        "interface": st.fixed_dictionaries({"endpoints": st.lists(ENDPOINT, max_size=2)})
        | st.none(),
        "display": st.fixed_dictionaries({}, optional={"name": TEXT, "icon": TEXT | st.none()}),
        "custom": OBJECT | st.none(),
        "orchestrationTags": st.lists(TEXT, max_size=3) | st.none(),
    },
)
TEMPLATE = st.fixed_dictionaries(
    {"name": NAME},
    optional={
        "description": TEXT | st.none(),
        "variables": st.lists(
            st.fixed_dictionaries({"key": NAME}, optional={"defaultValue": JSON}), max_size=3
        ),
        "application": OBJECT | st.none(),
    },
)
IMAGE = st.fixed_dictionaries({"containerImage": TEXT, "fogTypeId": st.sampled_from([1, 2])})
ITEM = st.fixed_dictionaries(
    {
        "name": TEXT.filter(bool),
        "registryId": st.sampled_from([1, 2]),
        "images": st.lists(IMAGE, min_size=1, max_size=2),
    },
    optional={
        "description": TEXT,
        "picture": TEXT,
        "diskRequired": st.integers(0, 9),
        "isPublic": st.booleans(),
        "inputType": st.fixed_dictionaries({"infoType": TEXT, "infoFormat": TEXT}) | st.none(),
    },
)


def resource(said: object) -> EdgeResourceSettings:
    typed = bodies.typed(said, edge_resources.CreateResource)
    return edge_resources.settings(typed, EdgeResourceSettings())


def template(said: object) -> TemplateSettings:
    typed = bodies.typed(said, templates.CreateTemplate)
    return templates.settings(typed, TemplateSettings())


def item(said: object) -> CatalogItemSettings:
    return catalog.created(World(), bodies.typed(said, catalog.CreateItem))


@given(RESOURCE)
def test_a_change_that_says_nothing_of_an_edge_resource_changes_nothing(said: object) -> None:
    old = resource(said)
    assert edge_resources.settings(bodies.typed({}, edge_resources.UpdateResource), old) == old


@given(RESOURCE, RESOURCE)
def test_of_an_edge_resource_only_what_is_said_changes(
    said: dict[str, object], change: dict[str, object]
) -> None:
    old = resource(said)
    new = edge_resources.settings(bodies.typed(change, edge_resources.UpdateResource), old)
    assert new.protocol == change["interfaceProtocol"]
    for key, field in (
        ("interface", "endpoints"),
        ("custom", "custom"),
        ("orchestrationTags", "tags"),
        ("display", "display"),
    ):
        if change.get(key) is None:
            assert getattr(new, field) == getattr(old, field)
    if "custom" in change and change["custom"] is not None:
        assert msgspec.json.decode(new.custom) == change["custom"]
    if "description" not in change:
        assert new.description == old.description


@given(RESOURCE)
def test_changing_an_edge_resource_into_what_it_is_changes_nothing(said: object) -> None:
    once = resource(said)
    typed = bodies.typed(said, edge_resources.UpdateResource)
    assert edge_resources.settings(typed, once) == once


@given(TEMPLATE)
def test_a_change_that_says_nothing_of_a_template_changes_nothing(said: object) -> None:
    old = template(said)
    assert templates.settings(bodies.typed({}, templates.UpdateTemplate), old) == old


@given(TEMPLATE)
def test_a_template_keeps_what_is_written_in_it(said: dict[str, object]) -> None:
    settings = template(said)
    assert msgspec.json.decode(settings.application) == (said.get("application") or {})
    variables = said.get("variables", [])
    assert isinstance(variables, list)
    for variable, written in zip(settings.variables, variables, strict=True):
        assert variable.key == written["key"]
        assert isinstance(variable.default, msgspec.Raw) is ("defaultValue" in written)
        if isinstance(variable.default, msgspec.Raw):
            assert msgspec.json.decode(variable.default) == written["defaultValue"]


@given(ITEM)
def test_a_change_that_says_nothing_of_a_catalog_item_changes_nothing(said: object) -> None:
    old = item(said)
    assert catalog.updated(World(), bodies.typed({}, catalog.UpdateItem), old) == old


@given(ITEM, ITEM)
def test_a_changed_catalog_item_keeps_images_of_the_other_type(
    said: object, change: dict[str, object]
) -> None:
    old = item(said)
    new = catalog.updated(World(), bodies.typed(change, catalog.UpdateItem), old)
    assert old.images.keys() <= new.images.keys()
    assert new.from_cache is (change["registryId"] == 2)
    assert {**old.images, **item(change).images} == new.images


def test_users_see_what_is_not_the_networks_own() -> None:
    shown = {each.id for each in catalog.items(World()).catalog_items}
    assert shown == set(range(4, 15))
    for row in SEEDED.values():
        assert (row.settings.category == SYSTEM) is (row.number not in shown)


@pytest.mark.parametrize("number", [0, 18, 1000, 1001, -1])
def test_a_number_that_nothing_has_is_not_found(number: int) -> None:
    with pytest.raises(NotFound):
        catalog.seen_item(World(), number)
    with pytest.raises(NotFound):
        registries.registry_id(World(), number)


def test_an_item_of_the_networks_own_is_not_seen_but_may_be_used() -> None:
    assert catalog.item_id(World(), 15) == "iofog-15"
    with pytest.raises(NotFound):
        catalog.seen_item(World(), 15)


def test_nobody_publishes_in_iofogs_name() -> None:
    said = {"name": "x", "registryId": 1, "images": [{"containerImage": "i", "fogTypeId": 1}]}
    with pytest.raises(Refusal):
        item({**said, "publisher": "Eclipse ioFog"})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("hub.example", "hub.example"),
        ("https://hub.example/v2/", "hub.example"),
        ("http://10.0.0.1:5000", "10.0.0.1:5000"),
        ("hub.example:5000/team", "hub.example:5000"),
    ],
)
def test_a_registry_is_kept_as_images_name_it(url: str, host: str) -> None:
    assert registries.host(url) == host


@given(st.text(max_size=80), st.uuids())
def test_a_registry_gets_a_name_that_is_one(url: str, key: object) -> None:
    name = registries.name(url, RegistryId(str(key).replace("-", "")))
    assert len(name) <= 63
    assert name == name.strip("-").lower()
    assert all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in name)
