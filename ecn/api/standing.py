"""Whether somebody may still read what they may have begun to read hours ago.

A stream outlives the check at its beginning: the token may expire or be revoked, the user be
deleted or given a smaller role. Asked by the handlers of streams before each piece that they send.
"""

from aiohttp import web

from ecn.api.keys import CLOCK, LIVE
from ecn.api.principal import allow, operator
from events.user import Role


def check_still_allowed(request: web.Request, least: Role) -> None:
    """Errors: BadCredentials, NotAllowed."""
    authorization = request.headers.get("Authorization")
    allow(operator(request.app[LIVE].world, authorization, request.app[CLOCK]()), least)
