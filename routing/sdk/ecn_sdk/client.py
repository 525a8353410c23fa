"""The client of a microservice, for asyncio."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, TCPConnector

from ecn_sdk.control import Changes
from ecn_sdk.errors import Unanswered
from ecn_sdk.inbox import Inbox
from ecn_sdk.iomessage import BadIoMessage, IoMessage
from ecn_sdk.message import Body, Json, Properties, Receipt, Received, moment, received, to_send
from ecn_sdk.rest import AT_ONCE, Document, Rest
from ecn_sdk.settings import Settings
from ecn_sdk.sockets import Socket

PATIENCE = 60.0
"""Seconds for which `publish` waits for an agent that is away, or has no room."""
SEVERE, WARNING, INFO = "severe", "warning", "info"


@dataclass(frozen=True)
class Position:
    """Where the device is, in degrees."""

    latitude: float
    longitude: float


class Client:
    """A microservice's connection to the agent of its node: `async with Client() as client`.

    settings: None: from the environment, as the agent has prepared it. Errors: NotConfigured.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings if settings is not None else Settings.from_environment()
        self._session: ClientSession | None = None
        self._rest: Rest | None = None
        self._inbox: Inbox | None = None
        self._changes: Changes | None = None

    async def __aenter__(self) -> Self:
        # An agent takes few connections of one container, and ends those that are idle for a
        # minute: left before that, no request runs into an end. Two are for the sockets.
        connector = TCPConnector(limit=AT_ONCE + 2, keepalive_timeout=30)
        self._session = ClientSession(connector=connector)
        self._rest = Rest(self.settings, self._session)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for reader in (self._inbox, self._changes):
            if reader is not None:
                await reader.aclose()
        if self._session is not None:
            await self._session.close()
        self._session = self._rest = self._inbox = self._changes = None

    async def publish(
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
        """Send a message. It is safe when this returns: the agent has it on its disk.

        body: bytes as they are, text as UTF-8, anything else as JSON.
        properties: for the conditions of routes, and for receivers.
        patience: seconds to wait while no agent is there, or its store is full.
        Errors: Refused, StoreFull, Unreachable: it is not sent; Unanswered: it may be.
        """
        return await self.publish_io(
            to_send(
                body,
                publisher=self.settings.microservice_id,
                properties=properties,
                output=output,
                content_type=content_type,
                content_encoding=content_encoding,
                correlation_id=correlation_id,
            ),
            patience=patience,
        )

    async def publish_io(self, message: IoMessage, *, patience: float = PATIENCE) -> Receipt:
        """Send one of ioFog's own form; its id and timestamp are given by the agent."""
        document = {**message.to_document(), "publisher": self.settings.microservice_id}
        answer = await self.ask("POST", "/v2/messages/new", document, patience=patience)
        identity, timestamp = answer.get("id"), answer.get("timestamp")
        if not isinstance(identity, str) or not isinstance(timestamp, int):
            raise Unanswered("/v2/messages/new", "the answer has no id")
        return Receipt(identity, moment(timestamp))

    def messages(self, *, acknowledging: bool = True) -> Inbox:
        """What comes for this microservice: `async for message in client.messages()`.

        Each message is acknowledged when the next is asked for, so that one whose handling fails
        comes again; with `acknowledging=False` say `await message.acknowledge()` yourself, in any
        order. The connection comes back by itself. Errors: BadToken, while iterating.
        """
        if self._inbox is not None:
            raise RuntimeError("this client's messages are being read already")
        self._inbox = Inbox(self.socket("message"), acknowledging=acknowledging)
        return self._inbox

    def changes(self) -> Changes:
        """What is to be read again: `async for change in client.changes()`. Errors: as above."""
        if self._changes is not None:
            raise RuntimeError("this client's changes are being waited for already")
        self._changes = Changes(self.socket("control"))
        return self._changes

    async def config(self) -> Json:
        """This microservice's configuration. Errors: ValueError, when its text is no JSON."""
        value: Json = json.loads(await self.config_text() or "null")
        return value

    async def config_text(self) -> str:
        """The same as it was written."""
        body = {"id": self.settings.microservice_id}
        text = (await self.ask("POST", "/v2/config/get", body)).get("config")
        return text if isinstance(text, str) else ""

    async def next_messages(self) -> list[Received]:
        """Those that wait, without a socket. They count as received when they have been sent here:
        for what must not be lost use `messages`."""
        body = {"id": self.settings.microservice_id}
        return _messages(await self.ask("POST", "/v2/messages/next", body))

    async def query(
        self, publishers: Sequence[str], begin: datetime, end: datetime | None = None
    ) -> AsyncIterator[Received]:
        """What microservices sent in a time frame, the oldest first, as far as the agent keeps it
        and a route leads here. publishers: ids. The times have a time zone; end None: now."""
        start, last = _milliseconds(begin), _milliseconds(end or datetime.now(UTC))
        seen: set[str] = set()
        while start <= last:
            body = {
                "id": self.settings.microservice_id,
                "timeframestart": start,
                "timeframeend": last,
                "publishers": list(publishers),
            }
            page = _messages(await self.ask("POST", "/v2/messages/query", body))
            if not page:
                return
            new = [message for message in page if message.id not in seen]
            for message in new:
                yield message
            # The next page begins with those of the last millisecond of this one: there may be
            # more of them. When there are none, it begins after it.
            latest = max(message.io.timestamp for message in page)
            start = latest if new else latest + 1
            seen = {message.id for message in page if message.io.timestamp == latest}

    async def edge_resources(self) -> list[dict[str, Json]]:
        """What the node has besides: sensors, other devices and services."""
        text = (await self.ask("GET", "/v2/edgeResources")).get("edgeResources")
        found: Json = json.loads(text) if isinstance(text, str) and text else []
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def log(self, line: str, level: str = INFO) -> None:
        """A line for the agent's log. level: info, warning or severe."""
        body = {"id": self.settings.microservice_id, "message": line, "type": level}
        await self.ask("POST", "/v2/log", body)

    async def position(self) -> Position | None:
        """Where the device is; None: nobody knows."""
        answer = await self.ask("GET", "/v2/gps")
        latitude, longitude = answer.get("lat"), answer.get("lon")
        if not latitude or not longitude:
            return None
        return Position(float(str(latitude)), float(str(longitude)))

    async def set_position(self, position: Position) -> None:
        """Where the device is now, as this microservice knows. Errors: Refused."""
        body = {"lat": str(position.latitude), "lon": str(position.longitude)}
        await self.ask("POST", "/v2/gps", body)

    def socket(self, kind: str) -> Socket:
        """For those who speak ioFog's protocol themselves. kind: message or control. To be closed
        before the client is."""
        path = f"/v2/{kind}/socket/id/{self.settings.microservice_id}"
        rest, session = self._open()
        return Socket(rest, session, path)

    def _open(self) -> tuple[Rest, ClientSession]:
        if self._rest is None or self._session is None:
            raise RuntimeError("the client is not open: use `async with Client() as client`")
        return self._rest, self._session

    async def ask(
        self, method: str, path: str, body: Document | None = None, *, patience: float = 10.0
    ) -> Document:
        """A question of the agent's REST. patience: as for `publish`.

        Errors: Unreachable, Unanswered, Refused.
        """
        return await self._open()[0].ask(method, path, body, patience=patience)


def _messages(answer: Document) -> list[Received]:
    said = answer.get("messages")
    if not isinstance(said, list):
        return []
    try:
        return [received(IoMessage.from_document(each)) for each in said]
    except BadIoMessage as error:
        raise Unanswered("messages", f"one of them can't be read: {error}") from error


def _milliseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("the time has no time zone")
    return int(at.timestamp() * 1000)
