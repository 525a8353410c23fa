"""Which containers agents were told to make anew: once for each time that it was asked.

An agent acknowledges what it did all at once, and nothing as long as any of it fails: while its
router can't be reached, say. Told again and again meanwhile, it would make the container anew at
each of its polls. So it is told until another container is seen than there was when it was told
first; who has forgotten that, after a restart, tells it once more.
"""

from events.ids import MicroserviceId, NodeId
from projections import changes
from projections.world import World


class Rebuilds:
    """See the module. In the memory of one controller."""

    def __init__(self) -> None:
        self._told: dict[MicroserviceId, tuple[int, str]] = {}
        """The stamp of what was told, and the container that was there then."""

    def due(self, world: World, node_id: NodeId, key: MicroserviceId) -> bool:
        """Whether the node's agent, which asks just now, is to be told."""
        row = world.changes.get(node_id)
        if row is None or not changes.to_rebuild(row, key):
            self._told.pop(key, None)
            return False
        stamp, status = row.rebuilds[key], world.statuses.get(key)
        container = "" if status is None else status.container_id
        told = self._told.get(key)
        if told is None or told[0] != stamp:
            self._told[key] = (stamp, container)
            return True
        return container in ("", told[1])
