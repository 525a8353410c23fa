"""Who is asking: an operator by token, or an agent by credential. Pure; the world knows all."""

from datetime import datetime

from msgspec import Struct

from ecn.errors import BadCredentials, NotAllowed, Withdrawn
from ecn.vault import hash_of
from events.ids import NodeId, TokenId, UserId
from events.user import Role
from projections.world import World

RANK = {Role.ROUTER: -1, Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}
"""Less is no more than a router's own endpoints: see `Access.ROUTER`."""


ONCE = "lets a browser into the dashboard, once"
"""Describes a token that is good for nothing else: it was in a link."""


class Operator(Struct, frozen=True, kw_only=True):
    """A user, through one of their tokens."""

    user_id: UserId
    name: str
    role: Role
    token_id: TokenId

    @property
    def actor(self) -> str:
        """As the log names them."""
        return f"user/{self.name}"


class Device(Struct, frozen=True, kw_only=True):
    """A node, through its agent's credential."""

    node_id: NodeId
    credential_hash: str

    @property
    def actor(self) -> str:
        """As the log names it."""
        return f"node/{self.node_id}"


def operator(
    world: World, authorization: str | None, now: datetime, *, once: bool = False
) -> Operator:
    """The user behind an Authorization header. Errors: BadCredentials.

    once: a token that is good for opening the dashboard is good here.
    """
    return operator_by_hash(world, hash_of(_bearer(authorization)), now, once=once)


def operator_by_hash(
    world: World, token_hash: str, now: datetime, *, once: bool = False
) -> Operator:
    """As `operator`, for a token that was hashed before."""
    token_id = world.tokens.one("hash", token_hash)
    token = world.tokens.get(token_id) if token_id is not None else None
    if token_id is None or token is None:
        raise BadCredentials("the token is unknown or was revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise BadCredentials(f"the token expired at {token.expires_at.isoformat()}")
    if token.description == ONCE and not once:
        raise BadCredentials(
            "the token opens the dashboard, and is good for nothing else",
            next_step="Log in for another: ecn login <url>",
        )
    user = world.users[token.user_id]
    return Operator(user_id=token.user_id, name=user.name, role=user.role, token_id=token_id)


def device(world: World, authorization: str | None) -> Device:
    """The node behind an Authorization header.

    Errors: Withdrawn for a credential that spoke for a node once; BadCredentials otherwise.
    """
    return device_by_hash(world, hash_of(_bearer(authorization)))


def device_by_hash(world: World, credential_hash: str) -> Device:
    """As `device`, for a credential that was hashed before."""
    node_id = world.nodes.one("credential", credential_hash)
    if node_id is None:
        if credential_hash in world.withdrawn_credentials:
            raise Withdrawn("this device's node was deprovisioned or deleted")
        raise BadCredentials(
            "the agent's credential is unknown here",
            next_step="Provision the agent at this controller: ecn agent provision",
        )
    return Device(node_id=node_id, credential_hash=credential_hash)


def allow(who: Operator, least: Role) -> None:
    """Errors: NotAllowed when the role is too small."""
    if RANK[who.role] < RANK[least]:
        raise NotAllowed(f"this needs the role {least}, and {who.name!r} is {who.role}")


def may_route(who: Operator) -> None:
    """Errors: NotAllowed for whoever is no interior proxy."""
    if who.role is not Role.ROUTER:
        raise NotAllowed(
            f"this is for interior proxies alone, and {who.name!r} is {who.role}",
            next_step="Make an identity for one: ecn router create NAME",
        )


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise BadCredentials("the request carries no token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadCredentials("the Authorization header is not of the form: Bearer <token>")
    return token.strip()
