"""What an interior proxy is started with."""

from pathlib import Path

from msgspec import Struct


class RouterSettings(Struct, frozen=True, kw_only=True):
    """See `ecn router run --help`."""

    server: str
    """The controller, as http://host:port."""
    token_file: Path
    ca_pem: str = ""
    """Certificates to trust the controller by; empty: the system's."""
    listen: str = ""
    """The address to open ports on; empty: all."""
    node: str = ""
    """The node whose public ports are opened; empty: the default router's."""
    metrics: tuple[str, int] | None = None
    """Host and port where scrapers read metrics; None: nowhere."""
    drain: float = 10.0
    """Seconds that connections have to end by themselves when the process is to end."""


class RouterCannotRun(Exception):
    """It makes no sense to try on: the token is refused. The sentence says so."""
