"""How what carries messages between nodes is, as this controller knows it."""

from ecn.api.documents import InteriorRouterStatus
from ecn.broker.keeper import BrokerKeeper, State
from projections.network import broker
from projections.world import World


def interior_router(world: World, keeper: BrokerKeeper | None) -> InteriorRouterStatus:
    """How what carries messages between nodes is. keeper: of this controller, if it has one."""
    there = broker(world)
    if keeper is not None:
        state, reason = keeper.health.state, keeper.health.reason
    elif there is not None:
        state, reason = State.UNKNOWN, "this controller was started without --broker"
    else:
        state, reason = State.NONE, "no controller was started with --broker"
    return InteriorRouterStatus(
        state=state, reason=reason, url=None if there is None else there.url
    )
