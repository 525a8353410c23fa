"""What a controller is told when it starts. Made by the CLI, read by the wiring."""

from pathlib import Path

from msgspec import Struct

DEFAULT_PORT = 51121
"""ioFog's: its clients find us where they look."""


class CannotStart(Exception):
    """The controller can't start; the sentence says why and what to do."""


class TunnelServer(Struct, frozen=True, kw_only=True):
    """An SSH server that devices can hold a tunnel to, so that operators reach them through it."""

    host: str
    user: str
    key_file: Path | None = None
    """The user's private key, as devices get it; read anew each time, as the next."""
    password_file: Path | None = None
    first_port: int = 2000
    """Of those ports of the server one is chosen, which leads to the device."""
    last_port: int = 10000
    device_port: int = 22
    """Where the device's own SSH listens."""


class ControllerSettings(Struct, frozen=True, kw_only=True):
    """Where to listen, where to keep things, and how long to wait for a silent agent."""

    listen_host: str = "127.0.0.1"
    listen_port: int = DEFAULT_PORT
    data: Path
    """The folder for all that is kept on this machine: Postgres, keys, `admin.json`."""
    database_url: str | None = None
    """A Postgres to use; None starts the embedded one inside `data`."""
    advertise: str = ""
    """The URL at which other controllers of the network reach this one; "" is where it listens."""
    metrics: tuple[str, int] | None = None
    """Host and port of a place of its own for scrapers without a token; None: there is none."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    offline_after: float = 60.0
    """Seconds of silence after which a node counts as offline."""
    open_signup: bool = False
    """Anybody may make an account, which is an operator's, as with ioFog."""
    broker: Path | None = None
    """The file that says where the interior router is, and as whom it is kept; see
    ecn/broker/settings.py."""
    forget_broker: bool = False
    """Let the network have none any more."""
    tunnel: TunnelServer | None = None
    """None: no tunnel can be opened."""
    forget_master_key: str | None = None
    """Id of a master key that is lost for good: what it wraps is given up."""
