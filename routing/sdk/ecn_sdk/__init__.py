"""For the code inside a microservice: messages, configuration and edge resources of its node.

`Client` is for asyncio, `ecn_sdk.plain.Client` for threads; docs/sdk.md shows both.
"""

from ecn_sdk.client import Client, Position
from ecn_sdk.control import Change
from ecn_sdk.errors import (
    BadToken,
    EcnError,
    NotConfigured,
    Refused,
    StoreFull,
    Unanswered,
    Unreachable,
)
from ecn_sdk.message import Receipt, Received
from ecn_sdk.settings import Settings

__all__ = [
    "BadToken",
    "Change",
    "Client",
    "EcnError",
    "NotConfigured",
    "Position",
    "Receipt",
    "Received",
    "Refused",
    "Settings",
    "StoreFull",
    "Unanswered",
    "Unreachable",
]
