"""The file that `--broker` names: where the interior router is, and as whom a controller keeps it.

```yaml
url: amqps://router.example:5671       # as this controller reaches it, and agents too
agents_url: amqps://gate.example:5671  # as agents reach it, where that is another way
management: https://router.example:15671
username: ecn
password: ...
ca_file: ca.pem                        # certificates to trust; from the file's own folder
vhost: ecn
limits: {inbox: 256, upstream: 1024, dead: 256, proxy: 1024}     # MiB
```

It has a password: only its owner may read it. Never in arguments, nor in the environment.
"""

import os
import ssl
import stat
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import yaml
from msgspec import Struct

from ecn.broker.topology import Limits
from ecn.settings import CannotStart
from events.network import Broker
from routing.addresses import VHOST

LARGEST = 1 << 16
"""Bytes of the file."""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    management: str
    username: str
    password: str
    agents_url: str = ""
    ca_file: str = ""
    vhost: str = VHOST
    limits: Limits = Limits()


class BrokerSettings(Struct, frozen=True, kw_only=True):
    """An interior router, as a controller keeps it. `repr` says nothing of the password."""

    url: str
    """amqp://host:port/vhost or amqps://…, as the next."""
    agents_url: str
    management: str
    """http://host:port or https://…"""
    username: str
    password: str
    vhost: str
    ca_pem: str = ""
    limits: Limits = Limits()

    @property
    def broker(self) -> Broker:
        """As the log and the agents are told."""
        return Broker(url=self.agents_url, ca_pem=self.ca_pem)

    def __repr__(self) -> str:
        return f"BrokerSettings(url={self.url!r}, management={self.management!r})"


def read(path: Path) -> BrokerSettings:
    """What the file says. Errors: CannotStart, with what to do."""
    text = _text(path)
    try:
        said = msgspec.convert(yaml.safe_load(text), _File)
    except yaml.YAMLError:
        # Not its own words: they quote the line, which may be that of the password.
        raise CannotStart(f"{path} is no YAML: see docs/interior-router.md") from None
    except msgspec.ValidationError as e:
        raise CannotStart(f"{path}: {e}. See docs/interior-router.md for what it has to say") from e
    if not said.username or not said.password:
        raise CannotStart(f"{path}: username and password must not be empty")
    if ":" in said.username:
        raise CannotStart(f"{path}: a username has no colon")
    if min(msgspec.structs.astuple(said.limits)) < 1:
        raise CannotStart(f"{path}: each of the limits is at least 1 MiB")
    return BrokerSettings(
        url=_amqp(path, "url", said.url, said.vhost),
        agents_url=_amqp(path, "agents_url", said.agents_url or said.url, said.vhost),
        management=_management(path, said.management),
        username=said.username,
        password=said.password,
        vhost=said.vhost,
        ca_pem=_certificates(path, said.ca_file) if said.ca_file else "",
        limits=said.limits,
    )


def trust(settings: BrokerSettings) -> ssl.SSLContext:
    """What certificates of the router are checked with."""
    context = ssl.create_default_context()
    if settings.ca_pem:
        context.load_verify_locations(cadata=settings.ca_pem)
    return context


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise CannotStart(
                    f"{path} has a password, and others may read or change it: chmod 600 {path}"
                )
            content = file.read(LARGEST + 1)
    except OSError as e:
        raise CannotStart(f"{path} can't be read: {e.strerror}. Check --broker.") from e
    if len(content) > LARGEST:
        raise CannotStart(f"{path} is larger than {LARGEST} bytes: it is no file for --broker")
    try:
        return content.decode()
    except UnicodeDecodeError as e:
        raise CannotStart(f"{path} is no text in UTF-8") from e


def _amqp(path: Path, name: str, url: str, vhost: str) -> str:
    parts = _checked(path, name, url, ("amqp", "amqps"))
    if parts not in ("", "/", f"/{quote(vhost, safe='')}"):
        raise CannotStart(f"{path}: {name} names another vhost: say it with `vhost` alone")
    return f"{url.removesuffix(parts) if parts else url}/{quote(vhost, safe='')}"


def _management(path: Path, url: str) -> str:
    _checked(path, "management", url, ("http", "https"))
    return url.rstrip("/")


def _checked(path: Path, name: str, url: str, schemes: tuple[str, str]) -> str:
    """The path of the URL. Errors: CannotStart."""
    shape = f"{schemes[0]}://HOST:PORT or {schemes[1]}://HOST:PORT"
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise CannotStart(f"{path}: {name} is no {shape}")
    if parts.username is not None or parts.password is not None:
        raise CannotStart(f"{path}: {name} has a user: say that with `username` and `password`")
    return parts.path


def _certificates(path: Path, name: str) -> str:
    file = path.parent / name
    try:
        pem = file.read_text(encoding="ascii")
        ssl.create_default_context().load_verify_locations(cadata=pem)
    except (OSError, UnicodeDecodeError, ssl.SSLError) as e:
        reason = e.strerror if isinstance(e, OSError) and not isinstance(e, ssl.SSLError) else e
        raise CannotStart(f"{path}: ca_file {file} has no certificates: {reason}") from e
    if "PRIVATE KEY" in pem:
        raise CannotStart(f"{path}: ca_file {file} has a private key, which agents must not see")
    return pem
