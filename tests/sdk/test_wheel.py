"""The SDK as a microservice's image has it: a wheel, with nothing of the project around it."""

import asyncio
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.agent.local_api.serving import serving

SDK = Path(__file__).parents[2] / "routing" / "sdk"

PROGRAM = """
import sys
from ecn_sdk.plain import Client
from iofog.microservices.client import IoFogClient
import ecn_sdk
assert not [name for name in sys.modules if name.partition(".")[0] in ("agent", "routing", "ecn")]
with Client() as client:
    print(client.publish({"n": 1}).id)
    print(next(client.messages()).json(), client.config())
print(ecn_sdk.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(SDK)),
        ],
        check=True,
        timeout=90,
    )
    (made,) = folder.glob("ecn_sdk-*.whl")
    return made


def test_the_wheel_has_the_codec_and_not_a_link_to_it(wheel: Path) -> None:
    packed = contents(wheel)
    names = set(packed)
    assert packed["ecn_sdk/iomessage.py"] == (SDK.parent / "iomessage.py").read_bytes()
    assert {"ecn_sdk/py.typed", "iofog/microservices/client.py"} <= names
    assert {name.partition("/")[0] for name in names} == {
        "ecn_sdk",
        "iofog",
        wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info",
    }


def test_a_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    def build(kind: str, folder: Path) -> Path:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(tmp_path / kind)],
            cwd=folder,
            check=True,
            timeout=60,
        )
        (made,) = (tmp_path / kind).iterdir()
        return made

    with tarfile.open(build("sdist", SDK)) as packed:
        packed.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("ecn_sdk-*/")
    assert contents(build("wheel", unpacked)) == contents(wheel)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {each: packed.read(each) for each in packed.namelist()}


async def test_installed_elsewhere_it_publishes_and_receives(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    site = venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    async with serving() as one:
        one.routing.routes = {"m1": "m1"}
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True
        )
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
        # What it depends on is there already: nothing has to come from a registry.
        import aiohttp

        dependencies = site / "dependencies.pth"
        dependencies.write_text(str(Path(aiohttp.__file__).parents[1]) + "\n")
        environment = {
            "PATH": os.environ["PATH"],
            "SELFNAME": "m1",
            "ECN_TOKEN": one.tokens.of("m1"),
            "ECN_LOCAL_API": f"http://127.0.0.1:{one.port}",
        }
        process = await asyncio.create_subprocess_exec(
            str(python),
            "-c",
            PROGRAM,
            env=environment,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    published, came, where = out.decode().splitlines()
    assert len(published) == 32
    assert came == "{'n': 1} {'rate': 1}"
    assert Path(where).is_relative_to(site)
