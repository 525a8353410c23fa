"""The volumes of this device: brought up to date when they change, looked at again now and then.

Started by `run.py`, beside the control loop rather than in it: files reach running containers also
while the engine does not answer. `lifecycle/carry_out.py` asks before it starts anything whether
the files are there; `lifecycle/control_loop.py` says when nothing made from an older wish is left.
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec.structs import replace

from agent.contract import ContainerSpec, Microservice, Mount, Volume
from agent.errors import FilesMissing
from agent.local.files_delivery import FilesDelivery
from agent.local.volume_delivery import deliver_to_destination
from agent.local.volume_files import BadVolume
from agent.storage.desired_state import Known

log = structlog.get_logger()

LOOK_AGAIN = 60.0
"""Seconds after which all files are looked at again, although nothing changed."""

FILES = "files"
"""The kind of mounts whose source is a volume's id."""
PLACE = "place"

_Work = dict[tuple[str, str], Volume]
"""By FILES (for containers to mount) or PLACE (where the volume says), and the volume's id."""


class Volumes:
    """The volumes of one device. on_facts: hears of it when `problem` has changed."""

    def __init__(self, files: FilesDelivery, on_facts: Callable[[], None] = lambda: None) -> None:
        self._files = files
        self._on_facts = on_facts
        self._known = Known(revision=0)
        self._mounted: set[str] = set()
        self._done: _Work = {}
        """As they were written last."""
        self._problems: dict[tuple[str, str], str] = {}
        self._folders: set[str] | None = None
        """Ids of those that have one; None before it was looked for any."""
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self.problem = ""
        """Why some files could not be written; empty while all are there."""

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._known = known
        self._mounted = {
            volume_id for each in known.microservices.values() for volume_id in mounted_by(each)
        }
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        everything = True
        while True:
            self._wake.clear()
            await self.look(everything=everything)
            everything = False
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._wake.wait()
            except TimeoutError:
                everything = True

    async def look(self, *, everything: bool = False) -> None:
        """Bring up to date what changed, or all that there is."""
        async with self._turn:
            wanted = self._wanted()
            await self._write(
                {key: each for key, each in wanted.items() if everything or self._open(key, each)}
            )
            for key in self._problems.keys() - wanted.keys():
                del self._problems[key]
        self._tell()

    async def ready(self, microservice: Microservice) -> None:
        """Its container may start: the files that it mounts are there. Errors: FilesMissing.

        An older state of them is better than no microservice, when the newer can't be written.
        """
        for volume_id in sorted(mounted_by(microservice)):
            key, volume = (FILES, volume_id), self._known.volumes.get(volume_id)
            if volume is not None and not self._open(key, volume):
                continue
            async with self._turn:
                if volume is not None:
                    await self._write({key: volume})
                if not await asyncio.to_thread(self._files.whole, volume_id):
                    unknown = f"volume {volume_id} is not in the desired state"
                    raise FilesMissing(self._problems.get(key, unknown))
        self._tell()

    def in_place(self, spec: ContainerSpec) -> ContainerSpec:
        """The spec as the engine understands it: files are folders that it mounts read-only."""
        return replace(spec, volumes=[self._in_place(mount) for mount in spec.volumes])

    def surplus(self) -> bool:
        """Whether there may be folders that nothing of the desired state mounts."""
        return self._folders is None or not self._folders <= self._mounted

    async def tidy(self) -> None:
        """No container is left that was made from an older wish: what only they mounted goes."""
        async with self._turn:
            self._folders = await asyncio.to_thread(self._files.present)
            for volume_id in sorted(self._folders - self._mounted):
                await asyncio.to_thread(self._files.withdraw, volume_id)
                self._done.pop((FILES, volume_id), None)
                self._folders.discard(volume_id)
                log.info("volume-withdrawn", volume_id=volume_id)

    def _in_place(self, mount: Mount) -> Mount:
        if mount.kind != FILES:
            return mount
        try:
            source = self._files.path(mount.source)
        except BadVolume as error:
            raise FilesMissing(str(error)) from error
        return Mount(kind="bind", source=str(source), target=mount.target, read_only=True)

    def _wanted(self) -> _Work:
        volumes = sorted(self._known.volumes.values(), key=lambda each: each.name)
        mounted = {(FILES, v.volume_id): v for v in volumes if v.volume_id in self._mounted}
        return mounted | {(PLACE, v.volume_id): v for v in volumes if v.destination}

    def _open(self, key: tuple[str, str], volume: Volume) -> bool:
        return self._done.get(key) != volume

    async def _write(self, work: _Work) -> None:
        if not work:
            return
        problems = await asyncio.to_thread(self._written, work)
        for key, volume in work.items():
            self._problems.pop(key, None)
            if problems[key]:
                self._problems[key] = problems[key]
                self._done.pop(key, None)
            else:
                self._done[key] = volume
            if key[0] == FILES and self._folders is not None:
                self._folders.add(volume.volume_id)

    def _written(self, work: _Work) -> dict[tuple[str, str], str]:
        """What kept each from being written, empty where nothing did. Runs in a thread."""
        problems = {}
        for (kind, volume_id), volume in work.items():
            problem = ""
            try:
                if kind == PLACE:
                    deliver_to_destination(volume)
                elif self._files.deliver(volume):
                    log.info("volume-delivered", volume=volume.name)
            except BadVolume as error:
                problem = f"volume {volume.name}: {error}"
            except OSError as error:
                at = f" ({error.filename})" if error.filename else ""
                problem = f"volume {volume.name}: {error.strerror or error}{at}"
            problems[kind, volume_id] = problem
        return problems

    def _tell(self) -> None:
        problem = "; ".join(sorted(set(self._problems.values())))
        if problem != self.problem:
            if problem:
                log.error("volumes-not-delivered", error=problem, again_in=LOOK_AGAIN)
            self.problem = problem
            self._on_facts()


def mounted_by(microservice: Microservice) -> set[str]:
    """Ids of the volumes whose files its container mounts."""
    return {mount.source for mount in microservice.spec.volumes if mount.kind == FILES}
