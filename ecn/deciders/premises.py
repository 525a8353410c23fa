"""What a command took for granted, looked at in the world that it is decided on.

Who sent it and what it names was looked up by one controller, which may have been behind. Were
that not looked at again, a deletion would strike a thing that has another name by now, and who
was locked out through one controller could go on for a moment through another.
"""

from collections.abc import Callable
from typing import assert_never

from ecn.commands.command import ByDevice, ByToken, Command
from ecn.deciders import find
from ecn.errors import BadCredentials, NotAllowed, ReferenceMoved, Withdrawn
from projections.world import World

_FIND: dict[str, Callable[[World, str], str]] = {
    "node": find.node,
    "application": find.application,
    "microservice": find.microservice,
    "registry": find.registry,
    "catalog-item": find.catalog_item,
    "route": find.route,
    "template": find.template,
    "edge-resource": find.edge_resource,
    "volume": find.volume,
    "network": find.network_setting,
    "user": find.user,
}


def check(world: World, command: Command) -> None:
    """Errors: BadCredentials, NotAllowed, Withdrawn; NotFound, ReferenceMoved."""
    match command.sent:
        case ByToken():
            _check_token(world, command.sent)
        case ByDevice():
            _check_device(world, command.sent)
        case None:
            pass
        case _:
            assert_never(command.sent)
    meant = command.meant
    if meant is not None and _FIND[meant.kind](world, meant.ref) != meant.id:
        raise ReferenceMoved(meant.kind, meant.ref)


def _check_token(world: World, sent: ByToken) -> None:
    token = world.tokens.get(sent.token_id)
    if token is None:
        raise BadCredentials("the token is unknown or was revoked")
    user = world.users[token.user_id]
    if user.role not in sent.roles:
        raise NotAllowed(f"this needs another role, and {user.name!r} is {user.role}")


def _check_device(world: World, sent: ByDevice) -> None:
    if world.nodes.one("credential", sent.credential_hash) is not None:
        return
    # On the word that it was withdrawn, an agent removes all that it runs: it has to be so.
    if sent.credential_hash in world.withdrawn_credentials:
        raise Withdrawn("this device's node was deprovisioned or deleted")
    raise BadCredentials("another device is this node by now")
