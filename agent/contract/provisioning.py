"""How a device becomes a node, and what it says of itself."""

from msgspec import Struct


class Facts(Struct, frozen=True, kw_only=True):
    """The device as it is. Sent with a provisioning and whenever it changes."""

    agent_version: str = ""
    architecture: str = ""
    operating_system: str = ""
    kernel: str = ""
    host_name: str = ""
    cpus: int = 0
    memory_mib: int = 0
    disk_mib: int = 0
    """Of the file system that the agent's folder is on."""
    engine_version: str = ""
    engine_problem: str = ""
    """Why the container engine can't be used; empty while it can."""
    volume_problem: str = ""
    """Why files of volumes, or configurations, could not be written; empty while all are there."""
    storage_problem: str = ""
    """Why the agent can't write down what happens; empty while it can."""
    local_api_problem: str = ""
    """Why microservices do not reach the Local API; empty while they do."""


class Provision(Struct, frozen=True, kw_only=True):
    """Redeem a provisioning key.

    The agent makes its own credential (at least 32 random bytes) and writes it down before it
    asks, so that a lost answer costs nothing: asking again with the same pair succeeds again.
    """

    key: str
    credential: str
    facts: Facts


class Provisioned(Struct, frozen=True, kw_only=True):
    """This device is that node now."""

    node_id: str
    name: str
