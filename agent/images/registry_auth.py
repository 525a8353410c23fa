"""What a registry wants to see before it gives out anything. Pure.

Called by `registry_client.py` with the `WWW-Authenticate` of a 401. Documents:
https://distribution.github.io/distribution/spec/auth/token/
"""

import re
from base64 import b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from agent.contract import Registry

_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class Basic(Struct, frozen=True):
    """Name and password with each request."""


class Bearer(Struct, frozen=True):
    """A token, to be had elsewhere."""

    realm: str
    service: str = ""
    scope: str = ""


def challenge(headers: Iterable[str]) -> Basic | Bearer | None:
    """The first that we can meet; None where there is none."""
    for header in headers:
        scheme, _, rest = header.strip().partition(" ")
        said = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        if scheme.lower() == "bearer" and said.get("realm"):
            return Bearer(said["realm"], said.get("service", ""), said.get("scope", ""))
        if scheme.lower() == "basic":
            return Basic()
    return None


def basic_authorization(registry: Registry) -> str:
    """The header's value."""
    pair = f"{registry.username}:{registry.password}".encode()
    return f"Basic {b64encode(pair).decode()}"


class Token(Struct, frozen=True):
    """What a realm answers; one of the two names is used."""

    token: str = ""
    access_token: str = ""

    @property
    def value(self) -> str:
        """Whichever it is."""
        return self.token or self.access_token


def token_of(answer: bytes) -> str:
    """Empty where the answer holds none."""
    try:
        return msgspec.json.decode(answer, type=Token).value
    except msgspec.DecodeError:
        return ""
