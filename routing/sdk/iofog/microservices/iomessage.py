"""ioFog's message, as its Python SDK has it: an object whose fields are set one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields

from ecn_sdk.iomessage import VERSION
from ecn_sdk.iomessage import IoMessage as Frozen

Data = bytes | bytearray | str
_TEXTS = tuple(each.name for each in fields(Frozen) if each.type == "str")
_NUMBERS = tuple(each.name for each in fields(Frozen) if each.type == "int")


class IoMessage:
    """One message. Text in contextdata and contentdata is sent as UTF-8."""

    def __init__(self) -> None:
        self.id = ""
        self.tag = ""
        self.groupid = ""
        self.version = VERSION
        self.sequencenumber = 0
        self.sequencetotal = 0
        self.priority = 0
        self.timestamp = 0
        self.publisher = ""
        self.authid = ""
        self.authgroup = ""
        self.chainposition = 0
        self.hash = ""
        self.previoushash = ""
        self.nonce = ""
        self.difficultytarget = 0
        self.infotype = ""
        self.infoformat = ""
        self.contextdata: Data = bytearray()
        self.contentdata: Data = bytearray()

    def to_bytearray(self) -> bytearray:
        """As sockets carry it. Errors: ValueError."""
        return bytearray(self.frozen().to_binary())

    @staticmethod
    def from_bytearray(bytes: bytes | bytearray | list[int]) -> IoMessage:  # noqa: A002  # ioFog's
        """What `to_bytearray` gives, of any SDK. Errors: ValueError."""
        return IoMessage.thawed(Frozen.from_binary(bytearray(bytes)))

    def to_json(self) -> str:
        """As REST carries it. Errors: ValueError."""
        return json.dumps(self.frozen().to_document())

    @staticmethod
    def from_json(json_msg: str | Mapping[str, object]) -> IoMessage:
        """What `to_json` gives, or the object of it. Errors: ValueError."""
        document = json.loads(json_msg) if isinstance(json_msg, str) else json_msg
        return IoMessage.thawed(Frozen.from_document(document))

    def frozen(self) -> Frozen:
        """The same, as it is sent. Errors: ValueError."""
        if self.version != VERSION:
            raise ValueError(f"version {self.version}, and not {VERSION}")
        message = Frozen(
            **{name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS)},
            contextdata=_data(self.contextdata),
            contentdata=_data(self.contentdata),
        )
        message.to_binary()  # it says here, and to its writer, what does not fit
        return message

    @staticmethod
    def thawed(message: Frozen) -> IoMessage:
        """One that came."""
        thawed = IoMessage()
        for name in (*_TEXTS, *_NUMBERS):
            setattr(thawed, name, getattr(message, name))
        thawed.contextdata = bytearray(message.contextdata)
        thawed.contentdata = bytearray(message.contentdata)
        return thawed


def _data(data: Data) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)
