"""What the parts of an agent that move messages ask of its edge router. `router.py` is that.

The Local API (`local_api/`) publishes and reads inboxes; the link to the interior router
(`interior.py`) takes what goes elsewhere, and brings what comes from there.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from agent.contract import RouteStatus
from routing.message import Message


class MessageRefused(Exception):
    """The message is not taken; the sentence says why. Sending the same again will not help."""


class StoreFull(Exception):
    """It can't be taken now: those that wait take all the room that they may have."""


class Delivery(Struct, frozen=True, kw_only=True):
    """A message for one receiver on this node."""

    number: int
    """Of this agent's run; goes up in the order in which they are to be received."""
    message: Message
    route: str
    """Name of the route; empty: it came from another node, which knows."""
    input: str = ""


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message for the interior router."""

    number: int
    key: str
    """Routing key at the node's exchange: see routing/addresses.py."""
    message: Message
    route_id: str
    application: str
    route: str
    """Its name."""
    input: str = ""
    expires_at: int = 0
    """Milliseconds since 1970; 0: never."""
    durable: bool = True
    priority: int | None = None


class Inbox(Protocol):
    """What waits for one microservice of this node. For one reader at a time."""

    async def next(self, most: int, wait: float) -> list[Delivery]:
        """The next ones, the most urgent first, each priority in its order; [] when none came
        within so many seconds. They are the reader's until `done` or `give_back`."""
        ...

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """The receiver has taken them. Returns when that is written down."""
        ...

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """It has not: they are offered again, in their places."""
        ...


class EdgeRouting(Protocol):
    """The edge router of a node."""

    async def publish(self, publisher: str, message: Message) -> Message:
        """Take a message of a microservice of this node: give it id and time, and keep it for all
        that routes lead it to. Returns it once what has to survive is on the disk; one that no
        route takes is archived alone. Errors: MessageRefused, StoreFull.
        """
        ...

    def inbox(self, microservice_id: str) -> Inbox:
        """Of a microservice of this node, also of one that is not here yet."""
        ...

    async def archived(
        self, publisher: str, receiver: str, begin: int, end: int, most_bytes: int
    ) -> list[Message]:
        """What the publisher sent in a time frame (milliseconds since 1970, both included), the
        oldest first, as far as a route leads from it to the receiver; as many as fit."""
        ...

    async def next_outgoing(
        self, most: int, most_bytes: int, without: Collection[str] = ()
    ) -> list[Outgoing]:
        """The next for the interior router, the most urgent first, each route in its order. Waits
        until there is one. They are the link's until `sent` or `give_back_outgoing`; a call that
        is cancelled has taken none. `without`: ids of routes that have to wait at this moment."""
        ...

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """The interior router has them, and has said so. Returns when that is written down."""
        ...

    def give_back_outgoing(self, outgoing: Sequence[Outgoing]) -> None:
        """It has not: they are offered again, in their places."""
        ...

    async def receive(self, microservice_id: str, message: Message, input_name: str) -> None:
        """One from another node, for a microservice here. Returns once its receiver has taken it,
        or had it before: then, and not before, it may be acknowledged. In the order of the calls.
        When cancelled it is offered no more, unless its receiver has it at this moment."""
        ...

    def stalled(self, route_id: str, reason: str) -> None:
        """Why a route's messages have to wait, though the interior router is there: shown with
        it. Empty: they go again."""
        ...

    def linked(self, state: str, reason: str) -> None:
        """How it stands with the interior router: up or waiting; shown with the routes."""
        ...

    def statuses(self) -> list[RouteStatus]:
        """Of all routes of the node, at this moment."""
        ...
