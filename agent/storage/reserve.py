"""Room on the disk that is the agent's own: a file of nothing, given up when the disk is full.

With it the agent writes down what happens, and starts, on a device whose disk somebody else has
filled. Used by `journal.py`.
"""

import errno
import os
from pathlib import Path

SIZE = 1024 * 1024
"""Bytes: some thousand transitions, and what SQLite needs to open its file."""


class Reserve:
    """The file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> bool:
        """It is there when this returns True; False while there is not room enough around it."""
        try:
            if self._path.stat().st_size == SIZE:
                return True
        except OSError:
            pass  # none, or not to be seen: it is made
        try:
            space = os.statvfs(self._path.parent)
            if space.f_bavail * space.f_frsize < 2 * SIZE:
                return False
            with self._path.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(bytes(SIZE))  # not a hole: a hole reserves nothing
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self.give_up()
            return False
        return True

    def give_up(self) -> bool:
        """Make room. False when it had been given up before."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
