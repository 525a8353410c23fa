"""A message between microservices, whatever it came in as and goes out as.

Pure. Made where it enters the network: by the Local API of an agent from an ioMessage, by an agent
of what changed in a twin. What routes may ask of it is here; who may send it where is not.
"""

from msgspec import Struct, field

LARGEST = 262_144
"""Bytes of body and properties together."""

JSON = "application/json"
UTF_8 = "utf-8"


class IoFields(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an ioMessage says besides what `Message` has a place for, as it was said."""

    tag: str = ""
    group_id: str = ""
    sequence_number: int = 0
    sequence_total: int = 0
    priority: int = 0
    auth_id: str = ""
    auth_group: str = ""
    chain_position: int = 0
    hash: str = ""
    previous_hash: str = ""
    nonce: str = ""
    difficulty_target: int = 0
    info_type: str = ""
    info_format: str = ""
    context_data: bytes = b""


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message.

    Its id is given where it enters the network and stays the same wherever it goes: receivers
    know by it what they have had before.
    """

    message_id: str = ""
    """32 hexadecimal digits; empty until its agent has taken it, as `created` is 0."""
    created: int = 0
    """Milliseconds since 1970, by the clock of the agent that took it."""
    publisher: str = ""
    """Id of the microservice that sent it; never its own word."""
    output: str = ""
    """By which of its outputs, where it named one."""
    twin_change: bool = False
    """It tells of changed reported properties: its body is the patch."""
    content_type: str = ""
    content_encoding: str = ""
    correlation_id: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    """For conditions and receivers; text, whatever it means."""
    body: bytes = b""
    io: IoFields | None = None
    """None: it did not come as an ioMessage."""

    @property
    def size(self) -> int:
        """Bytes of body and properties, as LARGEST counts them."""
        words = sum(len(name) + len(text) for name, text in self.properties.items())
        context = len(self.io.context_data) if self.io is not None else 0
        return len(self.body) + words + context
