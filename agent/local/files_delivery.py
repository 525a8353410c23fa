"""Files of a volume that containers mount: a folder of the agent's own, changed as a whole.

Each volume has a folder `volumes/<id>/` in the agent's folder, mounted read-only where the
microservice says. A mount holds on to its folder, so that one is made once and stays; the files are
changed beneath it, in the manner of Kubernetes' ConfigMap mounts:

    ..7/                 the files as they are now, in their folders
    ..data    -> ..7
    app.yaml  -> ..data/app.yaml
    certs     -> ..data/certs

A change is written beside, as `..8`, and `..data` is renamed to lead there: in that one instant all
files are the new ones, so that nobody finds half of a change, new names that are not filled, or old
ones that are. Whoever has to read several files of one state resolves `..data` first. (Files that
are renamed one by one would do without links, and show a mixture for as long as the disk takes.)

Modes: folders can be read by all and files have the volume's permissions, as a container's user
need not be root; on the host the agent's folder above them is closed to everybody else.
Synced before `..data` moves: what it leads to is whole even after a power cut, and good enough to
start with when there is neither a link nor space. Called by `volumes.py`, in a thread.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from agent.contract import Volume
from agent.local.volume_files import (
    FOLDER_MODE,
    BadVolume,
    below,
    folder,
    is_right,
    mode_of,
    steps_of,
    write,
)

DATA = "..data"
_BESIDE = "..new"
_STATE = re.compile(r"\.\.([0-9]{1,18})")
_ID = re.compile(r"[A-Za-z0-9_-]+")

_Tree = dict[str, "bytes | _Tree"]


class FilesDelivery:
    """The folders below `parent`. All but `path` may block for as long as the disk takes."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent

    def path(self, volume_id: str) -> Path:
        """Where the volume's files are to be mounted from. Errors: BadVolume."""
        # An id comes from the controller: it names one folder here, and nothing elsewhere.
        if not _ID.fullmatch(volume_id):
            raise BadVolume(f"{volume_id!r} is not a volume id")
        return self._parent / volume_id

    def whole(self, volume_id: str) -> bool:
        """Whether some state of its files is there, whole, be it an older one."""
        try:
            return (self.path(volume_id) / DATA).is_dir()
        except BadVolume:
            return False

    def present(self) -> set[str]:
        """Ids of the volumes that have a folder."""
        if not self._parent.is_dir():
            return set()
        return {each.name for each in self._parent.iterdir() if _ID.fullmatch(each.name)}

    def withdraw(self, volume_id: str) -> None:
        """No container needs it any more."""
        if volume_id in self.present():
            shutil.rmtree(self.path(volume_id), ignore_errors=True)

    def deliver(self, volume: Volume) -> bool:
        """Bring its files up to date; whether anything was changed. Errors: BadVolume, OSError."""
        mode, wanted = mode_of(volume), _tree(volume)
        path = self.path(volume.volume_id)
        self._parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        with folder(str(path), None) as top:
            os.fchmod(top, FOLDER_MODE)
            now = _leads_to(top, DATA)
            changed = False
            if _STATE.fullmatch(now) is None or not _holds(top, now, wanted, mode):
                now, changed = _write(top, wanted, mode), True
            return _tidy(top, now, wanted) or changed


def _tree(volume: Volume) -> _Tree:
    tree: _Tree = {}
    for (*folders, name), content in steps_of(volume):
        if (folders or [name])[0].startswith(".."):
            raise BadVolume("names that begin with '..' are the mount's own")
        at: bytes | _Tree | None = tree
        for step in folders:
            at = at.setdefault(step, {}) if isinstance(at, dict) else None
        if not isinstance(at, dict) or name in at:
            raise BadVolume(f"{'/'.join([*folders, name])!r} is there twice")
        at[name] = content
    return tree


def _write(top: int, wanted: _Tree, mode: int) -> str:
    """The files beside those that are there, and then in their place. Errors: OSError."""
    numbers = [int(match[1]) for name in os.listdir(top) if (match := _STATE.fullmatch(name))]
    made = f"..{max(numbers, default=0) + 1}"
    try:
        with folder(made, top) as state:
            _fill(state, wanted, mode)
        # Before they lead anywhere: with the rename below, new names are filled in that instant.
        for name in wanted:
            _link(top, name, f"{DATA}/{name}")
        os.fsync(top)
        _link(top, DATA, made)
        os.fsync(top)
    except OSError:
        with suppress(OSError):
            if _leads_to(top, DATA) != made:
                _remove(top, made)  # half of it would only fill the disk further
        raise
    return made


def _fill(within: int, wanted: _Tree, mode: int) -> None:
    os.fchmod(within, FOLDER_MODE)  # whatever the umask is
    for name, content in wanted.items():
        if isinstance(content, bytes):
            write(within, name, content, mode)
        else:
            with below(within, [name]) as deeper:
                _fill(deeper, content, mode)
    os.fsync(within)


def _holds(above: int, name: str, wanted: _Tree, mode: int) -> bool:
    """Whether the folder holds exactly these files, as they should be."""
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=above)
    except OSError:
        return False
    try:
        return (
            os.fstat(descriptor).st_mode & 0o7777 == FOLDER_MODE
            and set(os.listdir(descriptor)) == wanted.keys()  # noqa: PTH208 - by descriptor
            and all(
                is_right(descriptor, each, content, mode)
                if isinstance(content, bytes)
                else _holds(descriptor, each, content, mode)
                for each, content in wanted.items()
            )
        )
    finally:
        os.close(descriptor)


def _tidy(top: int, now: str, wanted: _Tree) -> bool:
    """The links that there should be, and nothing of an older state; whether anything changed."""
    changed = False
    for name in wanted:
        changed |= _link(top, name, f"{DATA}/{name}")
    for name in sorted(set(os.listdir(top)) - wanted.keys() - {DATA, now}):
        _remove(top, name)
        changed = True
    return changed


def _link(top: int, name: str, target: str) -> bool:
    """A link that leads there, whatever was in its place; whether it had to be made."""
    if _leads_to(top, name) == target:
        return False
    _remove(top, _BESIDE)
    os.symlink(target, _BESIDE, dir_fd=top)
    try:
        os.replace(_BESIDE, name, src_dir_fd=top, dst_dir_fd=top)
    except IsADirectoryError:
        _remove(top, name)  # somebody's folder in our own one
        os.replace(_BESIDE, name, src_dir_fd=top, dst_dir_fd=top)
    return True


def _leads_to(top: int, name: str) -> str:
    """Empty when it is no link."""
    try:
        return os.readlink(name, dir_fd=top)
    except OSError:
        return ""


def _remove(top: int, name: str) -> None:
    """Whatever it is: a link goes itself, never what it leads to."""
    try:
        os.unlink(name, dir_fd=top)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=top)
