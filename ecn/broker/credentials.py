"""The passwords of agents and interior proxies at the interior router. Pure.

None is kept anywhere: each follows from a key of the network's own, which the vault has, and from
what makes its owner who it is. A device that becomes the node of another gets another password,
and so does a proxy whose token was replaced.
"""

import base64
import hashlib
import hmac

from agent import contract
from events.ids import NodeId, TokenId, UserId
from events.user import Role
from projections.network import broker
from projections.world import World
from routing import addresses


def node_password(key: bytes, node_id: NodeId, credential_hash: str) -> str:
    """Of a node's agent, as long as it has that credential. 43 characters, 256 bits."""
    return _derived(key, "node", node_id, credential_hash)


def router_password(key: bytes, user_id: UserId, token_id: TokenId) -> str:
    """Of an interior proxy, as long as that is the oldest of its tokens."""
    return _derived(key, "router", user_id, token_id)


def router_token(world: World, user_id: UserId) -> TokenId | None:
    """The token that an interior proxy's password follows from; None: it has none, nor access."""
    user = world.users.get(user_id)
    if user is None or user.role is not Role.ROUTER:
        return None
    tokens = [(world.tokens[each].created_at, each) for each in world.tokens.find("user", user_id)]
    return min(tokens)[1] if tokens else None


def for_node(world: World, node_id: NodeId, key: bytes) -> contract.Broker | None:
    """What the node's agent is told of the interior router; None: there is none for it."""
    there, node = broker(world), world.nodes.get(node_id)
    if there is None or node is None or node.credential_hash is None:
        return None
    return contract.Broker(
        url=there.url,
        user=addresses.node_user(node_id),
        password=node_password(key, node_id, node.credential_hash),
        ca_pem=there.ca_pem,
    )


def for_router(world: World, user_id: UserId, key: bytes) -> contract.Broker | None:
    """What an interior proxy is told of the interior router; None: there is none for it."""
    there, token_id = broker(world), router_token(world, user_id)
    if there is None or token_id is None:
        return None
    return contract.Broker(
        url=there.url,
        user=addresses.router_user(user_id),
        password=router_password(key, user_id, token_id),
        ca_pem=there.ca_pem,
    )


def hashed(password: str, salt: bytes) -> str:
    """As RabbitMQ keeps a password, and takes one: base64 of a salt of 4 bytes and a SHA-256."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def is_hash_of(password: str, kept: str) -> bool:
    """Whether that is how RabbitMQ keeps this very password."""
    try:
        salt = base64.b64decode(kept, validate=True)[:4]
    except ValueError:
        return False
    return hmac.compare_digest(hashed(password, salt), kept)


def _derived(key: bytes, *of: str) -> str:
    word = "\0".join(("ecn broker password", *of)).encode()
    return base64.urlsafe_b64encode(hmac.digest(key, word, "sha256")).rstrip(b"=").decode()
