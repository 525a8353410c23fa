"""A network with one controller, and one with two."""

from collections.abc import AsyncIterator

import pytest

from tests.ecn.api.server import Client, Controller, Network


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """Without controllers: `network.controller()` makes one."""
    async with Network.running() as network:
        yield network


@pytest.fixture
async def controller(network: Network) -> AsyncIterator[Controller]:
    """The first controller of `network`."""
    async with network.controller() as controller:
        yield controller


@pytest.fixture
def admin(controller: Controller) -> Client:
    """May do everything."""
    return controller.admin


@pytest.fixture
def operator(controller: Controller) -> Client:
    """May do everything but users."""
    return controller.operator


@pytest.fixture
def viewer(controller: Controller) -> Client:
    """May read."""
    return controller.viewer


@pytest.fixture
def nobody(controller: Controller) -> Client:
    """Has no token."""
    return controller.nobody
