"""A real RabbitMQ for all tests that want one: started once, a vhost of its own for each test.

Who kills or restarts a broker asks for `own_broker`: eight seconds more.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from tests.private_broker import ADMIN, PASSWORD, ManagementFailed, PrivateBroker, private_broker

_numbers = count(1)


class Vhost:
    """A vhost of one test, in which ADMIN may do everything."""

    user = ADMIN
    password = PASSWORD

    def __init__(self, broker: PrivateBroker, name: str) -> None:
        self.broker = broker
        self.name = name

    @property
    def url(self) -> str:
        """Where AMQP is spoken, without user and password."""
        return self.broker.url(self.name)

    @property
    def tls_url(self) -> str:
        """The same over TLS, for whom trusts `broker.certificates.ca_pem`."""
        return self.broker.url(self.name, tls=True)


@pytest.fixture(scope="session")
def broker_server() -> Iterator[PrivateBroker]:
    """The one broker of this run, with TLS. Not to be killed."""
    yield from _running()


@pytest.fixture
def broker(broker_server: PrivateBroker) -> Iterator[Vhost]:
    """An empty vhost."""
    name = f"test-{next(_numbers)}"
    broker_server.make_vhost(name)
    yield Vhost(broker_server, name)
    broker_server.delete_vhost(name)


@pytest.fixture
def ecn_vhost(broker_server: PrivateBroker) -> Iterator[Vhost]:
    """The vhost with the very name that a controller uses, empty; users are cleared too."""
    broker_server.make_vhost("ecn")
    yield Vhost(broker_server, "ecn")
    with suppress(ManagementFailed):
        broker_server.delete_vhost("ecn")
    users = broker_server.call("GET", "/users")
    assert isinstance(users, list)
    for user in users:
        if user["name"] != ADMIN:
            broker_server.delete_user(user["name"])


@pytest.fixture
def own_broker() -> Iterator[PrivateBroker]:
    """A broker of this test alone, that runs: to be killed, frozen and restarted."""
    yield from _running()


def _running() -> Iterator[PrivateBroker]:
    folder = Path(tempfile.mkdtemp(prefix="ecn-broker-"))
    try:
        one = private_broker(folder, tls=True)
        try:
            one.start()
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
