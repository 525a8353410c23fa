"""How long a client lets itself be held: for the long-polls of agents and interior proxies."""

from aiohttp import web

LONGEST_WAIT = 300.0
"""Seconds; a longer wish is granted so far."""


def prefer_wait(request: web.Request) -> float:
    """Seconds, from `Prefer: wait=N` (RFC 7240)."""
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "wait" and value.isascii() and value.isdecimal():
            return min(float(value[:9]), LONGEST_WAIT)
    return 0.0
