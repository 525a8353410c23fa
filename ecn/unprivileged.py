"""Whom the embedded Postgres runs as when the controller runs as root, which Postgres refuses.

An own system account, made with `useradd` at first use. `nobody` would do without that, but is
shared with whatever else runs as nobody, and could then read and stop the database.
"""

import os
import pwd
import stat
import subprocess
from pathlib import Path

from msgspec import Struct

from ecn.embedded_errors import EmbeddedPostgresError

ACCOUNT_NAME = "ecn-postgres"


class Account(Struct, frozen=True):
    """An account of the operating system."""

    name: str
    uid: int
    gid: int


class AccountMissing(EmbeddedPostgresError):
    """There is no account to run Postgres as, and none could be made."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Postgres does not run as root, and the account {ACCOUNT_NAME} could not be made "
            f"({reason}): create it with `useradd --system --shell /usr/sbin/nologin "
            f"{ACCOUNT_NAME}`, start the controller as another user, or use --database-url"
        )


class NotReachable(EmbeddedPostgresError):
    """The account can't get to a file or folder that it needs."""

    def __init__(self, wanted: Path, barrier: Path, account: Account) -> None:
        super().__init__(
            f"the account {account.name}, which runs Postgres, can't get to {wanted}, because "
            f"{barrier} is closed to it: run `chmod o+x {barrier}`, choose a place outside of it, "
            "or use --database-url"
        )
        self.wanted, self.barrier, self.account = wanted, barrier, account


def account_for(data: Path) -> Account | None:
    """Whom to run as for the database in `data`; None when not root: as ourselves.

    A database that is there already belongs to somebody: whoever that is stays its account.
    Errors: AccountMissing.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        _make_account()
        entry = pwd.getpwnam(ACCOUNT_NAME)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def check_reachable(wanted: Path, account: Account) -> None:
    """Every folder on the way to `wanted` lets the account through. Errors: NotReachable.

    Looks at mode bits only. An access list that opens more shows in the group's bits.
    """
    for barrier in reversed(wanted.resolve().parents):
        status = barrier.stat()
        if status.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            raise NotReachable(wanted, barrier, account)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _make_account() -> None:
    try:
        subprocess.run(
            # By name: where it lies differs between distributions, and root's PATH is root's.
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin",  # noqa: S607
             "--user-group", ACCOUNT_NAME],
            check=True, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except FileNotFoundError as e:
        raise AccountMissing("there is no useradd here") from e
    except subprocess.TimeoutExpired as e:
        raise AccountMissing("useradd did not end") from e
    except subprocess.CalledProcessError as e:
        raise AccountMissing(str(e.stderr).strip() or f"useradd ended with {e.returncode}") from e
