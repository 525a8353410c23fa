"""The agent as a service: its unit, and what an installation writes and takes away."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.cli import agent_group
from agent.device.installation import Places, set_up
from agent.device.service import OURS, Service, by_hand, environment, unit
from agent.errors import CannotInstall
from agent.storage.store import Folder, Identity
from tests.agent.wheels import agent_wheel, deps_wheel

GOLDEN = Path(__file__).with_name("golden") / "ecn-agent.service"
SERVICE = Service(
    prefix=Path("/opt/ecn-agent"),
    data=Path("/var/lib/ecn-agent"),
    engine_url="unix:///var/run/docker.sock",
    python="/usr/bin/python3.11",
    environment_file=Path("/etc/ecn-agent/environment"),
    cpu_quota_percent=50,
)


def test_the_unit_is_the_one_that_was_looked_at() -> None:
    """Whoever changes it checks it: systemd-analyze verify tests/agent/golden/ecn-agent.service."""
    assert unit(SERVICE) == GOLDEN.read_text()


def test_systemd_itself_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return  # the text above was checked where there is one
    service = Service(
        prefix=tmp_path, data=tmp_path, engine_url="unix:///x", python=sys.executable,
        environment_file=tmp_path / "environment",
    )  # fmt: skip
    path = tmp_path / "ecn-agent.service"
    path.write_text(unit(service))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    assert "ecn-agent.service" not in done.stderr


def test_limits_can_be_left_out_and_words_with_spaces_are_one_word() -> None:
    service = Service(
        prefix=Path("/opt/my agent"),
        data=Path("/srv/100%"),
        engine_url="unix:///x",
        python="/p",
        environment_file=Path("/e"),
        memory_max_mib=0,
    )
    text = unit(service)
    assert "MemoryMax" not in text
    assert "CPUQuota" not in text
    assert "StateDirectory" not in text
    assert '/p -I "/opt/my agent/launcher.py" run --data "/srv/100%%"' in text
    assert 'run --data "/srv/100%" ' in by_hand(service, {})


lines = st.lists(
    st.sampled_from(
        ["PIP_INDEX_URL=https://anna:secret@index/simple", "# mine", "", "HTTPS_PROXY=http://p:1",
         "ECN_AGENT_ALLOW_REBOOT=1"]
    )
)  # fmt: skip


@given(lines, st.booleans(), st.booleans())
def test_an_environment_file_keeps_what_somebody_added_and_is_the_same_the_second_time(
    before: list[str], first: bool, second: bool
) -> None:
    def written(allow: bool, text: str) -> str:
        return environment(replace(SERVICE, allow_reboot=allow), text)

    after = written(second, written(first, "".join(f"{line}\n" for line in before)))
    added = [line for line in before if line.partition("=")[0] not in OURS]
    kept = [line for line in after.splitlines()[2:] if line.partition("=")[0] not in OURS]
    assert kept == added
    assert ("ECN_AGENT_ALLOW_REBOOT=1" in after.splitlines()) is second
    assert written(second, after) == after


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(agent_group, arguments)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device with a systemd that writes down what it is told."""
    root, tools = tmp_path / "root", tmp_path / "tools"
    (root / "run/systemd/system").mkdir(parents=True)
    tools.mkdir()
    systemctl = tools / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n[ ! -e {tmp_path}/fails ]\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return root


def told(root: Path) -> list[str]:
    path = root.parent / "told"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.system
@pytest.mark.timeout(300)
def test_from_installing_to_uninstalling(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, prefix, data = tmp_path / "index", tmp_path / "prefix", tmp_path / "data"
    deps_wheel(index)
    agent_wheel(index, "1.0.0")
    agent_wheel(index, "1.1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    places = ("--prefix", str(prefix), "--root", str(root), "--data", str(data))

    done = invoke("install", "--from", "ecn[agent]==1.0.0", "--allow-reboot", *places)
    assert done.exit_code == 0, done.output
    assert "Version 1.0.0" in done.output
    assert told(root) == ["daemon-reload", "enable ecn-agent", "restart ecn-agent"]
    text = (root / "etc/systemd/system/ecn-agent.service").read_text()
    assert f"{prefix}/launcher.py run" in text
    settings = root / "etc/ecn-agent/environment"
    assert "ECN_AGENT_ALLOW_REBOOT=1" in settings.read_text()
    assert settings.stat().st_mode & 0o777 == 0o600

    shim = root / "usr/local/bin/ecn-agent"
    said = subprocess.run([shim, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == "ecn-agent 1.0.0\n"

    again = invoke("install", "--from", str(index / "ecn-1.1.0-py3-none-any.whl"), *places)
    assert "Version 1.1.0" in again.output
    assert (prefix / "current").readlink().name == "1.1.0"
    assert (prefix / "previous").readlink().name == "1.0.0"
    assert "ECN_AGENT_ALLOW_REBOOT" not in settings.read_text()
    said = subprocess.run([shim, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == "ecn-agent 1.1.0\n"

    Folder(data).keep_identity(
        Identity(controller="http://c", credential="c" * 32, node_id="n", name="gateway")
    )
    for _ in range(2):
        gone = invoke("uninstall", *places)
        assert gone.exit_code == 0
        assert "still node gateway" in gone.output
    assert "no service" in gone.output
    assert not prefix.exists()
    assert not list(root.rglob("*ecn-agent*"))
    assert (data / "identity.json").exists()
    assert "disable --now ecn-agent" in told(root)


@pytest.mark.system
@pytest.mark.timeout(300)
def test_without_systemd_all_is_in_place_and_it_shows_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, prefix = tmp_path / "index", tmp_path / "prefix"
    deps_wheel(index)
    agent_wheel(index, "1.0.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    done = invoke(
        "install", "--from", "ecn[agent]", "--prefix", str(prefix), "--allow-reboot",
        "--root", str(tmp_path / "root"), "--data", str(tmp_path / "data"),
    )  # fmt: skip
    assert done.exit_code == 4
    assert "There is no systemd here" in done.output
    assert f"ECN_AGENT_ALLOW_REBOOT=1 {sys.base_prefix}" in done.output.replace("\n  ", "")
    assert f"-I {prefix}/launcher.py run --data" in done.output
    assert (prefix / "launcher.py").exists()
    bad = invoke(
        "install", "--from", "ecn[agent]==9.9", "--prefix", str(prefix),
        "--root", str(tmp_path / "root"), "--data", str(tmp_path / "data"),
    )  # fmt: skip
    assert bad.exit_code == 1
    assert "9.9" in bad.output
    assert (prefix / "current").readlink().name == "1.0.0"


def test_a_systemctl_that_fails_is_said_with_where_to_look(root: Path) -> None:
    (root.parent / "fails").touch()
    with pytest.raises(CannotInstall, match="journalctl -u ecn-agent"):
        set_up(SERVICE, Places(root))


def test_a_command_of_somebody_else_is_left_alone(root: Path) -> None:
    theirs = root / "usr/local/bin/ecn-agent"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("#!/bin/sh\n")
    set_up(SERVICE, Places(root))
    assert theirs.read_text() == "#!/bin/sh\n"


def test_printing_writes_nothing(tmp_path: Path) -> None:
    done = invoke("install", "--print", "--prefix", str(tmp_path / "p"), "--root", str(tmp_path))
    assert done.exit_code == 0
    assert "Type=notify" in done.output
    assert list(tmp_path.iterdir()) == []
