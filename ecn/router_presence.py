"""Which interior proxies run, as they said themselves. Telemetry: in memory, of this controller.

Each reports every REPORT_EVERY to one controller; another one does not know it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ecn.api.router_documents import ProxyDocument, RouterReport
from events.ids import UserId
from projections.world import World

REPORT_EVERY = 30.0
"""Seconds."""
FORGOTTEN_AFTER = timedelta(seconds=4 * REPORT_EVERY)
MOST = 64
"""Instances of one router that are remembered."""


class RouterPresence:
    """See the module."""

    def __init__(self) -> None:
        self._said: dict[tuple[UserId, str], tuple[datetime, RouterReport]] = {}

    def said(self, router: UserId, report: RouterReport, now: datetime) -> None:
        """It was heard."""
        self._forget(now)
        own = [key for key in self._said if key[0] == router and key[1] != report.instance]
        if len(own) >= MOST:
            del self._said[min(own, key=lambda key: self._said[key][0])]
        self._said[router, report.instance] = (now, report)

    def running(self, world: World, now: datetime) -> Iterator[ProxyDocument]:
        """Those heard lately whose user is still there, by name and instance."""
        self._forget(now)
        named = [(world.users[key[0]].name, key) for key in self._said if world.users.get(key[0])]
        for name, key in sorted(named):
            heard_at, report = self._said[key]
            yield ProxyDocument(router_id=key[0], name=name, heard_at=heard_at, report=report)

    def _forget(self, now: datetime) -> None:
        for key, (heard_at, _) in list(self._said.items()):
            if now - heard_at > FORGOTTEN_AFTER:
                del self._said[key]
