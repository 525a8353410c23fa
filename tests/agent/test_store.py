"""The agent's folder and journal: what survives, also a `kill -9` and a full outbox."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import ContainerState, ContainerStatus
from agent.errors import FolderInUse, FolderUnusable
from agent.lifecycle.memory import Memory
from agent.lifecycle.status import Told
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity, Pending, write_whole
from tests.agent.builders import NOW, at, microservice

IDENTITY = Identity(controller="http://c", credential="hush", node_id="n1", name="gateway")


def told(restarts: int = 0, state: ContainerState = ContainerState.RUNNING) -> Told:
    return Told(status=ContainerStatus(state=state, restarts=restarts, at=NOW), cause="c")


def test_what_is_kept_is_read_again_and_only_by_its_owner(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "agent")
    assert folder.identity() is None
    assert folder.desired_state() is None
    known = Known(revision=3, microservices={"m1": microservice()})
    folder.keep_identity(IDENTITY)
    folder.keep_desired_state(known)
    with Journal(folder.journal) as journal:
        journal.note("m1", told())
    again = Folder(tmp_path / "agent")
    assert again.identity() == IDENTITY
    assert again.desired_state() == known
    assert folder.path.stat().st_mode & 0o777 == 0o700
    for file in folder.path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_secrets_do_not_show_when_printed() -> None:
    pending = Pending(controller="http://c", key_digest="d", credential="hush")
    assert "hush" not in f"{IDENTITY} {IDENTITY!r} {pending} {pending!r}"


def test_a_broken_identity_is_said_without_what_it_holds(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "identity.json").write_text('{"credential": "hush"')
    with pytest.raises(FolderUnusable, match="makes no sense") as refused:
        folder.identity()
    assert "hush" not in str(refused.value)


def test_a_broken_desired_state_is_none_not_empty(tmp_path: Path) -> None:
    (tmp_path / "desired-state.json").write_text("{")
    assert Folder(tmp_path).desired_state() is None


@settings(deadline=None)
@given(st.data())
def test_a_torn_flipped_or_foreign_desired_state_is_none_and_never_another(
    data: st.DataObject,
) -> None:
    with TemporaryDirectory() as path:
        folder, file = Folder(Path(path)), Path(path) / "desired-state.json"
        folder.keep_identity(IDENTITY)
        known = Known(revision=3, microservices={"m1": microservice()})
        folder.keep_desired_state(known)
        whole = file.read_bytes()
        place = data.draw(st.integers(0, len(whole) - 1))
        flipped = bytes([whole[place] ^ data.draw(st.integers(1, 255))])
        harm = data.draw(st.sampled_from(["torn", "flipped", "longer", "foreign", "plain"]))
        match harm:
            case "torn":
                file.write_bytes(whole[:place])
            case "flipped":
                file.write_bytes(whole[:place] + flipped + whole[place + 1 :])
            case "longer":
                file.write_bytes(whole + flipped)
            case "foreign":
                folder.keep_identity(replace(IDENTITY, node_id="n2"))
            case "plain":
                file.write_bytes(msgspec.json.encode(Known(revision=3)))
        assert folder.desired_state() is None
        folder.keep_identity(IDENTITY)
        file.write_bytes(whole)
        assert folder.desired_state() == known
        assert msgspec.json.decode(whole, type=Known) == known


def test_a_second_agent_on_the_folder_is_refused(tmp_path: Path) -> None:
    first, second = Folder(tmp_path), Folder(tmp_path)
    with first.locked():
        assert second.in_use()
        with pytest.raises(FolderInUse, match="another agent is using"), second.locked():
            pass
    assert not second.in_use()


def test_wiping_leaves_nothing_but_the_lock(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.locked():
        folder.keep_identity(IDENTITY)
        folder.keep_desired_state(Known(revision=1))
        with Journal(folder.journal) as journal:
            journal.note("m1", told())
        (folder.microservices / "m1").mkdir(parents=True)
        folder.wipe()
    assert [f.name for f in tmp_path.iterdir()] == ["lock"]


def test_only_changes_are_transitions(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        assert journal.note("m1", told())
        later = Told(status=replace(told().status, at=at(5), reason="other words"), cause="c")
        assert not journal.note("m1", later)
        assert journal.note("m1", told(restarts=1))
        assert journal.note("m2", told())
        assert [(r.sequence, r.microservice_id) for r in journal.pending(9).containers] == [
            (1, "m1"),
            (2, "m1"),
            (3, "m2"),
        ]
    with Journal(tmp_path / "j") as journal:
        assert not journal.note("m1", told(restarts=1))


def test_a_transition_is_kept_until_accepted_and_numbers_never_come_twice(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for n in range(4):
            journal.note("m1", told(restarts=n))
        journal.accepted(3)
        assert [r.sequence for r in journal.pending(9).containers] == [4]
        journal.accepted(4)
        journal.accepted(4)
    with Journal(tmp_path / "j") as journal:
        assert journal.waiting() == 0
        journal.note("m1", told(restarts=9))
        assert [r.sequence for r in journal.pending(9).containers] == [5]


def test_a_controller_that_knows_more_of_us_is_told_everything_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.note("m1", told())
        journal.accepted(57)
        assert journal.note("m1", told())
        assert [r.sequence for r in journal.pending(9).containers] == [58]


def test_memory_outlives_the_agent_until_it_is_forgotten(tmp_path: Path) -> None:
    remembered = Memory(revision=3, restarts=2, delay=20.0, retry_at=NOW)
    with Journal(tmp_path / "j") as journal:
        journal.remember("m1", remembered)
    with Journal(tmp_path / "j") as journal:
        assert journal.memory("m1") == remembered
        journal.forget("m1")
        assert journal.memories() == {}


def test_a_disk_that_takes_nothing_ends_neither_the_reports_nor_the_healing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.note("m1", told())
        journal.remember("m1", Memory(revision=1))
        journal._database.execute("PRAGMA query_only = ON")
        assert not journal.accepted(1)
        assert not journal.accepted(5)
        journal.forget("m1")
        assert journal.problem
        journal._database.execute("PRAGMA query_only = OFF")
        # All is as before, and done when it is asked for again.
        assert [each.sequence for each in journal.pending(10).containers] == [1]
        assert journal.memories().keys() == journal.last_told().keys() == {"m1"}
        journal.forget("m1")
        assert journal.accepted(1)
        assert (journal.pending(10).containers, journal.memories(), journal.last_told()) == (
            [],
            {},
            {},
        )


def test_a_journal_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"nonsense " * 1000)
    with Journal(tmp_path / "j") as journal:
        assert journal.note("m1", told())
    assert (tmp_path / "j.broken").exists()


def test_a_locked_journal_is_not_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(sqlite3, "connect", locked)
    with pytest.raises(FolderUnusable, match="locked"):
        Journal(tmp_path / "j")
    assert not (tmp_path / "j.broken").exists()


WRITER = """
    import sys
    from pathlib import Path
    from agent.contract import ContainerState, ContainerStatus
    from agent.storage.journal import Journal
    from agent.lifecycle.status import Told
    from agent.storage.store import write_whole
    from tests.agent.builders import NOW

    folder, n = Path(sys.argv[1]), int(sys.argv[2])
    with Journal(folder / "j", exactly=50) as journal:
        while True:
            status = ContainerStatus(state=ContainerState.RUNNING, restarts=n, at=NOW)
            journal.note("m1", Told(status=status, cause="c"))
            (last,) = journal.pending(1000).containers[-1:]
            write_whole(folder / "whole", b"%d " % n * 5000, mode=0o600)
            print(last.sequence, flush=True)
            if n % 3 == 0:
                journal.accepted(last.sequence)
            n += 1
"""


@pytest.mark.system
def test_a_kill_in_the_middle_of_writes_loses_nothing_told_and_reuses_no_number(
    tmp_path: Path,
) -> None:
    numbers: list[int] = []
    for attempt in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path), str(attempt * 10_000)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.05 + 0.03 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate(timeout=10)
        numbers += [int(line) for line in (first + rest).split(b"\n")[:-1] if line]
        with Journal(tmp_path / "j") as journal:
            left = [r.sequence for r in journal.pending(1000).containers]
            assert left == sorted(left)
            # The last number printed is in the journal, or was accepted.
            assert not left or left[-1] >= numbers[-1]
        words = set((tmp_path / "whole").read_bytes().split())
        assert len(words) == 1
    assert len(numbers) > 12
    assert numbers == sorted(set(numbers))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write_whole(file, b"one", mode=0o644)
    write_whole(file, b"two", mode=0o644)
    assert file.read_bytes() == b"two"
    assert [f.name for f in tmp_path.iterdir()] == ["f"]
