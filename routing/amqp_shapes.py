"""What is said through AMQP, and what may go wrong with it, in words of our own.

Pure. `amqp.py` is the door to the library; whoever uses it sees these shapes alone.

AmqpError
├── CannotConnect        nobody there, no AMQP, no trust in its certificate
│   └── AccessRefused    it is there, and does not know this user, or not in this vhost
├── LinkLost             the connection that there was is no more
├── ChannelRefused       the interior router closed a channel: `code` says what for
└── NotTaken             one message
    ├── Refused          its queue is full
    └── Unroutable       nothing is bound for its key
"""

from msgspec import Struct, field

Header = str | int | float | bool | bytes | list["Header"] | dict[str, "Header"] | None
"""What a header may be. Floats have no more than single precision on the wire."""

NOT_FOUND = 404
NOT_ALLOWED = 403


class AmqpError(Exception):
    """Something about the interior router, in one sentence without credentials."""


class CannotConnect(AmqpError):
    """There is no connection."""


class AccessRefused(CannotConnect):
    """The interior router does not let this user in."""


class LinkLost(AmqpError):
    """What was not confirmed may have arrived or not; what was not acknowledged comes again."""


class ChannelRefused(AmqpError):
    """A queue or exchange is not there, may not be used so, or was taken away."""

    def __init__(self, code: int, why: str) -> None:
        """code: of AMQP, as NOT_FOUND; 0 when it gave none."""
        super().__init__(why)
        self.code = code


class NotTaken(AmqpError):
    """The interior router has not taken a message; the next one may do better."""


class Refused(NotTaken):
    """Told no: a queue that would get it is full, or can't keep it now."""


class Unroutable(NotTaken):
    """No queue would get it."""


class Access(Struct, frozen=True, kw_only=True):
    """Where the interior router is, and who we are to it."""

    url: str
    """amqp://host:port/vhost or amqps://…, without user and password."""
    user: str
    password: str
    ca_pem: str = ""
    """Certificates to trust besides the system's."""


class Properties(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What AMQP knows of a message besides its body; empty means: not said.

    Texts but those among the headers have 255 bytes at most, names of headers 128.
    """

    message_id: str = ""
    timestamp: int = 0
    """Seconds since 1970."""
    content_type: str = ""
    content_encoding: str = ""
    correlation_id: str = ""
    app_id: str = ""
    kind: str = ""
    """The property that AMQP calls `type`."""
    reply_to: str = ""
    priority: int | None = None
    expires_in: int | None = None
    """Milliseconds that it may wait in a queue."""
    persistent: bool = True
    headers: dict[str, Header] = field(default_factory=dict)


class Arrival(Struct, frozen=True, kw_only=True):
    """A message from a queue."""

    tag: int
    """Of its consumer; goes up by one."""
    body: bytes
    properties: Properties
    exchange: str
    key: str
    redelivered: bool
