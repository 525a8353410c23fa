"""The main job as its user sees it: one command up, real containers, and bad moments.

Real processes, a real Postgres, a real Docker Engine; nothing is stood in for.
"""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docker_fixtures import docker_url, image  # noqa: F401
from tests.ports import free_port
from tests.system.network import Network, docker, eventually, network

pytestmark = [pytest.mark.system, pytest.mark.docker, pytest.mark.timeout(180)]

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, image: str) -> Iterator[Network]:  # noqa: F811
    """One network for all tests of this file; each uses applications of its own."""
    # Postgres' own user has to get through to its folder, and pytest's folders are closed.
    folder = tmp_path_factory.mktemp("network")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o711)
    with network(folder) as one:
        yield one


def sleeper(name: str, image: str, **more: object) -> dict[str, object]:  # noqa: F811
    """A microservice that runs until it is told to end."""
    return {
        "name": name,
        "node": "local",
        "image": image,
        "pull": "never",
        "command": SLEEP,
        **more,
    }


def page(port: int) -> str:
    """What is served there."""
    with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:  # our own container
        text: str = answer.read().decode()
        return text


def test_an_application_runs_is_changed_in_part_and_goes(
    net: Network,
    image: str,  # noqa: F811
) -> None:
    port = free_port()
    web = {
        "name": "web",
        "node": "local",
        "image": image,
        "pull": "never",
        "command": ["sh", "-c", "echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
        "ports": [{"host": port, "container": 80}],
    }
    net.deploy("shop", web, sleeper("worker", image))
    assert page(port) == "hello\n"
    before = net.containers()
    assert {"web", "worker"} <= before.keys()

    # Again, unchanged: nothing happens.
    assert "unchanged" in net.deploy("shop", web, sleeper("worker", image))
    assert net.containers() == before

    # One changed: only that one's container is replaced.
    net.deploy("shop", web, sleeper("worker", image, env={"COLOUR": "blue"}))
    after = net.containers()
    assert after["web"] == before["web"]
    assert after["worker"] != before["worker"]
    environment = docker("inspect", "-f", "{{json .Config.Env}}", after["worker"])
    assert "COLOUR=blue" in json.loads(environment)

    net.ecn("stop", "shop/worker")
    eventually(lambda: "worker" not in net.containers(), within=20, what="worker to stop")
    net.ecn("start", "shop/worker")
    started = eventually(lambda: net.containers().get("worker"), within=20, what="worker to start")
    assert started == after["worker"], "a stopped container is started, not made anew"

    net.ecn("delete", "application", "shop", "-y")
    eventually(
        lambda: not {"web", "worker"} & net.containers().keys(), within=30, what="them to go"
    )
    audit = net.ecn("audit", "--limit", "200", "-o", "csv")
    for said in ("application.created", "microservice.updated", "application.deleted"):
        assert said in audit
    assert "user/admin" in audit


def test_a_container_killed_while_the_controller_is_away_is_healed_and_told_once(
    net: Network,
    image: str,  # noqa: F811
) -> None:
    net.deploy("lonely", sleeper("heart", image))
    killed = net.containers()["heart"]
    restarts = [e for e in net.events() if e["type"] == "container.reported.v1"]
    controller = net.process("ecn controller", str(net.data))
    # Stopped, not killed: `ecn up` would start a dead one again within the second.
    os.kill(controller, signal.SIGSTOP)
    try:
        docker("kill", killed)
        eventually(
            lambda: docker("inspect", "-f", "{{.State.Running}}", killed).strip() == "true",
            within=30,
            what="the agent to start it again by itself",
        )
    finally:
        os.kill(controller, signal.SIGCONT)

    def told() -> list[dict[str, object]]:
        return [
            event
            for event in net.events()[len(restarts) :]
            if event["type"] == "container.reported.v1"
            and event["data"]["status"]["restarts"] == 1  # type: ignore[index]
            and event["data"]["status"]["state"] == "running"  # type: ignore[index]
        ]

    eventually(told, within=60, what="the transition to reach the log")
    assert len(told()) == 1
    assert net.containers()["heart"] == killed
    net.ecn("delete", "application", "lonely", "-y")


@pytest.mark.parametrize("victim", ["controller", "agent", "postgres", "up"])
def test_kill_9_loses_nothing_and_recreates_nothing(
    net: Network,
    image: str,  # noqa: F811
    victim: str,
) -> None:
    application = f"survivor-{victim}"
    net.deploy(application, sleeper("one", image))
    before, known = net.containers(), net.events()
    match victim:
        case "controller":
            os.kill(net.process("ecn controller", str(net.data)), signal.SIGKILL)
        case "agent":
            os.kill(net.process("ecn", "agent", "run", str(net.data)), signal.SIGKILL)
        case "postgres":
            os.kill(_postmaster(net), signal.SIGKILL)
        case "up":
            net.kill()
            eventually(lambda: not _serving(net), within=40, what="its processes to end")
            net.start()
    eventually(
        lambda: '"online"' in net.ecn("get", "nodes", "-o", "json", check=False),
        within=60,
        what="the network to be back",
    )
    # Writing works again, and what was acknowledged is there, as it was.
    eventually(
        lambda: "created" in net.ecn("create", "node", f"n-{victim}", check=False),
        within=30,
        what="a write",
    )
    after = net.events()
    assert after[: len(known)] == known
    assert net.containers() == before
    net.ecn("delete", "application", application, "-y")


def test_ctrl_c_leaves_the_containers_and_the_next_start_finds_them(
    net: Network,
    image: str,  # noqa: F811
) -> None:
    net.deploy("steady", sleeper("one", image))
    before = net.containers()
    node_id = net.node_id()
    assert net.stop() == 0
    assert not _serving(net)
    running = docker("ps", "-q", "--no-trunc", "--filter", f"label=ecn.node={node_id}").split()
    assert sorted(running) == sorted(before.values())
    net.start()
    assert net.containers() == before
    assert net.items("microservices", "--application", "steady")[0]["status"]["state"] == "running"  # type: ignore[index]
    net.ecn("delete", "application", "steady", "-y")


def test_why_something_does_not_run_is_said(
    net: Network,
    image: str,  # noqa: F811
) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", port))
        taken.listen()
        with pytest.raises(AssertionError) as failed:
            net.deploy(
                "unlucky",
                {
                    "name": "missing",
                    "node": "local",
                    "image": "ecn-test/no-such:1",
                    "pull": "never",
                },
                sleeper("blocked", image, ports=[{"host": port, "container": 80}]),
                wait="8s",
            )
        said = str(failed.value)
        assert "ecn-test/no-such:1" in said
        assert str(port) in said
    # The port is free now: nobody has to do anything.
    eventually(lambda: "blocked" in net.containers(), within=60, what="another attempt")
    net.ecn("delete", "application", "unlucky", "-y")


def test_logs_are_read_through_the_controller(
    net: Network,
    image: str,  # noqa: F811
) -> None:
    talker = sleeper("talker", image) | {
        "command": ["sh", "-c", "echo one; echo two; echo three; sleep 600"]
    }
    net.deploy("chat", talker)
    lines = eventually(
        lambda: net.ecn("logs", "chat/talker", "--tail", "2"), within=10, what="a log"
    )
    assert lines.splitlines() == ["two", "three"]
    net.ecn("delete", "application", "chat", "-y")


def _serving(net: Network) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", net.port)) == 0


def _postmaster(net: Network) -> int:
    return int((net.data / "postgres" / "postmaster.pid").read_text().split()[0])


def test_the_data_folder_keeps_its_secrets_to_itself(net: Network) -> None:
    for name in ("admin.json", "master.key", "postgres-password", "agent/identity.json"):
        path = Path(net.data) / name
        assert path.stat().st_mode & 0o077 == 0, name
