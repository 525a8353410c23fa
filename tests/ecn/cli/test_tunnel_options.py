"""What `ecn controller` is told of an SSH server for tunnels reaches the controller."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecn.cli import controller as command
from ecn.settings import ControllerSettings, TunnelServer


class Told:
    """Stands where a controller would run."""

    def __init__(self) -> None:
        self.settings: ControllerSettings | None = None

    async def run(self, settings: ControllerSettings) -> None:
        self.settings = settings


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(command, "_runner", lambda: told.run)
    monkeypatch.setattr("ecn.cli.log_output.configure", lambda *_, **__: None)
    return told


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("a key")
    return path


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command.controller, [str(each) for each in arguments])


def test_without_a_host_there_is_none(told: Told) -> None:
    assert invoke().exit_code == 0
    assert told.settings is not None
    assert told.settings.tunnel is None


def test_all_that_is_said_arrives(told: Told, key: Path) -> None:
    said = invoke(
        *("--tunnel-host", "gate.example", "--tunnel-user", "tunnel"),
        *("--tunnel-key-file", key, "--tunnel-ports", "3000-3009"),
    )
    assert said.exit_code == 0, said.output
    assert told.settings is not None
    assert told.settings.tunnel == TunnelServer(
        host="gate.example", user="tunnel", key_file=key, first_port=3000, last_port=3009
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--tunnel-user", "u"), "--tunnel-host says where"),
        (("--tunnel-host", "h"), "--tunnel-host needs --tunnel-user"),
        (("--tunnel-host", "h", "--tunnel-user", "u"), "--tunnel-key-file or"),
        (("--tunnel-ports", "3000"), "is no range of ports"),
        (("--tunnel-ports", "9-3"), "is no range of ports"),
        (("--tunnel-ports", "1-70000"), "is no range of ports"),
        (("--tunnel-key-file", "/nowhere/to/be/found"), "does not exist"),
    ],
)
def test_what_does_not_fit_is_told(told: Told, arguments: tuple[str, ...], sentence: str) -> None:
    said = invoke(*arguments)
    assert said.exit_code == 2
    assert sentence in " ".join(said.output.split())
    assert told.settings is None
