"""Whether a connection lives, and what the library's errors mean. Shared by its channels."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager

from aiormq.exceptions import (
    AMQPChannelError,
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)

from routing.amqp.sockets import Sockets
from routing.amqp_shapes import (
    NOT_ALLOWED,
    NOT_FOUND,
    AmqpError,
    ChannelRefused,
    LinkLost,
    Refused,
    Unroutable,
)

_CODES: dict[type[AMQPChannelError], int] = {
    ChannelAccessRefused: NOT_ALLOWED,
    ChannelNotFoundEntity: NOT_FOUND,
    ChannelLockedResource: 405,
    ChannelPreconditionFailed: 406,
}
_LONGEST = 300
"""Characters of what the other side says that are shown."""


class Life:
    """Of one connection."""

    def __init__(self, where: str, sockets: Sockets) -> None:
        self.where = where
        self.lost = asyncio.Event()
        self.why = ""
        self.sockets = sockets

    def over(self, why: str) -> None:
        """It is no more; the first word counts."""
        if not self.lost.is_set():
            self.why = why[:_LONGEST]
            self.lost.set()

    def abort(self, why: str) -> None:
        """End it without a word."""
        self.over(why)
        self.sockets.abort()

    def meaning(self, error: BaseException) -> AmqpError:
        """What an error of the library says to us."""
        match error:
            case AmqpError():
                return error
            case PublishError():
                return Unroutable("the interior router has no queue that would get it")
            case DeliveryError():
                return Refused("the interior router takes no more of it: a queue is full")
            case AMQPChannelError() if not self.lost.is_set():
                said = ", ".join(str(each) for each in error.args if each)
                return ChannelRefused(_CODES.get(type(error), 0), said[:_LONGEST])
            case TimeoutError():
                self.abort(f"the interior router at {self.where} did not answer in time")
            case _ if not self.lost.is_set():
                # A channel may be gone a moment before its connection is known to be.
                return LinkLost(f"the interior router at {self.where} ended a channel")
        return LinkLost(self.why)

    @asynccontextmanager
    async def asked(self, within: float) -> AsyncGenerator[None]:
        """Around a wait for the other side; errors come out as ours. within: seconds."""
        try:
            async with asyncio.timeout(within):
                yield
        except AmqpError:
            raise
        except asyncio.CancelledError as error:
            if are_cancelled():
                raise
            raise self.meaning(error) from None
        except Exception as error:
            raise self.meaning(error) from None


def are_cancelled() -> bool:
    """Whether a CancelledError that arrives here is meant for us: the library ends waits of its
    own by one when a connection goes."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def quietly(ending: Awaitable[object], within: float) -> None:
    """Let something end, and hear of no trouble. within: seconds."""
    try:
        async with asyncio.timeout(within):
            await ending
    except asyncio.CancelledError:
        if are_cancelled():
            raise
    except Exception:  # noqa: S110 - it is over in any case
        pass
