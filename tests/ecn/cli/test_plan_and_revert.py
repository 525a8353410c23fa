"""`ecn plan` and `ecn revert`: what people see of them, against a real controller."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.ecn.api.server import VIEWER
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

SHOP = """
apiVersion: ecn/v1
kind: Application
metadata: {name: shop}
spec:
  microservices:
    - {name: web, node: kiosk, image: shop/web:1, env: {TITLE: Hello}}
    - {name: cache, node: kiosk, image: redis:7}
"""
CHANGED = SHOP.replace("shop/web:1", "shop/web:2").replace(
    "    - {name: cache, node: kiosk, image: redis:7}\n",
    "    - {name: till, node: kiosk, image: shop/till:1}\n",
)
REGISTRY = """
apiVersion: ecn/v1
kind: Registry
metadata: {name: ours}
spec: {url: registry.example, username: robot, password_from: {env: SECRET}}
"""


@pytest.fixture
def api() -> Iterator[RealApi]:
    """A network with the shop deployed on one node that is online."""
    with real_api() as running:
        running.log_in()
        running.do(lambda controller: controller.agent("kiosk"))
        assert run("deploy", "-f", "-", "--no-wait", stdin=SHOP).exit_code == 0
        yield running


def test_a_plan_reads_like_this(api: RealApi) -> None:
    position = api.position
    result = run("plan", "-f", "-", stdin=CHANGED)
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
- microservice/shop/cache
~ microservice/shop/web    image: shop/web:1 -> shop/web:2
+ microservice/shop/till   node kiosk, image shop/till:1

on kiosk (online):
  remove     shop/cache  it is wanted no more
  create     shop/till   it is new here
  replace    shop/web    a container is made from what changed (image)

3 things: 1 to create, 1 to change, 1 to delete
3 containers: 1 to create, 1 to replace, 1 to remove
"""
    )
    assert api.position == position


def test_what_is_as_the_manifest_says_is_unchanged(api: RealApi) -> None:
    result = run("plan", "-f", "-", "--exit-code", stdin=SHOP)
    assert (result.exit_code, result.stdout) == (
        0,
        "= application/shop  unchanged\n\nnothing to do\n",
    )
    assert run("plan", "-f", "-", "--exit-code", stdin=CHANGED).exit_code == 1


def test_what_is_refused_is_in_the_plan_and_is_an_error(api: RealApi) -> None:
    result = run(
        "plan",
        "-f",
        "-",
        stdin=SHOP.replace("node: kiosk, image: redis", "node: kisok, image: redis"),
    )
    assert result.exit_code == 1
    assert result.stdout.startswith("! application/shop  there is no node 'kisok'\n")
    assert result.stderr.splitlines()[0] == "error: application/shop: there is no node 'kisok'"
    assert "field: $.microservices[1].node" in result.stderr
    assert "1 refused" in result.stdout


def test_a_plan_is_a_document_too(api: RealApi) -> None:
    as_json = json.loads(run("plan", "-f", "-", "-o", "json", stdin=CHANGED).stdout)
    as_yaml = yaml.safe_load(run("plan", "-f", "-", "-o", "yaml", stdin=CHANGED).stdout)
    assert as_json == as_yaml
    assert as_json["totals"]["containers"] == {"create": 1, "replace": 1, "remove": 1}


def test_a_password_is_not_in_the_plan_and_not_kept(api: RealApi) -> None:
    result = run("plan", "-f", "-", stdin=REGISTRY, SECRET="open sesame")
    assert result.exit_code == 0
    assert "open sesame" not in result.output
    assert result.stdout.startswith(
        "+ registry/ours  url registry.example, username robot, password set\n"
    )
    assert not api.controller.network.secret_keys._keys
    assert run("deploy", "-f", "-", stdin=REGISTRY, SECRET="open sesame").exit_code == 0
    same = run("plan", "-f", "-", stdin=REGISTRY, SECRET="open sesame")
    assert same.stdout.endswith("nothing to do\n")
    other = run("plan", "-f", "-", stdin=REGISTRY, SECRET="swordfish")
    assert "password: set -> another one" in other.stdout


def test_a_broken_manifest_is_not_planned(api: RealApi) -> None:
    result = run("plan", "-f", "-", stdin=SHOP.replace("image: redis:7", "imgae: redis:7"))
    assert result.exit_code == 2
    assert "did you mean image?" in result.stderr
    assert run("plan", "-f", "-", stdin="").exit_code == 2


def test_a_viewer_plans_nothing(api: RealApi) -> None:
    api.log_in(VIEWER)
    assert run("plan", "-f", "-", stdin=SHOP).exit_code == 4


# --- revert


def test_a_revert_shows_what_it_does_and_does_it(api: RealApi) -> None:
    before = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=CHANGED)
    result = run("revert", "--to", str(before), "app/shop", "--yes", "--no-wait")
    assert result.exit_code == 0, result.output
    assert (
        result.stdout
        == f"""\
to position {before}
- microservice/shop/till
+ microservice/shop/cache  node kiosk, image redis:7
~ microservice/shop/web    image: shop/web:2 -> shop/web:1

on kiosk (online):
  create     shop/cache  it is new here
  remove     shop/till   it is wanted no more
  replace    shop/web    a container is made from what changed (image)

3 things: 1 to create, 1 to change, 1 to delete
3 containers: 1 to create, 1 to replace, 1 to remove
"""
    )
    assert result.stderr == f"done at position {api.position}\n"
    again = run("revert", "--to", str(before), "app/shop", "--yes")
    assert again.exit_code == 0
    assert again.stderr == f"all of it is as it was at position {before}\n"


def test_a_dry_run_does_nothing(api: RealApi) -> None:
    run("deploy", "-f", "-", "--no-wait", stdin=CHANGED)
    position = api.position
    result = run("revert", "--to", str(position - 3), "shop/web", "--dry-run")
    assert result.exit_code == 0
    assert "image: shop/web:2 -> shop/web:1" in result.stdout
    assert api.position == position
    document = json.loads(
        run("revert", "--to", "2", "application", "shop", "--dry-run", "-o", "json").stdout
    )
    assert (document["to"], document["done"]) == (2, None)


def test_where_nobody_can_be_asked_it_has_to_be_said(api: RealApi) -> None:
    result = run("revert", "--to", "5", "application/shop")
    assert result.exit_code == 2
    assert "--yes" in result.stderr


def test_somebody_who_is_asked_may_say_no(api: RealApi, monkeypatch: pytest.MonkeyPatch) -> None:
    before = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=CHANGED)
    monkeypatch.setattr("ecn.cli.revert.at_a_terminal", lambda: True)
    position = api.position
    said_no = run("revert", "--to", str(before), "application/shop", stdin="n\n")
    assert said_no.exit_code == 1
    assert "nothing was done" in said_no.stderr
    assert api.position == position
    said_yes = run("revert", "--to", str(before), "application/shop", "--no-wait", stdin="y\n")
    assert said_yes.exit_code == 0
    assert api.position > position


def test_what_is_not_restored_says_why(api: RealApi) -> None:
    result = run("revert", "--to", "3", "user/otto", "--yes")
    assert result.exit_code == 1
    assert "is not rolled back" in result.stderr
    result = run("revert", "--to", "3", "node/kiosk", "--yes")
    assert result.exit_code == 1
    assert "! node/kiosk  there was no node 'kiosk' at position 3" in result.stdout
    assert "ecn delete node kiosk" in result.stderr


def test_a_time_to_come_is_no_moment_to_go_back_to(api: RealApi, tmp_path: Path) -> None:
    result = run("revert", "--to", "999999", "application/shop", "--yes")
    assert result.exit_code == 1
    assert "is to come" in result.stderr


def test_audit_and_why_say_that_it_was_a_revert(api: RealApi) -> None:
    before = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=CHANGED)
    run("revert", "--to", str(before), "application/shop", "--yes", "--no-wait")
    assert run("audit").stdout.splitlines()[-1].endswith(f"shop/web:1, reverted to {before}")
    assert f"because of a revert to position {before}" in run("why", "shop/web").stdout
