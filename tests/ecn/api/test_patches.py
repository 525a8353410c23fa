"""Partial changes: RFC 7396 merges, and several people who change one thing at once."""

import asyncio

import msgspec
import pytest

from events.application import HealthCheck
from events.container_options import ContainerOptions
from tests.ecn.api.server import Client, Controller, Network, manifest

CHECK: dict[str, object] = msgspec.to_builtins(HealthCheck())
OPTIONS: dict[str, object] = msgspec.to_builtins(ContainerOptions())
FULL = manifest(
    env={"A": "1", "B": "2"},
    ports=[{"host": 80, "container": 8080}],
    memory_limit_mib=64,
    health_check={"command": ["true"], "retries": 5},
    options={"user": "1000", "stop_within": 3, "read_only_root": True},
    config={"deep": {"one": 1, "two": [1, 2]}, "none": None},
    started=False,
)


@pytest.fixture
async def web(controller: Controller) -> Client:
    operator = controller.operator
    await operator.post("/nodes", {"name": "east"})
    (await operator.put("/applications/shop", {"microservices": [FULL]})).is_good(201)
    return operator


@pytest.mark.parametrize(
    ("patch", "field", "after"),
    [
        ({}, "env", {"A": "1", "B": "2"}),
        ({"env": {"B": None, "C": "3"}}, "env", {"A": "1", "C": "3"}),
        ({"env": None}, "env", {}),
        ({"env": {}}, "env", {"A": "1", "B": "2"}),
        ({"ports": []}, "ports", []),
        ({"memory_limit_mib": None}, "memory_limit_mib", None),
        ({"health_check": None}, "health_check", None),
        (
            {"health_check": {"retries": None, "timeout": 5}},
            "health_check",
            {**CHECK, "command": ["true"], "timeout": 5},
        ),
        ({"health_check": {"tcp": 80}}, "health_check", {**CHECK, "tcp": 80, "retries": 5}),
        (
            {"health_check": {"disabled": True, "retries": 3}},
            "health_check",
            {**CHECK, "disabled": True},
        ),
        (
            {"options": {"user": "app", "stop_within": None}},
            "options",
            {**OPTIONS, "user": "app", "read_only_root": True},
        ),
        ({"options": None}, "options", OPTIONS),
        ({"depends_on": []}, "depends_on", []),
        ({"start_order": 3}, "start_order", 3),
        ({"disk_limit_mib": 64}, "disk_limit_mib", 64),
        ({"twin_conflicts": "edge-wins"}, "twin_conflicts", "edge-wins"),
        (
            {"config": {"deep": {"one": None, "three": 3}}},
            "config",
            {"deep": {"two": [1, 2], "three": 3}, "none": None},
        ),
        ({"config": {"deep": None, "none": None}}, "config", {}),
        ({"config": {"deep": 7}}, "config", {"deep": 7, "none": None}),
        ({"config": None}, "config", {}),
        ({"started": None}, "started", True),
        ({"started": True}, "started", True),
        ({"restart": None}, "restart", "always"),
        ({"image": "shop/web:2"}, "image", "shop/web:2"),
    ],
)
async def test_a_patch_is_merged_and_null_resets(
    web: Client, patch: dict[str, object], field: str, after: object
) -> None:
    before = (await web.get("/microservices/shop/web")).json
    (await web.patch("/microservices/shop/web", patch)).is_good()
    now = (await web.get("/microservices/shop/web")).json
    assert now[field] == after
    unchanged = set(before) - {field, "revision", "updated_at", "status"}
    unchanged -= {"runs_image"} if field == "image" else set()
    assert {name: now[name] for name in unchanged} == {name: before[name] for name in unchanged}


async def test_a_patch_that_changes_nothing_appends_nothing(
    controller: Controller, web: Client
) -> None:
    position = controller.world_position
    changed = await web.patch("/microservices/shop/web", {"env": {"A": "1"}})
    assert changed.is_good()["events"] == []
    assert controller.world_position == position


async def test_a_patch_may_move_and_change_at_once(web: Client) -> None:
    await web.post("/nodes", {"name": "west"})
    changed = await web.patch("/microservices/shop/web", {"node": "west", "image": "shop/web:2"})
    assert changed.is_good()["events"] == ["microservice.updated.v1", "microservice.moved.v1"]


async def test_of_many_patches_at_once_none_is_lost(network: Network, web: Client) -> None:
    async with network.controller() as other:
        clients = [web, other.operator] * 15
        patches = [
            client.patch("/microservices/shop/web", {"env": {f"N{number}": "x"}})
            for number, client in enumerate(clients)
        ]
        for answer in await asyncio.gather(*patches):
            answer.is_good()
    env = (await web.get("/microservices/shop/web"))["env"]
    assert isinstance(env, dict)
    assert set(env) == {"A", "B"} | {f"N{number}" for number in range(30)}


async def test_of_many_patches_of_a_node_none_is_lost(network: Network, web: Client) -> None:
    async with network.controller() as other:
        clients = [web, other.operator] * 10
        patches = [
            client.patch("/nodes/east", {"settings": {"labels": {f"n{number}": "x"}}})
            for number, client in enumerate(clients)
        ]
        for answer in await asyncio.gather(*patches):
            answer.is_good()
    settings = (await web.get("/nodes/east"))["settings"]
    assert isinstance(settings, dict)
    assert set(settings["labels"]) == {f"n{number}" for number in range(20)}


async def test_a_patch_of_what_another_controller_just_deleted_is_told_so(
    network: Network, web: Client
) -> None:
    async with network.controller(following=False) as other:
        await web.delete("/microservices/shop/web")
        refused = await other.operator.patch("/microservices/shop/web", {"env": {"A": "2"}})
        refused.is_problem(404, "not-found")


async def test_a_controller_that_lags_behind_merges_into_what_others_left(
    network: Network, web: Client
) -> None:
    async with network.controller(following=False) as other:
        await web.patch("/microservices/shop/web", {"env": {"A": "changed"}})
        (await other.operator.patch("/microservices/shop/web", {"env": {"C": "3"}})).is_good()
    env = (await web.get("/microservices/shop/web"))["env"]
    assert env == {"A": "changed", "B": "2", "C": "3"}


async def test_what_another_controller_just_made_is_found(
    network: Network, controller: Controller
) -> None:
    async with network.controller(following=False) as other:
        await controller.operator.post("/nodes", {"name": "east"})
        (await other.operator.patch("/nodes/east", {"name": "west"})).is_good()
