"""The page reaches its users in the package: all of it, with the licence of what is not ours."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ecn.dashboard.assets import page

PROJECT = Path(__file__).parents[3]
PAGE = "ecn/dashboard/page"

PROGRAM = """
import asyncio, sys
import aiohttp
from aiohttp import web
from ecn.dashboard import assets

async def main():
    app = web.Application()
    app.add_routes(assets.ROUTES)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    mark = assets.page().mark
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for path in ("/dashboard/", f"/dashboard/assets/{mark}/main.js"):
            async with session.get(path) as answer:
                assert answer.status == 200, path
    await runner.cleanup()
    print(assets.__file__, mark)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel has."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT,
        check=True,
        timeout=100,
    )
    (made,) = folder.glob("*.whl")
    with zipfile.ZipFile(made) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_the_whole_page(installed: Path) -> None:
    there = {
        str(each.relative_to(installed / PAGE))
        for each in (installed / PAGE).rglob("*")
        if each.is_file()
    }
    here = {
        str(each.relative_to(PROJECT / PAGE))
        for each in (PROJECT / PAGE).rglob("*")
        if each.is_file()
    }
    assert here - there == set()
    assert {"index.html", "start.js", "main.js", "vendor/lit-html/LICENSE"} <= there
    assert "BSD 3-Clause" in (installed / PAGE / "vendor/lit-html/LICENSE").read_text()
    assert not [name for name in there if "node_modules" in name or ".test." in name]


def test_what_is_installed_serves_the_same_page(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=installed.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)},
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    where, mark = done.stdout.split()
    assert Path(where).is_relative_to(installed)
    assert mark == page().mark
