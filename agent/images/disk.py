"""How much room there is, and how much of it nobody may take.

Readings are one `statvfs` each (microseconds). Two file systems matter: the engine's, where images
and containers are, and the one of the agent's folder. `fetching.py` begins no pull below the
reserve; `pruning.py` removes images below the operator's threshold; `link/usage.py` tells.
"""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from agent.images.store import ImageStore

_MIB = 1 << 20
LEAST_RESERVE, MOST_RESERVE = 512 * _MIB, 5120 * _MIB
RESERVED_PART, MOST_RESERVED_PART = 0.05, 0.25


class Room(Struct, frozen=True, kw_only=True):
    """One file system, in bytes."""

    total: int
    free: int
    """For ordinary processes: what is kept back for root does not count."""

    @property
    def free_percent(self) -> float:
        """Of the whole."""
        return 100.0 * self.free / self.total if self.total else 100.0


def reserve(total: int) -> int:
    """Bytes of a file system that pulls leave free: 5 %, at least 512 MiB, at most 5 GiB.

    And never more than a quarter: on a very small one 512 MiB would be all there is, and no image
    could ever be pulled there.
    """
    wanted = min(max(LEAST_RESERVE, int(total * RESERVED_PART)), MOST_RESERVE)
    return min(wanted, int(total * MOST_RESERVED_PART))


def room_at(path: Path) -> Room | None:
    """Of the file system that the path is on; None where it can't be seen from here."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    size = found.f_frsize or found.f_bsize
    if found.f_blocks == 0:
        return None  # a file system that counts nothing, such as some network ones
    return Room(total=found.f_blocks * size, free=found.f_bavail * size)


class Disk:
    """The file systems that images take from.

    engine_root: where the engine keeps its data, once known; empty before. An agent in a container
    of its own, or an engine on another machine: that path is not here, and only the agent's counts.
    """

    def __init__(self, folder: Path, read: Callable[[Path], Room | None] = room_at) -> None:
        self._folder = folder
        self._read = read
        self.engine_root = ""

    async def find_engine(self, images: ImageStore) -> None:
        """Ask it once where it keeps its data. Errors: EngineError."""
        if not self.engine_root:
            self.engine_root = await images.data_root()

    def engine(self) -> Room | None:
        """Where images are kept."""
        return self._read(Path(self.engine_root)) if self.engine_root else None

    def folder(self) -> Room | None:
        """Where the agent keeps its own."""
        return self._read(self._folder)

    def rooms(self) -> list[Room]:
        """Both, or the one that can be seen."""
        return [room for room in (self.engine(), self.folder()) if room is not None]

    def shortest(self) -> Room | None:
        """The one with less free space."""
        return min(self.rooms(), key=lambda room: room.free, default=None)

    def below_reserve(self, part: float = 1.0) -> Room | None:
        """The first with less free than that part of its reserve; None: there is room."""
        for room in self.rooms():
            if room.free < reserve(room.total) * part:
                return room
        return None

    def below_threshold(self, percent: float) -> Room | None:
        """The first with less than so many percent free."""
        for room in self.rooms():
            if room.free_percent < percent:
                return room
        return None


def amount(count: int) -> str:
    """Bytes for people: `312 MiB`, `4.2 GiB`."""
    if count < 1024 * _MIB:
        return f"{count / _MIB:.0f} MiB"
    return f"{count / _MIB / 1024:.1f} GiB"
