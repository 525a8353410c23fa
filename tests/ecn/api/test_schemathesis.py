"""Whatever is sent, no endpoint of either API makes a mistake, and what it answers is described.

schemathesis makes requests of the OpenAPI documents, good ones and bad ones, and looks at what
comes back: the status is one of the described, no 500 is, and the body is as its schema says. Each
operation has a controller of its own with something of every kind in it, and half of the requests
name one of those. More than the few of each run: ECN_SCHEMATHESIS_EXAMPLES=200 pytest ...
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import NamedTuple

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from ecn.api import app, openapi
from ecn.api.endpoint import Access, Endpoint
from ecn.api.iofog.app import ENDPOINTS as IOFOG_ENDPOINTS
from ecn.api.iofog.described import IOFOG
from ecn.api.iofog.endpoint import Endpoint as Iofog
from ecn.api.openapi import NATIVE, PARAMETER, Api
from tests.ecn.api.server import ADMIN, OPERATOR, Controller, Network, manifest

EXAMPLES = int(os.environ.get("ECN_SCHEMATHESIS_EXAMPLES", "3"))
"""Good ones of each operation, and as many bad ones."""

ANOTHER_PATH = (404, 405)
"""What a parameter leads to that made another path of it, of slashes say."""

WITHIN = 10.0
"""Seconds for one answer."""

SLOW_QUERIES = {"at_least", "follow"}
"""What lets a request wait, as it should."""

ELSEWHERE = {
    ("PUT", "/microservices/{uuid}/strace"),  # speaks to whatever server the request names
    ("GET", "/microservices/{id:[0-9a-f]{32}}/logs"),  # waits for a device, and says 504
    ("GET", "/microservices/{application}/{name}/logs"),
    ("GET", "/nodes/{node}/usage"),  # as logs do
    ("GET", "/nodes/{node}/engine-events"),
    ("GET", "/dashboard/stream"),  # has no end
}

FAILS_LIKE_IOFOG = {("GET", "/microservices/{uuid}/image-snapshot")}
"""Its clients want a 500 of it where there is no snapshot yet."""

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]

Ids = dict[str, str]


class Operation(NamedTuple):
    """One endpoint of one API."""

    api: Api
    endpoint: Endpoint

    @property
    def path(self) -> str:
        """As the OpenAPI document has it."""
        return self.api.base + PARAMETER.sub(r"{\1}", self.endpoint.path)


def operations() -> Iterator[Operation]:
    """All that are tried."""
    for api, endpoints in ((NATIVE, app.ENDPOINTS), (IOFOG, IOFOG_ENDPOINTS)):
        for each in endpoints:
            if (each.method, each.path) not in ELSEWHERE:
                yield Operation(api, each)


@cache
def schema(base: str) -> schemathesis.BaseSchema:
    """The document of that API, without what only makes requests wait."""
    endpoints: Sequence[Endpoint] = app.ENDPOINTS if base == NATIVE.base else IOFOG_ENDPOINTS
    api = NATIVE if base == NATIVE.base else IOFOG
    document = msgspec.json.decode(
        msgspec.json.encode(openapi.document(endpoints, api)), type=dict[str, object]
    )
    paths = document["paths"]
    assert isinstance(paths, dict)
    for operation in (each for methods in paths.values() for each in methods.values()):
        operation["parameters"] = [
            each for each in operation["parameters"] if each["name"] not in SLOW_QUERIES
        ]
    return schemathesis.openapi.from_dict(document)


async def seeded(controller: Controller) -> Ids:
    """Something of every kind; what it may be called by, by the parameters of paths."""
    agent = await controller.agent("east")
    operator = controller.operator
    shop = {
        "microservices": [manifest("web", ports=[]), manifest("db")],
        "routes": [{"name": "r", "source": "web", "destination": "db"}],
    }
    (await operator.put("/applications/shop", shop)).is_good(201)
    (await operator.put("/registries/hub", {"url": "hub.example"})).is_good(201)
    gate = {"name": "gate", "password": "a-long-password"}
    (await controller.admin.post("/users", {**gate, "role": "router"})).is_good(201)
    login = (await controller.nobody.post("/login", gate)).is_good()
    web = (await operator.get("/microservices/shop/web")).text("id")
    route = (await operator.get("/routes/shop/r")).text("id")
    v3 = controller.url + "/api/v3"
    made: dict[str, object] = {}
    for path, body in (
        ("/catalog/microservices", {"name": "c", "registryId": 1, "images": [IMAGE]}),
        ("/applicationTemplate", {"name": "t"}),
        ("/edgeResource", {"name": "door", "version": "0.0.1", "interfaceProtocol": "https"}),
    ):
        async with operator.session.post(
            v3 + path, json=body, headers={"Authorization": OPERATOR}
        ) as response:
            made[path] = (await response.json())["id"]
    return {
        "node": "east",
        "application": "shop",
        "registry": "hub",
        "user": "vera",
        "template": "t",
        "catalog_item": "c",
        "edge_resource": "door@0.0.1",
        "key": "k",
        "kind": "node",
        "ref": "east",
        "agent": agent.client.token or "",
        "router": login.text("token"),
        "/api/v1/routes/id": route,
        "/api/v1/microservices/id": web,
        "/api/v1/microservices/name": "web",
        "/api/v1/blame/name": "web",
        "/api/v1/why/name": "web",
        "/api/v1/routes/name": "r",
        "/api/v3/routes/name": "r",
        "/api/v3/application/name": "shop",
        "/api/v3/applicationTemplate/name": "t",
        "/api/v3/edgeResource/name": "door",
        "/api/v3/edgeResource/version": "0.0.1",
        "/api/v3/iofog/uuid": agent.node_id,
        "/api/v3/microservices/uuid": web,
        "/api/v3/microservices/receiver": web,
        "/api/v3/catalog/id": str(made["/catalog/microservices"]),
        "/api/v3/flow/id": "1001",
        "/api/v3/registries/id": "1001",
    }


IMAGE = {"containerImage": "i", "fogTypeId": 1}


def known(operation: Operation, ids: Ids) -> dict[str, str]:
    """By parameter of the path, what there is."""
    beginning = "/".join(operation.path.split("/")[:4])
    names = PARAMETER.findall(operation.endpoint.path)
    found = {name: ids.get(f"{beginning}/{name}") or ids.get(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def token(operation: Operation, ids: Ids) -> dict[str, str]:
    """The header of who may send it."""
    match operation.endpoint.access:
        case Access.ANYONE:
            return {}
        case Access.AGENT:
            return {"Authorization": f"Bearer {ids['agent']}"}
        case Access.ROUTER:
            return {"Authorization": f"Bearer {ids['router']}"}
        case _:
            return {"Authorization": f"Bearer {ADMIN}"}


def attack(operation: Operation, url: str, ids: Ids) -> None:
    """Send some requests. Errors: schemathesis' failures."""
    endpoint = operation.endpoint
    one = schema(operation.api.base)[operation.path][endpoint.method]
    there = known(operation, ids)
    headers = token(operation, ids)

    def send(case: schemathesis.Case, named: bool) -> None:  # type: ignore[type-arg]
        if named:
            case.path_parameters = {**(case.path_parameters or {}), **there}
        response = case.call(base_url=url, headers=headers, timeout=WITHIN)
        if response.status_code in ANOTHER_PATH and not named:
            return
        if not response.content and isinstance(endpoint, Iofog) and endpoint.maybe_empty:
            return
        if (endpoint.method, endpoint.path) in FAILS_LIKE_IOFOG and response.status_code == 500:
            assert response.json()["name"] == "ValidationError"
            return
        case.validate_response(response, checks=CHECKS)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        run = given(case=one.as_strategy(generation_mode=mode), named=st.booleans())(send)
        few = settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        with suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong
            few(run)()


@pytest.mark.parametrize(
    "operation",
    list(operations()),
    ids=[f"{each.endpoint.method} {each.path}" for each in operations()],
)
async def test_nothing_that_is_sent_makes_it_fail(network: Network, operation: Operation) -> None:
    async with network.controller(open_signup=True) as controller:
        ids = await seeded(controller)
        await asyncio.to_thread(attack, operation, controller.url, ids)
