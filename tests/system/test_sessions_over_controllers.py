"""A device at one controller, an operator at another: real processes over one Postgres."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_fixtures import IMAGE, docker
from tests.ecn.controller_process import ControllerProcess
from tests.system.network import eventually
from tests.system.test_port_forward import forwarding

pytestmark = [
    pytest.mark.docker,
    pytest.mark.postgres,
    pytest.mark.system,
    pytest.mark.usefixtures("image"),
]

COUNTS = "trap 'exit 143' TERM; i=0; while true; do i=$((i+1)); echo $i; sleep 0.2 & wait $!; done"


class Ecn:
    """Command lines at a controller."""

    def __init__(self, url: str, token: str, home: Path) -> None:
        self.environment = {
            **os.environ,
            "ECN_SERVER": url,
            "ECN_TOKEN": token,
            "ECN_CONFIG": str(home / "config.yaml"),
            "NO_COLOR": "1",
        }

    def __call__(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ecn", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def good(self, *arguments: str, stdin: str = "") -> str:
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def two(postgres_dsn: str, open_folder: Path) -> Iterator[list[ControllerProcess]]:
    database = {"ECN_DATABASE_URL": postgres_dsn}
    data = [open_folder / name for name in ("one", "two")]
    first, second = (ControllerProcess(each, environment=database) for each in data)
    first.start()
    # All controllers of a network have the same master key.
    data[1].mkdir(mode=0o700)
    for name in ("master.key", "admin.json"):
        if (data[0] / name).exists():
            (data[1] / name).write_bytes((data[0] / name).read_bytes())
            (data[1] / name).chmod(0o600)
    second.start()
    yield [first, second]
    for each in (first, second):
        if each._process is not None and each._process.poll() is None:
            each._process.send_signal(signal.SIGTERM)
            each._process.wait(30)


@pytest.fixture
def agent(two: list[ControllerProcess], open_folder: Path) -> Iterator[Ecn]:
    """Runs at the first controller; what comes out speaks to the second."""
    token = json.loads((two[0].data / "admin.json").read_text())["token"]
    here, there = (Ecn(each.url, token, open_folder) for each in two)
    name = f"test-{secrets.token_hex(4)}"
    here.good("create", "node", name)
    key = json.loads(here.good("provision-key", name, "-o", "json"))["key"]
    key_file, data = open_folder / "key", str(open_folder / "agent")
    key_file.write_text(key)
    provision = ("agent", "provision", "--controller", two[0].url, "--key-file", str(key_file))
    here.good(*provision, "--data", data)
    with (open_folder / "agent.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "ecn", "agent", "run", "--data", data],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        manifest = {
            "apiVersion": "ecn/v1",
            "kind": "Application",
            "metadata": {"name": name},
            "spec": {
                "microservices": [
                    {
                        "name": "web",
                        "node": name,
                        "image": IMAGE,
                        "pull": "never",
                        "command": ["sh", "-c", COUNTS],
                    }
                ]
            },
        }
        here.good("deploy", "-f", "-", "--timeout", "60s", stdin=json.dumps(manifest))
        there.environment["NAME"] = name
        yield there
        running.send_signal(signal.SIGTERM)
        running.wait(30)
    finally:
        running.kill()
        for container in docker("ps", "-aqf", f"label=ecn.application={name}").split():
            docker("rm", "-f", container)
        for network in docker("network", "ls", "-qf", f"name=ecn-{name}").split():
            docker("network", "rm", network)


async def test_an_operator_reaches_a_device_that_is_at_another_controller(agent: Ecn) -> None:
    name = agent.environment["NAME"]
    await asyncio.to_thread(look, agent, f"{name}/web", name)


def look(ecn: Ecn, web: str, node: str) -> None:
    eventually(lambda: '"online"' in ecn.good("get", "nodes", "-o", "json"), within=20, what="it")
    done = ecn("exec", "-i", web, "--", "sh", "-c", "cat; exit 5", stdin="through both")
    assert (done.returncode, done.stdout, done.stderr) == (5, "through both", "")
    assert len(ecn.good("logs", "--tail", "3", web).splitlines()) == 3
    assert '"state":"running"' in ecn.good("top", web, "--once", "-o", "json")
    assert '"action":"start"' in ecn.good("engine-events", f"node/{node}", "-o", "json")
    assert "exit code 5" in ecn.good("audit", "--type", "session")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        forwarding(ecn.environment, "tunnel", node, f"0:{server.getsockname()[1]}") as run,
        socket.create_connection(("127.0.0.1", run.ports[0]), timeout=20) as client,
    ):
        server.settimeout(20)
        reached, _ = server.accept()
        with reached:
            client.sendall(b"through both")
            assert reached.recv(100) == b"through both"
    audited = ecn.good("audit", "--subject", f"node/{node}", "--type", "session")
    assert "tunnel, 1 connections" in audited
