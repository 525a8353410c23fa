"""The master keys of a controller: read from their file, named without being told, rotated.

The file holds one key a line, as hexadecimal digits: the first is current and wraps all that is
new, the others are former ones that still open. Blank lines and lines that begin with `#` are for
people. A key is named by its id, which it determines and which does not determine it: ids stand in
the database, in logs and in answers.
"""

import fcntl
import hmac
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from ecn.private_file import replace_privately
from events.log import StoreUnavailable

KEY_BYTES = 32
ID_BYTES = 8
FILE = "master.key"
"""Its name in a data folder."""
ENVIRONMENT = "ECN_MASTER_KEY_FILE"

log = structlog.get_logger()


class MasterKeyFileUnusable(Exception):
    """The file of master keys can't be used; the sentence says what to do."""


class MasterKeyMissing(StoreUnavailable):
    """Secrets are wrapped under master keys that this controller's file does not hold.

    Not lost: it is there again as soon as the file holds the key.
    """

    def __init__(self, missing: Collection[str], known: Collection[str]) -> None:
        ids = ", ".join(sorted(missing))
        super().__init__(
            f"the database holds secrets wrapped under master key {ids}, and this controller's "
            f"key file holds only {', '.join(known)}. Add the missing key to the file as a line of "
            "its own: it is in the key file of the controller that works with this database, or "
            f"in a backup of it. Controllers of one network share the file ({ENVIRONMENT}). If "
            "the key is lost for good, `ecn controller --forget-master-key ID` once gives up "
            "what it wraps: those passwords have to be set again"
        )
        self.missing, self.known = frozenset(missing), tuple(known)


class MasterKey:
    """A key, and what it may be called."""

    def __init__(self, secret: bytes) -> None:
        """Errors: ValueError if it has another length."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(secret)}")
        self.secret = secret
        self.id = hmac.digest(secret, b"ecn master key id", "sha256")[:ID_BYTES].hex()

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"


class Keyring:
    """The current master key and those that still open.

    Whenever it is asked for one that it does not know, it reads its file again: on every machine
    the file may be changed first, and the controllers started anew one by one afterwards.
    """

    def __init__(
        self, keys: Sequence[MasterKey], read: Callable[[], Sequence[MasterKey]] | None = None
    ) -> None:
        self._keys = tuple(keys)
        self._read = read

    @property
    def current(self) -> MasterKey:
        """The one that wraps."""
        return self._keys[0]

    @property
    def all(self) -> tuple[MasterKey, ...]:
        """Those that open; the current one is the first."""
        return self._keys

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all, in the same order."""
        return tuple(key.id for key in self._keys)

    def find(self, key_id: str) -> MasterKey | None:
        """The key of that id, also when it came to the file later."""
        for again in (False, True):
            if again and not self.read_again():
                return None
            for key in self._keys:
                if key.id == key_id:
                    return key
        return None

    def waiting(self) -> tuple[str, ...]:
        """Ids of keys that stand in the file and have not been read yet."""
        try:
            found = self._read() if self._read is not None else ()
        except MasterKeyFileUnusable:
            return ()
        return tuple(key.id for key in found if key.id not in self.ids)

    def read_again(self) -> bool:
        """Whether the file holds others than before. What it does not hold any more still opens."""
        if self._read is None:
            return False
        try:
            found = tuple(self._read())
        except MasterKeyFileUnusable as e:
            log.warning("master_key_file_unusable", reason=str(e))
            return False
        ids = {key.id for key in found}
        keys = (*found, *(key for key in self._keys if key.id not in ids))
        changed = [key.id for key in keys] != [key.id for key in self._keys]
        if changed:
            self._keys = keys
            log.info("master_keys_read_again", current=self.current.id, former=self.ids[1:])
        return changed


def parse(text: str) -> list[MasterKey]:
    """The keys of a file. Errors: ValueError, which names the line and never what is in it."""
    keys: dict[str, MasterKey] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key = MasterKey(bytes.fromhex(line.strip()))
        except ValueError:
            # Not chained, and nothing quoted: a key with a slip in it is a key all the same.
            raise ValueError(f"line {number} is not {KEY_BYTES * 2} hexadecimal digits") from None
        keys.setdefault(key.id, key)
    if not keys:
        raise ValueError("there is no key in it")
    return list(keys.values())


def key_file(data: Path) -> Path:
    """Where a controller with that data folder has its master keys."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else data / FILE


def read(path: Path) -> list[MasterKey]:
    """The keys of that file. Errors: MasterKeyFileUnusable; FileNotFoundError."""
    try:
        return parse(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise
    except OSError as e:
        raise MasterKeyFileUnusable(f"{path} can't be read: {e.strerror}") from e
    except UnicodeDecodeError:
        raise MasterKeyFileUnusable(f"{path} is no file of master keys: it is not text") from None
    except ValueError as e:
        raise MasterKeyFileUnusable(
            f"{path} is no file of master keys: {e}. One key a line, the current one first; "
            "make one with: openssl rand -hex 32"
        ) from None


def opened(data: Path) -> Keyring:
    """The keyring of the controller that holds that data folder; its first key is made there.

    Errors: MasterKeyFileUnusable.
    """
    path = key_file(data)
    if path == data / FILE and not path.exists():
        try:
            replace_privately(path, f"{_fresh()}\n".encode())
        except OSError as e:
            raise MasterKeyFileUnusable(f"{path} can't be made: {e.strerror}") from e
    keys = _present(path)
    if path.stat().st_mode & 0o007:
        log.warning("master_key_file_open_to_others", path=str(path), do=f"chmod o= {path}")
    return Keyring(keys, lambda: _present(path))


def rotate(path: Path) -> list[MasterKey]:
    """Put a fresh key before the others, in one step. The keys that the file holds now.

    The file keeps its owner: who rotates may be root where the controller is not.
    Errors: MasterKeyFileUnusable.
    """
    try:
        path = path.resolve(strict=True)  # what a link leads to is replaced, not the link
        with _alone(path.parent):
            read(path)
            text, owner = path.read_text(encoding="ascii"), path.stat()
            content = f"{_fresh()}\n{text}".encode()
            replace_privately(path, content, owner=(owner.st_uid, owner.st_gid))
    except FileNotFoundError:
        raise MasterKeyFileUnusable(
            f"{path} is not there: a controller makes its key at its first start; "
            f"give its folder with --data, or its file as {ENVIRONMENT}"
        ) from None
    except OSError as e:
        raise MasterKeyFileUnusable(f"{path} can't be changed: {e.strerror}") from e
    return _present(path)


def _fresh() -> str:
    return os.urandom(KEY_BYTES).hex()


def _present(path: Path) -> list[MasterKey]:
    try:
        return read(path)
    except FileNotFoundError:
        raise MasterKeyFileUnusable(
            f"{path} is not there: make one with: openssl rand -hex 32"
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two who rotate at once the second one sees what the first one left."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
