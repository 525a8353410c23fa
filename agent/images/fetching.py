"""How an image gets onto this device: by the engine itself, or through the agent's gateway.

The puller of a running agent (`pulls.py` calls it, once per image at a time). The engine pulls by
itself unless there is a limit to keep, or the last pull of that image broke off: then it pulls
through `registry_gateway.py`, which can go on where it broke. An engine that can't reach the
agent's loopback (an agent in a container of its own) pulls directly, and that is told once.

No pull is begun, and none goes on, where it would fill the disk. What was pulled is put into the
ledger, also when the agent was killed just before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

import structlog

from agent.contract import NodeConfig, PullProgress, Registry
from agent.errors import (
    DiskFull,
    EngineError,
    EngineUnavailable,
    ImageNotFound,
    RegistryRefused,
    RegistryUnreachable,
)
from agent.images import registry_errors
from agent.images.bandwidth import Bandwidth
from agent.images.disk import Disk, Room, amount, reserve
from agent.images.ledger import ImageLedger
from agent.images.partial_pulls import PartialPull, PartialPulls, quota
from agent.images.reference import by_digest, engine_name, image_host, repository_of
from agent.images.store import ImageStore

if TYPE_CHECKING:
    # Loaded with the first pull that needs them: they cost memory, and most agents never do.
    from agent.images.registry_client import Manifest, RegistryClient
    from agent.images.registry_gateway import RegistryGateway

log = structlog.get_logger()

LOOK_EVERY = 2.0
"""Seconds between looks at the free space while something is pulled."""
CALLED_OFF_BELOW = 0.5
"""Of the reserve."""
UNPACKED_WITHIN = 3600.0
"""Seconds in which the engine says nothing, in a pull through the gateway: at a low limit, one of
its steps of progress takes long."""
_GIB = 1 << 30


class MakeRoom(Protocol):
    """See `Pruning.make_room`."""

    async def __call__(self, *, all_there_is: bool) -> None:
        """Errors: EngineError."""
        ...


class _GatewayNotReached(Exception):
    """The engine never asked the gateway for anything."""


class ImageFetching:
    """Of one engine.

    make_room: removes images that nothing needs, as many as it takes, or all.
    on_progress: called whenever `progress` changed.
    """

    def __init__(
        self,
        images: ImageStore,
        ledger: ImageLedger,
        disk: Disk,
        partials: PartialPulls,
        make_room: MakeRoom,
        now: Callable[[], datetime],
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._images = images
        self._ledger = ledger
        self._disk = disk
        self._partials = partials
        self._make_room = make_room
        self._now = now
        self._on_progress = on_progress
        self._config = NodeConfig()
        self._bandwidth: Bandwidth | None = None
        self._gateway: RegistryGateway | None = None
        self._gateway_not_reached = False
        self._progress: dict[str, PullProgress] = {}
        self._through: set[str] = set()
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def progress(self) -> Mapping[str, PullProgress]:
        """Of what is pulled at this moment, by reference, spelt out."""
        return self._progress

    def through_gateway(self) -> Collection[str]:
        """The engine's names of what is pulled through the gateway at this moment."""
        return self._through

    def configure(self, config: NodeConfig) -> None:
        """What operators set for the node; a limit holds for pulls under way too, if they go
        through the gateway."""
        self._config = config
        if self._bandwidth is not None:
            self._bandwidth.set_rate(config.pull_limit_kib * 1024)

    async def settle(self) -> None:
        """Put into the ledger what was pulled when the agent was killed. Errors: EngineError."""
        for reference in self._partials.begun():
            kept = self._partials.of(reference)
            before = kept.before()
            if reference in self._progress or before is None:
                continue
            image_id = await self._images.image_id(reference)
            if image_id is not None and image_id not in before:
                self._ledger.pulled(image_id, [reference], self._now())
                kept.done()

    async def pull(self, image: str, registry: Registry | None) -> None:
        """Fetch it. Errors: EngineError, OSError."""
        reference = engine_name(image)
        # Another microservice may want it with other credentials: one after the other.
        lock = self._one_at_a_time.setdefault(reference, asyncio.Lock())
        async with lock:
            await self._pull(image, reference, registry)

    async def _pull(self, image: str, reference: str, registry: Registry | None) -> None:
        await self._check_room(image)
        free = self._disk.folder()
        kept = self._partials.of(
            reference,
            quota=quota(free.free if free else 0, self._config.disk_limit_gib * _GIB),
        )
        broke_off = kept.exists
        kept.begin([each.image_id for each in await self._images.images()])
        self._note(reference, PullProgress(done_bytes=0, total_bytes=0))
        try:
            async with self._called_off_when_full(image):
                await self._fetch(image, registry, kept, broke_off=broke_off)
        except (ImageNotFound, RegistryRefused):
            kept.done()  # going on where it broke will not help
            raise
        except DiskFull:
            kept.done()
            # There was enough to begin with, and it took more: the next attempt finds all that
            # can be had. Else each would be called off at the same point, for ever.
            await self._make_room(all_there_is=True)
            raise
        except (EngineError, asyncio.CancelledError):
            if not broke_off and not self._progress[reference].done_bytes:
                kept.done()  # nothing to go on from
            raise
        finally:
            self._progress.pop(reference, None)
            self._on_progress()
        image_id = await self._images.image_id(image)
        before = kept.before() or frozenset()
        if image_id is not None and (image_id not in before or image_id in self._ledger.entries):
            self._ledger.pulled(image_id, [reference], self._now())
        kept.done()

    async def _fetch(
        self, image: str, registry: Registry | None, kept: PartialPull, *, broke_off: bool
    ) -> None:
        limited = self._config.pull_limit_kib > 0
        if (limited or broke_off) and not self._gateway_not_reached:
            try:
                await self._slowly_and_surely(image, registry, kept)
                return
            except _GatewayNotReached as error:
                self._gateway_not_reached = True
                log.warning(
                    "gateway-not-reached",
                    error=str(error.__cause__),
                    limit_kept=False,
                    why="the engine can't reach this agent's loopback; it pulls by itself",
                )
        await self._directly(image, registry)

    async def _directly(self, image: str, registry: Registry | None) -> None:
        reference = engine_name(image)
        await self._images.pull(
            image, registry, lambda layers: self._note(reference, layers.progress())
        )

    async def _slowly_and_surely(
        self, image: str, registry: Registry | None, kept: PartialPull
    ) -> None:
        """Through the gateway: within the limit, and on from where it broke."""
        from agent.images.registry_client import RegistryClient

        reference = engine_name(image)
        async with RegistryClient(image, registry) as client:
            try:
                manifest = await client.manifest()
            except RegistryUnreachable as error:
                # Perhaps the engine knows a way that we do not: a proxy, a mirror, a certificate.
                log.warning("pulled-by-engine", image=image, limit_kept=False, because=str(error))
                await self._directly(image, registry)
                return
            pinned = f"{repository_of(reference)}@{manifest.digest}"
            if await self._images.image_id(pinned) is None:
                await self._relayed(image, registry, client, manifest, kept)
            if not by_digest(reference) and await self._images.image_id(pinned) is not None:
                await self._images.tag(pinned, reference)

    async def _relayed(
        self,
        image: str,
        registry: Registry | None,
        client: "RegistryClient",
        manifest: "Manifest",
        kept: PartialPull,
    ) -> None:
        """All of its content through the gateway; then its name from the true registry."""
        reference = engine_name(image)
        clock = asyncio.get_running_loop().time
        async with self._gateway_now().open(
            client, manifest, kept, lambda progress: self._note(reference, progress)
        ) as session:
            self._through.add(session.reference)
            try:
                async with asyncio.timeout(None) as bound:
                    session.on_problem = lambda: bound.reschedule(clock())
                    await self._images.pull(
                        session.reference, None, session.here, stalls_after=UNPACKED_WITHIN
                    )
            except TimeoutError as error:
                if session.problem is None:
                    raise
                raise session.problem from error
            except EngineUnavailable:
                raise
            except EngineError as error:
                if session.problem is not None:
                    raise session.problem from error
                if not session.asked:
                    raise _GatewayNotReached from error
                prefix, _, _ = session.reference.partition(client.repository)
                said = str(error).replace(prefix, f"{image_host(image)}/")
                raise type(error)(said) from error
            finally:
                self._through.discard(session.reference)
            await self._named(image, registry, session.reference, manifest.digest)

    async def _named(
        self, image: str, registry: Registry | None, here_as: str, digest: str
    ) -> None:
        """Its content is here, under the gateway's name. The engine asks the true registry for the
        manifest, finds that it has all that is in it, and knows it by its true digest from then
        on: no name that we could give would do that.
        """
        reference = engine_name(image)
        try:
            await self._images.pull(f"{repository_of(reference)}@{digest}", registry)
        except EngineUnavailable:
            raise
        except EngineError as error:
            if by_digest(reference):
                raise  # the next attempt finds all of it here
            log.info("image-without-digest", image=image, because=str(error))
            await self._images.tag(here_as, reference)
        await self._images.remove(here_as)

    def _gateway_now(self) -> "RegistryGateway":
        if self._gateway is None:
            from agent.images.registry_gateway import RegistryGateway

            clock = asyncio.get_running_loop().time
            self._bandwidth = Bandwidth(clock, self._config.pull_limit_kib * 1024)
            self._gateway = RegistryGateway(self._bandwidth)
        return self._gateway

    def _note(self, reference: str, progress: PullProgress) -> None:
        self._progress[reference] = progress
        self._on_progress()

    async def _check_room(self, image: str) -> None:
        """Errors: DiskFull, when there is too little and nothing could go."""
        await self._disk.find_engine(self._images)
        if self._disk.below_reserve() is None:
            return
        await self._make_room(all_there_is=False)
        short = self._disk.below_reserve()
        if short is not None:
            raise registry_errors.disk_full(
                image,
                f"{amount(short.free)} of {amount(short.total)} are free, "
                f"{amount(reserve(short.total))} are kept free for what runs",
            )

    @asynccontextmanager
    async def _called_off_when_full(self, image: str) -> AsyncIterator[None]:
        """A pull that eats up what is kept free is called off. Errors: DiskFull."""
        loop = asyncio.get_running_loop()
        low: Room | None = None
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal low, timer
            low = self._disk.below_reserve(CALLED_OFF_BELOW)
            if low is not None:
                bound.reschedule(loop.time())
            else:
                timer = loop.call_later(LOOK_EVERY, look)

        timer = loop.call_later(LOOK_EVERY, look)
        try:
            async with asyncio.timeout(None) as bound:
                yield
        except TimeoutError as error:
            if low is None:
                raise
            raise registry_errors.disk_full(
                image, f"its pull was called off when only {amount(low.free)} were left"
            ) from error
        finally:
            if timer is not None:
                timer.cancel()
