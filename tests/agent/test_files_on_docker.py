"""What running containers see of their agent, on a real engine: files of volumes, the socket."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from agent.contract import (
    ContainerState,
    EdgeResource,
    Microservice,
    Mount,
    Volume,
    VolumeFile,
)
from agent.docker.engine import DockerEngine
from tests.agent.controller_stub import ControllerStub
from tests.agent.inside_container import asked
from tests.agent.test_agent_on_docker import agent_of, one, only, stub, told
from tests.agent.waiting import until, until_true
from tests.docker_fixtures import SLEEPS, docker

__all__ = ["stub"]

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image", "strict_umask")]

MOUNTS = replace(SLEEPS, volumes=[Mount(kind="files", source="v1", target="/etc/conf")])


@pytest.fixture
def strict_umask() -> Iterator[None]:
    """As a careful administrator's service has it."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def conf(permissions: str = "444", **files: bytes) -> Volume:
    """One with these files; `__` in a name stands for a slash."""
    made = [VolumeFile(path=name.replace("__", "/"), content=each) for name, each in files.items()]
    return Volume(
        volume_id="v1", name="conf", revision=0, destination="", permissions=permissions, files=made
    )


def wants(stub: ControllerStub, *microservices: Microservice) -> None:
    """These and no others, all of them new to the agent."""
    stub.wants(*(replace(each, revision=stub.revision + 1) for each in microservices))


def inside(container_id: str, *command: str) -> str:
    """As a user that is nobody special."""
    return docker("exec", "-u", "1234", container_id, *command)


def process_of(container_id: str) -> int:
    return int(docker("inspect", "-f", "{{.State.Pid}}", container_id))


async def until_inside(container_id: str, found: str, *command: str) -> None:
    async def look() -> bool | None:
        return await asyncio.to_thread(inside, container_id, *command) == found or None

    await until(look, 10)


async def test_files_are_mounted_and_change_in_the_running_container(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path / "agent", docker_url):
        stub.holds(conf(app=b"1", sub__deep=b"1", old=b"1"))
        wants(stub, one(of=MOUNTS))
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)
        c = before.container_id
        assert inside(c, "cat", "/etc/conf/app", "/etc/conf/sub/deep", "/etc/conf/old") == "111"
        assert inside(c, "ls", "/etc/conf").split() == ["app", "old", "sub"]
        stub.holds(conf(app=b"2", sub__deep=b"2", new=b"2"))
        await until_inside(c, "2", "cat", "/etc/conf/app")
        assert inside(c, "cat", "/etc/conf/app", "/etc/conf/sub/deep", "/etc/conf/new") == "222"
        await until_inside(c, "app\nnew\nsub", "ls", "/etc/conf")
        refused = docker("exec", c, "sh", "-c", "echo x > /etc/conf/app; true")
        assert refused == ""
        assert inside(c, "cat", "/etc/conf/app") == "2"
        assert await only(docker_engine, stub.node_id) == before
        wants(stub, one())

        def withdrawn() -> bool:
            return not (tmp_path / "agent" / "volumes" / "v1").exists()

        assert not withdrawn()
        await until_true(withdrawn, 20)
        after = await only(docker_engine, stub.node_id)
        assert after.container_id != c


async def test_permissions_are_those_of_the_volume(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.holds(conf(permissions="400", app=b"1"))
        wants(stub, one(of=MOUNTS))
        await told(stub, ContainerState.RUNNING)
        c = (await only(docker_engine, stub.node_id)).container_id
        assert docker("exec", c, "cat", "/etc/conf/app") == "1"
        assert inside(c, "sh", "-c", "cat /etc/conf/app 2>/dev/null || echo no") == "no"


async def test_a_microservice_waits_for_files_that_are_not_there_and_starts_when_they_are(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        wants(stub, one(of=MOUNTS))
        failed = await told(stub, ContainerState.FAILED)
        assert "volume v1 is not in the desired state" in failed.status.reason
        assert await docker_engine.containers(stub.node_id) == []
        stub.holds(conf(app=b"1"))
        wants(stub, one(of=MOUNTS))
        await told(stub, ContainerState.RUNNING)


async def test_files_that_were_damaged_while_the_agent_was_away_are_right_before_a_start(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    reads = ["sh", "-c", "cat /etc/conf/app; trap 'exit 0' TERM; sleep 600 & wait"]
    spec = replace(MOUNTS, command=reads)
    async with agent_of(stub, tmp_path, docker_url):
        stub.holds(conf(app=b"right\n"))
        wants(stub, one(of=spec))
        await told(stub, ContainerState.RUNNING)
    c = (await only(docker_engine, stub.node_id)).container_id
    docker("kill", c)
    folder = tmp_path / "volumes" / "v1"
    ((folder / "..data").resolve() / "app").unlink()
    async with agent_of(stub, tmp_path, docker_url):
        await until_true(lambda: docker("logs", c) == "right\nright", 30)


async def test_the_socket_says_who_is_there_to_a_user_that_is_not_root(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    camera = EdgeResource(edge_resource_id="e", name="camera", version="1", custom=Raw(b"{}"))
    get = b"GET %s HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n%s\r\n"
    async with agent_of(stub, tmp_path, docker_url):
        stub.offers(camera)
        wants(
            stub, replace(one(), config='{"speed": 1}'), replace(one("m2"), config='{"speed": 2}')
        )
        await told(stub, ContainerState.RUNNING)
        await told(stub, ContainerState.RUNNING, "m2")
        for found in await docker_engine.containers(stub.node_id):
            process = process_of(found.container_id)
            said = await asyncio.to_thread(asked, process, get % (b"/v1/self", b""))
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert json.loads(body)["microservice_id"] == found.microservice_id
            said = await asyncio.to_thread(asked, process, get % (b"/v1/config", b""))
            speed = {"m1": 1, "m2": 2}[found.microservice_id]
            assert json.loads(said.partition(b"\r\n\r\n")[2]) == {"speed": speed}
            site = inside(found.container_id, "cat", "/run/ecn/edge-resources.json")
            assert [each["name"] for each in json.loads(site)["edge_resources"]] == ["camera"]


async def test_the_socket_outlives_the_agents_restart_in_the_same_container(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    get = b"GET /v1/self HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n"
    async with agent_of(stub, tmp_path, docker_url):
        wants(stub, one())
        await told(stub, ContainerState.RUNNING)
        c = (await only(docker_engine, stub.node_id)).container_id
    async with agent_of(stub, tmp_path, docker_url):
        await until_true((tmp_path / "microservices" / "m1" / "agent.sock").is_socket)
        said = await asyncio.to_thread(asked, process_of(c), get)
        assert said.startswith(b"HTTP/1.1 200")
    assert (await only(docker_engine, stub.node_id)).container_id == c


async def test_a_full_disk_is_told_and_healed_when_there_is_room(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.local.volumes.LOOK_AGAIN", 0.2)
    small = tmp_path / "agent" / "volumes"
    small.mkdir(parents=True)
    mounted(small)
    try:
        async with agent_of(stub, tmp_path / "agent", docker_url):
            stub.holds(conf(app=b"1"))
            wants(stub, one(of=MOUNTS))
            await told(stub, ContainerState.RUNNING)
            c = (await only(docker_engine, stub.node_id)).container_id
            filler = small / "filler"
            filler.write_bytes(b"x" * 700_000)
            stub.holds(conf(app=b"2" * 400_000))
            await until_true(lambda: "No space left" in problem(stub), 10)
            assert inside(c, "cat", "/etc/conf/app") == "1"
            filler.unlink()
            await until_true(lambda: problem(stub) == "", 10)
            assert inside(c, "sh", "-c", "wc -c < /etc/conf/app") == "400000"
    finally:
        unmounted(small)


def shows(file: Path, text: str) -> bool:
    return file.read_text() == text


def problem(stub: ControllerStub) -> str:
    """What the agent said last of its volumes."""
    facts = [each.facts for each in stub.reports if each.facts is not None]
    return facts[-1].volume_problem if facts else ""


def mounted(where: Path) -> None:
    """1 MiB and no more."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "ecn-test", str(where)], check=True)


def unmounted(where: Path) -> None:
    subprocess.run(["umount", "-l", str(where)], check=True)


async def test_config_is_there_within_a_moment_whatever_the_engine_does(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        wants(stub, replace(one(), config="0"))
        await told(stub, ContainerState.RUNNING)
        file = tmp_path / "microservices" / "m1" / "config.json"
        began = time.monotonic()
        for n in range(1, 21):
            wants(stub, replace(one(), config=str(n)))
            await until_true(partial(shows, file, str(n)), 5)
        assert (time.monotonic() - began) / 20 < 0.5
