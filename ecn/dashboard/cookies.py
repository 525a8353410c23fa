"""The cookie that a logged-in browser holds: its name, and how it is set and taken away. Pure.

No script can read it, and no other site makes a browser send it. Cookies know no ports, so that the
name tells the port: two controllers on one machine don't log each other out.
"""

from collections.abc import Mapping

from ecn.dashboard.origin import port_of

NAME = "ecn-session"


def came_by_https(headers: Mapping[str, str], *, secure: bool) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy that says so.

    The header is believed of anybody: who lies gets a cookie that their own browser keeps back.
    secure: it does so with us.
    """
    first = headers.get("X-Forwarded-Proto", "").partition(",")[0]
    return secure or first.strip().lower() == "https"


def name_of(host: str, *, https: bool) -> str:
    """What it is called. host: as the Host header says.

    Browsers take one called `__Host-` from that very host alone, over TLS: neither another name of
    the same domain nor a page without TLS can plant one.
    """
    port = port_of(host)
    return ("__Host-" if https else "") + NAME + (f"-{port}" if port is not None else "")


def set_to(value: str, host: str, *, https: bool, seconds: int) -> str:
    """The header that lets a browser keep it. seconds: so long; 0 takes it away."""
    kept = f"{name_of(host, https=https)}={value}; Path=/; Max-Age={seconds}"
    return kept + "; HttpOnly; SameSite=Strict" + ("; Secure" if https else "")
