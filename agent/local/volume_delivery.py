"""Volumes: files that the controller holds, written where it says on this device.

A file that is as it should be is left alone. What other files there are, and what is left of a
volume that is gone, stays: it may be somebody's. Called by `volumes.py`.
"""

from pathlib import Path, PurePosixPath

from agent.contract import Volume
from agent.local.volume_files import FOLDER_MODE, BadVolume, below, folder, mode_of, steps_of, write


def deliver_to_destination(volume: Volume) -> None:
    """Bring all of its files up to date. Blocks for as long as the disk takes.

    Errors: BadVolume, OSError.
    """
    mode = mode_of(volume)
    destination = PurePosixPath(volume.destination)
    if not destination.is_absolute() or ".." in destination.parts or len(destination.parts) < 2:
        raise BadVolume(f"{volume.destination!r} is no folder that it may have")
    files = steps_of(volume)  # all of them, before any is written
    Path(destination).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with folder(str(destination), None) as top:
        for (*folders, name), content in files:
            with below(top, folders) as within:
                write(within, name, content, mode)
