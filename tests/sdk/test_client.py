import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from ecn_sdk import (
    BadToken,
    Change,
    Client,
    NotConfigured,
    Position,
    Received,
    Refused,
    Settings,
    StoreFull,
    Unanswered,
    Unreachable,
)

from agent.local_api.local_api import LocalApi
from tests.agent.local_api.serving import serving
from tests.agent.waiting import until_true
from tests.ports import free_port
from tests.sdk.settings import settings


async def test_what_is_published_reaches_the_one_it_is_for() -> None:
    async with serving() as one, Client(settings(one)) as m1, Client(settings(one, "m2")) as m2:
        one.routing.routes = {"m1": "m2"}
        one.routing.input = "in"
        receipt = await m1.publish(
            {"t": 71.5}, properties={"severity": "high", "n": 3}, output="raw", correlation_id="c"
        )
        assert len(receipt.id) == 32
        message = await anext(m2.messages())
        assert message.id == receipt.id
        assert message.at == receipt.at
        assert message.json() == {"t": 71.5}
        assert message.properties == {"severity": "high", "n": "3"}
        assert (message.publisher, message.output, message.input) == ("m1", "raw", "in")
        assert message.correlation_id == "c"
        published = one.routing.published[0]
        assert published.output == "raw"
        assert published.properties == {"severity": "high", "n": "3"}


async def test_a_message_is_acknowledged_when_the_next_is_asked_for() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        inbox = one.routing.inbox("m1")
        one.routing.routes = {"m1": "m1"}
        for n in range(3):
            await m1.publish(str(n))
        messages = m1.messages()
        first = await anext(messages)
        await asyncio.sleep(0.1)
        assert inbox.taken == []
        second = await anext(messages)
        await until_true(lambda: inbox.taken == [first.id])
        assert (first.text(), second.text()) == ("0", "1")


async def test_acknowledgements_of_ones_own_come_in_any_order() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        inbox = one.routing.inbox("m1")
        one.routing.routes = {"m1": "m1"}
        for n in range(3):
            await m1.publish(str(n))
        messages = m1.messages(acknowledging=False)
        came = [await anext(messages) for _ in range(3)]
        await came[2].acknowledge()
        await came[0].acknowledge()
        await until_true(lambda: inbox.taken == [came[2].id, came[0].id])
        await came[1].acknowledge()
        await came[1].acknowledge()
        await until_true(lambda: inbox.taken == [came[2].id, came[0].id, came[1].id])


async def test_what_a_failed_reader_had_in_hand_is_offered_to_the_next() -> None:
    async with serving() as one:
        one.routing.routes = {"m1": "m1"}

        async def fails() -> None:
            async with Client(settings(one)) as m1:
                await m1.publish("once")
                async for message in m1.messages():
                    raise LookupError(message.id)

        with pytest.raises(LookupError):
            await fails()
        async with Client(settings(one)) as m1:
            assert (await anext(m1.messages())).text() == "once"


async def test_a_message_that_comes_twice_is_given_out_once() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        inbox = one.routing.inbox("m1")
        one.routing.routes = {"m1": "m1"}
        messages = m1.messages(acknowledging=False)
        await m1.publish("first")
        first = await anext(messages)
        # The connection breaks before the acknowledgement: the agent offers it again.
        await messages._socket._lost("test")
        await m1.publish("second")
        second = await anext(messages)
        assert (first.text(), second.text()) == ("first", "second")
        await first.acknowledge()
        await second.acknowledge()
        await until_true(lambda: sorted(inbox.taken) == sorted([first.id, second.id]))
        await messages._socket._lost("test")
        await m1.publish("third")
        assert (await anext(messages)).text() == "third"


async def test_messages_go_on_when_the_agent_comes_back() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        one.routing.routes = {"m1": "m1"}
        messages = m1.messages()
        await m1.publish("before")
        assert (await anext(messages)).text() == "before"
        assert one.running is not None
        one.running.cancel()
        await asyncio.wait([one.running])
        with pytest.raises((Unreachable, Unanswered)):
            await m1.publish("lost", patience=0)
        waiting = asyncio.ensure_future(anext(messages))
        publishing = asyncio.create_task(m1.publish("after"))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        again = LocalApi("node1", one.engine, one.state, port=one.port)
        again.wish(one.known)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(again.run())
            receipt = await publishing
            assert (await waiting).id == receipt.id
            running.cancel()


async def test_an_agent_that_is_not_there_is_told() -> None:
    async with Client(Settings("m1", urls=(f"http://127.0.0.1:{free_port()}",))) as m1:
        with pytest.raises(Unreachable, match="no agent answers at"):
            await m1.publish("x", patience=0)


async def test_an_agent_that_falls_silent_is_left_for_another_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecn_sdk.sockets.QUIET", 0.3)
    async with (
        silent_agent() as (port, connections),
        Client(Settings("m1", urls=(f"http://127.0.0.1:{port}",))) as m1,
    ):
        waiting = asyncio.create_task(_first(m1))
        await until_true(lambda: len(connections) >= 2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


@asynccontextmanager
async def silent_agent() -> AsyncIterator[tuple[int, list[str]]]:
    """It takes WebSockets, and then says nothing: it answers no ping."""
    connections: list[str] = []

    async def take(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=False, timeout=0.1)
        await ws.prepare(request)
        connections.append(request.path)
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.router.add_get("/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], connections
    finally:
        await runner.cleanup()


async def _first(client: Client) -> Received:
    return await anext(client.messages())


async def test_a_full_store_is_waited_for_as_long_as_one_likes() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        one.routing.full = True
        with pytest.raises(StoreFull) as caught:
            await m1.publish("x", patience=0)
        assert caught.value.retry_after == 5
        publishing = asyncio.create_task(m1.publish("x"))
        await asyncio.sleep(0.2)
        one.routing.full = False
        assert len((await publishing).id) == 32


async def test_a_refused_message_says_why() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        one.routing.refuses = "no such thing"
        with pytest.raises(Refused, match="no such thing"):
            await m1.publish("x")
        with pytest.raises(Refused):
            await m1.publish(b"x" * 300_000)


async def test_as_many_as_one_likes_are_published_at_once() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        one.routing.routes = {"m1": "m1"}
        messages = m1.messages()
        receipts = await asyncio.gather(*(m1.publish(str(n)) for n in range(500)))
        came = [await anext(messages) for _ in range(500)]
        assert {each.id for each in came} == {each.id for each in receipts}
        assert {each.text() for each in came} == {str(n) for n in range(500)}


async def test_a_wrong_token_is_told_on_rest_and_on_sockets() -> None:
    async with serving() as one:
        wrong = Settings("m1", "wrong", (f"http://127.0.0.1:{one.port}",))
        async with Client(wrong) as m1:
            with pytest.raises(BadToken):
                await m1.config()
            with pytest.raises(BadToken):
                await anext(m1.messages())
            with pytest.raises(BadToken):
                await anext(m1.changes())


async def test_a_token_is_shown_nowhere() -> None:
    assert "s3cret" not in repr(Settings("m1", "s3cret"))


async def test_changes_are_heard_and_acknowledged() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        assert await m1.config() == {"rate": 1}
        changes = m1.changes()
        one.configured("m1", '{"rate": 2}')
        assert await anext(changes) is Change.CONFIG
        assert await m1.config() == {"rate": 2}
        assert await m1.config_text() == '{"rate": 2}'
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        one.configured("m1", '{"rate": 3}')
        assert await waiting is Change.CONFIG


async def test_the_archive_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as one, Client(settings(one)) as m1:
        monkeypatch.setattr("agent.local_api.endpoints.MOST_BYTES", 300)
        one.routing.routes = {"m1": "m1"}
        for n in range(10):
            await m1.publish("x" * 90 + str(n))
        one.routing.archive = list(one.routing.published)
        begin = datetime(1970, 1, 1, tzinfo=UTC)
        texts = [message.text()[-1] async for message in m1.query(["m1"], begin)]
        assert texts == [str(n) for n in range(10)]
        with pytest.raises(ValueError, match="no time zone"):
            await anext(m1.query(["m1"], datetime(1970, 1, 1)))


async def test_log_position_and_edge_resources() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        assert await m1.position() is None
        await m1.set_position(Position(52.5, 13.4))
        assert await m1.position() == Position(52.5, 13.4)
        with pytest.raises(Refused):
            await m1.set_position(Position(99.0, 0.0))
        await m1.log("hello", "warning")
        assert await m1.edge_resources() == []


async def test_next_messages_drains_what_waits() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        one.routing.routes = {"m1": "m1"}
        await m1.publish("a")
        assert [message.text() for message in await m1.next_messages()] == ["a"]
        assert await m1.next_messages() == []


async def test_a_client_is_read_by_one_at_a_time() -> None:
    async with serving() as one, Client(settings(one)) as m1:
        messages = m1.messages()
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0.05)
        with pytest.raises(RuntimeError, match="another task"):
            await anext(messages)
        with pytest.raises(RuntimeError, match="already"):
            m1.messages()
        await messages.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with Client"):
        await Client(Settings("m1")).config()


async def test_an_answer_that_does_not_come_is_told_apart_from_no_agent() -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Client(Settings("m1", urls=(f"http://127.0.0.1:{port}",))) as m1:
        with pytest.raises(Unanswered, match="may have been done"):
            await m1.publish("x")


async def test_the_first_url_that_answers_is_taken() -> None:
    async with serving() as one:
        urls = (f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{one.port}")
        async with Client(Settings("m1", one.tokens.of("m1"), urls)) as m1:
            assert await m1.config() == {"rate": 1}


def test_settings_are_those_of_the_container() -> None:
    env = {"SELFNAME": "m", "ECN_TOKEN": "t", "ECN_LOCAL_API": "http://iofog:54321/"}
    assert Settings.from_environment(env) == Settings("m", "t", ("http://iofog:54321",))
    assert Settings.from_environment({"SELFNAME": "m"}).urls == (
        "http://iofog:54321",
        "http://127.0.0.1:54321",
    )
    with pytest.raises(NotConfigured):
        Settings.from_environment({})


def test_a_configuration_can_be_any_json() -> None:
    assert json.loads("null") is None
