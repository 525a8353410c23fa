"""Code that was written for ioFog's Python SDK, against the agent's real Local API."""

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iofog.microservices.client import Client, IoFogClient
from iofog.microservices.exception import IoFogException, IoFogHttpException
from iofog.microservices.iomessage import IoMessage
from iofog.microservices.listener import IoFogControlWsListener, IoFogMessageWsListener
from iofog.microservices.log import Logger

from routing.message import Message
from tests.agent.local_api.serving import Serving, serving
from tests.agent.waiting import until_true
from tests.tcp_proxy import TcpProxy


class Messages(IoFogMessageWsListener):
    def __init__(self) -> None:
        super().__init__()
        self.came: list[IoMessage] = []
        self.receipts: list[tuple[str, int]] = []
        self.failures = 0
        self.threads: set[str] = set()

    def on_message(self, io_msg: IoMessage) -> None:
        self.threads.add(threading.current_thread().name)
        if self.failures:
            self.failures -= 1
            raise LookupError("the listener's own")
        self.came.append(io_msg)

    def on_receipt(self, message_id: str, timestamp: int) -> None:
        self.receipts.append((message_id, timestamp))


class Signals(IoFogControlWsListener):
    def __init__(self) -> None:
        super().__init__()
        self.configs = 0
        self.resources = 0

    def on_control_signal(self) -> None:
        self.configs += 1

    def on_edge_resources_signal(self) -> None:
        self.resources += 1


def message(content: bytes | str = b"\x01\x02") -> IoMessage:
    io_msg = IoMessage()
    io_msg.infotype = "t"
    io_msg.infoformat = "f"
    io_msg.tag = "tag"
    io_msg.contentdata = content
    return io_msg


async def with_client(one: Serving, use: Callable[[IoFogClient], None]) -> None:
    """In a thread, as its calls block; known by the token in its environment."""

    def run() -> None:
        client = IoFogClient(host="127.0.0.1", port=one.port)
        try:
            use(client)
        finally:
            client.close()

    await asyncio.to_thread(run)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Callable[[Serving], None]:
    def prepared(one: Serving) -> None:
        monkeypatch.setenv("SELFNAME", "m1")
        monkeypatch.setenv("ECN_TOKEN", one.tokens.of("m1"))

    return prepared


async def test_rest(container: Callable[[Serving], None]) -> None:
    async with serving() as one:
        container(one)
        one.routing.routes = {"m1": "m1"}

        def use(client: IoFogClient) -> None:
            assert client.get_config() == {"rate": 1}
            assert client.get_edge_resources() == []
            receipt = client.post_message(message("text"))
            assert set(receipt) == {"id", "timestamp"}
            (came,) = client.get_next_messages()
            assert (came.id, came.tag, came.publisher) == (receipt["id"], "tag", "m1")
            assert came.contentdata == b"text"
            one.routing.archive = list(one.routing.published)
            found = client.get_next_messages_from_publishers_within_timeframe(
                {"timeframestart": 0, "timeframeend": 10**15, "publishers": ["m1"]}
            )
            messages = found["messages"]
            assert isinstance(messages, list)
            assert [each.id for each in messages] == [came.id]
            assert found["timeframeend"] == came.timestamp
            with pytest.raises(IoFogHttpException, match="Validation Error") as caught:
                client.post_message(IoMessage())
            assert caught.value.code == 400
            with pytest.raises(IoFogException):
                client.get_next_messages_from_publishers_within_timeframe({})

        await with_client(one, use)


async def test_sockets(container: Callable[[Serving], None]) -> None:
    async with serving() as one:
        container(one)
        one.routing.routes = {"m1": "m1"}
        loop = asyncio.get_running_loop()
        heard, signals = Messages(), Signals()
        done = threading.Event()

        def use(client: IoFogClient) -> None:
            with pytest.raises(IoFogException, match="comes first"):
                client.post_message_via_socket(message())
            client.get_config()
            client.establish_message_ws_connection(heard)
            client.establish_control_ws_connection(signals)
            with pytest.raises(IoFogException, match="already"):
                client.establish_message_ws_connection(heard)
            for n in range(5):
                client.post_message_via_socket(message(str(n)))
            loop.call_soon_threadsafe(one.configured, "m1", '{"rate": 2}')
            assert done.wait(30)

        using = asyncio.create_task(with_client(one, use))
        await until_true(lambda: len(heard.came) == 5 and signals.configs == 1)
        await until_true(lambda: len(one.routing.inbox("m1").taken) == 5)
        assert [bytes(each.contentdata) for each in heard.came] == [b"0", b"1", b"2", b"3", b"4"]  # type: ignore[arg-type]  # bytes, as they came
        ids = [each.id for each in heard.came]
        assert [receipt for receipt, _ in heard.receipts] == ids
        assert heard.threads == {"iofog message"}
        done.set()
        await using


async def test_a_listener_that_raises_ends_nothing(container: Callable[[Serving], None]) -> None:
    async with serving() as one:
        container(one)
        one.routing.routes = {"m1": "m1"}
        heard = Messages()
        heard.failures = 1
        done = threading.Event()

        def use(client: IoFogClient) -> None:
            client.establish_message_ws_connection(heard)
            client.post_message_via_socket(message("bad"))
            client.post_message_via_socket(message("good"))
            assert done.wait(30)

        using = asyncio.create_task(with_client(one, use))
        await until_true(lambda: len(heard.came) == 1)
        await until_true(lambda: len(one.routing.inbox("m1").taken) == 2)
        done.set()
        await using


PROGRAM = """
from iofog.microservices.client import IoFogClient
from iofog.microservices.listener import IoFogMessageWsListener

class Listener(IoFogMessageWsListener):
    def on_message(self, io_msg):
        print(io_msg.contentdata.decode(), flush=True)

IoFogClient().establish_message_ws_connection(Listener())
"""


async def test_a_program_that_has_come_to_its_end_goes_on_listening() -> None:
    """And connects again by the agent's name, when Python's own pool of threads is closed."""
    async with serving() as one, TcpProxy.before(one.port) as link:
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[2] / "routing" / "sdk"),
            "SELFNAME": "m1",
            "ECN_TOKEN": one.tokens.of("m1"),
            "ECN_LOCAL_API": f"http://localhost:{link.port}",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM), env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        inbox = one.routing.inbox("m1")
        await until_true(lambda: inbox.readers == 1, 30)
        await asyncio.sleep(0.5)
        link.cut_all()
        await until_true(lambda: inbox.readers == 0, 30)
        one.routing.put("m1", Message(message_id="0f" * 16, publisher="m2", body=b"late"))
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"late\n"
        process.terminate()
        assert await process.wait() == -signal.SIGTERM


def test_a_client_needs_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFNAME", raising=False)
    with pytest.raises(IoFogException, match="SELFNAME"):
        Client()
    client = Client(id="m1", ssl="false", host="127.0.0.1", port=1)
    assert client.id == "m1"
    with pytest.raises(IoFogException, match="no IoFogMessageWsListener"):
        client.establish_message_ws_connection(Signals())  # type: ignore[arg-type]  # that is it
    client.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(TEXT, TEXT, st.integers(0, 2**31 - 1), st.binary(max_size=20), st.binary(max_size=20))
def test_a_message_goes_through_both_forms(
    tag: str, infotype: str, number: int, context: bytes, content: bytes
) -> None:
    io_msg = IoMessage()
    io_msg.tag, io_msg.infotype, io_msg.sequencenumber = tag, infotype, number
    io_msg.contextdata, io_msg.contentdata = context, content
    for again in (
        IoMessage.from_bytearray(io_msg.to_bytearray()),
        IoMessage.from_bytearray(list(io_msg.to_bytearray())),
        IoMessage.from_json(io_msg.to_json()),
        IoMessage.from_json(json.loads(io_msg.to_json())),
    ):
        assert vars(again) == vars(io_msg)


def test_what_is_no_message_is_told() -> None:
    with pytest.raises(ValueError, match="version"):
        IoMessage.from_bytearray(b"\x00\x05" + bytes(31))
    wrong = IoMessage()
    wrong.version = 5
    with pytest.raises(ValueError, match="version 5"):
        wrong.to_json()
    wrong = IoMessage()
    wrong.infotype = "x" * 300
    with pytest.raises(ValueError, match="infotype"):
        wrong.to_bytearray()


def test_lines_have_a_level_and_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    log = Logger("first")
    for say in (log.debug, log.info, log.warn, log.error):
        say("hello")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["DEBUG", "INFO", "WARNING", "ERROR"]
    assert all(line.endswith("iofog.first hello") for line in lines)
