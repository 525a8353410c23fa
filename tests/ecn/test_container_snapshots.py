"""Images of containers, as files that are fetched once."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecn.container_snapshots import KEEP_FOR, ContainerSnapshots, NoRoom
from events.ids import MicroserviceId, Position

WEB, ASKED = MicroserviceId("web"), Position(7)


async def chunks(*pieces: bytes, fail: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if fail:
        raise ConnectionResetError("the agent is gone")


async def test_what_is_sent_is_there_until_it_is_fetched(tmp_path: Path) -> None:
    snapshots = ContainerSnapshots(tmp_path / "diagnostics")
    assert snapshots.waits(WEB, ASKED)
    assert snapshots.path(WEB, ASKED) is None
    big = os.urandom(300_000)
    await snapshots.store(WEB, ASKED, chunks(b"a", big, b"z"))
    path = snapshots.path(WEB, ASKED)
    assert path is not None
    assert path.read_bytes() == b"a" + big + b"z"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not snapshots.waits(WEB, ASKED)
    snapshots.fetched(WEB, ASKED)
    assert snapshots.path(WEB, ASKED) is None
    assert not snapshots.waits(WEB, ASKED)
    # Asked for anew, it is another one.
    assert snapshots.waits(WEB, Position(9))


async def test_of_what_breaks_off_nothing_is_left(tmp_path: Path) -> None:
    snapshots = ContainerSnapshots(tmp_path)
    with pytest.raises(ConnectionResetError):
        await snapshots.store(WEB, ASKED, chunks(b"x" * 500_000, fail=True))
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240
    assert snapshots.waits(WEB, ASKED)


async def test_a_full_disk_takes_none(tmp_path: Path) -> None:
    snapshots = ContainerSnapshots(tmp_path, leave_free=1 << 60)
    with pytest.raises(NoRoom):
        await snapshots.store(WEB, ASKED, chunks(b"x"))
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_what_nobody_fetches_goes_after_a_week(tmp_path: Path) -> None:
    snapshots = ContainerSnapshots(tmp_path)
    await snapshots.store(WEB, ASKED, chunks(b"old"))
    path = snapshots.path(WEB, ASKED)
    assert path is not None
    old = path.stat().st_mtime - KEEP_FOR - 1
    os.utime(path, (old, old))
    await snapshots.store(WEB, Position(8), chunks(b"new"))
    assert snapshots.path(WEB, ASKED) is None
    assert snapshots.path(WEB, Position(8)) is not None
