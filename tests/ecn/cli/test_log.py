"""`ecn log` and `ecn verify`, against a real controller over a log in memory."""

import asyncio
import json
import logging
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
import zstandard
from click.testing import Result
from msgspec.structs import replace

from ecn.cli import log as log_commands
from tests.ecn.api.server import ADMIN, VIEWER, Controller, Network
from tests.ecn.cli.conftest import run


class Running:
    """A controller in a thread of its own."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.token = ADMIN

    def ecn(self, *arguments: str) -> Result:
        """One command line."""
        return run(*arguments, ECN_SERVER=self.controller.url, ECN_TOKEN=self.token)

    def change(self, position: int, **fields: object) -> None:
        """Behind everybody's back."""
        events = self.controller.network.log._events
        events[position - 1] = replace(events[position - 1], **fields)


@contextmanager
def running() -> Iterator[Running]:
    ready, stopping, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    found: list[Controller] = []

    async def serve() -> None:
        async with Network.running() as network, network.controller() as controller:
            found.append(controller)
            ready.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield Running(found[0])
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the controller logs would come out between what the commands print."""
    level = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=level)
    yield
    structlog.reset_defaults()


@pytest.fixture
def network() -> Iterator[Running]:
    """A network with some events: its users, and three nodes."""
    with running() as network:
        for name in ("east", "west", "north"):
            assert network.ecn("create", "node", name).exit_code == 0
        yield network


@pytest.fixture
def end(network: Running) -> int:
    """Where its log ends."""
    return network.controller.world_position


def good(result: Result) -> Result:
    """Itself, if it went well."""
    assert result.exit_code == 0, result.output
    return result


def test_a_log_is_exported_to_a_file_for_its_owner_and_verified_without_a_controller(
    network: Running, end: int, tmp_path: Path
) -> None:
    file = tmp_path / "log.zst"
    result = good(network.ecn("log", "export", "-o", str(file)))
    assert result.stderr == f"exported {end} events, each following from the one before\n"
    assert result.stdout == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    verified = good(run("verify", str(file)))
    head = network.controller.live.world.head
    assert verified.stdout.splitlines() == [
        f"verified: {end} events, each following from the one before",
        f"position    {end}",
        f"hash        {head.hash.hex()}",
    ]
    assert good(network.ecn("verify")).stdout == verified.stdout


def test_an_export_may_go_to_a_pipe(network: Running, end: int) -> None:
    content = good(network.ecn("log", "export", "-o", "-")).stdout_bytes
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(content).splitlines()
    assert len(lines) == end + 2
    verified = good(run("verify", "-", stdin=content))  # type: ignore[arg-type]
    assert f"verified: {end} events" in verified.stdout


def test_a_part_of_the_log_says_what_it_follows(network: Running, tmp_path: Path) -> None:
    file = tmp_path / "part.zst"
    good(network.ecn("log", "export", "--from", "3", "--to", "5", "-o", str(file)))
    shown = good(run("verify", str(file))).stdout
    assert "verified: 3 events" in shown
    assert "they follow an event 2 that is not in the file" in shown
    network.ecn("log", "export", "--from", "99", "-o", str(file))
    assert "verified: 3 events" in good(run("verify", str(file))).stdout


def test_only_an_admin_gets_the_whole_log(network: Running, tmp_path: Path) -> None:
    network.token = VIEWER
    file = tmp_path / "log.zst"
    assert network.ecn("log", "export", "-o", str(file)).exit_code == 4
    assert list(tmp_path.glob("*zst*")) == []
    good(network.ecn("verify"))


def test_an_export_that_fails_leaves_what_was_there(network: Running, tmp_path: Path) -> None:
    file = tmp_path / "log.zst"
    file.write_bytes(b"yesterday's")
    refused = network.ecn("log", "export", "--to", "1000", "-o", str(file))
    assert refused.exit_code == 1
    assert "is to come" in refused.stderr
    assert file.read_bytes() == b"yesterday's"
    nowhere = network.ecn("log", "export", "-o", str(tmp_path / "none" / "log.zst"))
    assert nowhere.exit_code == 1
    assert "can't be written: No such file or directory" in nowhere.stderr


def test_a_broken_log_is_exported_as_it_is_and_told(network: Running, tmp_path: Path) -> None:
    network.change(2, actor="nobody")
    file = tmp_path / "log.zst"
    result = network.ecn("log", "export", "-o", str(file))
    assert result.exit_code == 1
    assert "exported as it is, and it is broken. Event 2: its content does not" in result.stderr
    for verified in (run("verify", str(file)), network.ecn("verify")):
        assert verified.exit_code == 1
        assert verified.stderr == (
            "error: the log is broken. Event 2: its content does not match its hash\n"
            "  next:  up to event 1 it is as it was; compare the rest with a backup: "
            "ecn verify FILE\n"
        )


def test_programs_get_a_document_and_the_exit_code(network: Running, end: int) -> None:
    document = json.loads(good(network.ecn("verify", "-o", "json")).stdout)
    assert (document["verified"], document["position"]) == (True, end)
    network.change(3, actor="nobody")
    result = network.ecn("verify", "-o", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["verified"] is False
    assert document["wrong"] == {"position": 3, "what": "its content does not match its hash"}
    assert document["position"] == 2


def test_a_checkpoint_holds_against_the_log_and_the_file_and_finds_what_was_made_anew(
    network: Running, end: int, tmp_path: Path
) -> None:
    checkpoint, key, file = (tmp_path / name for name in ("cp.json", "ecn.pem", "log.zst"))
    assert good(network.ecn("log", "checkpoint", "-o", str(checkpoint))).stdout == (
        f"position {end}\n"
    )
    key.write_text(good(network.ecn("log", "public-key", "--pem")).stdout)
    digits = good(network.ecn("log", "public-key")).stdout.strip()
    good(network.ecn("create", "node", "south"))
    good(network.ecn("log", "export", "-o", str(file)))
    for trusted in (str(key), digits):
        with_key = ("--checkpoint", str(checkpoint), "--public-key", trusted)
        for result in (run("verify", str(file), *with_key), network.ecn("verify", *with_key)):
            assert f"checkpoint  {end}, signed " in good(result).stdout
            assert result.stderr == ""
    unsure = good(run("verify", str(file), "--checkpoint", str(checkpoint)))
    assert f"signed with {digits}: give --public-key to be sure" in unsure.stderr

    with running() as other:
        for name in ("a", "b", "c", "d", "e"):
            good(other.ecn("create", "node", name))
        good(other.ecn("log", "export", "-o", str(file)))
        for result in (
            run("verify", str(file), "--checkpoint", str(checkpoint)),
            other.ecn("verify", "--checkpoint", str(checkpoint)),
        ):
            assert result.exit_code == 1
            assert f"Event {end}: it has another hash than was noted" in result.stderr


def test_a_checkpoint_of_somebody_else_is_refused(network: Running, tmp_path: Path) -> None:
    checkpoint = tmp_path / "cp.json"
    good(network.ecn("log", "checkpoint", "-o", str(checkpoint)))
    other = network.ecn("verify", "--checkpoint", str(checkpoint), "--public-key", "ab" * 32)
    assert other.exit_code == 1
    assert "no public key" in other.stderr or "of another network" in other.stderr
    document = json.loads(checkpoint.read_text())
    document["statement"] = document["statement"].replace("position", "positlon")
    checkpoint.write_text(json.dumps(document))
    forged = network.ecn("verify", "--checkpoint", str(checkpoint))
    assert forged.exit_code == 1
    assert "signature does not fit its statement" in forged.stderr
    alone = network.ecn("verify", "--public-key", "ab" * 32)
    assert alone.exit_code == 2


def test_a_checkpoint_shows_what_it_states(network: Running, end: int) -> None:
    shown = good(network.ecn("log", "checkpoint")).stdout.splitlines()
    head = network.controller.live.world.head
    assert shown[:3] == ["ecn checkpoint v1", f"position {end}", f"hash {head.hash.hex()}"]
    digits = good(network.ecn("log", "public-key")).stdout.strip()
    assert shown[4] == f"public key {digits}"
    document = json.loads(good(network.ecn("log", "checkpoint", "-o", "-")).stdout)
    assert document["statement"].splitlines()[:3] == shown[:3]


def test_a_file_that_is_no_export_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("kind: Application\n")
    result = run("verify", str(file))
    assert result.exit_code == 1
    assert "no exported log: make one with ecn log export -o FILE" in result.stderr
    assert run("verify", str(tmp_path / "none")).exit_code == 2


def test_the_log_is_not_thrown_at_a_terminal(
    network: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(Exception, match="no text for a terminal"):
        log_commands._target(log_commands.STDOUT)


@pytest.mark.parametrize("command", ["export", "import", "checkpoint", "public-key"])
def test_each_command_explains_itself_with_examples(command: str) -> None:
    shown = good(run("log", command, "--help")).stdout
    assert "Examples:" in shown
    assert f"ecn log {command}" in shown
