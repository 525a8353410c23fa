"""A device ceases to be a node: told to the controller, then undone here, the identity last.

For `ecn-agent deprovision`. What is to be done is written down first (`deprovision.json`), so that
the same command finishes what was interrupted anywhere. Where the agent runs, it is asked to end,
and clears its containers itself; what it leaves is cleared here, with the folder locked.

What goes: containers, networks, the files of volumes as they were delivered, with `images` the
images that the agent pulled, and the agent's folder. What stays: volumes of the engine (the
microservices' own data), files that somebody changed, images that were here before.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from agent.contract import Volume
from agent.device.control_socket import Wish, ask
from agent.docker.engine import DockerEngine
from agent.errors import (
    ControllerRefused,
    ControllerUnreachable,
    CredentialRefused,
    NodeDeprovisioned,
    NotWithdrawn,
    StillRuns,
)
from agent.images.disk import Disk
from agent.images.ledger import ImageLedger
from agent.images.pruning import Pruning
from agent.link.controller_client import ControllerClient
from agent.run import remove_everything
from agent.storage.store import Folder, Identity, write_whole

log = structlog.get_logger()

RECORD = "deprovision.json"
ENDS_WITHIN = 90.0
"""Seconds for the running agent to remove its containers: each has its grace, all at once."""


class Leaving(Struct, frozen=True, kw_only=True):
    """What is to be undone here."""

    node_id: str
    name: str
    controller: str
    images: bool = False
    told: bool = False
    """Whether the controller has taken the node back."""
    volumes: list[Volume] = field(default_factory=list)


class Cleared(Struct, frozen=True, kw_only=True):
    """What was undone."""

    name: str
    controller: str
    told: bool
    """Whether the controller knows: not after --offline."""
    files: int = 0
    images: str = ""
    """What the pruning says that it removed."""
    kept_files: list[str] = field(default_factory=list)
    """Of volumes: changed on the device since they were delivered."""


async def deprovision(
    folder: Folder,
    engine_url: str,
    *,
    offline: bool,
    images: bool,
) -> Cleared | None:
    """Do it, or what is left of it; None where there is nothing (any more) to undo.

    Errors: NotWithdrawn when the controller does not take the node back, and nothing was undone;
    StillRuns; EngineError, FolderUnusable with some of it undone.
    """
    identity = folder.identity()
    leaving = _record(folder, identity)
    if leaving is None:
        if identity is None:
            return None
        leaving = _begun(folder, identity)
    # Before anything is done, so that whatever is cut short is known to be.
    leaving = replace(leaving, images=leaving.images or images)
    _keep(folder, leaving)
    if identity is not None and not (offline or leaving.told):
        try:
            await _withdrawn(identity)
        except NotWithdrawn:
            (folder.path / RECORD).unlink(missing_ok=True)
            raise
        leaving = replace(leaving, told=True)
        _keep(folder, leaving)
    await _ended(folder)
    with folder.locked():
        identity = folder.identity()
        if identity is not None and not identity.withdrawn:
            # As the controller's own withdrawal does: whatever runs next knows what remains.
            folder.keep_identity(replace(identity, withdrawn=True))
        async with DockerEngine(engine_url) as engine:
            await remove_everything(leaving.node_id, engine)
            pruned = await _pruned(folder, engine) if leaving.images else ""
        files, kept = await asyncio.to_thread(_remove_files, leaving.volumes)
        folder.wipe()
        (folder.path / RECORD).unlink(missing_ok=True)
    return Cleared(
        name=leaving.name,
        controller=leaving.controller,
        told=leaving.told,
        files=files,
        images=pruned,
        kept_files=kept,
    )


def _record(folder: Folder, identity: Identity | None) -> Leaving | None:
    """What was begun before, and concerns the node that this device is, or was last."""
    try:
        found = msgspec.json.decode((folder.path / RECORD).read_bytes(), type=Leaving)
    except (OSError, msgspec.DecodeError):
        return None  # as good as none: it is made anew of what is still there
    if identity is not None and identity.node_id != found.node_id:
        return None  # it became another node since
    return found


def _keep(folder: Folder, leaving: Leaving) -> None:
    write_whole(folder.path / RECORD, msgspec.json.encode(leaving), mode=0o600)


def _begun(folder: Folder, identity: Identity) -> Leaving:
    known = folder.desired_state()
    return Leaving(
        node_id=identity.node_id,
        name=identity.name,
        controller=identity.controller,
        told=identity.withdrawn,
        volumes=[v for v in known.volumes.values() if v.destination] if known else [],
    )


async def _withdrawn(identity: Identity) -> None:
    """The controller takes the node back. Errors: NotWithdrawn."""
    try:
        async with ControllerClient(
            identity.controller, credential=identity.credential, ca_pem=identity.ca_pem
        ) as client:
            await client.deprovision()
    except NodeDeprovisioned:
        return  # it was before, or the answer was lost
    except (ControllerUnreachable, ControllerRefused, CredentialRefused) as error:
        raise NotWithdrawn(identity.name, str(error)) from error


async def _ended(folder: Folder) -> None:
    """Until no agent runs on the folder. Errors: StillRuns."""
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            while await asyncio.to_thread(folder.in_use):
                await ask(folder.path, Wish.DEPROVISION)
                await asyncio.sleep(1)
    except TimeoutError as error:
        raise StillRuns(folder.path) from error


async def _pruned(folder: Folder, engine: DockerEngine) -> str:
    """All that the agent ever pulled and nobody else uses goes."""
    ledger, disk = ImageLedger(folder.images), Disk(folder.path)
    return await Pruning(engine.images, ledger, disk, tuple, lambda: datetime.now(UTC)).now()


def _remove_files(volumes: list[Volume]) -> tuple[int, list[str]]:
    """Those that are as they were delivered, and the folders that are empty then.

    How many they were, and which were changed since. Links are not followed.
    """
    removed, kept = 0, []
    for volume in volumes:
        top = Path(volume.destination)
        for file in volume.files:
            path = top.joinpath(*file.path.split("/"))
            steps = [top, *(path.parents[: len(path.parts) - len(top.parts) - 1])]
            if ".." in path.parts or any(step.is_symlink() for step in (path, *steps)):
                continue
            try:
                if path.read_bytes() != file.content:
                    kept.append(str(path))
                    continue
                path.unlink()
                removed += 1
                for above in (*path.parents[: len(path.parts) - len(top.parts) - 1], top):
                    above.rmdir()
            except OSError:
                continue  # gone already, or a folder with something else in it
    return removed, kept
