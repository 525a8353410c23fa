"""The data folder: held by one, closed to others, its secret files whole."""

import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest

from ecn.data_folder import LOCK_NAME, DataFolder, DataFolderBusy, DataFolderError


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with (
        DataFolder.open(tmp_path / "data"),
        pytest.raises(DataFolderBusy, match=f"in use by process {os.getpid()}") as refused,
        DataFolder.open(tmp_path / "data"),
    ):
        pass
    assert refused.value.holder == os.getpid()


def test_it_can_be_held_again_when_it_was_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with DataFolder.open(tmp_path / "data"):
            pass


def test_a_holder_that_was_killed_holds_it_no_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    child = context.Process(target=_hold_for_ever, args=(tmp_path, held))
    child.start()
    assert held.wait(30)
    with (
        pytest.raises(DataFolderBusy, match=f"process {child.pid}:"),
        DataFolder.open(tmp_path),
    ):
        pass
    child.kill()
    child.join(30)
    with DataFolder.open(tmp_path):
        assert int((tmp_path / LOCK_NAME).read_text()) == os.getpid()


def _hold_for_ever(path: Path, held: "threading.Event") -> None:
    with DataFolder.open(path):
        held.set()
        threading.Event().wait()


def test_a_secret_is_read_as_it_was_written_last_and_by_nobody_else(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path / "data") as folder:
        assert folder.read_secret("key") is None
        folder.write_secret("key", b"first, and longer")
        folder.write_secret("key", b"second")
        assert folder.read_secret("key") == b"second"
        assert stat.S_IMODE((folder.path / "key").stat().st_mode) == 0o600
        assert sorted(path.name for path in folder.path.iterdir()) == [LOCK_NAME, "key"]


def test_a_failed_write_leaves_the_old_secret_and_no_rubbish(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path / "data") as folder:
        (folder.path / "key").mkdir()  # nothing can be renamed over a folder
        with pytest.raises(OSError, match="key"):
            folder.write_secret("key", b"new")
        assert sorted(path.name for path in folder.path.iterdir()) == [LOCK_NAME, "key"]


def test_others_can_not_list_the_folder(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path / "data") as folder:
        assert not stat.S_IMODE(folder.path.stat().st_mode) & 0o066


def test_a_folder_that_serves_others_too_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("")
    tmp_path.chmod(0o755)
    with DataFolder.open(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_place_that_can_not_be_a_folder_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataFolderError, match="can't be used as data folder"),
        DataFolder.open(tmp_path / "file" / "data"),
    ):
        pass
