"""Who asks: a user or an agent, by the token that ioFog sends bare, with `Bearer` or without.

A token that a user got by logging in as ioFog does lives on while it is used: when less than half
of its time is left it is renewed, which is one event in many requests.
"""

from datetime import timedelta

import structlog
from aiohttp import web

from ecn.api.commanding import DEVICE, OPERATOR, SENDER
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint
from ecn.api.keys import CLOCK, LIVE, PRESENCE, WRITER
from ecn.api.middleware import Look
from ecn.api.premises import by_device, by_token
from ecn.api.principal import Operator, allow, device_by_hash, operator_by_hash
from ecn.batch import Issued
from ecn.commands.user import RenewToken
from ecn.errors import BadCredentials, NotAllowed, Refused, Withdrawn
from ecn.vault import hash_of
from events.ids import CommandId, new_id
from events.log import OutcomeUnknown, StoreUnavailable

SESSION = "ioFog login"
"""The description of tokens that live on while they are used."""

SESSION_VALID_FOR = timedelta(hours=24)

log = structlog.get_logger()


class Authentication:
    """Says who asks, for one application."""

    def __init__(self) -> None:
        self._look = Look()
        self._renewing: set[str] = set()

    async def __call__(self, request: web.Request, endpoint: Endpoint) -> str:
        """Who is asking, as the log names them; in the request for whom they may be asked.

        Errors: BadCredentials, NotAllowed, Withdrawn.
        """
        if endpoint.access is Access.ANYONE:
            return "anonymous"
        hash_ = hash_of(_token(request))
        try:
            actor = self._identify(request, endpoint, hash_)
        except (BadCredentials, NotAllowed, Withdrawn):
            # Maybe it was issued, or allowed, by another controller, and we have not heard yet.
            if not await self._look(request.app[LIVE]):
                raise
            actor = self._identify(request, endpoint, hash_)
        user = request.get(OPERATOR)
        if user is not None:
            await self._keep(request, user)
        return actor

    def _identify(self, request: web.Request, endpoint: Endpoint, hash_: str) -> str:
        world = request.app[LIVE].world
        match endpoint.access:
            case Access.AGENT:
                who = request[DEVICE] = device_by_hash(world, hash_)
                request[SENDER] = by_device(who)
                request.app[PRESENCE].heard(who.node_id)
                return who.actor
            case Access():
                return "anonymous"
            case role:
                user = request[OPERATOR] = operator_by_hash(world, hash_, request.app[CLOCK]())
                allow(user, role)
                request[SENDER] = by_token(user, role)
                return user.actor

    async def _keep(self, request: web.Request, user: Operator) -> None:
        """Let a session's token live on."""
        row = request.app[LIVE].world.tokens.get(user.token_id)
        if row is None or row.description != SESSION or row.expires_at is None:
            return
        until = request.app[CLOCK]() + SESSION_VALID_FOR
        if until - row.expires_at < SESSION_VALID_FOR / 2 or user.token_id in self._renewing:
            return
        self._renewing.add(user.token_id)
        command_id = CommandId(new_id())
        try:
            await request.app[WRITER].execute(
                Issued(
                    command=RenewToken(token_id=user.token_id, expires_at=until),
                    actor=user.actor,
                    command_id=command_id,
                    correlation_id=command_id,
                )
            )
        except (Refused, StoreUnavailable, OutcomeUnknown) as e:
            # It is good for hours still: the next request tries again.
            log.debug("token_not_renewed", reason=str(e))
        finally:
            self._renewing.discard(user.token_id)


def _token(request: web.Request) -> str:
    """The token, whatever stands before it. Errors: BadCredentials."""
    given = request.headers.get("Authorization", "").strip()
    scheme, _, rest = given.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else given
    if not token:
        raise BadCredentials("the request carries no token")
    return token
