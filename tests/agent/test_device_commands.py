"""What people of the device see and may change: info, config, check, status; and the log."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from agent import logs
from agent.cli import Commands, agent_group
from agent.contract import NodeConfig, SettingsChange
from agent.device.changing import setting
from agent.device.check import folder_problems
from agent.device.control_socket import Living, Wish, ask, listening
from agent.device.information import settings, size_kib
from agent.device.own_life import resident_mib
from agent.errors import SettingRefused
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity
from tests.agent.builders import NOW

NO_ENGINE = ("--docker-host", "unix:///nowhere/docker.sock")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "agent")
    folder.keep_identity(
        Identity(
            controller="http://127.0.0.1:9", credential="s3cret" * 8, node_id="n", name="gateway"
        )
    )
    folder.keep_desired_state(
        Known(revision=3, node=NodeConfig(log_level="FINE", location="hall 3", latitude=52.5))
    )
    return folder


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    kept = structlog.get_config()
    yield
    structlog.configure(**kept)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(agent_group, arguments)


def test_info_tells_of_the_device_with_and_without_an_engine(folder: Folder) -> None:
    done = invoke("info", "-o", "json", "--data", str(folder.path), *NO_ENGINE)
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["node"], said["location"], said["latitude"]) == ("gateway", "hall 3", 52.5)
    assert said["engine_problem"]
    assert said["kernel"]
    assert said["disk_mib"] >= said["disk_free_mib"] > 0
    assert said["folder_kib"]["identity.json"] > 0
    assert "s3cret" not in done.stdout
    table = invoke("info", "--data", str(folder.path), *NO_ENGINE).stdout
    assert "hall 3" in table


def test_config_tells_who_set_what(folder: Folder) -> None:
    said = {each.key: (each.value, each.source) for each in settings(folder)}
    assert said["log_level"] == ("FINE", "controller")
    assert said["memory_limit_mib"] == (4096, "default")
    table = invoke("config", "--data", str(folder.path)).stdout
    assert "log_level" in table
    assert "controller" in table


def test_every_setting_that_a_device_may_want_is_one_that_it_has() -> None:
    assert set(SettingsChange.__struct_fields__) <= set(NodeConfig.__struct_fields__)


def test_a_setting_is_read_as_it_is_meant_or_refused() -> None:
    assert setting("disk_threshold_percent", "15") == SettingsChange(disk_threshold_percent=15)
    assert setting("latitude", "52.5") == SettingsChange(latitude=52.5)
    assert setting("location", "12") == SettingsChange(location="12")
    with pytest.raises(SettingRefused, match="these can: log_level"):
        setting("colour", "red")
    with pytest.raises(SettingRefused, match="is no good for disk_limit_gib"):
        setting("disk_limit_gib", "much")


def test_without_the_controller_a_setting_is_not_changed(folder: Folder) -> None:
    done = invoke("config", "set", "log_level", "INFO", "--data", str(folder.path))
    assert done.exit_code == 1
    assert "the controller keeps the settings" in done.output


def test_check_finds_what_this_version_can_not_read(folder: Folder) -> None:
    with Journal(folder.journal):
        pass
    assert folder_problems(folder) == {}
    (folder.path / "desired-state.json").write_text('{"revision": "s3cret"}')
    folder.journal.write_bytes(b"no database at all, but long enough to be one" * 100)
    assert set(folder_problems(folder)) == {"desired-state.json", "journal.sqlite"}
    done = invoke("check", "--data", str(folder.path), *NO_ENGINE)
    assert done.exit_code == 1
    assert "s3cret" not in done.output
    assert "container engine" in done.output
    assert folder.journal.read_bytes().startswith(b"no database")
    assert not list(folder.path.glob(".check-*"))


def test_status_shows_an_agent_that_does_not_run(folder: Folder) -> None:
    done = invoke("status", "-o", "json", "--data", str(folder.path), *NO_ENGINE)
    said = json.loads(done.stdout)
    assert (said["agent_runs"], said["living"]) == (False, None)
    assert said["disk_free_mib"] > 0
    assert "does not run" in invoke("status", "--data", str(folder.path), *NO_ENGINE).stdout


async def test_a_running_agent_answers_also_in_a_deep_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    wishes: list[Wish] = []

    def answer(wish: Wish) -> Living:
        wishes.append(wish)
        return Living(pid=1, version="1", started_at=NOW)

    assert await ask(deep, Wish.STATUS) is None
    async with listening(deep, answer):
        living = await ask(deep, Wish.DEPROVISION)
        assert living is not None
        assert living.started_at == NOW
    assert wishes == [Wish.DEPROVISION]
    assert await ask(deep, Wish.STATUS) is None
    assert list(deep.iterdir()) == []


async def test_nonsense_on_the_socket_harms_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path, lambda _: Living(pid=1, version="1", started_at=NOW)):
        for said in (b"", b"{}\n", b"x" * 100_000 + b"\n", b'{"wish":"fly"}\n'):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / "control.sock"))
            writer.write(said)
            writer.close()
        assert await ask(tmp_path, Wish.STATUS) is not None


def test_the_log_obeys_a_level_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(json=True)
    log = structlog.get_logger()
    log.info("one")
    logs.set_level("SEVERE")
    log.info("two")
    log.error("three")
    logs.set_level("nonsense")
    log.info("four")
    logs.set_level("fine")
    log.debug("five")
    said = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert said == ["one", "three", "five"]


def test_a_log_file_is_rotated_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "agent.log"
    handler = logs.set_up_file(path, limit_mib=1, files=4)
    log = structlog.get_logger()
    for number in range(9_000):
        log.warning("something-happened", number=number, text="x" * 100)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    assert sum(each.stat().st_size for each in files) <= 1 << 20
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["number"], last["level"]) == (8_999, "warning")
    handler.close()


def test_the_table_of_commands_names_commands() -> None:
    assert isinstance(agent_group, Commands)
    shown = invoke("--help").stdout
    for name in agent_group.table:
        assert name in shown
    for name in agent_group.table:
        assert invoke(name, "--help").exit_code == 0


def test_the_agent_knows_its_own_memory_and_sizes(tmp_path: Path) -> None:
    assert 5 < resident_mib() < 4096
    (tmp_path / "a").write_bytes(b"x" * 10_000)
    assert 8 <= size_kib(tmp_path) <= 40
