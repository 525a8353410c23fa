"""The engines that the contract of a container engine is tried with."""

import secrets
from collections.abc import AsyncIterator

import pytest

from agent.lifecycle.engine import ContainerEngine
from agent.run import remove_everything
from tests.agent.fake_engine import FakeEngine
from tests.docker_fixtures import IMAGE


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def any_engine(request: pytest.FixtureRequest) -> ContainerEngine:
    if request.param == "fake":
        return FakeEngine(images={IMAGE})
    request.getfixturevalue("image")
    real: ContainerEngine = request.getfixturevalue("docker_engine")
    return real


@pytest.fixture
async def node(any_engine: ContainerEngine) -> AsyncIterator[str]:
    node_id = f"test-{secrets.token_hex(6)}"
    yield node_id
    await remove_everything(node_id, any_engine)
