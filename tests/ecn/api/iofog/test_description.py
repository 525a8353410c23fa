"""The description of ioFog's API: served to anybody, complete, and as OpenAPI has it."""

from collections import Counter

import pytest

from ecn.api import app, openapi
from ecn.api.endpoint import Endpoint
from ecn.api.iofog.app import ENDPOINTS
from ecn.api.iofog.described import IOFOG
from ecn.api.openapi import NATIVE, Api
from tests.ecn.api.server import Controller


async def test_anybody_may_read_it(controller: Controller) -> None:
    session = controller.network.session
    async with session.get(f"{controller.url}/api/v3/docs") as response:
        page = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    assert "/api/v3/edgeResource/{name}/{version}/link" in page
    assert "<script" not in page
    async with session.get(f"{controller.url}/api/v3/openapi.json") as response:
        document = await response.json()
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert described == {(each.method, f"/api/v3{each.path}") for each in ENDPOINTS}


@pytest.mark.parametrize(("endpoints", "api"), [(app.ENDPOINTS, NATIVE), (ENDPOINTS, IOFOG)])
def test_each_operation_has_an_id_of_its_own(endpoints: tuple[Endpoint, ...], api: Api) -> None:
    paths = openapi.document(endpoints, api)["paths"]
    assert isinstance(paths, dict)
    ids = Counter(each["operationId"] for methods in paths.values() for each in methods.values())
    assert [each for each, number in ids.items() if number > 1] == []
