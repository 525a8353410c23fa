"""What has come of images whose pull broke off, on the agent's own disk, so that it goes on there.

One folder per image that is being pulled: `image` names it, `before` lists the images that were
here then, `<sha-256>.part` is the beginning of a blob, or all of it. A folder is made when a pull
begins and goes when it succeeds; one that is there at the beginning of a pull says that the last
one broke off, even over a power cut. Nothing here is synced: what a power cut leaves is judged by
its digest, and thrown away when that is wrong.
"""

import shutil
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

_GIB = 1 << 30
MOST = 4 * _GIB
"""Bytes of all partial blobs together."""


class PartialPull:
    """What is kept of one image."""

    def __init__(self, path: Path, image: str, quota: int) -> None:
        self._path = path
        self._image = image
        self._left = quota

    @property
    def exists(self) -> bool:
        """Whether a pull of it was begun and did not succeed."""
        return self._path.is_dir()

    def begin(self, images: Collection[str]) -> None:
        """Remember that a pull is under way. Errors: OSError.

        images: ids of all that are on the device now. Where a pull is remembered already, those
        of then count on: what it brought is still to be put into the ledger.
        """
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.before() is None:
            (self._path / "before").write_text("\n".join(sorted(images)) + "\n.\n")
        (self._path / "image").write_text(self._image)

    def before(self) -> frozenset[str] | None:
        """Ids of the images that were here when the pull began; None where that is not known."""
        try:
            *ids, end = (self._path / "before").read_text().splitlines()
        except (OSError, ValueError):
            return None
        return frozenset(ids) if end == "." else None  # else a power cut left half of it

    def blob(self, digest: str) -> Path:
        """The file of a blob. digest: `sha256:<64 hex digits>`."""
        return self._path / f"{digest.partition(':')[2]}.part"

    def claim(self, count: int) -> bool:
        """Whether so many more bytes may be kept."""
        if self._left < count:
            return False
        self._left -= count
        return True

    def drop(self) -> None:
        """What is kept is of no use: the next attempt begins with nothing."""
        for file in self._path.glob("*.part"):
            file.unlink(missing_ok=True)

    def done(self) -> None:
        """It succeeded, or will never: nothing is kept."""
        shutil.rmtree(self._path, ignore_errors=True)


class PartialPulls:
    """Of all images, in this folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, reference: str, *, quota: int = MOST) -> PartialPull:
        """reference: spelt out. quota: bytes that the blobs of all images may take together."""
        name = sha256(reference.encode()).hexdigest()[:24]
        return PartialPull(self._folder / name, reference, max(0, quota - self.kept_bytes()))

    def kept_bytes(self) -> int:
        """What all partial blobs take."""
        return sum(_size(file) for file in self._folder.glob("*/*.part"))

    def begun(self) -> list[str]:
        """References of all pulls that are remembered."""
        folders = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(image for folder in folders if (image := _image(folder)))

    def keep_only(self, references: Collection[str]) -> list[str]:
        """Remove what belongs to other images; which those were."""
        removed: list[str] = []
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            image = _image(folder)
            if image not in references:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(image)
        return removed


def quota(free: int, limit: int) -> int:
    """Bytes for partial blobs: a quarter of what is free, within the agent's limit and 4 GiB."""
    return max(0, min(free // 4, limit, MOST))


def _image(folder: Path) -> str:
    try:
        return (folder / "image").read_text()
    except OSError:
        return ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
