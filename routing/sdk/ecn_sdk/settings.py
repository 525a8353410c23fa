"""Which microservice this is, and where its agent answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecn_sdk.errors import NotConfigured

PORT = 54321
HOSTS = ("iofog", "127.0.0.1")
"""By which an agent is found in a container, and in one with the device's own network."""


@dataclass(frozen=True)
class Settings:
    """All that a client has to know."""

    microservice_id: str
    token: str = field(default="", repr=False)
    """Empty: the agent knows the container by its address."""
    urls: tuple[str, ...] = tuple(f"http://{host}:{PORT}" for host in HOSTS)
    """Of the agent: the first that answers is taken."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """As the agent has put it into the container's environment.

        SELFNAME: the id. ECN_TOKEN: what shows that it is its own. ECN_LOCAL_API: the agent's URL.
        Errors: NotConfigured.
        """
        env = os.environ if environment is None else environment
        microservice_id = env.get("SELFNAME", "")
        if not microservice_id:
            raise NotConfigured
        url = env.get("ECN_LOCAL_API", "").rstrip("/")
        token = env.get("ECN_TOKEN", "")
        return cls(microservice_id, token, (url,)) if url else cls(microservice_id, token)
