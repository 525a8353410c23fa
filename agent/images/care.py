"""All that an agent does about images and disk, built together for `run.py`.

The control loop gets the puller and the quotas, the uplink what is used, an operator's instruction
the pruning.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from agent.contract import Microservice, NodeConfig
from agent.device.device_usage import Usage
from agent.images.disk import Disk
from agent.images.disk_quotas import DiskQuotas
from agent.images.fetching import ImageFetching
from agent.images.ledger import ImageLedger
from agent.images.partial_pulls import PartialPulls
from agent.images.pruning import Pruning
from agent.images.reference import engine_name
from agent.images.store import ImageStore
from agent.lifecycle.engine import ContainerEngine
from agent.storage.desired_state import Known
from agent.storage.store import Folder


class ImageCare:
    """For one node. on_news: called when a report is worth while; on_over: when quotas changed."""

    def __init__(
        self,
        node_id: str,
        folder: Folder,
        engine: ContainerEngine,
        images: ImageStore,
        now: Callable[[], datetime],
        on_news: Callable[[], None] = lambda: None,
        on_over: Callable[[], None] = lambda: None,
    ) -> None:
        self._known: Known | None = None
        self._partials = PartialPulls(folder.pulls)
        self._config = NodeConfig()
        ledger = ImageLedger(folder.images)
        disk = Disk(folder.path)
        self.pruning = Pruning(
            images,
            ledger,
            disk,
            self._wanted,
            now,
            live=lambda: self.fetching.through_gateway(),
            settle=lambda: self.fetching.settle(),
        )
        self.fetching = ImageFetching(
            images,
            ledger,
            disk,
            self._partials,
            self.pruning.make_room,
            now,
            on_progress=lambda: self.usage.pulls_moved(),
        )
        self.usage = Usage(disk, lambda: self.fetching.progress, self._microservices, on_news)
        self.quotas = DiskQuotas(node_id, engine, images, self._microservices, on_over)

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        before, self._known = self._known, known
        if before is None or known.node != self._config:
            self._config = known.node
            self.pruning.configure(known.node)
            self.fetching.configure(known.node)
        wanted = self._wanted()
        if wanted is not None:
            self._partials.keep_only(wanted | self.fetching.progress.keys())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pruning.run())
            tasks.create_task(self.quotas.run())

    def _microservices(self) -> Mapping[str, Microservice]:
        return self._known.microservices if self._known is not None else {}

    def _wanted(self) -> frozenset[str] | None:
        if self._known is None:
            return None
        return frozenset(
            engine_name(m.spec.image) for m in self._microservices().values() if m.spec.image
        )
