"""Routes on the command line, against a real controller."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ecn.api.server import Controller, manifest
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

SHOP = """\
apiVersion: ecn/v1
kind: Application
metadata: {name: shop}
spec:
  microservices:
    - {name: web, node: east, image: "web:1"}
    - {name: cache, node: east, image: "cache:1"}
  routes:
    - name: hot
      query: |
        FROM /messages/modules/web/outputs/temp
        WHERE as_number(temp) > 70
        INTO BrokeredEndpoint("/modules/cache/inputs/alarm")
      priority: 0
      ttl: 30m
    - {name: up, source: "*", destination: $upstream, webhook: "https://hook.example/a"}
"""


@pytest.fixture
def shop() -> Iterator[RealApi]:
    """Two microservices on a device."""
    with real_api() as api:

        async def prepared(controller: Controller) -> None:
            await controller.agent("east")
            body = {"microservices": [manifest("web"), manifest("cache")]}
            (await controller.operator.put("/applications/shop", body)).is_good(201)

        api.do(prepared)
        api.log_in()
        yield api


def test_a_route_is_made_changed_and_deleted(shop: RealApi) -> None:
    made = run("create", "route", "shop/hot", "--from", "web", "--to", "cache",
               "--where", "as_number(temp) > 70", "--priority", "0", "--ttl", "30m")  # fmt: skip
    assert made.output.startswith("route/shop/hot created; see how it is:")
    table = run("get", "routes").stdout
    assert "as_number(temp) > 70" in table
    assert "unknown" in table
    described = run("describe", "route", "shop/hot").stdout
    assert "Kept for:       30m" in described
    assert "0 (0 is the most urgent)" in described
    assert (
        "created from web to cache where as_number(temp) > 70"
        in run("why", "route", "shop/hot").stdout
    )
    assert run("update", "route", "shop/hot", "--where", "").output == "route/shop/hot updated\n"
    assert run("update", "route", "shop/hot", "--where", "").output == "route/shop/hot unchanged\n"
    assert run("update", "route", "shop/hot").exit_code == 2
    assert run("delete", "route", "shop/hot", "-y").exit_code == 0
    assert run("get", "routes", "--state", "up").exit_code == 0


def test_a_wrong_condition_is_marked_and_says_what_to_write(shop: RealApi) -> None:
    refused = run(
        "create", "route", "shop/a", "--from", "web", "--to", "cache", "--where", "a == 'b'"
    )
    assert refused.exit_code == 1
    assert "a == 'b'\n   ^" in refused.stderr
    assert "write =" in refused.stderr
    assert run("create", "route", "a", "--from", "web", "--to", "cache").exit_code == 2


def test_an_applications_routes_are_planned_deployed_exported_and_brought_back(
    shop: RealApi, tmp_path: Path
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    plan = run("plan", "-f", str(file)).stdout
    assert "route/shop/hot" in plan
    assert "as_number(temp) > 70" in plan
    assert run("deploy", "-f", str(file), "--no-wait").exit_code == 0
    then = shop.position
    assert "nothing differs" in run("diff", "-f", str(file)).stdout
    exported = run("get", "application", "shop", "-o", "manifest").stdout
    again = tmp_path / "again.yaml"
    again.write_text(exported)
    assert "nothing differs" in run("diff", "-f", str(again)).stdout
    assert "unchanged" in run("deploy", "-f", str(again), "--no-wait").stdout
    file.write_text(SHOP.replace("70", "80").replace("ttl: 30m", "ttl: 0"))
    assert "80" in run("diff", "-f", str(file)).stdout
    run("deploy", "-f", str(file), "--no-wait")
    assert "as_number(temp) > 80" in run("diff", str(then)).stdout
    assert run("revert", "route", "shop/hot", "--to", str(then), "-y", "--no-wait").exit_code == 0
    described = run("describe", "route", "shop/hot").stdout
    assert "as_number(temp) > 70" in described
    assert "Kept for:       30m" in described


def test_a_query_in_a_file_is_refused_with_its_place(shop: RealApi, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP.replace("temp) > 70", "temp) == 70"))
    refused = run("deploy", "-f", str(file), "--no-wait")
    assert refused.exit_code != 0
    assert f"{file}:" in refused.stderr
    assert "routes[0].query" in refused.stderr
    assert "line 2, column" in refused.stderr
