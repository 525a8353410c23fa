"""`--open-signup` reaches the controller, from both commands and from the environment."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ecn.cli import controller as command
from ecn.cli.network import Network, Plan
from ecn.settings import DEFAULT_PORT, ControllerSettings


@pytest.mark.parametrize(
    ("arguments", "environment", "opened"),
    [
        ([], {}, False),
        (["--open-signup"], {}, True),
        ([], {"ECN_OPEN_SIGNUP": "1"}, True),
        ([], {"ECN_OPEN_SIGNUP": "0"}, False),
    ],
)
def test_of_a_controller(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    opened: bool,
) -> None:
    told: list[ControllerSettings] = []

    async def run(settings: ControllerSettings) -> None:
        told.append(settings)

    monkeypatch.setattr(command, "_runner", lambda: run)
    monkeypatch.setattr("ecn.cli.log_output.configure", lambda *_, **__: None)
    done = CliRunner(env=environment).invoke(command.controller, arguments)
    assert done.exit_code == 0, done.output
    assert [each.open_signup for each in told] == [opened]
    assert [each.listen_port for each in told] == [DEFAULT_PORT] == [51121]


@pytest.mark.parametrize("opened", [True, False])
def test_of_a_whole_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opened: bool) -> None:
    started: dict[str, dict[str, str]] = {}

    def child(_: Network, name: str, __: list[str], environment: dict[str, str]) -> None:
        started[name] = dict(environment)

    monkeypatch.setattr(Network, "_child", child)
    Network(
        Plan(
            url="http://127.0.0.1:1",
            listen="127.0.0.1:1",
            data=tmp_path,
            database_url=None,
            broker=None,
            open_signup=opened,
            node="local",
            agent=False,
            verbose=False,
        )
    )
    assert ("ECN_OPEN_SIGNUP" in started["controller"]) is opened
