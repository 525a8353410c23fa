"""A Local API that runs: two containers at addresses of the loopback, a router that is told."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from msgspec.structs import replace

from agent.contract import Microservice, NodeConfig
from agent.local_api.callers import Callers
from agent.local_api.local_api import LocalApi
from agent.local_api.node_state import NodeState
from agent.local_api.tokens import Tokens
from agent.storage.desired_state import Known
from routing.iomessage import IoMessage, message_frame
from tests.agent.builders import microservice
from tests.agent.fake_engine import FakeEngine
from tests.agent.local_api.fake_routing import FakeRouting
from tests.agent.local_api.raw_socket import RawSocket
from tests.agent.waiting import until_true
from tests.ports import free_port

M1, M2 = "127.0.0.11", "127.0.0.12"
"""Where m1 and m2 run."""
ELSEWHERE = "127.0.0.99"
MESSAGES, CONTROL = "/v2/message/socket/id/", "/v2/control/socket/id/"


class AddressedEngine(FakeEngine):
    """It says of containers what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.who: dict[str, str] = {M1: "m1", M2: "m2"}
        self.hangs = False

    async def addresses(self, node_id: str) -> dict[str, str]:
        self._called("addresses", node_id)
        if self.hangs:
            await asyncio.Event().wait()
        return dict(self.who)


class Answered(msgspec.Struct):
    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, object]:
        document = msgspec.json.decode(self.text)
        assert isinstance(document, dict)
        return document


class Serving:
    """The running one, and what a test does to it."""

    def __init__(self) -> None:
        self.engine = AddressedEngine()
        self.routing = FakeRouting()
        self.tokens = Tokens(b"s" * 32)
        self.port = free_port()
        self.opened: list[RawSocket] = []
        self.running: asyncio.Task[None] | None = None
        self.state = NodeState(
            self.routing,
            Callers("node1", self.engine, time.monotonic),
            self.tokens,
            milliseconds=lambda: 77,
        )
        self.api = LocalApi("node1", self.engine, self.state, port=self.port)
        self.known = Known(
            revision=1,
            microservices={
                each: replace(microservice(each), config='{"rate": 1}') for each in ("m1", "m2")
            },
        )

    def wish(self, **changes: object) -> None:
        """The desired state is otherwise from now on."""
        self.known = replace(self.known, **changes)
        self.api.wish(self.known)

    def configured(self, m: str, config: str) -> None:
        of: Microservice = replace(self.known.microservices[m], config=config)
        self.wish(microservices={**self.known.microservices, m: of})

    def settled(self, **settings: object) -> None:
        self.wish(node=replace(NodeConfig(), **settings))

    async def ask(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        address: str = M1,
        content_type: str = "application/json",
        token: str = "",
        raw: bytes | None = None,
    ) -> Answered:
        headers = {"Content-Type": content_type} if content_type else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = raw if raw is not None else msgspec.json.encode(body)
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.request(
                method,
                f"http://127.0.0.1:{self.port}{path}",
                data=io.BytesIO(content),
                headers=headers,
                skip_auto_headers=["Content-Type"],
            ) as answer,
        ):
            return Answered(answer.status, await answer.text(), dict(answer.headers))

    async def socket(
        self,
        m: str = "m1",
        *,
        of: str = MESSAGES,
        address: str = "",
        headers: tuple[str, ...] = (),
    ) -> RawSocket:
        opened = await RawSocket.opened(
            self.port,
            of + m,
            address=address or {"m1": M1, "m2": M2}.get(m, ELSEWHERE),
            headers=headers,
        )
        self.opened.append(opened)
        return opened


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Serving]:
    """settings: of NodeConfig."""
    one = Serving()
    one.settled(**settings)
    async with asyncio.TaskGroup() as tasks:
        one.running = running = tasks.create_task(one.api.run())
        if settings.get("local_api") != "off":
            await until_true(lambda: one.api.addresses == ["127.0.0.1", "127.0.0.2"])
        try:
            yield one
        finally:
            running.cancel()
            for each in one.opened:
                each.break_off()


def document(publisher: object = "m1", **changes: object) -> dict[str, object]:
    """A message as REST takes it."""
    return {
        "publisher": publisher,
        "version": 4,
        "infotype": "t",
        "infoformat": "f",
        "contentdata": "AQI=",
        **changes,
    }


def framed(content: bytes = b"\x01\x02", **changes: object) -> bytes:
    """A message as a socket takes it."""
    fields: dict[str, object] = {"infotype": "t", "infoformat": "f", "contentdata": content}
    return message_frame(IoMessage(**{**fields, **changes}))  # type: ignore[arg-type]  # its own
