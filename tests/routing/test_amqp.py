"""The door to AMQP, at a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiormq.abc import ChannelFrame
from pamqp import commands, frame

from routing.amqp import Arrivals, Connection, connected
from routing.amqp_shapes import (
    NOT_ALLOWED,
    NOT_FOUND,
    Access,
    AccessRefused,
    AmqpError,
    Arrival,
    CannotConnect,
    ChannelRefused,
    LinkLost,
    Properties,
    Refused,
    Unroutable,
)
from tests.broker_fixtures import Vhost
from tests.certificates import Certificates
from tests.ports import free_ports
from tests.private_broker import PASSWORD
from tests.tcp_proxy import TcpProxy


def access(vhost: Vhost) -> Access:
    return Access(url=vhost.url, user=vhost.user, password=vhost.password)


@pytest.fixture
async def connection(broker: Vhost) -> AsyncIterator[Connection]:
    async with connected(access(broker), name="test") as one:
        yield one


async def taken(arrivals: Arrivals, count: int) -> list[Arrival]:
    async with asyncio.timeout(20):
        return [await anext(arrivals) for _ in range(count)]


def named(number: int) -> Properties:
    return Properties(message_id=f"m{number}")


async def test_a_message_arrives_as_it_was_sent(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    properties = Properties(
        message_id="m1",
        timestamp=1_700_000_000,
        content_type="text/plain",
        content_encoding="utf-8",
        correlation_id="c",
        app_id="a",
        kind="k",
        reply_to="r",
        priority=3,
        headers={"a": "ä", "n": -5, "t": {"x": [True, None, b"\x00\xff"]}},
    )
    await publisher.publish("", "q", b"body", properties)
    async with connection.consuming("q", prefetch=5) as arrivals:
        (arrival,) = await taken(arrivals, 1)
        assert (arrival.body, arrival.properties, arrival.key) == (b"body", properties, "q")
        arrivals.done(arrival)
    assert await connection.waiting_in("q") == 0


async def test_a_body_larger_than_a_frame_arrives(connection: Connection) -> None:
    await connection.declare_queue("q")
    body = bytes(range(256)) * 4_000
    publisher = await connection.publisher()
    await publisher.publish("", "q", body, named(1))
    await publisher.publish("", "q", b"", named(2))
    async with connection.consuming("q", prefetch=5) as arrivals:
        assert [each.body for each in await taken(arrivals, 2)] == [body, b""]


async def test_many_in_flight_stay_in_their_order(connection: Connection) -> None:
    await connection.declare_queue("q", arguments={"x-queue-type": "quorum"})
    publisher = await connection.publisher()
    answers: list[AmqpError | None] = []
    for number in range(500):
        await publisher.send("", "q", b"%d" % number, named(number), answers.append)
    async with connection.consuming("q", prefetch=50) as arrivals:
        for number in range(500):
            (arrival,) = await taken(arrivals, 1)
            assert arrival.body == b"%d" % number
            arrivals.done(arrival)
    assert answers == [None] * 500
    assert await connection.waiting_in("q") == 0


async def test_what_is_not_done_comes_again(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    for number in range(6):
        await publisher.publish("", "q", b"%d" % number, named(number))
    async with connection.consuming("q", prefetch=6) as arrivals:
        had = await taken(arrivals, 6)
        # Out of their order: one acknowledgement must not stand for one that is not done.
        for place in (5, 0, 1, 3):
            arrivals.done(had[place])
    async with connection.consuming("q", prefetch=6) as arrivals:
        again = await taken(arrivals, 2)
    assert [(each.body, each.redelivered) for each in again] == [(b"2", True), (b"4", True)]


async def test_no_more_come_than_the_reader_holds(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    for number in range(10):
        await publisher.publish("", "q", b"x", named(number))
    async with connection.consuming("q", prefetch=3) as arrivals:
        had = await taken(arrivals, 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(arrivals)
        arrivals.done(had[0])
        await taken(arrivals, 1)


async def test_rejected_ones_go_to_the_dead_letters(connection: Connection) -> None:
    await connection.declare_exchange("dead", "fanout")
    await connection.declare_queue("lost")
    await connection.bind_queue("lost", "dead", "")
    await connection.declare_queue("q", arguments={"x-dead-letter-exchange": "dead"})
    publisher = await connection.publisher()
    for number in range(3):
        await publisher.publish("", "q", b"%d" % number, named(number))
    async with connection.consuming("q", prefetch=3) as arrivals:
        had = await taken(arrivals, 3)
        arrivals.reject(had[1])
        arrivals.done(had[0])
        arrivals.done(had[2])
    async with connection.consuming("lost", prefetch=3) as arrivals:
        assert (await taken(arrivals, 1))[0].body == b"1"
    assert await connection.waiting_in("q") == 0


async def test_a_message_that_no_queue_gets_is_told_of(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    answers: dict[int, AmqpError | None] = {}

    def told(number: int) -> Callable[[AmqpError | None], None]:
        return lambda error: answers.update({number: error})

    for number, key in enumerate(("nowhere", "q", "nowhere.either", "q")):
        await publisher.send("", key, b"", named(number), told(number))
    with pytest.raises(Unroutable, match="no queue"):
        await publisher.publish("", "nowhere", b"", named(9))
    for _ in range(1000):
        if len(answers) == 4:
            break
        await asyncio.sleep(0.01)
    went = [answers[number] for number in range(4)]
    assert (went[1], went[3]) == (None, None)
    assert isinstance(went[0], Unroutable)
    assert isinstance(went[2], Unroutable)


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(
    connection: Connection,
) -> None:
    await connection.declare_queue(
        "q",
        arguments={
            "x-queue-type": "quorum", "x-max-length-bytes": 1000, "x-overflow": "reject-publish",
        },
    )  # fmt: skip
    publisher = await connection.publisher()

    async def fill() -> None:
        for number in range(200):
            await publisher.publish("", "q", b"x" * 100, named(number))

    with pytest.raises(Refused, match="full"):
        await fill()
    async with connection.consuming("q", prefetch=50) as arrivals:
        async with asyncio.timeout(20):
            while True:
                arrivals.done(await anext(arrivals))
                try:
                    await publisher.publish("", "q", b"again", named(999))
                    break
                except Refused:
                    continue


async def test_queues_and_exchanges_that_are_not_there_are_named(connection: Connection) -> None:
    with pytest.raises(ChannelRefused, match="no queue 'q'") as refused:
        async with connection.consuming("q", prefetch=1):
            pass
    assert refused.value.code == NOT_FOUND
    publisher = await connection.publisher()
    with pytest.raises(ChannelRefused, match="no exchange 'e'"):
        await publisher.publish("e", "k", b"", named(1))
    with pytest.raises(ChannelRefused):
        await publisher.publish("e", "k", b"", named(2))
    assert not connection.lost.is_set()
    await connection.declare_queue("q")
    assert await connection.waiting_in("q") == 0


async def test_a_queue_that_is_taken_away_ends_its_reader(connection: Connection) -> None:
    await connection.declare_queue("q")
    async with connection.consuming("q", prefetch=1) as arrivals:
        await connection.delete_queue("q")
        with pytest.raises(ChannelRefused, match="taken away"):
            await taken(arrivals, 1)


async def test_a_user_may_do_only_what_it_may(broker: Vhost) -> None:
    broker.broker.make_user("narrow", PASSWORD)
    broker.broker.allow("narrow", broker.name, "^$", "^mine$", "^mine$")
    async with (
        connected(access(broker), name="all") as admin,
        connected(Access(url=broker.url, user="narrow", password=PASSWORD), name="n") as narrow,
    ):
        for name in ("mine", "theirs"):
            await admin.declare_queue(name)
            await admin.declare_exchange(name, "topic")
        await admin.bind_queue("mine", "mine", "#")
        publisher = await narrow.publisher()
        await publisher.publish("mine", "k", b"", named(1))
        with pytest.raises(ChannelRefused) as refused:
            await publisher.publish("theirs", "k", b"", named(2))
        assert refused.value.code == NOT_ALLOWED
        with pytest.raises(ChannelRefused):
            async with narrow.consuming("theirs", prefetch=1):
                pass
        with pytest.raises(ChannelRefused):
            await narrow.declare_queue("another")
        # The default exchange would reach any queue by its name.
        with pytest.raises(ChannelRefused):
            await (await narrow.publisher()).publish("", "theirs", b"", named(3))
    broker.broker.delete_user("narrow")


async def test_a_user_that_is_thrown_out_loses_its_connection(broker: Vhost) -> None:
    broker.broker.make_user("leaver", PASSWORD)
    broker.broker.allow("leaver", broker.name, ".*", ".*", ".*")
    leaver = Access(url=broker.url, user="leaver", password=PASSWORD)
    async with connected(leaver, name="leaver") as connection:
        await connection.declare_queue("q")
        publisher = await connection.publisher()
        async with connection.consuming("q", prefetch=1) as arrivals:
            broker.broker.delete_user("leaver")
            # The management API knows of a connection some seconds after it was opened.
            for _ in range(100):
                broker.broker.throw_out("leaver")
                if connection.lost.is_set():
                    break
                await asyncio.sleep(0.1)
            with pytest.raises(LinkLost):
                await taken(arrivals, 1)
        with pytest.raises(LinkLost):
            await publisher.publish("", "q", b"", named(1))
        assert "ended" in connection.why
    with pytest.raises(AccessRefused, match="does not know this user"):
        async with connected(leaver, name="leaver"):
            pass


async def test_why_there_is_no_connection_is_said_without_credentials(broker: Vhost) -> None:
    (free,) = free_ports(1)
    good = access(broker)
    cases = [
        (f"amqp://127.0.0.1:{free}/x", good.password, CannotConnect, "nobody listens"),
        (good.url, "wrong-word", AccessRefused, "does not know this user"),
        (broker.broker.url("no-such"), good.password, AccessRefused, "vhost"),
        (
            broker.broker.url("/", port=broker.broker.management_port),
            "x",
            CannotConnect,
            "no answer",
        ),
        (broker.broker.url("/", port=broker.broker.tls_port), "x", CannotConnect, "amqps"),
        ("http://127.0.0.1/", "x", CannotConnect, "amqp://"),
        ("amqp://127.0.0.1:999999999/", "x", CannotConnect, "amqp://"),
    ]
    for url, password, kind, words in cases:
        with pytest.raises(kind, match=words) as failed:
            async with connected(
                Access(url=url, user=good.user, password=password), name="t", within=2
            ):
                pass
        assert password == "x" or password not in str(failed.value)


async def test_tls_trusts_the_given_authority_alone(
    broker: Vhost, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert broker.broker.certificates is not None
    trusted = broker.broker.certificates.ca_pem
    other = Certificates.made(tmp_path_factory.mktemp("other")).ca_pem
    good = Access(url=broker.tls_url, user=broker.user, password=broker.password, ca_pem=trusted)
    async with connected(good, name="tls") as connection:
        await connection.declare_queue("q")
    for ca_pem in (other, ""):
        bad = Access(url=good.url, user=good.user, password=good.password, ca_pem=ca_pem)
        with pytest.raises(CannotConnect, match="is not trusted"):
            async with connected(bad, name="tls"):
                pass
    with pytest.raises(CannotConnect, match="can't be read"):
        async with connected(
            Access(url=good.url, user="u", password="p", ca_pem="nonsense"), name="tls"
        ):
            pass


async def test_what_can_t_be_written_is_refused_at_once(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    with pytest.raises(ValueError, match="AMQP"):
        await publisher.publish("", "q", b"", Properties(message_id="m" * 300))
    await publisher.publish("", "q", b"", named(1))
    assert await connection.waiting_in("q") == 1


async def test_messages_without_confirms_flow(connection: Connection) -> None:
    await connection.declare_queue("q", durable=False, auto_delete=True)
    sender = await connection.sender()
    async with connection.consuming("q", prefetch=0, no_ack=True) as arrivals:
        body = b"x" * 65_536
        async with asyncio.TaskGroup() as tasks:

            async def send() -> None:
                for number in range(300):
                    await sender.send("", "q", body, Properties(persistent=False, priority=None))
                    assert number >= 0

            tasks.create_task(send())
            got = await taken(arrivals, 300)
    assert sum(len(each.body) for each in got) == 300 * len(body)


async def test_properties_that_nobody_can_read_end_no_connection(connection: Connection) -> None:
    await connection.declare_queue("q")
    publisher = await connection.publisher()
    timestamp_of_no_calendar = 64, b"\xff" * 8
    no_utf_8 = 32768, b"\x02\xff\xfe"
    for flags, data in (timestamp_of_no_calendar, no_utf_8):
        channel = publisher._channel
        header = b"\x00\x3c\x00\x00" + bytes(8) + flags.to_bytes(2, "big") + data
        place = channel.number.to_bytes(2, "big") + len(header).to_bytes(4, "big")
        publish = frame.marshal(commands.Basic.Publish(routing_key="q"), channel.number)
        payload = publish + b"\x02" + place + header + b"\xce"
        channel.delivery_tag += 1
        await channel.write_queue.put(ChannelFrame(payload=payload, should_close=False))
    await publisher.publish("", "q", b"good", named(1))
    async with connection.consuming("q", prefetch=5) as arrivals:
        assert [each.body for each in await taken(arrivals, 3)] == [b"", b"", b"good"]
    assert not connection.lost.is_set()


async def test_a_connection_that_is_lost_says_why_once_and_nothing_else(
    broker: Vhost, caplog: pytest.LogCaptureFixture
) -> None:
    async with TcpProxy.before(broker.broker.port) as proxy:
        there = Access(
            url=broker.broker.url(broker.name, port=proxy.port),
            user=broker.user, password=broker.password,
        )  # fmt: skip
        async with connected(there, name="t") as connection:
            await connection.declare_queue("q")
            publisher = await connection.publisher()
            answers: list[AmqpError | None] = []
            for number in range(50):
                await publisher.send("", "q", b"x" * 1000, named(number), answers.append)
            proxy.cut_all()
            await connection.lost.wait()
            with pytest.raises(LinkLost):
                await publisher.publish("", "q", b"", named(99))
            await asyncio.sleep(0.1)
        assert len(answers) == 50
        assert all(each is None or isinstance(each, LinkLost) for each in answers)
        assert "127.0.0.1" in connection.why
    assert caplog.messages == []
