"""A real Docker Engine, an image to run and a registry to pull from, for tests marked `docker`.

An engine that is missing fails these tests, so that nobody takes their absence for success;
`ECN_TEST_WITHOUT_DOCKER=1` skips them instead, and pytest lists what was skipped.

Everything that a test makes bears its own random node id and is removed by it; other containers
and networks of the machine are never touched.
"""

import asyncio
import io
import os
import secrets
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.contract import ContainerSpec
from agent.docker.engine import DockerEngine
from agent.errors import EngineError
from agent.run import remove_everything
from tests.ports import free_port

IMAGE = "ecn-test/busybox:1"
ENGINE_URL = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")

SLEEPS = ContainerSpec(image=IMAGE, command=["sh", "-c", "trap 'exit 143' TERM; sleep 600 & wait"])
"""Runs on, and ends when asked: a bare `sleep` as first process would sit out the grace of 10 s."""

_PASSWORD_HASH = "$2y$05$UCRV2Uqg/WYqFzRIjnS42.kjkRo.VF8x0h6VianW.aiUDEGkjg7bu"


async def _answers() -> str:
    try:
        async with DockerEngine(ENGINE_URL) as engine:
            return (await engine.facts()).version
    except EngineError:
        return ""


@pytest.fixture(scope="session")
def docker_url() -> str:
    """Address of an engine that answers."""
    if asyncio.run(_answers()):
        return ENGINE_URL
    why = (
        f"no Docker Engine answers at {ENGINE_URL}: start one (for example `dockerd &` as root), "
        "or set ECN_TEST_WITHOUT_DOCKER=1 to leave these tests out"
    )
    if os.environ.get("ECN_TEST_WITHOUT_DOCKER") == "1":
        pytest.skip(why)
    pytest.fail(why)


@pytest.fixture(scope="session")
def image(docker_url: str) -> str:
    """A small image with a shell and the usual tools, made from busybox of this machine."""
    return make_image()


def make_image() -> str:
    """Make it; its name."""
    binary = shutil.which("busybox")
    if binary is None:
        pytest.fail("the test image is made from busybox: install the package busybox-static")
    applets = _output("busybox", "--list").decode().split()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(Path(binary).resolve(), "bin/busybox")
        for applet in applets:
            if applet != "busybox":  # or the program would become a link to itself
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        for name in ("tmp", "etc"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(directory)
    _output(
        "docker", "import", "-c", 'CMD ["sleep", "3600"]', "-c", "ENV PATH=/bin", "-", IMAGE,
        stdin=archive.getvalue(),
    )  # fmt: skip
    return IMAGE


@pytest.fixture
async def docker_engine(docker_url: str) -> AsyncIterator[DockerEngine]:
    """A client of the real engine."""
    async with DockerEngine(docker_url) as real:
        yield real


@pytest.fixture
async def docker_node(docker_engine: DockerEngine) -> AsyncIterator[str]:
    """A node id of this test's own; its containers and networks are removed after it."""
    node_id = f"test-{secrets.token_hex(6)}"
    yield node_id
    await remove_everything(node_id, docker_engine)


@pytest.fixture(scope="session")
def image_registry(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a registry on this machine that holds `ecn-test/busybox:1`."""
    yield from _registry(tmp_path_factory.mktemp("registry"), image, "")


@pytest.fixture(scope="session")
def locked_registry(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that gives its image to the user `edge` with the password `s3cret` only."""
    folder = tmp_path_factory.mktemp("locked-registry")
    # bcrypt of "s3cret": the registry takes nothing weaker, and Python brings no bcrypt.
    (folder / "htpasswd").write_text(f"edge:{_PASSWORD_HASH}\n")
    auth = f"auth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}\n"
    yield from _registry(folder, image, auth)


def _registry(folder: Path, image: str, auth: str) -> Iterator[str]:
    if shutil.which("docker-registry") is None:
        pytest.fail("a registry is needed: install the package docker-registry")
    port = free_port()
    settings = folder / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
        f'http: {{addr: "127.0.0.1:{port}"}}\n{auth}'
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(settings)], stdout=log, stderr=log
        )
    try:
        _wait_for_port(port, process)
        there = f"127.0.0.1:{port}/{image}"
        _output("docker", "tag", image, there)
        # Its own settings folder: a login must not end up in the one of whoever runs the tests.
        by_itself = ("docker", "--config", str(folder / "docker"))
        if auth:
            _output(
                *by_itself, "login", "-u", "edge", "--password-stdin", f"127.0.0.1:{port}",
                stdin=b"s3cret",
            )  # fmt: skip
        _output(*by_itself, "push", "-q", there)
        _output("docker", "rmi", there)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def forget_image(reference: str) -> None:
    """Remove it from the engine, so that the next use has to pull it."""
    subprocess.run(["docker", "rmi", "-f", reference], capture_output=True, check=False)


def docker(*arguments: str) -> str:
    """What somebody at the device would do by hand."""
    return _output("docker", *arguments).decode().strip()


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the registry did not come up within 10 s")


def _output(*command: str, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
    return done.stdout
