"""Messages from one node to another, through a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routing.message import IoFields, Message
from tests.agent.interior.nodes import Interior, Node, elsewhere, node, receiving, until
from tests.broker_fixtures import Vhost
from tests.tcp_proxy import TcpProxy


@pytest.fixture
def interior(broker: Vhost) -> Interior:
    """Ready for a route `ab` from `a` on n1 to `b` on n2."""
    made = Interior(broker.broker, broker.name)
    made.dead_letters()
    for each in ("n1", "n2"):
        made.node(each)
    made.microservice("b")
    made.lead("ab", "n1", "b")
    return made


@pytest.fixture
async def n1(tmp_path: Path) -> AsyncIterator[Node]:
    async with node(tmp_path / "n1", "n1") as one:
        yield one


@pytest.fixture
async def n2(tmp_path: Path) -> AsyncIterator[Node]:
    async with node(tmp_path / "n2", "n2") as one:
        yield one


def numbered(first: int, count: int) -> list[bytes]:
    return [b"%06d" % number for number in range(first, first + count)]


async def test_a_message_arrives_on_the_other_node_as_it_was(
    interior: Interior, n1: Node, n2: Node
) -> None:
    n1.wish(elsewhere(), here=("a",), broker=interior.access())
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    sent = await n1.router.publish(
        "a",
        Message(
            content_type="text/plain", properties={"level": "high"}, body=b"hello",
            io=IoFields(tag="t", context_data=b"\x00\x01"),
        ),
    )  # fmt: skip
    async with receiving(n2, "b") as receiver:
        await receiver.until(1)
    assert receiver.had == [sent]
    await n1.until("ab", "up")


async def test_without_an_interior_router_messages_wait_and_say_so(
    interior: Interior, n1: Node, n2: Node
) -> None:
    n1.wish(elsewhere(), here=("a",))
    await n1.publish("a", *numbered(0, 20))
    await n1.until("ab", "waiting", "no interior router")
    n1.wish(elsewhere(), here=("a",), broker=interior.access())
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    async with receiving(n2, "b") as receiver:
        await receiver.until(20)
    assert receiver.bodies == numbered(0, 20)


async def test_a_route_that_is_not_bound_yet_waits_and_others_go(
    interior: Interior, n1: Node, n2: Node
) -> None:
    interior.microservice("c")
    n1.wish(elsewhere(), elsewhere("ac", "a", "c"), here=("a",), broker=interior.access())
    n2.wish(here=("b", "c"), inboxes=("b", "c"), broker=interior.access())
    async with receiving(n2, "b") as b, receiving(n2, "c") as c:
        await n1.publish("a", *numbered(0, 100))
        await b.until(100)
        await n1.until("ac", "waiting", "no queue")
        assert c.had == []
        interior.lead("ac", "n1", "c")
        await c.until(100)
        assert b.bodies == c.bodies == numbered(0, 100)
        await n1.until("ac", "up")


async def test_a_full_queue_loses_nothing_and_keeps_the_order(
    interior: Interior, n1: Node, n2: Node
) -> None:
    interior.microservice("c", most_bytes=200_000)
    interior.lead("ac", "n1", "c")
    n1.wish(elsewhere("ac", "a", "c"), here=("a",), broker=interior.access())
    bodies = [body * 150 for body in numbered(0, 600)]
    await n1.publish("a", *bodies)
    await n1.until("ac", "waiting", "full")
    n2.wish(here=("c",), inboxes=("c",), broker=interior.access())
    # Slow enough that no fifth of the queue gets free while one burst arrives: see flow.py.
    async with receiving(n2, "c", most=5, pause=0.02) as receiver:
        await receiver.until(600)
    assert receiver.bodies == bodies


async def test_a_slow_receiver_has_no_more_on_loan_than_it_may(
    interior: Interior, n1: Node, n2: Node
) -> None:
    n1.wish(elsewhere(), here=("a",), broker=interior.access())
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    await n1.publish("a", *(b"x" * 10_000 for _ in range(300)))
    await until(lambda: interior.waiting("ecn.in.b") == 300)
    deliveries = await n2.router.inbox("b").next(1000, 5)
    await asyncio.sleep(0.5)
    deliveries += await n2.router.inbox("b").next(1000, 0.1)
    assert len(deliveries) <= 64
    n2.router.inbox("b").give_back(deliveries)
    async with receiving(n2, "b") as receiver:
        await receiver.until(300)


async def test_a_link_that_is_cut_again_and_again_loses_and_doubles_nothing(
    broker: Vhost, interior: Interior, n1: Node, n2: Node
) -> None:
    async with TcpProxy.before(broker.broker.port) as proxy:
        there = interior.access(broker.broker.url(broker.name, port=proxy.port))
        n1.wish(elsewhere(), here=("a",), broker=there)
        n2.wish(here=("b",), inboxes=("b",), broker=there)
        async with receiving(n2, "b") as receiver:
            for number in range(8):
                await n1.publish("a", *numbered(number * 200, 200))
                proxy.cut_all()
                await asyncio.sleep(0.05 * number)
            await receiver.until(1600, within=90)
    assert receiver.bodies == numbered(0, 1600)


async def test_a_link_that_is_cut_without_a_word_is_noticed(
    broker: Vhost, interior: Interior, n1: Node, n2: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.amqp.connection.HEARTBEAT", 1)
    monkeypatch.setattr("agent.messages.sending.CONFIRMED_WITHIN", 1.0)
    monkeypatch.setattr("agent.messages.sending.LOOKS_EVERY", 0.2)
    async with TcpProxy.before(broker.broker.port) as proxy:
        there = interior.access(broker.broker.url(broker.name, port=proxy.port))
        n1.wish(elsewhere(), here=("a",), broker=there)
        n2.wish(here=("b",), inboxes=("b",), broker=there)
        async with receiving(n2, "b") as receiver:
            await n1.publish("a", *numbered(0, 50))
            await receiver.until(50)
            proxy.hold()
            await n1.publish("a", *numbered(50, 50))
            await n1.until("ab", "waiting")
            await until(lambda: bool(n2.link.problem))
            proxy.cut_all()
            proxy.go_on()
            await receiver.until(100)
    assert receiver.bodies == numbered(0, 100)


async def test_a_connection_that_only_the_interior_router_thinks_alive_costs_no_order(
    broker: Vhost, interior: Interior, n1: Node, n2: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.amqp.connection.HEARTBEAT", 2)
    async with TcpProxy.before(broker.broker.port) as proxy:
        there = interior.access(broker.broker.url(broker.name, port=proxy.port))
        n1.wish(elsewhere(), here=("a",), broker=interior.access())
        n2.wish(here=("b",), inboxes=("b",), broker=there)
        await n1.publish("a", *numbered(0, 300))
        await until(lambda: not any(each.stored for each in n1.router.statuses()))
        inbox = n2.router.inbox("b")
        inbox.give_back(await inbox.next(10, 10))
        proxy.forget()
        # It connects anew by another way; what was on loan is so until the former one is missed.
        n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
        async with receiving(n2, "b") as receiver:
            await receiver.until(300)
    assert receiver.bodies == numbered(0, 300)


async def test_a_user_that_was_withdrawn_is_named_and_a_new_password_helps_at_once(
    broker: Vhost, interior: Interior, n1: Node, n2: Node
) -> None:
    broker.broker.make_user("n1", "first")
    broker.broker.allow("n1", broker.name, "^$", r"^ecn\.out\.n1$", "^$")
    n1.wish(elsewhere(), here=("a",), broker=interior.access(user="n1", password="first"))
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    async with receiving(n2, "b") as receiver:
        await n1.publish("a", *numbered(0, 10))
        await receiver.until(10)
        broker.broker.make_user("n1", "second")
        for _ in range(100):
            broker.broker.throw_out("n1")
            if n1.status("ab")[0] == "waiting":
                break
            await asyncio.sleep(0.1)
        await n1.until("ab", "waiting", "does not know this user")
        await n1.publish("a", *numbered(10, 10))
        n1.wish(elsewhere(), here=("a",), broker=interior.access(user="n1", password="second"))
        await receiver.until(20, within=5)
    broker.broker.delete_user("n1")
    assert receiver.bodies == numbered(0, 20)


async def test_a_receiver_that_moves_takes_its_queue_along(
    interior: Interior, n1: Node, n2: Node, tmp_path: Path
) -> None:
    n1.wish(elsewhere(), here=("a",), broker=interior.access())
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    await n1.publish("a", *numbered(0, 30))
    async with receiving(n2, "b", most=10) as former:
        await former.until(10)
    async with node(tmp_path / "n3", "n3") as n3:
        n2.wish(broker=interior.access())
        n3.wish(here=("b",), inboxes=("b",), broker=interior.access())
        await n1.publish("a", *numbered(30, 10))
        async with receiving(n3, "b") as latter:
            await latter.until(40 - len(former.had))
    assert former.bodies + latter.bodies == numbered(0, 40)


async def test_what_is_no_message_goes_to_the_dead_letters(
    broker: Vhost, interior: Interior, n1: Node, n2: Node
) -> None:
    broker.broker.call(
        "POST",
        f"/exchanges/{interior.vhost}/amq.default/publish",
        {
            "routing_key": "ecn.in.b", "payload": "hello", "payload_encoding": "string",
            "properties": {"message_id": "nonsense"},
        },
    )  # fmt: skip
    n1.wish(elsewhere(), here=("a",), broker=interior.access())
    n2.wish(here=("b",), inboxes=("b",), broker=interior.access())
    await n1.publish("a", b"good")
    async with receiving(n2, "b") as receiver:
        await receiver.until(1)
    assert receiver.bodies == [b"good"]
    await until(lambda: interior.waiting("ecn.dead") == 1)


async def test_before_the_controller_made_anything_both_sides_say_so(
    broker: Vhost, n1: Node, n2: Node
) -> None:
    made = Interior(broker.broker, broker.name)
    n1.wish(elsewhere(), here=("a",), broker=made.access())
    n2.wish(here=("b",), inboxes=("b",), broker=made.access())
    await n1.publish("a", *numbered(0, 10))
    await n1.until("ab", "waiting", "not prepared")
    await until(lambda: "has not made the queue" in n2.link.problem)
    made.node("n1")
    made.microservice("b")
    made.lead("ab", "n1", "b")
    async with receiving(n2, "b") as receiver:
        await receiver.until(10)
    assert receiver.bodies == numbered(0, 10)
    await n1.until("ab", "up")


async def test_a_node_with_nothing_to_carry_does_not_connect(broker: Vhost, n1: Node) -> None:
    made = Interior(broker.broker, broker.name)
    n1.wish(here=("a",), broker=made.access("amqp://127.0.0.1:1/x"))
    await asyncio.sleep(0.3)
    assert n1.link.problem == ""
