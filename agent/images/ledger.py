"""Which images this agent pulled: only those are ever removed by it.

An image that was on the device before, or that somebody pulled by hand, is not in here, and stays.
Kept in `images.json` in the agent's folder; a file that is lost or unreadable means that nothing is
ours any more, which wastes disk and harms nobody.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from agent.storage.store import write_whole

log = structlog.get_logger()

WRITTEN_AFTER = timedelta(hours=6)
"""That an image is in use is written this often at most: it only orders what is removed."""
MOST_REFERENCES = 20


class Entry(Struct, frozen=True, kw_only=True):
    """One image, by its id."""

    references: tuple[str, ...]
    """The names that it was pulled by, spelt out; the newest last."""
    first_used: datetime
    last_used: datetime


class _Kept(Struct, frozen=True):
    images: dict[str, Entry] = field(default_factory=dict)


class ImageLedger:
    """The ledger in this file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)
        self._written = dict(self._entries)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """By image id."""
        return self._entries

    def pulled(self, image_id: str, references: Collection[str], now: datetime) -> None:
        """We brought it, or brought it another name."""
        before = self._entries.get(image_id)
        known = before.references if before is not None else ()
        added = tuple(r for r in references if r not in known)
        self._entries[image_id] = Entry(
            references=(*known, *added)[-MOST_REFERENCES:],
            first_used=before.first_used if before is not None else now,
            last_used=now,
        )
        self._write()

    def used(self, image_ids: Iterable[str], now: datetime) -> None:
        """These are in use now, ours or not."""
        late = False
        for image_id in image_ids:
            entry = self._entries.get(image_id)
            if entry is not None:
                self._entries[image_id] = replace(entry, last_used=now)
                # Either way: a clock that was set back must not stop the writing.
                late = late or abs(now - self._written[image_id].last_used) >= WRITTEN_AFTER
        if late:
            self._write()

    def forget(self, image_ids: Iterable[str]) -> None:
        """They are gone, by us or by somebody else."""
        gone = [each for each in image_ids if self._entries.pop(each, None) is not None]
        if gone:
            self._write()

    def _write(self) -> None:
        try:
            write_whole(self._path, msgspec.json.encode(_Kept(self._entries)), mode=0o600)
        except OSError as error:
            # In memory it stands; after a restart an image may be nobody's, and stay.
            log.warning("image-ledger-not-kept", error=error.strerror)
            return
        self._written = dict(self._entries)


def _read(path: Path) -> dict[str, Entry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept).images
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError):
        log.warning("image-ledger-unreadable", next="no image that is here now is ever removed")
        return {}
