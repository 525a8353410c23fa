"""The client, as ioFog's Python SDK has it.

It does what that one does, and what it meant to do: sockets come back by themselves, nothing spins
while it waits, and a listener that raises ends nothing.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from typing import TypeVar

from ecn_sdk.errors import EcnError, Refused
from ecn_sdk.iomessage import (
    ACK,
    MESSAGE,
    NEW_CONFIG,
    NEW_EDGE_RESOURCES,
    RECEIPT,
    BadIoMessage,
    message_frame,
    read_message_frame,
    read_receipt_frame,
)
from ecn_sdk.plain import Client as Plain
from ecn_sdk.settings import HOSTS, PORT, Settings
from ecn_sdk.sockets import Socket

from iofog.microservices.exception import IoFogException, IoFogHttpException
from iofog.microservices.iomessage import IoMessage
from iofog.microservices.listener import IoFogControlWsListener, IoFogMessageWsListener

logger = logging.getLogger("iofog_logger")

Answer = TypeVar("Answer")
_TRUE = ("1", "t", "true", "yes")


class IoFogClient:
    """A microservice's connection to the agent of its node.

    id:   None: SELFNAME of the environment. ssl: None: SSL of the environment.
    host: None: where ECN_LOCAL_API says, else `iofog`, else 127.0.0.1. port: None: 54321.
    Errors: IoFogException.
    """

    def __init__(
        self,
        id: str | None = None,  # noqa: A002  # ioFog's name
        ssl: bool | str | None = None,
        host: str | None = None,
        port: int | None = None,
    ) -> None:
        try:
            settings = Settings.from_environment({**os.environ, **({"SELFNAME": id} if id else {})})
        except EcnError as error:
            raise IoFogException(str(error)) from error
        said = os.environ.get("SSL", "") if ssl is None else ssl
        secure = said if isinstance(said, bool) else said.lower() in _TRUE
        if host or port or secure:
            scheme, hosts = "https" if secure else "http", (host,) if host else HOSTS
            urls = tuple(f"{scheme}://{each}:{port or PORT}" for each in hosts)
            settings = replace(settings, urls=urls)
        self.id = settings.microservice_id
        self._client = Plain(settings)
        self._client.open()
        self._messages: _Listening | None = None
        self._control: _Listening | None = None
        atexit.register(self.close)

    def close(self) -> None:
        """The sockets too. ioFog's client has no such method: there it ends with its process."""
        atexit.unregister(self.close)
        for listening in (self._messages, self._control):
            if listening is not None:
                listening.close()
        self._client.close()

    def get_config(self) -> object:
        """The configuration, which is JSON: mostly a dict."""
        return _told(self._client.config)

    def get_edge_resources(self) -> list[object]:
        """A dict for each."""
        return list(_told(self._client.edge_resources))

    def get_next_messages(self) -> list[IoMessage]:
        """Those that wait."""
        waiting = _told(self._client.next_messages)
        return [IoMessage.thawed(each.io) for each in waiting]

    def get_next_messages_from_publishers_within_timeframe(
        self, query: MutableMapping[str, object]
    ) -> dict[str, object]:
        """query: timeframestart, timeframeend, publishers. The answer has `messages`, and both
        ends of the time frame, of which the second is where to go on."""
        if not {"timeframestart", "timeframeend", "publishers"} <= query.keys():
            raise IoFogException("a query has timeframestart, timeframeend and publishers")
        query["id"] = self.id
        answer = _told(lambda: self._client.ask("POST", "/v2/messages/query", dict(query)))
        found = answer.get("messages")
        return {
            "timeframestart": answer.get("timeframestart"),
            "timeframeend": answer.get("timeframeend"),
            "messages": [IoMessage.from_json(each) for each in found]
            if isinstance(found, list)
            else [],
        }

    def post_message(self, io_msg: IoMessage) -> dict[str, object]:
        """Its `id` and `timestamp`, once it is kept."""
        io_msg.publisher = self.id
        document = _told(lambda: io_msg.frozen().to_document())
        answer = _told(lambda: self._client.ask("POST", "/v2/messages/new", document))
        return {name: value for name, value in answer.items() if name != "status"}

    def establish_message_ws_connection(self, listener: IoFogMessageWsListener) -> None:
        """Messages go to the listener from now on."""
        _checked(listener, IoFogMessageWsListener)
        if self._messages is not None:
            raise IoFogException("the message socket is established already")
        self._messages = _Listening(self._client, "message", _message_handler(listener))

    def establish_control_ws_connection(self, listener: IoFogControlWsListener) -> None:
        """Signals go to the listener from now on."""
        _checked(listener, IoFogControlWsListener)
        if self._control is not None:
            raise IoFogException("the control socket is established already")
        self._control = _Listening(self._client, "control", _control_handler(listener))

    def post_message_via_socket(self, io_msg: IoMessage) -> None:
        """Waits until the socket is open. That the message is kept, `on_receipt` says."""
        if self._messages is None:
            raise IoFogException("establish_message_ws_connection comes first")
        io_msg.id, io_msg.timestamp, io_msg.publisher = "", 0, self.id
        self._messages.send(_told(lambda: message_frame(io_msg.frozen())))


Client = IoFogClient


def _checked(listener: object, kind: type) -> None:
    if not isinstance(listener, kind):
        raise IoFogException(f"the listener is no {kind.__name__}")


def _told(doing: Callable[[], Answer]) -> Answer:
    try:
        return doing()
    except Refused as error:
        raise IoFogHttpException(error.status, error.says) from error
    except (EcnError, ValueError, RuntimeError) as error:
        raise IoFogException(str(error)) from error


Handler = Callable[[bytes], bool]
"""What a frame is given to; says whether it is to be acknowledged."""


def _message_handler(listener: IoFogMessageWsListener) -> Handler:
    def handle(frame: bytes) -> bool:
        if frame[0] == MESSAGE:
            listener.on_message(IoMessage.thawed(read_message_frame(frame)))
        elif frame[0] == RECEIPT:
            listener.on_receipt(*read_receipt_frame(frame))
        return frame[0] in (MESSAGE, RECEIPT)

    return handle


def _control_handler(listener: IoFogControlWsListener) -> Handler:
    def handle(frame: bytes) -> bool:
        if frame[0] == NEW_CONFIG:
            listener.on_control_signal()
        elif frame[0] == NEW_EDGE_RESOURCES:
            listener.on_edge_resources_signal()
        return frame[0] in (NEW_CONFIG, NEW_EDGE_RESOURCES)

    return handle


class _Listening:
    """A socket and the thread that gives what comes by it to a listener.

    Frames are acknowledged one by one, in the order in which they came: ioFog's acknowledgement
    does not say of which.
    """

    def __init__(self, client: Plain, kind: str, handle: Handler) -> None:
        self._client, self._handle = client, handle
        self._socket: Socket = client.socket(kind)
        self._closed = False
        # No daemon, as with ioFog: a program that has said all it has to lives on to listen.
        self._thread = threading.Thread(target=self._listen, name=f"iofog {kind}")
        self._thread.start()

    def send(self, frame: bytes) -> None:
        """As soon as there is a connection."""
        while not _told(lambda: self._client.run(self._socket.send(frame))):
            if self._closed or not self._thread.is_alive():
                raise IoFogException("the socket is closed")
            time.sleep(0.05)

    def close(self) -> None:
        """For good; a listener that is at work is let finish for a moment."""
        self._closed = True
        self._client.run(self._socket.close())
        if self._thread is not threading.current_thread():
            self._thread.join(5)

    def _listen(self) -> None:
        while not self._closed:
            try:
                frame = self._client.run(self._socket.frame())
                if frame is None:
                    return
                if self._handled(frame):
                    self._client.run(self._socket.send(bytes([ACK])))
            except (EcnError, RuntimeError) as error:
                if not self._closed:
                    logger.error("the socket is given up: %s", error)
                return

    def _handled(self, frame: bytes) -> bool:
        try:
            return self._handle(frame)
        except BadIoMessage as error:
            logger.warning("a frame can't be read: %s", error)
        except Exception:
            # Whatever a listener raises, as with ioFog the message counts as received: it would
            # come again and again.
            logger.exception("the listener failed")
        return True


__all__ = ["Client", "IoFogClient", "IoFogException", "IoFogHttpException"]
