"""How much the link takes from the edge router before the interior router has confirmed it."""

import asyncio
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from agent.messages.routing import EdgeRouting, Outgoing
from agent.messages.sending import IN_HAND, IN_HAND_BYTES, Sending
from routing.amqp import connected
from routing.amqp_shapes import Access
from routing.message import Message
from tests.agent.interior.nodes import Interior, until
from tests.broker_fixtures import Vhost
from tests.tcp_proxy import TcpProxy


class Endless:
    """An edge router that always has more."""

    def __init__(self, size: int) -> None:
        self._body = b"x" * size
        self.given = self.settled = self.back = 0

    async def next_outgoing(
        self, most: int, most_bytes: int, without: Collection[str] = ()
    ) -> list[Outgoing]:
        await asyncio.sleep(0)
        count = max(1, min(most, most_bytes // len(self._body)))
        numbers = range(self.given, self.given + count)
        self.given += count
        return [
            Outgoing(
                number=number, key="route.ab", route_id="ab", application="a", route="ab",
                message=Message(message_id=f"{number:032x}", body=self._body),
            )
            for number in numbers
        ]  # fmt: skip

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        self.settled += len(outgoing)

    def give_back_outgoing(self, outgoing: Sequence[Outgoing]) -> None:
        self.back += len(outgoing)

    def stalled(self, route_id: str, reason: str) -> None:
        raise AssertionError(reason)


@pytest.mark.parametrize("size", [1_000, 100_000])
async def test_what_is_in_hand_is_bounded_and_all_of_it_goes_back(broker: Vhost, size: int) -> None:
    interior = Interior(broker.broker, broker.name)
    interior.node("n1")
    interior.microservice("b")
    interior.lead("ab", "n1", "b")
    routing = Endless(size)
    most = min(IN_HAND, IN_HAND_BYTES // size + 1)
    async with TcpProxy.before(broker.broker.port) as proxy:
        access = Access(
            url=broker.broker.url(broker.name, port=proxy.port),
            user=broker.user, password=broker.password,
        )  # fmt: skip
        async with connected(access, name="n1") as connection:
            sending = Sending("n1", cast(EdgeRouting, routing), lambda remark: None)
            task = asyncio.create_task(sending.run(connection))
            await until(lambda: routing.settled > 1000)
            assert routing.given - routing.settled <= most
            proxy.hold()
            await asyncio.sleep(1)
            assert 0 < routing.given - routing.settled <= most
            task.cancel()
            await asyncio.wait([task])
        proxy.go_on()
    assert routing.given == routing.settled + routing.back
