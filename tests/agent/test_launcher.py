"""What an installation is at each moment of an upgrade, and after a crash at any of them."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.device import launcher
from agent.device.launcher import STARTS, Change, begin, change, keep, point, pointed, undo
from agent.device.upgrade import confirm

OLD, NEW = "1.0", "2.0"


def prefix_with(folder: Path) -> Path:
    for version in (OLD, NEW):
        (folder / "versions" / version).mkdir(parents=True)
    point(folder, "current", OLD)
    return folder


def on_trial(folder: Path) -> Change:
    now = Change("trial", target=NEW, former=OLD, told_at=7, online=True)
    keep(folder, now)
    return now


def test_it_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """It outlives every version, and whatever those bring along."""
    alone = tmp_path / "launcher.py"
    alone.write_bytes(Path(launcher.__file__).read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(alone), "run"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ecn-agent install" in done.stderr


class Killed(BaseException):
    """kill -9."""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return prefix_with(tmp_path)


def test_an_ordinary_start_changes_nothing(prefix: Path) -> None:
    assert begin(prefix) is None
    assert pointed(prefix, "current") == OLD


def test_a_start_finishes_a_switch_that_was_cut_short(prefix: Path) -> None:
    on_trial(prefix)
    assert pointed(prefix, "current") == OLD
    going_on = begin(prefix)
    assert going_on is not None
    assert (going_on.starts, pointed(prefix, "current")) == (1, NEW)


def test_after_three_starts_the_former_version_runs_and_knows_why(prefix: Path) -> None:
    on_trial(prefix)
    for _ in range(STARTS):
        assert begin(prefix) is not None
        assert pointed(prefix, "current") == NEW
    assert begin(prefix) is None
    assert pointed(prefix, "current") == OLD
    now = change(prefix)
    assert now is not None
    assert (now.phase, "ended 3 times" in now.reason) == ("undone", True)


def test_what_was_confirmed_is_not_undone_and_the_other_way_round(prefix: Path) -> None:
    on_trial(prefix)
    begin(prefix)
    assert confirm(prefix)
    assert not undo(prefix, "late")
    assert begin(prefix) is None
    assert pointed(prefix, "current") == NEW
    on_trial(prefix)
    assert undo(prefix, "slow")
    assert not confirm(prefix)
    assert pointed(prefix, "current") == OLD


def test_a_file_that_makes_no_sense_leaves_the_version_that_runs(prefix: Path) -> None:
    (prefix / "upgrade.json").write_text('{"phase": 3')
    assert begin(prefix) is None
    assert pointed(prefix, "current") == OLD


def test_a_newer_versions_fields_are_no_trouble(prefix: Path) -> None:
    said = '{"phase":"trial","target":"2.0","former":"1.0","told_at":7,"online":true,"colour":1}'
    (prefix / "upgrade.json").write_text(said)
    assert begin(prefix) is not None


ACTS: dict[str, Callable[[Path], object]] = {
    "start": begin,
    "confirm": confirm,
    "undo": lambda prefix: undo(prefix, "not in time"),
    "upgrade": on_trial,
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.none() | st.integers(0, 4)), max_size=12)
)
def test_killed_anywhere_the_next_start_is_of_one_of_the_two_and_of_the_one_that_is_told(
    acts: list[tuple[str, int | None]],
) -> None:
    """The second number: the replacing or removing of a file before which the kill comes."""
    with TemporaryDirectory() as room, pytest.MonkeyPatch.context() as patch:
        prefix = prefix_with(Path(room))
        left: list[int | None] = [None]
        real = (Path.replace, Path.unlink, os.fsync)

        def deadly(what: Callable[..., object]) -> Callable[..., object]:
            def act(*arguments: object, **named: object) -> object:
                if left[0] is not None:
                    if left[0] == 0:
                        raise Killed
                    left[0] -= 1
                return what(*arguments, **named)

            return act

        patch.setattr(Path, "replace", deadly(real[0]))
        patch.setattr(Path, "unlink", deadly(real[1]))
        patch.setattr(os, "fsync", deadly(real[2]))
        for name, kill in acts:
            left[0] = kill
            with suppress(Killed):
                ACTS[name](prefix)
            assert pointed(prefix, "current") in (OLD, NEW)
        left[0] = None
        begin(prefix)
        now = change(prefix)
        assert pointed(prefix, "current") == (now.runs if now is not None else OLD)
