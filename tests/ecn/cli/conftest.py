"""A CLI that is logged in to a fake API, in a home of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecn.cli import contexts
from ecn.cli.contexts import Context
from ecn.cli.main import cli
from tests.ecn.cli.fake_api import TOKEN, FakeApi, served

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
