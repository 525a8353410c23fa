"""A container is not trusted: how much it may have at once, and for how long it may say nothing."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.local_api import callers, connections, frames, http, message_socket
from routing.iomessage import RECEIPT
from routing.message import Message
from tests.agent.local_api.raw_socket import NotOpened, RawSocket
from tests.agent.local_api.serving import M1, M2, Serving, framed, serving
from tests.agent.waiting import until_true


async def connected(it: Serving) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", it.port, local_addr=(M1, 0))


async def ended(reader: asyncio.StreamReader, within: float = 5.0) -> bytes:
    """What comes until the other side closes."""
    async with asyncio.timeout(within):
        return await reader.read()


async def test_who_says_nothing_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 0.1)
    async with serving() as it:
        for beginning in (b"", b"POST /v2/config/get HTTP/1.1\r\nHost: i"):
            reader, writer = await connected(it)
            writer.write(beginning)
            assert await ended(reader) == b""
            writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_WITHIN", 0.1)
    async with serving() as it:
        reader, writer = await connected(it)
        writer.write(
            b"POST /v2/config/get HTTP/1.1\r\nHost: iofog\r\nContent-Length: 11\r\n"
            b'Content-Type: application/json\r\n\r\n{"id'
        )
        assert b" 408 " in await ended(reader)
        writer.close()


async def test_one_address_has_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS_OF_ONE", 3)
    async with serving() as it:
        open_ones = [await it.socket("m1") for _ in range(1)]
        open_ones += [await it.socket("m1", of="/v2/control/socket/id/")]
        _, third = await connected(it)
        await until_true(lambda: it.state.readers.has_socket("m1"))
        await asyncio.sleep(0.05)
        reader, writer = await connected(it)
        assert await ended(reader) == b""
        writer.close()
        # It is nobody else's trouble, and over when one is closed.
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M2)).status == 200
        third.close()
        await third.wait_closed()
        await asyncio.sleep(0.05)
        assert (await it.ask("/v2/config/get", {"id": "m1"}, address=M1)).status == 200


async def test_sockets_are_not_opened_faster_than_they_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "SOCKETS_OF_ONE", 2)
    async with serving() as it:
        await it.socket("m1")
        await it.socket("m1", of="/v2/control/socket/id/")
        with pytest.raises(NotOpened) as refused:
            await it.socket("m1")
        assert refused.value.status == 400
        await it.socket("m2")


async def test_a_frame_beyond_all_bounds_closes_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LARGEST_FRAME", 1000)
    monkeypatch.setattr(http, "LARGEST_FRAME", 1000)
    async with serving() as it:
        socket = await it.socket("m1")
        await socket.send(framed(b"x" * 2000))
        assert await socket.closed() == 1009


async def test_a_receiver_that_never_reads_is_given_up_and_all_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "SEND_WITHIN", 0.3)
    monkeypatch.setattr(message_socket, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(message_socket, "WINDOW_BYTES", 1 << 30)
    async with serving() as it:
        for number in range(60):
            it.routing.put("m1", Message(message_id=f"{number:032x}", body=b"x" * 250_000))
        socket = await it.socket("m1")
        socket.pause()
        await until_true(lambda: not it.state.readers.has_socket("m1"), 10)
        inbox = it.routing.inbox("m1")
        await until_true(lambda: len(inbox.waiting) == 60)
        assert inbox.out == {}


async def test_an_answer_is_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_WITHIN", 0.5)
    async with serving() as it:
        slow = [await connected(it) for _ in range(http.ANSWERED)]
        for _, writer in slow:
            writer.write(
                b"POST /v2/config/get HTTP/1.1\r\nHost: iofog\r\nContent-Length: 11\r\n"
                b"Content-Type: application/json\r\n\r\n"
            )
        await asyncio.sleep(0.1)
        # Another microservice does not wait for them; its own next request does.
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M2)).status == 200
        began = asyncio.get_running_loop().time()
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 200
        assert asyncio.get_running_loop().time() - began > 0.2
        for _, writer in slow:
            writer.close()


async def test_one_that_opens_and_breaks_off_leaves_nothing_behind() -> None:
    async with serving() as it:
        for _ in range(50):
            socket: RawSocket = await it.socket("m1")
            socket.break_off()
        await until_true(lambda: not it.state.readers.has_socket("m1"))
        it.routing.put("m1", Message(message_id="f" * 32))
        assert (await it.ask("/v2/messages/next", {"id": "m1"})).json["count"] == 1


async def test_an_engine_that_does_not_answer_keeps_nobody_waiting_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callers, "ANSWER_WITHIN", 0.2)
    monkeypatch.setattr(callers, "BELIEVED", 0.0)
    async with serving() as it:
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 200
        it.engine.hangs = True
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(
            *(it.ask("/v2/config/get", {"id": "m1"}) for _ in range(10)),
            it.ask("/v2/config/get", {"id": "m2"}, token=it.tokens.of("m2")),
        )
        assert {each.status for each in answers} == {200}
        assert asyncio.get_running_loop().time() - began < 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=40))
def test_whatever_frames_come_the_next_message_is_taken(noise: list[bytes]) -> None:
    async def told() -> None:
        async with serving() as it:
            socket = await it.socket("m1")
            for each in noise:
                await socket.send(each)
                await socket.send(b"\x0d" + each)
                await socket.send(b"\x0b" + each)
            await socket.send(framed(b"in the end"))
            while (await socket.binary())[0] != RECEIPT:
                pass
            assert it.routing.published[-1].body == b"in the end"

    asyncio.run(told())
