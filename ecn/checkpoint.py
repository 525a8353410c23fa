"""Signed checkpoints: what the log was at a position, in a few lines that an auditor can keep.

The statement is plain text of one form only, signed with Ed25519: `openssl` checks it as well as
we do (docs/log.md shows how). Whoever holds one finds any later change of what came before it,
even if the whole chain was made anew behind it.

Pure. The vault keeps the key; the API signs; the CLI and the auditor check.
"""

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from msgspec import Struct

from ecn.api.log_documents import SignedCheckpoint

_STATEMENT = re.compile(
    r"ecn checkpoint v1\nposition (0|[1-9]\d{0,17})\nhash ([0-9a-f]{64})\nsigned (\S{27})\n",
    re.ASCII,
)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class CheckpointRefused(Exception):
    """It proves nothing; the sentence says why."""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The log had just this hash at its position when it was signed."""

    position: int
    hash: bytes
    """Of the event there, 32 bytes: it covers all events up to it."""
    signed: datetime
    """The signer's clock."""


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedCheckpoint:
    """Make it something that others can check."""
    text = statement(checkpoint)
    return SignedCheckpoint(
        statement=text,
        signature=b64encode(key.sign(text.encode())).decode(),
        public_key=pem(key.public_key()),
    )


def check(signed: SignedCheckpoint, trusted: Ed25519PublicKey | None) -> Checkpoint:
    """What it states, if its signature is good.

    trusted: the network's key as the auditor knows it; None takes the one that the checkpoint
             brings along, which shows only that it was not altered by accident.
    Errors: CheckpointRefused.
    """
    brought = public_key(signed.public_key)
    if trusted is not None and trusted != brought:
        raise CheckpointRefused(
            f"the checkpoint is signed with the key {shown(brought)}, not with {shown(trusted)}: "
            "it is of another network, or somebody else made it"
        )
    try:
        signature = b64decode(signed.signature, validate=True)
        brought.verify(signature, signed.statement.encode())
    except (InvalidSignature, ValueError) as e:
        raise CheckpointRefused(
            "the checkpoint's signature does not fit its statement: one of them was changed"
        ) from e
    match = _STATEMENT.fullmatch(signed.statement)
    if match is None:
        raise CheckpointRefused(
            "the checkpoint is of another version: use the ecn that made it, or a newer one"
        )
    position, digest, time = match.groups()
    try:
        at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError as e:
        raise CheckpointRefused(f"the checkpoint's time {time!r} is none") from e
    return Checkpoint(position=int(position), hash=bytes.fromhex(digest), signed=at)


def statement(checkpoint: Checkpoint) -> str:
    """The text that is signed."""
    return (
        f"ecn checkpoint v1\nposition {checkpoint.position}\nhash {checkpoint.hash.hex()}\n"
        f"signed {checkpoint.signed.astimezone(UTC).strftime(_TIME)}\n"
    )


def read(content: bytes) -> SignedCheckpoint:
    """The file of a checkpoint. Errors: CheckpointRefused."""
    try:
        return msgspec.json.decode(content, type=SignedCheckpoint)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise CheckpointRefused(
            f"this is no signed checkpoint ({e}): make one with ecn log checkpoint -o FILE"
        ) from e


def public_key(text: str) -> Ed25519PublicKey:
    """A key as PEM, or as 64 hexadecimal digits. Errors: CheckpointRefused."""
    try:
        if "BEGIN" in text:
            key = load_pem_public_key(text.encode())
            if isinstance(key, Ed25519PublicKey):
                return key
        else:
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except (ValueError, UnsupportedAlgorithm) as e:
        raise CheckpointRefused(f"this is no public key: {e}") from e
    raise CheckpointRefused("this is a public key of another kind than Ed25519")


def pem(key: Ed25519PublicKey) -> str:
    """The key as programs take it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def shown(key: Ed25519PublicKey) -> str:
    """The key as people compare it: 64 hexadecimal digits."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
