"""Nodes: registered, provisioned, heard, silent, deleted."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecn.commands.node import (
    AcknowledgeChanges,
    CloseTunnel,
    DeleteNode,
    DeprovisionNode,
    InstructNode,
    IssueProvisioningKey,
    MarkNodeOffline,
    OpenTunnel,
    ProvisionNode,
    RegisterNode,
    UpdateNode,
)
from ecn.errors import Conflict, Invalid, KeyRefused, NameTaken, NodeInUse, NotFound, RevisionMoved
from events.application import ContainerState, MicroserviceDeleted
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import (
    Instruction,
    NodeCameOnline,
    NodeChangesAcknowledged,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFacts,
    NodeFactsReported,
    NodeInstructed,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    TunnelClosed,
    TunnelOpened,
)
from projections.changes import latest
from tests.builders import (
    CACHE,
    EAST,
    NOW,
    SECOND,
    WEB,
    WEST,
    application,
    given,
    key_issued,
    microservice,
    provisioned,
    registered,
    report,
    seen,
    told,
)

NOBODY = NodeId("nobody")
SETTINGS = NodeSettings()
ROOF = NodeSettings(description="roof")

ONLINE: tuple[KnownEvent, ...] = (registered(), key_issued(), provisioned())
"""East has a device since two seconds after NOW."""

SILENT = NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT, last_seen=NOW)


def redeem(
    key: str = "key", credential: str = "credential", *, after: timedelta = SECOND
) -> ProvisionNode:
    return ProvisionNode(
        key_hash=key, credential_hash=credential, facts=NodeFacts(), now=NOW + after
    )


def update(name: str, settings: NodeSettings, *, seen_name: str = "east") -> UpdateNode:
    return UpdateNode(node_id=EAST, name=name, settings=settings, seen=(seen_name, SETTINGS))


# Registration and settings


def test_a_node_is_registered_with_its_settings() -> None:
    given().when(RegisterNode(node_id=EAST, name="east", settings=ROOF)).then(
        NodeRegistered(node_id=EAST, name="east", settings=ROOF)
    )


def test_two_nodes_never_share_a_name() -> None:
    refused = given(registered()).when(RegisterNode(node_id=WEST, name="east")).raises(NameTaken)
    assert (refused.kind, refused.name) == ("node", "east")


def test_the_name_of_a_deleted_node_is_free() -> None:
    given(registered(), NodeDeleted(node_id=EAST)).when(
        RegisterNode(node_id=WEST, name="east")
    ).then(registered(WEST, "east"))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (RegisterNode(node_id=EAST, name="a/b"), "$.name"),
        (
            RegisterNode(node_id=EAST, name="a", settings=NodeSettings(latitude=91)),
            "$.settings.latitude",
        ),
    ],
)
def test_a_node_is_registered_by_the_rules(command: RegisterNode, field: str) -> None:
    assert given().when(command).raises(Invalid).field == field


@pytest.mark.parametrize(
    ("command", "events"),
    [
        (update("east", SETTINGS), []),
        (update("roof", SETTINGS), [NodeRenamed(node_id=EAST, name="roof")]),
        (update("east", ROOF), [NodeUpdated(node_id=EAST, settings=ROOF)]),
        (
            update("roof", ROOF),
            [NodeRenamed(node_id=EAST, name="roof"), NodeUpdated(node_id=EAST, settings=ROOF)],
        ),
    ],
)
def test_an_update_is_what_differs(command: UpdateNode, events: list[KnownEvent]) -> None:
    given(registered()).when(command).then(*events)


def test_a_node_is_not_renamed_to_anothers_name() -> None:
    given(registered(), registered(WEST)).when(update("west", SETTINGS)).raises(NameTaken)


def test_an_update_of_something_that_has_changed_since_is_refused() -> None:
    renamed = NodeRenamed(node_id=EAST, name="attic")
    given(registered(), renamed).when(update("roof", SETTINGS)).raises(RevisionMoved)
    given(registered(), NodeUpdated(node_id=EAST, settings=ROOF)).when(
        update("roof", SETTINGS)
    ).raises(RevisionMoved)


def test_an_update_keeps_the_rules() -> None:
    given(registered()).when(update(" ", SETTINGS)).raises(Invalid)
    given(registered()).when(update("east", NodeSettings(longitude=999))).raises(Invalid)


@pytest.mark.parametrize(
    "command",
    [
        UpdateNode(node_id=NOBODY, name="x", settings=SETTINGS, seen=("x", SETTINGS)),
        IssueProvisioningKey(node_id=NOBODY, key_hash="key", expires_at=NOW),
        DeprovisionNode(node_id=NOBODY),
    ],
)
def test_what_is_not_there_is_not_found(
    command: UpdateNode | IssueProvisioningKey | DeprovisionNode,
) -> None:
    refused = given(registered()).when(command).raises(NotFound)
    assert (refused.kind, refused.ref) == ("node", NOBODY)


# Provisioning


def test_a_key_is_redeemed_by_a_device() -> None:
    given(registered(), key_issued()).when(redeem()).then(provisioned())


def test_a_key_that_nobody_issued_redeems_nothing() -> None:
    given(registered(), key_issued()).when(redeem("guessed")).raises(KeyRefused)


def test_a_key_redeems_until_it_expires_and_says_so_afterwards() -> None:
    world = given(registered(), key_issued(expires_at=NOW + 10 * SECOND))
    world.when(redeem(after=9 * SECOND)).then(provisioned())
    refused = world.when(redeem(after=10 * SECOND)).raises(KeyRefused)
    assert refused.code == "provisioning-key-expired"
    assert "2026-03-01T12:00:10" in refused.detail


def test_a_newer_key_replaces_the_older_one() -> None:
    world = given(registered(), key_issued(), key_issued(key="newer"))
    world.when(redeem()).raises(KeyRefused)
    world.when(redeem("newer")).then(provisioned(key="newer"))


def test_a_used_key_redeems_nothing_for_another_device() -> None:
    refused = given(*ONLINE).when(redeem(credential="somebody else's")).raises(KeyRefused)
    assert refused.code == "provisioning-key-refused"


def test_the_same_device_may_ask_again_as_the_answer_may_be_lost() -> None:
    given(*ONLINE).when(redeem()).then()
    given(*ONLINE).when(redeem(after=timedelta(days=9))).then()
    given(*ONLINE, key_issued(key="newer")).when(redeem()).then()


def test_a_device_replaces_the_one_before() -> None:
    replaced = (
        given(*ONLINE, key_issued(key="newer"))
        .when(redeem("newer", "second"))
        .then(provisioned(key="newer", credential="second"))
    )
    replaced.when(redeem()).raises(KeyRefused)
    replaced.when(redeem("newer", "second")).then()


def test_a_credential_speaks_for_one_node_and_for_one_life() -> None:
    both = given(*ONLINE, registered(WEST), key_issued(WEST, key="west"))
    both.when(redeem("west")).raises(Conflict)
    withdrawn = given(*ONLINE, NodeDeprovisioned(node_id=EAST), key_issued(key="newer"))
    refused = withdrawn.when(redeem("newer")).raises(Conflict)
    assert "--replace" in refused.next_step


def test_deprovisioning_is_done_once() -> None:
    gone = given(*ONLINE).when(DeprovisionNode(node_id=EAST)).then(NodeDeprovisioned(node_id=EAST))
    gone.when(DeprovisionNode(node_id=EAST)).then()
    gone.when(redeem()).raises(KeyRefused)
    given(registered()).when(DeprovisionNode(node_id=EAST)).then()


def test_deprovisioning_ends_a_key_that_is_still_open() -> None:
    given(*ONLINE, key_issued(key="newer"), NodeDeprovisioned(node_id=EAST)).when(
        redeem("newer", "second")
    ).raises(KeyRefused)


# Deletion


PLACED: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    application(),
    microservice(),
    microservice("cache"),
    microservice("db", node_id=WEST),
)


def test_a_node_with_microservices_is_not_deleted_unless_forced() -> None:
    refused = given(*PLACED).when(DeleteNode(node_id=EAST)).raises(NodeInUse)
    assert "'east' still has 2 microservices: shop/cache, shop/web" in refused.detail


def test_a_forced_deletion_takes_the_microservices_along_and_no_others() -> None:
    gone = (
        given(*PLACED)
        .when(DeleteNode(node_id=EAST, force=True))
        .then(
            MicroserviceDeleted(microservice_id=CACHE),
            MicroserviceDeleted(microservice_id=WEB),
            NodeDeleted(node_id=EAST),
        )
    )
    assert set(gone.world.microservices) == {"microservice-db"}
    gone.when(DeleteNode(node_id=EAST, force=True)).then()


def test_deleting_twice_does_nothing_the_second_time() -> None:
    given(registered(), NodeDeleted(node_id=EAST)).when(DeleteNode(node_id=EAST)).then()


# Online and offline


def test_a_silent_node_goes_offline_and_comes_back_when_it_is_heard() -> None:
    silence = MarkNodeOffline(node_id=EAST, last_seen=NOW + 5 * SECOND)
    offline = (
        given(*ONLINE)
        .when(silence)
        .then(
            NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT, last_seen=NOW + 5 * SECOND)
        )
    )
    offline.when(silence).then()
    offline.when(report()).then(NodeCameOnline(node_id=EAST)).when(report()).then()


def test_a_node_that_was_heard_again_since_the_silence_was_noticed_stays_online() -> None:
    back = given(*ONLINE, SILENT, NodeCameOnline(node_id=EAST))
    back.when(MarkNodeOffline(node_id=EAST, last_seen=NOW + 3 * SECOND)).then()


@pytest.mark.parametrize("events", [(), (registered(),), (*ONLINE, SILENT)])
def test_only_what_is_online_goes_offline(events: tuple[KnownEvent, ...]) -> None:
    given(*events).when(MarkNodeOffline(node_id=EAST, last_seen=NOW + 99 * SECOND)).then()


def test_an_agent_that_says_goodbye_is_offline_at_once() -> None:
    gone = (
        given(*ONLINE)
        .when(report(goodbye=True))
        .then(NodeWentOffline(node_id=EAST, reason=OfflineReason.STOPPED, last_seen=NOW))
    )
    gone.when(report(goodbye=True)).then()
    gone.when(report()).then(NodeCameOnline(node_id=EAST))


@pytest.mark.parametrize(
    "events", [(), (registered(),), (*ONLINE, NodeDeprovisioned(node_id=EAST))]
)
def test_a_device_that_is_no_node_any_more_is_not_listened_to(
    events: tuple[KnownEvent, ...],
) -> None:
    given(*events).when(report(seen(1), facts=NodeFacts(cpus=2))).then()


# Reports

RUNNING: tuple[KnownEvent, ...] = (*ONLINE, application(), microservice(), microservice("cache"))


def test_new_facts_are_written_down_and_known_ones_are_not() -> None:
    facts = NodeFacts(cpus=4)
    known = (
        given(*ONLINE).when(report(facts=facts)).then(NodeFactsReported(node_id=EAST, facts=facts))
    )
    known.when(report(facts=facts)).then()


def test_reports_are_taken_in_the_order_of_their_numbers() -> None:
    given(*RUNNING).when(
        report(seen(2, state=ContainerState.EXITED), seen(1), seen(3, CACHE))
    ).then(told(1), told(2, state=ContainerState.EXITED), told(3, CACHE))


def test_a_report_that_was_told_before_is_not_taken_twice() -> None:
    given(*RUNNING, told(1), told(2)).when(report(seen(1), seen(2), seen(3))).then(told(3))
    given(*RUNNING).when(report(seen(1), seen(1, state=ContainerState.EXITED))).then(told(1))


def test_a_new_device_counts_from_one_again() -> None:
    given(
        *RUNNING, told(1), told(2), key_issued(key="newer"), provisioned(credential="second")
    ).when(report(seen(1))).then(told(1))


def test_nobody_waits_for_word_of_what_moved_away_or_is_gone() -> None:
    elsewhere = microservice("db", node_id=WEST)
    given(*RUNNING, registered(WEST), elsewhere).when(
        report(seen(1, elsewhere.microservice_id), seen(2, CACHE))
    ).then(told(2, CACHE))
    given(*RUNNING, MicroserviceDeleted(microservice_id=WEB)).when(report(seen(1))).then()


def test_all_that_an_agent_says_after_a_silence_comes_in_order() -> None:
    facts = NodeFacts(engine_problem="no daemon")
    given(*RUNNING, SILENT).when(report(seen(1), facts=facts)).then(
        NodeCameOnline(node_id=EAST),
        NodeFactsReported(node_id=EAST, facts=facts),
        told(1),
    )


def test_an_agent_may_be_told_the_same_again() -> None:
    reboot = InstructNode(node_id=EAST, instruction=Instruction.REBOOT)
    event = NodeInstructed(node_id=EAST, instruction=Instruction.REBOOT)
    told_once = given(registered()).when(reboot).then(event)
    told_twice = told_once.when(reboot).then(event)
    assert told_twice.world.nodes[EAST].instructed == {Instruction.REBOOT: 3}
    given().when(reboot).raises(NotFound)


OPEN = OpenTunnel(node_id=EAST, host="t.example", user="tunnel", remote_port=2000, local_port=22)
OPENED = TunnelOpened(
    node_id=EAST, host="t.example", user="tunnel", remote_port=2000, local_port=22
)


def test_a_tunnel_is_opened_and_closed_once() -> None:
    close = CloseTunnel(node_id=EAST)
    opened = given(registered()).when(OPEN).then(OPENED)
    opened.when(OPEN).then()
    closed = opened.when(close).then(TunnelClosed(node_id=EAST))
    closed.when(close).then()
    closed.when(OPEN).then(OPENED)
    given(registered()).when(close).then()
    given().when(close).raises(NotFound)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (replace(OPEN, remote_port=0), "remote_port"),
        (replace(OPEN, local_port=65536), "local_port"),
        (replace(OPEN, host="x" * 5000), "host"),
    ],
)
def test_a_tunnel_is_refused_by_field(command: OpenTunnel, field: str) -> None:
    assert given(registered()).when(command).raises(Invalid).field == f"$.{field}"


def test_only_what_is_up_is_acknowledged_and_never_more_than_there_was() -> None:
    online = given(*ONLINE)
    stamp = latest(online.world.changes[EAST])
    online.when(AcknowledgeChanges(node_id=EAST, through=0)).then()
    done = online.when(AcknowledgeChanges(node_id=EAST, through=stamp + 9000)).then(
        NodeChangesAcknowledged(node_id=EAST, through=stamp)
    )
    done.when(AcknowledgeChanges(node_id=EAST, through=stamp + 9000)).then()
    given().when(AcknowledgeChanges(node_id=EAST, through=1)).then()
