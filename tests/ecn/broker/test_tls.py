"""Over TLS: AMQP and management, with certificates of the router's own authority."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ecn.broker import keeper as keeper_module
from ecn.broker.keeper import State
from ecn.broker.settings import BrokerSettings
from projections.network import broker
from routing.amqp import connected
from routing.amqp_shapes import CannotConnect
from tests.builders import EAST
from tests.certificates import Certificates
from tests.ecn.broker.scene import OVER, running, settings_of, until
from tests.ecn.broker.test_topology import CROSSING
from tests.ports import free_ports
from tests.private_broker import private_broker


@pytest.fixture(scope="module")
def secure() -> Iterator[BrokerSettings]:
    """As a controller has it, of a router whose management speaks HTTPS too."""
    folder = Path(tempfile.mkdtemp(prefix="ecn-broker-tls-"))
    (port,) = free_ports(1)
    tls = folder / "rabbit/tls"
    settings = f"""
management.ssl.ip = 127.0.0.1
management.ssl.port = {port}
management.ssl.cacertfile = {tls}/ca.pem
management.ssl.certfile = {tls}/server.pem
management.ssl.keyfile = {tls}/server.key
"""
    server = private_broker(folder / "rabbit", tls=True, settings=settings)
    try:
        server.start()
        assert server.certificates is not None
        yield replace(
            settings_of(server, "ecn"),
            url=server.url("ecn", tls=True),
            agents_url=server.url("ecn", tls=True),
            management=f"https://127.0.0.1:{port}",
            ca_pem=server.certificates.ca_pem,
        )
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "PAUSES", (0.2, 0.5))


async def test_it_is_kept_and_used_over_tls(secure: BrokerSettings) -> None:
    async with running(secure) as scene:
        await scene.happens(*CROSSING, OVER)
        await scene.settled()
        await until(lambda: broker(scene.live.world) == secure.broker)
        told = broker(scene.live.world)
        assert told is not None
        access = replace(await scene.access(EAST), url=told.url, ca_pem=told.ca_pem)
        async with connected(access, name="agent") as link:
            assert not link.lost.is_set()


async def test_another_authority_is_not_believed(secure: BrokerSettings, tmp_path: Path) -> None:
    other = replace(secure, ca_pem=Certificates.made(tmp_path / "tls").ca_pem)
    async with running(other) as scene:
        await until(lambda: scene.keeper.health.state is State.DOWN)
        assert "certificate verify failed" in scene.keeper.health.reason
        assert broker(scene.live.world) is None
        with pytest.raises(CannotConnect, match="ertificate"):
            async with connected(replace(scene.admin, ca_pem=other.ca_pem), name="x"):
                pass
