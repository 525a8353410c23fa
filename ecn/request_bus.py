"""What is asked of devices, told to the other controllers: an agent may be with any of them.

A request goes to all, as nobody knows where an agent's next question will arrive. It is worth
something for seconds only, so losing one costs no more than the asker's patience. The stream, or
session, that it leads to comes back to the asker through whichever controller the agent meets.
`PostgresRequestBus` is the real one; both pass tests/contracts/test_request_bus.py.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Raw, Struct

from events.ids import NodeId

LARGEST = 7500
"""Bytes of a request and what goes with it: Postgres passes on words of less than 8000."""


class Passed(Struct, frozen=True, kw_only=True):
    """A request for an agent, and where it is waited for."""

    url: str
    """Of the controller, as the others reach it."""
    node_id: NodeId
    request: Raw
    """An `AnyStreamRequest`: of a newer controller it may be one that is not known here."""


class RequestBus(Protocol):
    """Between controllers of one network."""

    url: str
    """Of this controller, as the others reach it."""

    heard: Callable[[Passed], None]
    """Told of each request of another controller."""

    def tell(self, node_id: NodeId, request: Raw) -> None:
        """Pass it on, soon. Whether it arrives nobody says."""
        ...


class NobodyElse:
    """Of a network with one controller."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: Callable[[Passed], None] = unheard

    def tell(self, node_id: NodeId, request: Raw) -> None:
        """See RequestBus."""


class MemoryBus:
    """Of one of several controllers that share `members`."""

    def __init__(self, url: str, members: "list[MemoryBus]") -> None:
        self.url = url
        self.heard: Callable[[Passed], None] = unheard
        self._members = members
        members.append(self)

    def tell(self, node_id: NodeId, request: Raw) -> None:
        """See RequestBus."""
        for other in self._members:
            if other is not self:
                other.heard(Passed(url=self.url, node_id=node_id, request=request))


def unheard(_: Passed) -> None:
    """Before anybody listens."""
