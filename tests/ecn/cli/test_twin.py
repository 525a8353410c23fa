"""`ecn twin` against a real controller."""

import json
from collections.abc import Iterator

import pytest

from tests.ecn.api.server import Controller, manifest
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api


@pytest.fixture
def shop() -> Iterator[RealApi]:
    """A microservice on a device."""
    with real_api() as api:

        async def prepared(controller: Controller) -> None:
            await controller.agent("east")
            body = {"microservices": [manifest("web")]}
            (await controller.operator.put("/applications/shop", body)).is_good(201)

        api.do(prepared)
        api.log_in()
        yield api


def test_properties_are_set_by_name_and_shown(shop: RealApi) -> None:
    said = run("twin", "set", "shop/web", "rate=5", "net.mtu=1500", "name=the lobby", "on=true")
    assert said.output == "shop/web: desired properties changed\n"
    assert "are so already" in run("twin", "set", "shop/web", "rate=5", "none=null").output
    shown = json.loads(run("twin", "get", "shop/web", "-o", "json").stdout)
    assert shown["desired"]["version"] == 1
    assert shown["desired"]["properties"] == {
        "rate": 5,
        "net": {"mtu": 1500},
        "name": "the lobby",
        "on": True,
    }
    table = run("twin", "get", "shop/web").stdout
    assert table.startswith("desired version 1, reported version 0, conflicts: merge\n")
    assert "net.mtu" in table
    assert "user/" in table
    assert "rate: 5" in run("twin", "get", "shop/web", "-o", "yaml").stdout


def test_a_null_removes_and_the_past_is_shown(shop: RealApi) -> None:
    run("twin", "set", "shop/web", "rate=5", "a.b=1")
    then = shop.position
    run("twin", "set", "shop/web", "rate=null", "a.b=2", "a.c=3")
    now = json.loads(run("twin", "get", "shop/web", "-o", "json").stdout)
    assert now["desired"]["properties"] == {"a": {"b": 2, "c": 3}}
    past = json.loads(run("twin", "get", "shop/web", "-o", "json", "--at", str(then)).stdout)
    assert past["desired"]["properties"] == {"a": {"b": 1}, "rate": 5}


def test_a_patch_and_a_replacement_are_read_from_the_line_or_standard_input(shop: RealApi) -> None:
    run("twin", "patch", "shop/web", '{"a": {"b": 1}, "c": [1]}')
    run("twin", "patch", "shop/web", "-f", "-", stdin='{"c": null}')
    shown = json.loads(run("twin", "get", "shop/web", "-o", "json").stdout)
    assert shown["desired"]["properties"] == {"a": {"b": 1}}
    run("twin", "replace", "shop/web", "-f", "-", stdin='{"z": 0}')
    shown = json.loads(run("twin", "get", "shop/web", "-o", "json").stdout)
    assert (shown["desired"]["version"], shown["desired"]["properties"]) == (3, {"z": 0})


def test_another_version_than_the_named_one_is_refused(shop: RealApi) -> None:
    assert run("twin", "set", "shop/web", "a=1", "--if-version", "0").exit_code == 0
    refused = run("twin", "set", "shop/web", "a=2", "--if-version", "0")
    assert refused.exit_code == 1
    assert "version 1" in refused.output
    assert "next:" in refused.output


def test_the_history_tells_each_change(shop: RealApi) -> None:
    run("twin", "set", "shop/web", "a=1")
    run("twin", "set", "shop/web", "a=2", "b=null")
    told = run("twin", "history", "shop/web").stdout
    assert told.count("twin.desired-changed") == 2
    assert '{"a":1}' in told
    events = json.loads(run("twin", "history", "shop/web", "-o", "json").stdout)["items"]
    assert [each["data"]["version"] for each in events] == [1, 2]


@pytest.mark.parametrize(
    "words",
    [
        ("set", "shop/web", "rate"),
        ("set", "shop/web", "=5"),
        ("set", "shop/web", "a..b=5"),
        ("set", "shop", "a=5"),
        ("patch", "shop/web"),
        ("patch", "shop/web", "[1]"),
        ("patch", "shop/web", "{"),
    ],
)
def test_what_can_not_be_meant_is_wrong_usage(shop: RealApi, words: tuple[str, ...]) -> None:
    assert run("twin", *words).exit_code == 2
