"""scripts/broker: an interior router that controllers and agents can use at once, and that ends."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecn.broker import settings
from routing.amqp import connected
from routing.amqp_shapes import Access, CannotConnect, Properties
from tests.ecn.broker.scene import INBOX, OVER, running
from tests.ecn.broker.test_topology import CROSSING
from tests.ports import free_ports
from tests.private_broker import SERVER

SCRIPT = Path(__file__).parents[2] / "scripts/broker"
FIRST = f"{SERVER} is missing: install the package rabbitmq-server"


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ecn-broker-script-")) / "broker"
    try:
        yield path
    finally:
        if path.exists():
            script("stop", path)
        shutil.rmtree(path.parent, ignore_errors=True)


def script(verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    port, *_ = free_ports(1)
    return subprocess.run(
        [SCRIPT, verb, folder],
        env={**os.environ, "ECN_BROKER_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines and environments that name the folder: this test's own."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            told = (each / "environ").read_bytes()
            state = (each / "stat").read_text().rpartition(") ")[2][0]
        except OSError:
            continue
        if f"RABBITMQ_MNESIA_BASE={folder}".encode() in told and state != "Z":
            found.append(each.name)
    return found


def others_can_read(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.stat().st_mode & 0o077]


@pytest.mark.skipif(not SERVER.exists(), reason=FIRST)
async def test_it_starts_serves_stops_and_starts_again(folder: Path) -> None:
    started = script("start", folder)
    assert started.returncode == 0, started.stdout + started.stderr
    file = folder / "broker.yaml"
    assert str(file) in started.stdout
    first = settings.read(file)
    assert first.url.startswith("amqps://127.0.0.1:")
    assert first.password not in started.stdout + started.stderr
    assert script("status", folder).returncode == 0
    assert "runs already" in script("start", folder).stdout
    assert others_can_read(folder) == []
    admin = Access(url=first.url, user=first.username, password=first.password, ca_pem=first.ca_pem)
    async with running(first) as scene:
        await scene.happens(*CROSSING, OVER)
        await scene.settled()
        async with connected(admin, name="operator") as link:
            publisher = await link.publisher()
            await publisher.publish("", INBOX, b"kept", Properties(message_id="1"))
    with pytest.raises(CannotConnect, match="ertificate"):
        async with connected(Access(url=admin.url, user="ecn", password="x"), name="stranger"):
            pass
    assert script("stop", folder).returncode == 0
    assert script("status", folder).returncode == 1
    assert processes_of(folder) == []
    # What is in its queues, and who may use it, is there when it runs again.
    assert script("start", folder).returncode == 0
    assert settings.read(file) == first
    async with connected(admin, name="operator") as link:
        assert await link.waiting_in(INBOX) == 1


def test_it_says_how_it_is_used() -> None:
    said = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)
    assert said.returncode == 64
    assert "scripts/broker start DIR" in said.stderr
