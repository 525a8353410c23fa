"""The client without asyncio. What it calls blocks: it runs in a thread beside the served API."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from ecn_sdk import Change, Position, Refused, Settings
from ecn_sdk.plain import Client

from tests.agent.local_api.serving import serving
from tests.agent.waiting import until_true
from tests.ports import free_port
from tests.sdk.settings import settings


async def test_all_of_it() -> None:
    async with serving() as one:
        one.routing.routes = {"m1": "m1"}

        def use() -> None:
            with Client(settings(one)) as m1:
                receipt = m1.publish({"n": 1}, properties={"a": "b"})
                assert m1.config() == {"rate": 1}
                assert m1.config_text() == '{"rate": 1}'
                m1.publish("second")
                messages = m1.messages()
                first = next(messages)
                assert (first.id, first.json(), first.properties) == (
                    receipt.id,
                    {"n": 1},
                    {"a": "b"},
                )
                assert next(messages).text() == "second"
                one.routing.archive = list(one.routing.published)
                found = list(m1.query(["m1"], datetime(1970, 1, 1, tzinfo=UTC)))
                assert [each.text() for each in found] == ['{"n":1}', "second"]
                assert m1.edge_resources() == []
                m1.log("hello")
                m1.set_position(Position(1.0, 2.0))
                assert m1.position() == Position(1.0, 2.0)
                assert m1.settings.microservice_id == "m1"
                with pytest.raises(Refused):
                    m1.publish(b"x" * 300_000)

        await asyncio.to_thread(use)


async def test_acknowledging_oneself_and_draining() -> None:
    async with serving() as one:
        one.routing.routes = {"m1": "m1"}

        def use() -> None:
            with Client(settings(one)) as m1:
                m1.publish("a")
                assert [each.text() for each in m1.next_messages()] == ["a"]
                m1.publish("b")
                messages = m1.messages(acknowledging=False)
                m1.acknowledge(next(messages))

        await asyncio.to_thread(use)
        await until_true(lambda: len(one.routing.inbox("m1").taken) == 2)


async def test_an_iteration_ends_when_another_thread_closes_the_client() -> None:
    async with serving() as one:
        client = Client(settings(one))

        def use() -> list[str]:
            client.open()
            one.routing.routes = {"m1": "m1"}
            client.publish("only")
            threading.Timer(0.5, client.close).start()
            return [each.text() for each in client.messages()]

        assert await asyncio.to_thread(use) == ["only"]


async def test_changes_are_heard() -> None:
    async with serving() as one:
        loop = asyncio.get_running_loop()

        def use() -> None:
            with Client(settings(one)) as m1:
                assert m1.config() == {"rate": 1}
                changes = m1.changes()
                loop.call_soon_threadsafe(one.configured, "m1", '{"rate": 2}')
                assert next(changes) is Change.CONFIG
                assert m1.config() == {"rate": 2}

        await asyncio.to_thread(use)


async def test_several_threads_use_one_client() -> None:
    async with serving() as one:

        def use() -> None:
            with Client(settings(one)) as m1:
                threads = [
                    threading.Thread(target=lambda: [m1.publish("x") for _ in range(20)])
                    for _ in range(5)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

        await asyncio.to_thread(use)
        assert len({message.message_id for message in one.routing.published}) == 100


def test_a_client_that_waits_for_an_agent_can_be_closed() -> None:
    client = Client(Settings("m1", urls=(f"http://127.0.0.1:{free_port()}",)))
    client.open()
    threading.Timer(0.3, client.close).start()
    assert list(client.messages()) == []


def test_one_that_is_not_open_or_open_twice_says_so() -> None:
    client = Client(Settings("m1"))
    with pytest.raises(RuntimeError, match="with Client"):
        client.config()
    client.close()
    with client, pytest.raises(RuntimeError, match="open already"):
        client.open()
