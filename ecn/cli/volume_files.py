"""The files of a volume, read from this machine."""

from collections.abc import Iterator
from pathlib import Path

from ecn.api.volume_documents import VolumeManifest
from ecn.cli.errors import BadManifest
from ecn.cli.wording import counted
from ecn.manifests.changes import volume_manifest
from ecn.manifests.wishes import Volume
from events.volume import VolumeFile

MOST_FILES = 256
LARGEST = 256 << 10
"""Bytes of all files of one volume. They stand in the log for ever: what is larger belongs into an
image, or onto a server of its own."""


def volume_body(volume: Volume) -> VolumeManifest:
    """The request for it, with what its source holds. Errors: BadManifest."""
    spec = volume.spec
    files = list(spec.files)
    if spec.source is not None:
        source = Path(spec.source).expanduser()
        try:
            files = _read(volume.name, source)
        except OSError as e:
            raise BadManifest(
                f"volume {volume.name!r}: {e.filename or source} can't be read: {e.strerror}",
                field="spec.source",
            ) from e
    return volume_manifest(spec, files)


def _read(name: str, source: Path) -> list[VolumeFile]:
    """One file, or all below a folder, by their paths there. Symbolic links are not followed."""
    found = [(source.name, source)] if source.is_file() else sorted(_below(source, source))
    if len(found) > MOST_FILES:
        raise _too_much(name, f"more than {counted(MOST_FILES, 'file')}")
    left, files = LARGEST, []
    for path, file in found:
        with file.open("rb") as opened:
            content = opened.read(left + 1)
        left -= len(content)
        if left < 0:
            raise _too_much(name, f"more than {LARGEST >> 10} KiB")
        files.append(VolumeFile(path=path, content=content))
    return files


def _below(folder: Path, top: Path) -> Iterator[tuple[str, Path]]:
    for each in folder.iterdir():
        if each.is_symlink():
            continue
        if each.is_dir():
            yield from _below(each, top)
        elif each.is_file():
            yield each.relative_to(top).as_posix(), each


def _too_much(name: str, what: str) -> BadManifest:
    return BadManifest(
        f"volume {name!r}: its source holds {what}",
        field="spec.source",
        next_step="volumes are for configuration; put larger things into an image",
    )
