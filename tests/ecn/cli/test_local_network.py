"""Which context a network of this machine has, when there are several."""

from pathlib import Path

import pytest

from ecn.cli import contexts
from ecn.cli.local_network import keep_context

FIRST, SECOND = "http://127.0.0.1:51121", "http://127.0.0.1:7000"


@pytest.fixture(autouse=True)
def own_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECN_CONFIG", str(tmp_path / "config.yaml"))


def test_the_first_network_is_local_and_in_use(tmp_path: Path) -> None:
    assert keep_context(FIRST, tmp_path / "a", "t1") == "local"
    assert contexts.load(contexts.config_path()).current == "local"


def test_a_second_one_gets_a_name_of_its_own_and_leaves_the_first_alone(tmp_path: Path) -> None:
    keep_context(FIRST, tmp_path / "a", "t1")
    said = keep_context(SECOND, tmp_path / "b", "t2")
    assert said == "local-7000 (in use is local: ecn context use local-7000)"
    known = contexts.load(contexts.config_path()).contexts
    assert (known["local"].server, known["local-7000"].server) == (FIRST, SECOND)


def test_a_network_keeps_its_context_when_its_address_changes(tmp_path: Path) -> None:
    keep_context(FIRST, tmp_path / "a", "t1")
    keep_context(SECOND, tmp_path / "b", "t2")
    assert keep_context("http://127.0.0.1:9", tmp_path / "a", "t1") == "local"
    assert set(contexts.load(contexts.config_path()).contexts) == {"local", "local-7000"}
