"""What a command took for granted when it was made has to be so where it is decided."""

import pytest

from ecn.commands.command import ByDevice, ByToken, Meant
from ecn.commands.node import DeleteNode, RegisterNode
from ecn.deciders.decide import decide
from ecn.errors import BadCredentials, NotAllowed, NotFound, ReferenceMoved, Withdrawn
from events.ids import NodeId, TokenId
from events.node import (
    NodeDeleted,
    NodeDeprovisioned,
    NodeFacts,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
)
from events.user import Role, TokenIssued, TokenRevoked, UserCreated, UserRoleChanged
from projections.world import World, fold
from tests.builders import ANNA, EAST, WEST, chained

TOKEN = TokenId("token-anna")
EAST_REGISTERED = NodeRegistered(node_id=EAST, name="east", settings=NodeSettings())
WEST_REGISTERED = NodeRegistered(node_id=WEST, name="west", settings=NodeSettings())


def world(*events: object) -> World:
    return fold(World(), chained(World().head, *events))  # type: ignore[arg-type]


def deletion(ref: str, id_: NodeId) -> DeleteNode:
    return DeleteNode(node_id=id_, meant=Meant("node", ref, id_))


def test_what_is_still_called_so_is_deleted() -> None:
    for ref in ("east", EAST):
        assert decide(world(EAST_REGISTERED), deletion(ref, EAST)) == [NodeDeleted(node_id=EAST)]


def test_a_name_that_nothing_bears_any_more_is_not_found() -> None:
    renamed = world(EAST_REGISTERED, NodeRenamed(node_id=EAST, name="north"))
    gone = world(EAST_REGISTERED, NodeDeleted(node_id=EAST))
    for later in (renamed, gone):
        with pytest.raises(NotFound, match="'east'"):
            decide(later, deletion("east", EAST))


def test_a_name_that_another_bears_by_now_is_looked_up_again() -> None:
    swapped = world(
        EAST_REGISTERED,
        WEST_REGISTERED,
        NodeRenamed(node_id=EAST, name="north"),
        NodeRenamed(node_id=WEST, name="east"),
    )
    with pytest.raises(ReferenceMoved):
        decide(swapped, deletion("east", EAST))
    # By its id it is what it was.
    assert decide(swapped, deletion(EAST, EAST)) == [NodeDeleted(node_id=EAST)]


def user(role: Role) -> tuple[object, ...]:
    made = UserCreated(user_id=ANNA, name="anna", role=role, password_hash="h")
    return made, TokenIssued(user_id=ANNA, token_id=TOKEN, token_hash="t")


def test_a_token_that_was_revoked_or_may_less_changes_nothing() -> None:
    sent = ByToken(TOKEN, (Role.OPERATOR, Role.ADMIN))
    command = RegisterNode(node_id=EAST, name="east", sent=sent)
    assert decide(world(*user(Role.OPERATOR)), command)
    with pytest.raises(NotAllowed):
        decide(world(*user(Role.VIEWER)), command)
    demoted = UserRoleChanged(user_id=ANNA, role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        decide(world(*user(Role.ADMIN), demoted), command)
    revoked = TokenRevoked(user_id=ANNA, token_id=TOKEN)
    with pytest.raises(BadCredentials):
        decide(world(*user(Role.ADMIN), revoked), command)
    with pytest.raises(BadCredentials):
        decide(World(), command)


def test_a_device_whose_credential_was_withdrawn_reports_nothing_any_more() -> None:
    provisioned = NodeProvisioned(
        node_id=EAST, key_hash="k", credential_hash="c", facts=NodeFacts()
    )
    command = DeleteNode(node_id=EAST, sent=ByDevice("c"))
    assert decide(world(EAST_REGISTERED, provisioned), command)
    with pytest.raises(Withdrawn):
        decide(world(EAST_REGISTERED, provisioned, NodeDeprovisioned(node_id=EAST)), command)


def test_a_device_that_another_replaced_is_not_told_that_it_was_withdrawn() -> None:
    first, second = (
        NodeProvisioned(node_id=EAST, key_hash=key, credential_hash=key, facts=NodeFacts())
        for key in ("c", "d")
    )
    replaced = world(EAST_REGISTERED, first, second)
    with pytest.raises(BadCredentials):
        decide(replaced, DeleteNode(node_id=EAST, sent=ByDevice("c")))
    assert decide(replaced, DeleteNode(node_id=EAST, sent=ByDevice("d")))


def test_what_takes_nothing_for_granted_is_decided_as_it_is() -> None:
    assert decide(World(), DeleteNode(node_id=EAST)) == []
