"""The base of every command, and what its sender took for granted."""

from msgspec import Struct

from events.ids import TokenId
from events.user import Role


class Meant(Struct, frozen=True):
    """What the sender called the thing that the command is about, and what that was taken for.

    Looked up before the command is decided, and maybe in a world that others had moved on from:
    it has to mean the same in the world that it is decided on.
    """

    kind: str
    """node, application, microservice, registry or user."""
    ref: str
    """A name or an id."""
    id: str


class ByToken(Struct, frozen=True):
    """Sent by a user, with a token that has to be good still, and a role that suffices still."""

    token_id: TokenId
    roles: tuple[Role, ...]


class ByDevice(Struct, frozen=True):
    """Sent by a device, with a credential that has to be a node's still."""

    credential_hash: str


class Command(Struct, frozen=True, kw_only=True):
    """Asks for a change. Holds everything that deciding needs besides the world.

    Ids of things to be made, times and secrets' hashes are filled in by the shell, so that
    deciding the same command on the same world gives the same events.
    """

    meant: Meant | None = None
    sent: ByToken | ByDevice | None = None
    """None for what the controller itself asks for, or who has no credential yet."""
