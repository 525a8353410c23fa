"""The message socket: what comes is kept before its receipt, what goes is acknowledged or comes
again, and nobody's slowness fills the memory."""

import asyncio
from contextlib import suppress

import pytest

from agent.local_api import message_socket, unacknowledged
from routing.iomessage import ACK, IoMessage, read_message_frame, read_receipt_frame
from routing.message import Message
from tests.agent.local_api.raw_socket import PING, PONG, TEXT, NotOpened, RawSocket
from tests.agent.local_api.serving import CONTROL, ELSEWHERE, M2, Serving, framed, serving
from tests.agent.waiting import until_true

ACKNOWLEDGED = bytes([ACK])


def message(number: int, body: bytes = b"x") -> Message:
    return Message(message_id=f"{number:032x}", created=number, publisher="m2", body=body)


async def received(socket: RawSocket, within: float = 5.0) -> IoMessage:
    return read_message_frame(await socket.binary(within))


async def number(socket: RawSocket, within: float = 5.0) -> int:
    return int((await received(socket, within)).id, 16)


def taken(it: Serving, m: str = "m1") -> list[int]:
    return [int(each, 16) for each in it.routing.inbox(m).taken]


async def test_what_is_sent_is_kept_and_then_there_is_a_receipt() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        await socket.send(framed(b"hello", tag="t1", contextdata=b'{"hot":true,"$outputName":"o"}'))
        receipt = await socket.binary()
        assert len(receipt) == 43
        assert read_receipt_frame(receipt) == (f"{1:032x}", 1001)
        (kept,) = it.routing.published
        assert (kept.publisher, kept.body, kept.output) == ("m1", b"hello", "o")
        assert kept.properties["hot"] == "true"


async def test_receipts_come_in_the_order_of_what_was_sent() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        for count in range(500):
            socket.put(framed(str(count).encode()))
        for count in range(500):
            name, _ = read_receipt_frame(await socket.binary())
            assert int(name, 16) == count + 1
        assert [each.body for each in it.routing.published] == [b"%d" % n for n in range(500)]


async def test_what_waits_and_what_comes_is_pushed() -> None:
    async with serving() as it:
        it.routing.put("m1", message(1))
        socket = await it.socket("m1")
        assert await number(socket) == 1
        it.routing.put("m1", message(2))
        assert await number(socket) == 2
        assert taken(it) == []
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1, 2])


async def test_what_is_not_acknowledged_is_offered_again_to_the_next_socket() -> None:
    async with serving() as it:
        for count in (1, 2, 3):
            it.routing.put("m1", message(count))
        socket = await it.socket("m1")
        assert [await number(socket) for _ in range(3)] == [1, 2, 3]
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])
        socket.break_off()
        again = await it.socket("m1")
        assert [await number(again) for _ in range(2)] == [2, 3]


async def test_a_new_socket_takes_the_place_of_the_one_before() -> None:
    async with serving() as it:
        it.routing.put("m1", message(1))
        first = await it.socket("m1")
        assert await number(first) == 1
        second = await it.socket("m1")
        assert await first.closed() == 1001
        assert await number(second) == 1
        third = await it.socket("m1")
        fourth = await it.socket("m1")
        assert await number(fourth) == 1
        assert await third.closed() == 1001


async def test_while_there_is_a_socket_a_question_finds_nothing() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        it.routing.put("m1", message(1))
        assert await number(socket) == 1
        assert (await it.ask("/v2/messages/next", {"id": "m1"})).json["count"] == 0
        socket.break_off()
        await until_true(lambda: not it.state.readers.has_socket("m1"))
        assert (await it.ask("/v2/messages/next", {"id": "m1"})).json["count"] == 1


async def test_no_more_is_out_than_the_window_has_room_for() -> None:
    async with serving() as it:
        many = message_socket.WINDOW + 50
        for count in range(1, many + 1):
            it.routing.put("m1", message(count))
        socket = await it.socket("m1")
        got = [await number(socket) for _ in range(message_socket.WINDOW)]
        assert await socket.silent(0.2)
        await socket.send(ACKNOWLEDGED)
        got.append(await number(socket))
        assert await socket.silent(0.1)
        while len(got) < many:
            await socket.send(ACKNOWLEDGED)
            got.append(await number(socket))
        assert got == list(range(1, many + 1))


async def test_large_ones_fill_the_window_sooner() -> None:
    async with serving() as it:
        for count in range(1, 31):
            it.routing.put("m1", message(count, b"x" * 250_000))
        socket = await it.socket("m1")
        got = [await number(socket) for _ in range(5)]  # 1 MiB, and the one that goes beyond
        assert await socket.silent(0.2)
        while len(got) < 30:
            await socket.send(ACKNOWLEDGED)
            got.append(await number(socket))


async def test_what_nobody_acknowledges_is_sent_again_and_then_the_socket_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unacknowledged, "AGAIN_AFTER", 0.1)
    monkeypatch.setattr(unacknowledged, "TIMES", 3)
    monkeypatch.setattr(message_socket, "LOOK_EVERY", 0.02)
    async with serving() as it:
        it.routing.put("m1", message(1))
        socket = await it.socket("m1")
        assert [await number(socket) for _ in range(3)] == [1, 1, 1]
        assert await socket.closed() == 0  # not a word: nobody listens
        again = await it.socket("m1")
        assert await number(again) == 1
        await again.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])


async def test_an_acknowledgement_of_a_receipt_is_not_one_of_a_message() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        await socket.send(framed())
        read_receipt_frame(await socket.binary())
        it.routing.put("m1", message(1))
        await socket.send(ACKNOWLEDGED)  # of the receipt
        assert await number(socket) == 1
        await asyncio.sleep(0.1)
        assert taken(it) == []
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])


async def test_who_does_not_acknowledge_receipts_is_understood_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unacknowledged, "SILENT_AFTER", 0.2)
    async with serving() as it:
        socket = await it.socket("m1")
        for _ in range(3):
            await socket.send(framed())
            read_receipt_frame(await socket.binary())
        it.routing.put("m1", message(1))
        assert await number(socket) == 1
        await socket.send(framed())
        read_receipt_frame(await socket.binary())
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])


async def test_messages_may_be_acknowledged_by_name_in_any_order() -> None:
    async with serving() as it:
        for count in (1, 2, 3):
            it.routing.put("m1", message(count))
        socket = await it.socket("m1")
        names = [(await received(socket)).id for _ in range(3)]
        for name in (names[2], names[0], names[0], "nobody's"):
            await socket.send(bytes([ACK, len(name)]) + name.encode())
        await until_true(lambda: taken(it) == [3, 1])


async def test_a_full_store_lets_the_sender_wait_and_loses_nothing() -> None:
    async with serving() as it:
        it.routing.full = True
        socket = await it.socket("m1")
        for count in range(5):
            socket.put(framed(b"%d" % count))
        assert await socket.silent(0.7)
        it.routing.full = False
        for _ in range(5):
            read_receipt_frame(await socket.binary())
        assert [each.body for each in it.routing.published] == [b"%d" % n for n in range(5)]


async def test_what_is_not_read_while_the_store_is_full_stays_with_its_sender() -> None:
    async with serving() as it:
        it.routing.full = True
        socket = await it.socket("m1")
        sent = 0
        with suppress(TimeoutError):
            while sent < 400:
                sent += 1
                async with asyncio.timeout(1):
                    await socket.send(framed(b"x" * 100_000))
        # What the agent keeps, what is on its way in both systems, and what the test keeps.
        assert sent < 150
        it.routing.full = False
        for _ in range(sent):
            read_receipt_frame(await socket.binary(15))


async def test_acknowledgements_are_heard_behind_what_waits_for_room() -> None:
    async with serving() as it:
        it.routing.put("m1", message(1))
        socket = await it.socket("m1")
        assert await number(socket) == 1
        it.routing.full = True
        for _ in range(20):
            socket.put(framed())
        await socket.send(ACKNOWLEDGED)
        await until_true(lambda: taken(it) == [1])


async def test_a_refused_message_has_no_receipt_and_the_next_one_has() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        it.routing.refuses = "nobody knows m1"
        await socket.send(framed())
        assert await socket.silent(0.1)
        it.routing.refuses = ""
        await socket.send(b"\x0d\x00\x00\x00\x05wrong")
        await socket.send(framed(b"x" * 300_000))
        await socket.send(framed(b"right"))
        read_receipt_frame(await socket.binary())
        assert [each.body for each in it.routing.published] == [b"right"]


async def test_pings_are_answered_as_sdks_have_them() -> None:
    async with serving() as it:
        socket = await it.socket("m1")
        await socket.send(b"\x09", PING)
        assert await socket.frame() == (PONG, b"\x0a")
        await socket.send(b"another", PING)
        assert await socket.frame() == (PONG, b"another")
        await socket.send(b"\x0a", PONG)
        await socket.send(b"words", TEXT)
        await socket.send(b"\x42")
        await socket.send(b"")
        await socket.send(ACKNOWLEDGED)
        await socket.send(framed())
        read_receipt_frame(await socket.binary())


async def test_a_message_between_two_microservices_is_what_it_was() -> None:
    async with serving() as it:
        it.routing.routes = {"m1": "m2"}
        receiver, sender = await it.socket("m2"), await it.socket("m1")
        said = IoMessage(
            tag="a", groupid="b", sequencenumber=1, sequencetotal=2, priority=3, authid="c",
            authgroup="d", chainposition=4, hash="e", previoushash="f", nonce="g",
            difficultytarget=5, infotype="h", infoformat="i", contextdata=b"\x00\xff",
            contentdata=bytes(range(256)), publisher="somebody else", id="mine", timestamp=1,
        )  # fmt: skip
        await sender.send(framed(**vars(said) | {"content": said.contentdata}))
        heard = await received(receiver)
        given = {"id": f"{1:032x}", "timestamp": 1001, "publisher": "m1"}
        assert vars(heard) == vars(said) | given


async def test_a_socket_is_for_its_own_microservice() -> None:
    async with serving() as it:
        with pytest.raises(NotOpened) as refused:
            await it.socket("m1", address=M2)
        assert refused.value.status == 400
        with pytest.raises(NotOpened) as refused:
            await it.socket("m1", address=ELSEWHERE)
        assert "ECN_TOKEN" in refused.value.body
        token = f"Authorization: Bearer {it.tokens.of('m1')}"
        await it.socket("m1", address=ELSEWHERE, headers=(token,))
    async with serving(local_api="open") as it:
        await it.socket("m1", address=ELSEWHERE)
        with pytest.raises(NotOpened):
            await it.socket("m9", address=ELSEWHERE)


async def test_pages_of_other_sites_open_none() -> None:
    async with serving() as it:
        with pytest.raises(NotOpened) as refused:
            await it.socket("m1", headers=("Origin: http://example.org",))
        assert refused.value.status == 403
        await it.socket("m1", headers=(f"Origin: http://127.0.0.1:{it.port}",))


async def test_what_is_no_websocket_is_refused() -> None:
    async with serving() as it:
        answer = await it.ask("/v2/message/socket/id/m1", method="GET")
        assert (answer.status, "WebSocket" in answer.text) == (400, True)


async def test_a_microservice_that_leaves_the_node_is_shown_out() -> None:
    async with serving() as it:
        socket, control = await it.socket("m1"), await it.socket("m1", of=CONTROL)
        await it.socket("m2")
        it.wish(microservices={"m2": it.known.microservices["m2"]})
        for each in (socket, control):
            assert await each.closed() == 1001
        assert it.state.readers.has_socket("m2")


async def test_when_the_agent_ends_everybody_is_told_and_nothing_stays_out() -> None:
    async with serving() as it:
        it.routing.put("m1", message(1))
        socket = await it.socket("m1")
        assert await number(socket) == 1
        assert it.running is not None
        it.running.cancel()
        assert await socket.closed() == 1001
    assert it.routing.inbox("m1").out == {}
    assert len(it.routing.inbox("m1").waiting) == 1


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), asyncio.CancelledError()])
async def test_a_fault_ends_one_socket_and_nothing_else(fault: BaseException) -> None:
    async with serving() as it:
        it.routing.put("m1", message(1))
        socket, other = await it.socket("m1"), await it.socket("m2")
        assert await number(socket) == 1
        it.routing.breaks = fault
        await socket.send(framed())
        assert await socket.closed() == 0
        it.routing.breaks = None
        await other.send(framed())
        read_receipt_frame(await other.binary())
        again = await it.socket("m1")
        assert await number(again) == 1
