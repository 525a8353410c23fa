"""Who asks the Local API: by token, by address, or, where operators allow it, by its own word."""

from ipaddress import ip_address, ip_network

from msgspec import Struct

from agent.contract import Microservice
from agent.local_api.callers import plain_address
from agent.local_api.node_state import NodeState
from agent.local_api.refusals import Refused

SCHEME = "bearer "
"""Of the header `Authorization`. Others are ioFog's own, of its management, and mean nothing."""


class Caller(Struct, frozen=True, kw_only=True):
    """Whoever is at the other end of a connection."""

    microservice_id: str | None = None
    """None: nothing shows who it is."""
    believed: bool = False
    """Whether it may say itself who it is."""


async def caller(state: NodeState, authorization: str, host: str) -> Caller:
    """host: address of the other end. Errors: Refused, for a token that is none."""
    if authorization[: len(SCHEME)].lower() == SCHEME:
        owner = state.tokens.owner(authorization[len(SCHEME) :].strip())
        if owner is None:
            raise Refused(
                "this token is of no microservice of this node: send ECN_TOKEN as it is in the"
                " environment of the container",
                401,
            )
        return Caller(microservice_id=owner)
    address = plain_address(host)
    owner = await state.callers.who(address)
    if not state.open:
        return Caller(microservice_id=owner)
    # Only from this device: its own addresses lead to where this is served, from anywhere.
    return Caller(microservice_id=owner, believed=owner is not None or _here(state, address))


def as_named(state: NodeState, who: Caller, named: str) -> Microservice:
    """The microservice that it says it is, if it may say so. Errors: Refused."""
    known(who)
    if not who.believed and named != who.microservice_id:
        raise Refused(f"the id {named!r} is not the caller's own, which is in SELFNAME")
    found = state.microservice(named)
    if found is None:
        raise Refused(f"No microservice of this node has the id {named}")
    return found


def known(who: Caller) -> None:
    """For questions that name nobody. Errors: Refused."""
    if not who.believed and who.microservice_id is None:
        raise Refused(
            "the agent can't tell who asks: send the header `Authorization: Bearer <ECN_TOKEN>`"
            " with what the environment of the container has"
        )


def _here(state: NodeState, address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_loopback or any(
        found in ip_network(subnet, strict=False) for subnet in state.subnets
    )
