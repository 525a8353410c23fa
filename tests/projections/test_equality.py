"""Two worlds are held against each other: the same, or where they first differ, without secrets."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.catalog import RegistryCreated, RegistrySettings, SealedSecret
from events.node import NodeDeprovisioned
from projections.equality import Difference, differences, of_content
from projections.generation import encoded, rows, tables
from projections.view import Drop, Put
from projections.world import World, fold
from tests.builders import (
    EAST,
    HUB,
    WEB,
    application,
    key_issued,
    microservice,
    provisioned,
    registered,
    told,
    user,
    world_after,
)
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=60, deadline=None)


def found(expected: World, other: World) -> list[Difference]:
    """All differences."""
    return [each for each in differences(expected, other) if each is not None]


@often
@given(histories())
def test_a_world_folded_again_is_the_same(history: History) -> None:
    assert found(fold(World(), history.log), history.world) == []


@often
@given(histories(longest=15), st.data())
def test_a_row_dropped_or_put_anywhere_is_named(history: History, data: st.DataObject) -> None:
    world = history.world
    view, key, _ = data.draw(st.sampled_from(sorted(rows(world))))
    table = tables(world)[view]
    without = replace(world, **{view: table.changed(Drop(key))})
    for one, other in ((world, without), (without, world)):
        (difference,) = found(one, other)
        assert difference.view == view
        assert difference.field == ""
        assert (difference.expected == "nothing") == (one is without)
        assert (difference.found == "nothing") == (one is world)


@often
@given(histories(longest=15), st.data())
def test_a_row_in_the_place_of_another_is_named_with_its_field(
    history: History, data: st.DataObject
) -> None:
    world = history.world
    view = data.draw(
        st.sampled_from(sorted(name for name, rows in tables(world).items() if len(rows) >= 2))
    )
    table = tables(world)[view]
    one, other = data.draw(st.permutations(sorted(table)))[:2]
    assume(table[one] != table[other])
    changed = replace(world, **{view: table.changed(Put(one, table[other]))})
    (difference,) = found(world, changed)
    assert difference.view == view
    assert difference.expected != difference.found


@often
@given(histories(longest=15))
def test_rows_as_they_were_kept_do_not_differ_and_any_other_content_does(history: History) -> None:
    for view, key, content in rows(history.world):
        row = tables(history.world)[view][key]
        assert of_content(view, key, row, content) is None
        for wrong in (content + b" ", b"", content[1:], b"\xff"):
            assert of_content(view, key, row, wrong) is not None
        assert of_content(view, key, None, content) is not None


def test_the_field_is_told_dotted_with_both_values() -> None:
    world = world_after(registered(), application(), microservice(), told(1))
    row = world.microservices[WEB]
    other = replace(row, spec=replace(row.spec, image="shop/web:2"))
    changed = replace(world, microservices=world.microservices.changed(Put(WEB, other)))
    (difference,) = found(world, changed)
    assert difference == Difference(
        view="microservices",
        key=WEB,
        field="spec.image",
        expected='"shop/web:1"',
        found='"shop/web:2"',
    )


SECRET = "s3cret"


@pytest.mark.parametrize("whole", [False, True])
def test_no_secret_is_in_a_difference(whole: bool) -> None:
    password = SealedSecret(secret_id="id", ciphertext=SECRET.encode())
    world = world_after(
        registered(),
        key_issued(key=SECRET),
        provisioned(key=SECRET, credential="c" * 20 + SECRET),
        NodeDeprovisioned(node_id=EAST),
        key_issued(key=SECRET),
        provisioned(key=SECRET, credential=SECRET),
        replace(user(), password_hash=SECRET),
        RegistryCreated(
            registry_id=HUB, name="hub", settings=RegistrySettings(url="h", password=password)
        ),
        application(),
        microservice(made_from=None),
    )
    other = world_after()
    if not whole:
        node = replace(world.nodes[EAST], credential_hash="x" + SECRET, redeemed_key_hash=None)
        registry = world.registries[HUB]
        sealed = replace(password, ciphertext=b"other")
        settings_ = replace(registry.settings, password=sealed)
        web = world.microservices[WEB]
        other = replace(
            world,
            nodes=world.nodes.changed(Put(EAST, node)),
            registries=world.registries.changed(Put(HUB, replace(registry, settings=settings_))),
            microservices=world.microservices.changed(
                Put(WEB, replace(web, spec=replace(web.spec, env={"PASSWORD": SECRET})))
            ),
        )
    told_ = [*found(world, other), *found(other, world)]
    assert len(told_) >= 6
    for difference in told_:
        text = encoded(difference).decode()
        assert SECRET not in text
        assert "czNjcmV0" not in text  # the same in base64
        assert difference.expected or difference.found
