"""What the API says of the log as a whole: its verification, its checkpoints."""

from msgspec import Struct


class ChainFault(Struct, frozen=True, kw_only=True):
    """The first event that is not as it was."""

    position: int
    what: str
    """What is wrong with it: `its content does not match its hash`, say."""


class LogVerification(Struct, frozen=True, kw_only=True):
    """How far it is; in the last line, which is `done`, what came of it."""

    position: int
    """Up to here all is as it was."""
    of: int
    """Where the log ends."""
    hash: str
    """Of the event at `position`, hexadecimal; zeros before the first one."""
    done: bool = False
    wrong: ChainFault | None = None
    """Only in the last line. None there means that the log is proved."""


class SignedCheckpoint(Struct, frozen=True, kw_only=True):
    """What the log was at a position, signed by the network's key."""

    statement: str
    """The very text that is signed: `ecn checkpoint v1`, position, hash, and when, by line."""
    signature: str
    """Ed25519, of the statement's bytes; base64."""
    public_key: str
    """PEM. Compare it with the one that you know, before you believe the rest."""


class LogPublicKey(Struct, frozen=True, kw_only=True):
    """The key that checks what the network signs."""

    public_key: str
    """64 hexadecimal digits."""
    pem: str
