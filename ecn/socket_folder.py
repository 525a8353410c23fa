"""Where the embedded Postgres puts its unix socket: a path may have 107 bytes, no more."""

import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path

from ecn.embedded_errors import EmbeddedPostgresError
from ecn.unprivileged import Account

LONGEST_SOCKET = 107
SOCKET_NAME = ".s.PGSQL.5432"


class SocketFolderUnsafe(EmbeddedPostgresError):
    """Somebody else made the folder that the socket should go to."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} belongs to somebody else: remove it, or use a shorter data path")
        self.path = path


def socket_folder(data_folder: Path, account: Account | None) -> Path:
    """The folder for the socket, made with mode 0700 for whoever runs Postgres.

    Inside the data folder if its path is short enough, else in a place for such things, named
    by the data folder's path: the same one at every start. Errors: SocketFolderUnsafe.
    """
    uid = account.uid if account else os.geteuid()
    inside = data_folder / "postgres-socket"
    path = inside if _fits(inside) else _elsewhere(data_folder, uid)
    try:
        path.mkdir(mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        status = path.lstat()
        if status.st_uid != uid or not stat.S_ISDIR(status.st_mode):
            raise SocketFolderUnsafe(path) from None
    path.chmod(0o700)
    return path


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET


def _elsewhere(data_folder: Path, uid: int) -> Path:
    name = f"ecn-{sha256(os.fsencode(data_folder)).hexdigest()[:16]}"
    place = Path("/run") if os.geteuid() == 0 else Path(f"/run/user/{uid}")
    if os.access(place, os.W_OK):
        return place / name
    return Path(tempfile.gettempdir()) / f"{name}-{uid}"
