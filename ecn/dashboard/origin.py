"""Whether a request that carries the dashboard's cookie was made by the dashboard's page.

Browsers send a cookie along whoever makes them ask: another site (SameSite keeps most of that off),
another port of the same host (nothing keeps that off). What tells them apart is what the browser
says of the page that asked, and a token that only our page knows. Pure: headers in, a reason out.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

READS = frozenset({"GET", "HEAD"})
PORTS = {"http": 80, "https": 443}


def foreign(method: str, headers: Mapping[str, str], *, https: bool) -> str:
    """Why the request is not our page's; "" where nothing speaks against it.

    headers: looked up as they are written here; aiohttp's mind no case.
    https: known to have come that way, here or to a proxy before us.
    """
    host = headers.get("Host", "")
    origin = headers.get("Origin")
    if origin is not None and not is_of(origin, host, https=https):
        return f"it was made by a page of {origin[:100]!r}, and this is {host[:100]!r}"
    upgrade = is_upgrade(headers)
    if upgrade and origin is None:
        return "a WebSocket's request names the page that opens it, and this one does not"
    site = headers.get("Sec-Fetch-Site")
    # "none" is what somebody typed, or a bookmark: that reads and does nothing else.
    good = {"same-origin", "none"} if method in READS and not upgrade else {"same-origin"}
    if site is not None and site not in good:
        return "it was made by a page from elsewhere"
    return ""


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a WebSocket is to be opened."""
    return "websocket" in headers.get("Upgrade", "").lower()


def is_of(origin: str, host: str, *, https: bool) -> bool:
    """Whether an Origin is that of the host which the browser asked.

    A proxy that speaks TLS in our place may not tell us: an origin with https is good then too.
    """
    there, here = _origin(origin), _host(host)
    if there is None or here is None:
        return False
    scheme, name, port = there
    if https and scheme != "https":
        return False
    return (name, port) == (here[0], here[1] or PORTS[scheme])


def port_of(host: str) -> int | None:
    """The port in a Host header, where it names one that is no scheme's own."""
    here = _host(host)
    return None if here is None or here[1] in PORTS.values() else here[1]


def _origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, name and port; None for `null` and whatever no browser sends."""
    scheme, mark, rest = text.partition("://")
    scheme = scheme.lower()
    found = _host(rest) if mark and scheme in PORTS else None
    return None if found is None else (scheme, found[0], found[1] or PORTS[scheme])


def _host(text: str) -> tuple[str, int | None] | None:
    if not text or not text.isascii() or not text.isprintable() or set(text) & set("/?#@\\ "):
        return None
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    return None if not name or port == 0 else (name, port)
