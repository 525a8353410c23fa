"""What a controller is told when it starts. Made by the CLI, read by the wiring."""

from pathlib import Path

from msgspec import Struct

DEFAULT_PORT = 51121
"""ioFog's: its clients find us where they look."""


class CannotStart(Exception):
    """The controller can't start; the sentence says why and what to do."""


class ControllerSettings(Struct, frozen=True, kw_only=True):
    """Where to listen, where to keep things, and how long to wait for a silent agent."""

    listen_host: str = "127.0.0.1"
    listen_port: int = DEFAULT_PORT
    data: Path
    """The folder for all that is kept on this machine: Postgres, keys, `admin.json`."""
    database_url: str | None = None
    """A Postgres to use; None starts the embedded one inside `data`."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    offline_after: float = 60.0
    """Seconds of silence after which a node counts as offline."""
    open_signup: bool = False
    """Anybody may make an account, which is an operator's, as with ioFog."""
    forget_master_key: str | None = None
    """Id of a master key that is lost for good: what it wraps is given up."""
