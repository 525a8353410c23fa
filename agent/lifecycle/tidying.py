"""What is left to put in order when nothing else is to be done: leavings and names.

Called by `control_loop.py` on each look. What is not ours is not seen here.
"""

from collections.abc import Mapping, Sequence

import structlog

from agent.contract import Microservice
from agent.errors import EngineError
from agent.lifecycle.carry_out import container_name
from agent.lifecycle.engine import Container, ContainerEngine
from agent.lifecycle.reconcile import spec_digest
from agent.local.config_delivery import ConfigDelivery
from agent.local.volumes import Volumes
from agent.storage.journal import Journal

log = structlog.get_logger()


class Tidying:
    """Of one node."""

    def __init__(
        self,
        node_id: str,
        engine: ContainerEngine,
        journal: Journal,
        config: ConfigDelivery,
        volumes: Volumes | None,
    ) -> None:
        self._node_id = node_id
        self._engine = engine
        self._journal = journal
        self._config = config
        self._volumes = volumes
        self._renamed: set[str] = set()
        """Containers that were given their plain name, or could not be."""

    async def tidy(
        self,
        desired: Mapping[str, Microservice],
        actual: Sequence[Container],
        at_work: Mapping[str, object],
    ) -> None:
        """What is left of microservices that are gone: memory, directory, files, network.

        at_work: by id, those that something is being done about.
        """
        here = desired.keys() | {c.microservice_id for c in actual} | at_work.keys()
        for microservice_id in self._journal.memories().keys() | self._config.present():
            if microservice_id not in here:
                self._journal.forget(microservice_id)
                self._config.withdraw(microservice_id)
        volumes = self._volumes
        if volumes is not None and volumes.surplus() and not at_work:
            wanted = {m: spec_digest(each.spec) for m, each in desired.items()}
            if all(wanted.get(c.microservice_id) == c.spec_digest for c in actual):
                # No container is left that mounts what is not wished for any more.
                await volumes.tidy()
        keep = {m.application for m in desired.values()} | {c.application for c in actual}
        try:
            for network in await self._engine.remove_networks(self._node_id, keep):
                log.info("network-removed", network=network)
        except EngineError as error:
            log.warning("networks-not-tidied", error=str(error))

    async def rename(self, container: Container | None, wanted: Microservice) -> None:
        """Give a container its plain name that could not have it when it was made."""
        if container is None or container.container_id in self._renamed:
            return
        if container.name != container_name(wanted):
            self._renamed.add(container.container_id)  # once: the name may be somebody else's
            try:
                await self._engine.rename(container.container_id, container_name(wanted))
            except EngineError as error:
                log.debug("not-renamed", container=container.name, error=str(error))
