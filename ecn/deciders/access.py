"""Who may say what may be done to a device: admins only.

Whoever may change a node's `access` may give himself all that it withholds from him: logs, shells,
power over the device. So it takes more than the role that changes all other settings.
"""

from collections.abc import Iterable
from typing import assert_never

from ecn.commands.command import ByDevice, ByToken
from ecn.errors import NotAllowed
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import NodeAccess, NodeRegistered, NodeUpdated
from events.user import Role
from projections.world import World


def check(world: World, sent: ByToken | ByDevice | None, events: Iterable[KnownEvent]) -> None:
    """Who sent a command may change what these events of it change of nodes' access.

    world: the one that it is decided on. Errors: NotAllowed.
    """
    match sent:
        case None:
            return  # the controller itself
        case ByDevice():
            who = "this is a device"
        case ByToken():
            token = world.tokens.get(sent.token_id)
            user = None if token is None else world.users[token.user_id]
            if user is None or user.role is Role.ADMIN:
                return  # whether somebody may ask at all is a matter of the premises
            who = f"{user.name!r} is {user.role}"
        case _:
            assert_never(sent)
    now: dict[NodeId, NodeAccess] = {}
    for event in events:
        if not isinstance(event, NodeRegistered | NodeUpdated):
            continue
        row = world.nodes.get(event.node_id)
        before = now.get(event.node_id, NodeAccess() if row is None else row.settings.access)
        now[event.node_id] = event.settings.access
        if event.settings.access != before:
            raise NotAllowed(f"to change a node's access takes the role {Role.ADMIN}, and {who}")
