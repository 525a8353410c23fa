"""The token by which a microservice shows its agent who it is, where its address does not.

Made of the microservice's id and a secret of this agent, so that nothing has to be kept for each,
and the same container has the same token after every restart. It is put into the container's
environment when that is made (`carry_out.py`).
"""

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import structlog

from agent.storage.store import write_whole

log = structlog.get_logger()

SECRET_BYTES = 32


class Tokens:
    """Of the microservices of one agent."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._owners: dict[bytes, str] = {}

    def __repr__(self) -> str:
        return "Tokens()"

    def of(self, microservice_id: str) -> str:
        """64 hexadecimal digits."""
        return hmac.new(self._secret, microservice_id.encode(), sha256).hexdigest()

    def know(self, microservices: Iterable[str]) -> None:
        """These are here, and no others."""
        before = {owner: digest for digest, owner in self._owners.items()}
        self._owners = {before.get(each) or _digest(self.of(each)): each for each in microservices}

    def owner(self, token: str) -> str | None:
        """Whose it is."""
        # Of the digest: how long the look-up takes tells nothing of the token.
        return self._owners.get(_digest(token))


def secret_in(file: Path) -> bytes:
    """The agent's own; made once. On a device that can't keep it, it is this run's alone."""
    try:
        secret = file.read_bytes()
    except OSError:
        secret = b""
    if len(secret) == SECRET_BYTES:
        return secret
    secret = secrets.token_bytes(SECRET_BYTES)
    try:
        write_whole(file, secret, mode=0o600)
    except OSError as error:
        log.error(
            "local-api-secret-not-kept",
            error=error.strerror,
            because="containers made now will be known by their address alone after a restart",
        )
    return secret


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()
