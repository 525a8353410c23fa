"""`ecn router create` and `ecn get public-ports`, against a real controller."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ecn.api.server import Controller, manifest
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

PUBLIC = {"schemes": ["http"], "protocol": "http", "allow": ["10.0.0.0/8"], "longest": 60}


@pytest.fixture
def api() -> Iterator[RealApi]:
    """With a node."""
    with real_api() as api:

        async def prepared(controller: Controller) -> None:
            await controller.agent("east")

        api.do(prepared)
        api.log_in()
        yield api


async def deploy(controller: Controller) -> None:
    port = {"host": 8080, "container": 80, "public": PUBLIC}
    body = {"microservices": [manifest(ports=[port])]}
    (await controller.operator.put("/applications/shop", body)).is_good(201)


def test_an_identity_is_made_and_with_it_a_default_router(api: RealApi, tmp_path: Path) -> None:
    token = tmp_path / "gate.token"
    made = run("router", "create", "gate", "--host", "ports.example", "--write", str(token))
    assert made.exit_code == 0, made.output
    assert f"ecn router run --server {api.controller.url} --token-file {token}" in made.output
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().strip() not in made.output
    assert "ports.example" in run("get", "network").stdout
    assert "router" in run("get", "users").stdout
    again = run("router", "create", "gate", "--write", str(token))
    assert again.exit_code == 1
    assert "is there already" in again.output
    again = run("router", "create", "gate", "--write", str(tmp_path / "other"))
    assert again.exit_code == 1
    assert not (tmp_path / "other").exists()


def test_public_ports_are_listed_with_their_links(api: RealApi, tmp_path: Path) -> None:
    assert "no public ports" in run("get", "public-ports").output
    run("router", "create", "gate", "--host", "ports.example", "--write", str(tmp_path / "t"))
    api.do(deploy)
    table = run("get", "public-ports").stdout
    assert "http://ports.example:6000" in table
    assert "10.0.0.0/8" in table
    assert "unknown" in table
    wide = run("get", "public-port", "shop/web", "-o", "wide").stdout
    assert "idle 600 s, total 60 s" in wide
    assert '"port": 6000' in run("get", "public-ports", "-o", "json").stdout
    described = run("describe", "microservice", "shop/web").stdout
    assert "8080->80/tcp, public at 6000 (http, only 10.0.0.0/8)" in described
    missing = run("get", "public-ports", "shop/other")
    assert missing.exit_code == 1
    assert "has no public port" in missing.output
    for wrong in (("-o", "manifest"), ("--watch",), ("--at", "2h")):
        assert run("get", "public-ports", *wrong).exit_code == 2
    assert run("delete", "public-port", "shop/web").exit_code == 2
