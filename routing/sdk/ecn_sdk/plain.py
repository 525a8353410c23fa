"""The client of a microservice for code without asyncio: the same, on a loop of its own thread.

Several threads may use one client.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

from ecn_sdk import client as for_asyncio
from ecn_sdk.client import INFO, PATIENCE, Position
from ecn_sdk.control import Change
from ecn_sdk.iomessage import IoMessage
from ecn_sdk.message import Body, Json, Properties, Receipt, Received
from ecn_sdk.rest import Document
from ecn_sdk.settings import Settings
from ecn_sdk.sockets import Socket

Answer = TypeVar("Answer")
Item = TypeVar("Item")
Each = TypeVar("Each")
P = ParamSpec("P")


class _Threads(concurrent.futures.ThreadPoolExecutor):
    """Where the loop resolves names. Python's own pool takes nothing more once the program's main
    thread has come to its end, and a listener that lives on could never connect again."""

    def submit(
        self, fn: Callable[P, Answer], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[Answer]:
        """Each in a thread of its own: they are few."""
        future: concurrent.futures.Future[Answer] = concurrent.futures.Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name="ecn-sdk name", daemon=True).start()
        return future


class Client:
    """A microservice's connection to the agent of its node: `with Client() as client`.

    What its methods do, and their errors, are those of `ecn_sdk.Client`.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._client = for_asyncio.Client(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def settings(self) -> Settings:
        """Which microservice it is, and where its agent answers."""
        return self._client.settings

    def open(self) -> None:
        """Also by `with`."""
        if self._loop is not None:
            raise RuntimeError("the client is open already")
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_Threads())
        self._thread = threading.Thread(target=self._loop.run_forever, name="ecn-sdk", daemon=True)
        self._thread.start()
        self.run(self._client.__aenter__())

    def close(self) -> None:
        """Also by `with`. Iterations of other threads come to their end."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self.run(_ended(self._client))
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, doing: Coroutine[object, object, Answer]) -> Answer:
        """What a method of the other client answers. An interrupt (Ctrl-C) calls it off."""
        if self._loop is None:
            doing.close()
            raise RuntimeError("the client is not open: use `with Client() as client`")
        future = asyncio.run_coroutine_threadsafe(doing, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise RuntimeError("the client was closed meanwhile") from None
        except BaseException:
            future.cancel()
            raise

    def ask(
        self, method: str, path: str, body: Document | None = None, *, patience: float = 10.0
    ) -> Document:
        """A question of the agent's REST."""
        return self.run(self._client.ask(method, path, body, patience=patience))

    def socket(self, kind: str) -> Socket:
        """For those who speak ioFog's protocol themselves; its coroutines are for `run`."""
        return self._client.socket(kind)

    def publish(
        self,
        body: Body,
        *,
        properties: Properties | None = None,
        output: str = "",
        content_type: str = "",
        content_encoding: str = "",
        correlation_id: str = "",
        patience: float = PATIENCE,
    ) -> Receipt:
        """Send a message; it is safe when this returns."""
        return self.run(
            self._client.publish(
                body,
                properties=properties,
                output=output,
                content_type=content_type,
                content_encoding=content_encoding,
                correlation_id=correlation_id,
                patience=patience,
            )
        )

    def publish_io(self, message: IoMessage, *, patience: float = PATIENCE) -> Receipt:
        """Send one of ioFog's own form."""
        return self.run(self._client.publish_io(message, patience=patience))

    def messages(self, *, acknowledging: bool = True) -> Iterator[Received]:
        """`for message in client.messages()`: each is acknowledged when the next is asked for."""
        return _Iteration(self, self._client.messages(acknowledging=acknowledging))

    def acknowledge(self, message: Received) -> None:
        """For `messages(acknowledging=False)`."""
        self.run(_acknowledged(message))

    def changes(self) -> Iterator[Change]:
        """`for change in client.changes()`: what is to be read again."""
        return _Iteration(self, self._client.changes())

    def config(self) -> Json:
        """This microservice's configuration."""
        return self.run(self._client.config())

    def config_text(self) -> str:
        """The same as it was written."""
        return self.run(self._client.config_text())

    def next_messages(self) -> list[Received]:
        """Those that wait, without a socket."""
        return self.run(self._client.next_messages())

    def query(
        self, publishers: Sequence[str], begin: datetime, end: datetime | None = None
    ) -> Iterator[Received]:
        """What microservices sent in a time frame, the oldest first."""
        return _Iteration(self, self._client.query(publishers, begin, end))

    def edge_resources(self) -> list[dict[str, Json]]:
        """What the node has besides."""
        return self.run(self._client.edge_resources())

    def log(self, line: str, level: str = INFO) -> None:
        """A line for the agent's log."""
        self.run(self._client.log(line, level))

    def position(self) -> Position | None:
        """Where the device is; None: nobody knows."""
        return self.run(self._client.position())

    def set_position(self, position: Position) -> None:
        """Where the device is now."""
        self.run(self._client.set_position(position))


class _Iteration(Iterator[Each], Generic[Each]):
    def __init__(self, client: Client, items: AsyncIterator[Each]) -> None:
        self._client, self._items = client, items

    def __next__(self) -> Each:
        try:
            return self._client.run(_next(self._items))
        except _Ended:
            raise StopIteration from None


class _Ended(Exception):
    """There are no more."""


async def _next(items: AsyncIterator[Item]) -> Item:
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise _Ended from None


async def _ended(client: for_asyncio.Client) -> None:
    await client.__aexit__(None, None, None)
    # What still waits in other threads is called off: the loop ends.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=5) if others else None


async def _acknowledged(message: Received) -> None:
    await message.acknowledge()
