"""What an upgrade leaves in the agent's folder, and what it refuses before it touches anything."""

from pathlib import Path

import pytest

from agent.contract import ContainerState, ContainerStatus
from agent.device import launcher, upgrade
from agent.device.launcher import Change
from agent.device.upgrade import COPIES, Upgrades, copy_state, recover, settle
from agent.errors import CannotUpgrade
from agent.images.disk import Room
from agent.lifecycle.status import Told
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity
from tests.agent.builders import NOW

OLD, NEW = "1.0", "2.0"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "agent")
    folder.keep_identity(
        Identity(controller="http://c", credential="c" * 32, node_id="n", name="gateway")
    )
    folder.keep_desired_state(Known(revision=3))
    with Journal(folder.journal) as journal:
        status = ContainerStatus(state=ContainerState.RUNNING, at=NOW)
        journal.note("m1", Told(status=status, cause=""))
    return folder


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    prefix = tmp_path / "prefix"
    for version in (OLD, NEW, "0.1"):
        (prefix / "versions" / version).mkdir(parents=True)
    launcher.point(prefix, "current", OLD)
    return prefix


def undone(prefix: Path) -> None:
    launcher.keep(prefix, Change("undone", target=NEW, former=OLD, told_at=7, online=True))


def test_what_a_version_left_unreadable_is_as_it_was_before_it(
    folder: Folder, prefix: Path
) -> None:
    copy_state(folder)
    assert (folder.path / COPIES).stat().st_mode & 0o777 == 0o700
    (folder.path / "desired-state.json").write_text('{"revision": "in words"}')
    folder.journal.write_bytes(b"of another kind altogether" * 200)
    folder.keep_identity(
        Identity(controller="http://new", credential="d" * 32, node_id="n", name="renamed")
    )
    undone(prefix)
    recover(prefix, folder)
    known, identity = folder.desired_state(), folder.identity()
    assert known is not None
    assert known.revision == 3
    with Journal(folder.journal) as journal:
        assert list(journal.last_told()) == ["m1"]
    # What can be read stays: it is newer.
    assert identity is not None
    assert identity.name == "renamed"


@pytest.mark.parametrize("phase", ["trial", "confirmed"])
def test_nothing_is_restored_unless_a_version_was_taken_back(
    folder: Folder, prefix: Path, phase: str
) -> None:
    copy_state(folder)
    (folder.path / "desired-state.json").write_text("{}")
    launcher.keep(prefix, Change(phase, target=NEW, former=OLD, told_at=7, online=True))
    recover(prefix, folder)
    recover(None, folder)
    assert (folder.path / "desired-state.json").read_text() == "{}"


def test_when_it_is_told_only_two_versions_and_no_copies_are_left(
    folder: Folder, prefix: Path
) -> None:
    copy_state(folder)
    launcher.keep(prefix, Change("confirmed", target=NEW, former=OLD, told_at=7, online=True))
    launcher.point(prefix, "current", NEW)
    assert not settle(prefix, folder, told=False)
    assert settle(prefix, folder, told=True)
    assert launcher.pointed(prefix, "previous") == OLD
    assert sorted(each.name for each in (prefix / "versions").iterdir()) == [OLD, NEW]
    assert not (folder.path / COPIES).exists()
    assert launcher.change(prefix) is None


async def test_below_the_disks_reserve_nothing_is_begun(
    folder: Folder, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(total=100 << 30, free=5 << 30)
    monkeypatch.setattr(upgrade.disk, "room_at", lambda _: room)  # type: ignore[attr-defined]
    restarts: list[int] = []
    upgrades = Upgrades(
        prefix, folder, "unix:///x", online=lambda: True, restart=lambda: restarts.append(1)
    )
    with pytest.raises(CannotUpgrade, match=r"only 5\.0 GiB left.*make room"):
        await upgrades.to(NEW, 7)
    assert restarts == []
    assert launcher.change(prefix) is None
