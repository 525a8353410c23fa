"""A change that is merged into what is not there is refused at once."""

import asyncio

import pytest

from tests.ecn.api.server import Controller


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/routes/nobody/r", {"source": "a", "destination": "b"}),
        ("PATCH", "/nodes/nobody", {"name": "x"}),
        ("PATCH", "/microservices/nobody/web", {"env": {}}),
        ("POST", "/applications/nobody/rename", {"name": "x"}),
    ],
)
async def test_what_is_not_there_is_not_waited_for(
    controller: Controller, method: str, path: str, body: object
) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    (await controller.operator.ask(method, path, body)).is_problem(404, "not-found")
    assert loop.time() - before < 2
