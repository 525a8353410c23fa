"""A CLI that is logged in to a fake API, in a home of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from ecn.cli import contexts
from ecn.cli.contexts import Context
from ecn.cli.main import cli
from tests.ecn.cli.fake_api import TOKEN, FakeApi

Ecn = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of nobody, and a terminal zone that is everybody's."""
    for name in ("ECN_SERVER", "ECN_TOKEN", "ECN_CONTEXT", "ECN_PASSWORD", "ECN_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ECN_CONFIG", str(tmp_path / "home" / "config.yaml"))
    return tmp_path


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API that runs."""
    with served(FakeApi()) as running:
        yield running


@pytest.fixture
def ecn(api: FakeApi) -> Ecn:
    """Runs a command line, logged in."""
    contexts.put("test", Context(server=api.url, user="anna", token=TOKEN), use=True)
    return run


def run(*arguments: str, stdin: str = "", **environment: str) -> Result:
    """One command line, in this process."""
    return CliRunner().invoke(cli, arguments, input=stdin, env=environment, prog_name="ecn")


@contextmanager
def served(api: FakeApi) -> Iterator[FakeApi]:
    """The API on a port of its own, until the block ends."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(api.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stopping.wait()
        # Who stands before the door is let in first: a transport that asyncio makes for a server
        # which closes in the same turn of the loop stays open for ever (mended in Python 3.13).
        # Who was let in at the last moment is known to the runner some turns later, and a transport
        # closes some turns after it was told to.
        await asyncio.sleep(0.02)
        await site.stop()
        await asyncio.sleep(0.02)
        await runner.cleanup()
        await asyncio.sleep(0.02)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield api
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
