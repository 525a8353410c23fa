"""The networks that a person works with: a name, a controller, a token. Kept in one file.

The file is `config.yaml` in the person's settings folder (ECN_CONFIG names another), readable by
its owner alone, since it holds tokens. It is replaced whole, never written in place: a reader
sees the old one or the new one. Changes are made under a lock, so that two logins at the same
time both remain.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import platformdirs
import yaml
from msgspec import Struct, field

from ecn.cli.errors import CliError
from ecn.private_file import replace_privately

LOCK_WAIT = 5.0
"""Seconds. Whoever holds the lock only writes a small file."""


class Context(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One network, as one user."""

    server: str
    user: str = ""
    token: str = ""
    ca: str = ""
    """Certificates (PEM) that the controller's certificate is checked against."""
    data: str = ""
    """Set when `ecn up` made it: the data folder of that controller."""


class Contexts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of them, and the one in use."""

    current: str = ""
    contexts: dict[str, Context] = field(default_factory=dict)

    def named(self, name: str) -> Context:
        """The context of that name. Errors: CliError when there is none."""
        if name not in self.contexts:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise CliError(
                f"there is no context {name!r}; there are: {known}",
                next_step="ecn context list, or ecn login URL --name NAME",
            )
        return self.contexts[name]

    def having(self, name: str, context: Context, *, use: bool) -> "Contexts":
        """With that context, and in use if asked or if none is."""
        return Contexts(
            current=name if use or not self.current else self.current,
            contexts={**self.contexts, name: context},
        )

    def without(self, name: str) -> "Contexts":
        """Without that context; none is in use if it was."""
        self.named(name)
        return Contexts(
            current="" if self.current == name else self.current,
            contexts={n: c for n, c in self.contexts.items() if n != name},
        )

    def renamed(self, old: str, new: str) -> "Contexts":
        """The same under another name. Errors: CliError when the new name is taken."""
        context = self.named(old)
        if new in self.contexts:
            raise CliError(f"there already is a context {new!r}")
        return Contexts(
            current=new if self.current == old else self.current,
            contexts={
                new if n == old else n: context if n == old else c for n, c in self.contexts.items()
            },
        )


def config_path() -> Path:
    """Where the file is."""
    named = os.environ.get("ECN_CONFIG")
    return Path(named) if named else platformdirs.user_config_path("ecn") / "config.yaml"


def load(path: Path) -> Contexts:
    """What the file says; nothing when there is none.

    Errors: CliError when it does not read. Its text is never shown: it holds tokens.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Contexts()
    except OSError as e:
        raise CliError(f"{path} can't be read: {e.strerror}") from e
    try:
        return msgspec.convert(yaml.safe_load(text) or {}, Contexts)
    except (yaml.YAMLError, msgspec.ValidationError) as e:
        where = str(e) if isinstance(e, msgspec.ValidationError) else "it is not YAML"
        raise CliError(
            f"{path} is not a settings file of ecn: {where}",
            next_step=f"repair it, or remove it and log in again: rm {path}",
        ) from None


def save(path: Path, contexts: Contexts) -> None:
    """Replace the file, readable by its owner alone from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = yaml.safe_dump(msgspec.to_builtins(contexts), sort_keys=False, allow_unicode=True)
    replace_privately(path, text.encode())


@contextmanager
def changing(path: Path) -> Iterator[Contexts]:
    """The contexts, with nobody else changing them meanwhile.

    Errors: CliError when the folder can't be written or another process keeps the lock.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise CliError(f"{path.parent} can't be written: {e.strerror}") from e
    try:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise CliError(f"another process keeps {path} locked") from None
                time.sleep(0.02)
        yield load(path)
    finally:
        os.close(lock)


def put(name: str, context: Context, *, use: bool) -> None:
    """Write one context down."""
    path = config_path()
    with changing(path) as contexts:
        save(path, contexts.having(name, context, use=use))
