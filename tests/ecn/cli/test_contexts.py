"""Contexts: kept privately, whole, and never mixed up."""

import stat
import threading
from pathlib import Path

import pytest

from ecn.cli import contexts
from ecn.cli.contexts import Context
from ecn.cli.errors import CliError
from ecn.cli.session import normalised
from tests.ecn.cli.conftest import Ecn, run
from tests.ecn.cli.fake_api import TOKEN, FakeApi


def test_logging_in_makes_a_context_that_is_in_use(api: FakeApi) -> None:
    result = run("login", api.url, "--name", "plant", "--user", "anna", ECN_PASSWORD="right")
    assert result.exit_code == 0
    assert TOKEN not in result.output
    assert run("get", "nodes", "-o", "name").output == "node/local\n"
    assert run("context", "show").output == "plant\n"


def test_a_wrong_password_is_told_and_leaves_nothing(api: FakeApi) -> None:
    result = run("login", api.url, "--user", "anna", ECN_PASSWORD="wrong")
    assert result.exit_code == 4
    assert result.stderr == (
        "error: name or password is wrong\n  next:  check the name and the password\n"
    )
    assert not contexts.config_path().exists()


def test_without_a_password_and_nobody_to_ask_it_says_how(api: FakeApi) -> None:
    result = run("login", api.url, "--user", "anna")
    assert result.exit_code == 1
    assert "--password-file" in result.stderr


def test_a_password_may_come_from_a_file(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("right\n")
    assert (
        run("login", api.url, "-u", "anna", "--password-file", str(tmp_path / "pw")).exit_code == 0
    )
    assert (
        run("login", api.url, "-u", "anna", "--password-file", "-", stdin="right\n").exit_code == 0
    )


def test_only_the_owner_can_read_the_tokens(ecn: Ecn) -> None:
    assert stat.S_IMODE(contexts.config_path().stat().st_mode) == 0o600


def test_logging_out_revokes_and_forgets_the_token(ecn: Ecn, api: FakeApi) -> None:
    assert ecn("logout").exit_code == 0
    assert len(api.requests("POST", "/logout")) == 1
    assert ecn("get", "nodes").exit_code == 4
    assert ecn("whoami").output.splitlines()[-1].startswith("token    none")


def test_a_token_never_goes_to_another_server(api: FakeApi) -> None:
    contexts.put("other", Context(server="http://other.example", token=TOKEN), use=True)
    result = run("get", "nodes", "--server", api.url)
    assert result.exit_code == 4
    assert "Authorization" not in api.asked[0].headers


def test_contexts_are_listed_used_renamed_and_removed(ecn: Ecn) -> None:
    contexts.put("b", Context(server="http://b"), use=False)
    assert [line.split()[:2] for line in ecn("context", "list").output.splitlines()[1:]] == [
        ["b", "http://b"],
        ["*", "test"],
    ]
    assert ecn("context", "use", "b").output == "using b\n"
    assert ecn("context", "rename", "b", "c").output == "b is c now\n"
    assert ecn("context", "show").output == "c\n"
    assert ecn("context", "remove", "c").exit_code == 0
    assert ecn("context", "show").output == ""
    missing = ecn("context", "use", "c")
    assert (missing.exit_code, missing.stderr.splitlines()[0]) == (
        1,
        "error: there is no context 'c'; there are: test",
    )


def test_a_damaged_file_is_named_and_not_shown() -> None:
    path = contexts.config_path()
    path.parent.mkdir(parents=True)
    path.write_text("contexts: {a: {token: s3cret")
    with pytest.raises(CliError) as caught:
        contexts.load(path)
    assert str(path) in caught.value.message
    assert "s3cret" not in caught.value.message


def test_changes_at_the_same_time_all_remain() -> None:
    def put(i: int) -> None:
        contexts.put(f"c{i}", Context(server="http://x"), use=False)

    threads = [threading.Thread(target=put, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(contexts.load(contexts.config_path()).contexts) == 12


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("127.0.0.1:51121", "http://127.0.0.1:51121"),
        ("localhost", "http://localhost"),
        ("ecn.example:51121/", "https://ecn.example:51121"),
        ("http://ecn.example/api/v1/", "http://ecn.example"),
    ],
)
def test_an_address_is_understood(given: str, kept: str) -> None:
    assert normalised(given) == kept


@pytest.mark.parametrize("given", ["", "ftp://x", "https://", "http://anna:secret@x"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(CliError) as caught:
        normalised(given)
    assert "secret" not in caught.value.message


def test_changing_ones_password_logs_in_again(ecn: Ecn, api: FakeApi) -> None:
    result = ecn("passwd", ECN_PASSWORD="right")
    assert result.exit_code == 0
    assert len(api.requests("POST", "/login")) == 1
    assert api.requests("PATCH", "/users/anna")[0].body == b'{"password":"right"}'
