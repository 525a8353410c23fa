"""Why: each chain leads from the state to the one who asked, and tells nothing that is not so."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from ecn.api.history_documents import EventGlance, Step, Why
from ecn.history.why import KINDS, why
from events.application import (
    ApplicationDeleted,
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.envelope import GENESIS, KnownEvent, Recorded
from events.ids import MicroserviceId, Position
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFacts,
    NodeFactsReported,
    NodeWentOffline,
    OfflineReason,
)
from projections.desired_state import should_run
from projections.nodes import NodeState
from projections.things import table_of
from projections.world import World, fold
from tests.builders import (
    EAST,
    NOW,
    SECOND,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    history,
    key_issued,
    microservice,
    provisioned,
    registered,
    spec,
)
from tests.ecn.deciders.histories import History, histories
from tests.ecn.history.answering import answered

often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WEB_SUBJECT = f"microservice/{WEB}"
BEGINNING: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    key_issued(),
    provisioned(),
    application(),
    microservice(),
)


def log_of(*commands: tuple[str, str, tuple[KnownEvent, ...]]) -> list[Recorded]:
    """A log of commands: actor, command id, events."""
    log: list[Recorded] = []
    for number, (actor, command_id, events) in enumerate(commands):
        head = log[-1].head if log else GENESIS
        now = NOW + number * SECOND
        log += chained(head, *events, now=now, command_id=command_id, actor=actor)
    return log


def asked(log: list[Recorded], subject: str = WEB_SUBJECT) -> Why:
    return answered(log, why(fold(World(), log), subject))


def chain(*events: KnownEvent, subject: str = WEB_SUBJECT) -> Step:
    """The chain where these happened after the beginning."""
    return asked(history(*BEGINNING, *events), subject).chain


def steps(step: Step) -> Iterator[Step]:
    yield step
    for each in step.because:
        yield from steps(each)


def only(step: Step, what: str) -> Step:
    (found,) = [each for each in steps(step) if each.what == what]
    return found


def glances(step: Step) -> Iterator[EventGlance]:
    for each in steps(step):
        yield from [each.event] if each.event is not None else []
        yield from each.events


def reported(
    state: ContainerState = ContainerState.RUNNING,
    *,
    sequence: int = 1,
    revision: int = 6,
    reason: str = "",
    exit_code: int | None = None,
) -> ContainerReported:
    status = ContainerStatus(
        state=state, reason=reason, revision=Position(revision), exit_code=exit_code, at=NOW
    )
    return ContainerReported(microservice_id=WEB, node_id=EAST, sequence=sequence, status=status)


def everything(history: History) -> Iterator[str]:
    """All that is there or was there."""
    return (each for each in history.world.names if each.partition("/")[0] in KINDS)


@often
@given(histories())
def test_everything_that_is_or_was_has_a_chain_of_events_that_happened(history: History) -> None:
    by_position = {each.position: each for each in history.log}
    for subject in everything(history):
        answer = asked(history.log, subject)
        assert answer.chain.text
        for seen in glances(answer.chain):
            recorded = by_position[Position(seen.position)]
            assert (seen.type, seen.subject, seen.actor, seen.command_id) == (
                recorded.type,
                recorded.subject,
                recorded.actor,
                recorded.command_id,
            )
        is_there = subject.partition("/")[2] in table_of(history.world, subject.partition("/")[0])
        assert answer.chain.text.startswith("gone") is not is_there


@often
@given(histories())
def test_the_chain_of_a_microservice_names_its_report_and_its_revision(history: History) -> None:
    world = history.world
    for key, row in world.microservices.items():
        answer = asked(history.log, f"microservice/{key}").chain
        reports = [
            each
            for each in history.log
            if isinstance(each.event, ContainerReported) and each.event.microservice_id == key
        ]
        status = world.statuses.get(key)
        assert (answer.event is None) is (status is None)
        if answer.event is not None:
            assert answer.event.position == reports[-1].position
        revisions = [each for each in answer.because if each.what == "revision"]
        (last,) = [each for each in revisions if each.event and each.event.position == row.revision]
        (command,) = last.because
        assert last.event is not None
        assert command.text.startswith(f"command {last.event.command_id}")
        (actor,) = command.because
        assert actor.text == last.event.actor_name


@often
@given(histories())
def test_what_does_not_run_as_wanted_says_what_it_waits_for(history: History) -> None:
    world = history.world
    for key, row in world.microservices.items():
        status = world.statuses.get(key)
        text = asked(history.log, f"microservice/{key}").chain.text
        current = status is not None and status.revision >= row.revision
        if not should_run(world, row):
            assert "stopped" in text
        elif world.nodes[row.node_id].state is not NodeState.ONLINE or not current:
            assert ";" in text


@often
@given(histories())
def test_why_of_then_does_not_know_what_came_later(history: History) -> None:
    half = history.log[: len(history.log) // 2]
    then = fold(World(), half)
    for subject in (each for each in then.names if each.partition("/")[0] in KINDS):
        assert answered(history.log, why(then, subject)) == answered(half, why(then, subject))


def test_a_failure_leads_back_to_the_image_and_to_who_deployed_it() -> None:
    log = log_of(
        ("user/anna", "one", BEGINNING),
        ("node/" + EAST, "two", (reported(),)),
        (
            "user/bert",
            "three",
            (
                MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2")),
                microservice("cache"),
            ),
        ),
        ("node/" + EAST, "four", (reported(ContainerState.PULLING, sequence=2, revision=8),)),
        (
            "node/" + EAST,
            "five",
            (reported(ContainerState.FAILED, sequence=3, revision=8, reason="no such image"),),
        ),
    )
    answer = asked(log)
    state = answer.chain
    assert (answer.name, state.text) == ("shop/web", "failed: no such image")
    assert state.event is not None
    assert (state.event.position, state.event.actor_name) == (11, "node/east")
    before = only(state, "reports")
    assert [each.text for each in before.events] == ["pulling"]
    revision = only(state, "revision")
    assert revision.text == "made from revision 8: updated"
    assert [(each.path, each.before, each.after) for each in revision.fields] == [
        ("/image", "shop/web:1", "shop/web:2")
    ]
    command = only(state, "command")
    assert command.text == "command three of request request"
    assert "created on east with image shop/web:1" in [each.text for each in command.events]
    assert only(state, "actor").text == "user/bert"


def test_the_last_exit_code_is_kept_in_sight() -> None:
    ended = reported(ContainerState.BACKING_OFF, reason="ended", exit_code=137)
    again = reported(ContainerState.RUNNING, sequence=2)
    assert chain(ended).exit_code == 137
    assert chain(ended, again).exit_code == 137
    assert chain(again).exit_code is None


def test_what_nobody_reported_waits_for_its_agent() -> None:
    assert chain().text == "queued; the agent of node east has not reported it yet"


def test_on_a_node_without_a_device_it_waits_for_one() -> None:
    moved = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    answer = chain(reported(), moved)
    assert answer.text == "queued; node west has no device"
    assert answer.event is None
    revision = only(answer, "revision")
    assert revision.text == "wanted since revision 8: moved from east to west"
    assert revision.names == {f"node/{EAST}": "east", f"node/{WEST}": "west"}
    wait = next(each for each in answer.because if each.what == "wait")
    assert wait.event is not None
    assert wait.event.position == 2


def test_on_a_silent_node_it_has_said_its_last_word() -> None:
    offline = NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT, last_seen=NOW)
    answer = chain(reported(), offline)
    assert answer.text == (
        "running; node east is offline: nothing is heard of it, "
        "last heard 2026-03-01 12:00:00 UTC, this is its last word"
    )
    wait = next(each for each in answer.because if each.what == "wait")
    assert wait.event is not None
    assert wait.event.position == 8


def test_with_a_broken_engine_the_engine_is_named() -> None:
    facts = NodeFacts(engine_problem="no socket")
    answer = chain(reported(), NodeFactsReported(node_id=EAST, facts=facts))
    assert answer.text == "running; node east can't use its engine: no socket"


def test_stopped_with_its_application_it_says_who_stopped_that() -> None:
    answer = chain(reported(), ApplicationStopped(application_id=SHOP))
    assert answer.text.startswith("running; application shop is stopped; the agent of node east")
    (revision,) = [
        each
        for each in answer.because
        if each.what == "revision" and each.event and each.event.position == 8
    ]
    assert revision.text == "wanted since revision 8: its application was stopped"


def test_stopped_before_its_last_change_it_tells_of_both() -> None:
    stop = MicroserviceStopped(microservice_id=WEB)
    answer = chain(stop, MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2")))
    (wait,) = [each for each in answer.because if each.text == "it is stopped itself"]
    assert wait.event is not None
    assert wait.event.position == 7


def test_made_from_an_older_revision_than_wanted_both_are_told() -> None:
    updated = MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2"))
    answer = chain(reported(), updated)
    texts = [each.text for each in answer.because if each.what == "revision"]
    assert texts == [
        "made from revision 6: created on east with image shop/web:1",
        "wanted since revision 8: updated",
    ]


def test_what_went_with_its_application_says_so() -> None:
    log = log_of(
        ("user/anna", "one", (*BEGINNING, reported())),
        (
            "user/bert",
            "two",
            (
                MicroserviceDeleted(microservice_id=WEB),
                ApplicationDeleted(application_id=SHOP),
            ),
        ),
    )
    answer = asked(log)
    assert answer.name == "shop/web"
    assert answer.chain.text == "gone: it was deleted with its application shop"
    assert only(answer.chain.because[0], "actor").text == "user/bert"
    assert [each.text for each in only(answer.chain, "reports").events] == ["running"]


def test_what_was_deleted_alone_says_who_did_it() -> None:
    answer = chain(MicroserviceDeleted(microservice_id=WEB))
    assert answer.text == "gone: it was deleted"
    assert answer.event is not None
    assert answer.event.position == 7
    assert [each.text for each in answer.because if each.what == "revision"] == [
        "as it was last: created on east with image shop/web:1"
    ]


@pytest.mark.parametrize(
    ("events", "text", "position"),
    [
        ((), "online", 4),
        (
            (NodeWentOffline(node_id=EAST, reason=OfflineReason.STOPPED, last_seen=NOW),),
            "offline: its agent was stopped, last heard 2026-03-01 12:00:00 UTC",
            7,
        ),
        (
            (
                NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT, last_seen=NOW),
                NodeCameOnline(node_id=EAST),
            ),
            "online",
            8,
        ),
        ((NodeDeprovisioned(node_id=EAST),), "registered: no device is this node yet", 7),
        (
            (MicroserviceDeleted(microservice_id=WEB), NodeDeleted(node_id=EAST)),
            "gone: it was deleted",
            8,
        ),
    ],
)
def test_a_node_says_since_which_event(
    events: tuple[KnownEvent, ...], text: str, position: int
) -> None:
    answer = chain(*events, subject=f"node/{EAST}")
    assert answer.text == text
    assert answer.event is not None
    assert answer.event.position == position


def test_a_node_that_waits_for_a_device_says_until_when_its_key_is_good() -> None:
    answer = asked(history(registered(), key_issued()), f"node/{EAST}").chain
    (wait,) = [each for each in answer.because if each.what == "wait"]
    assert wait.text == "its provisioning key can be redeemed until 2026-03-01 13:00:00 UTC"
    assert wait.event is not None
    assert wait.event.position == 2


def test_a_node_that_is_online_leads_to_who_made_its_key() -> None:
    answer = chain(subject=f"node/{EAST}")
    key = next(each for each in answer.because if "key" in each.text)
    assert [each.text for each in steps(key)][-1] == "user/anna"


def test_an_application_names_those_that_keep_it_from_running() -> None:
    cache = MicroserviceId("microservice-cache")
    answer = chain(
        microservice("cache", node_id=WEST),
        reported(ContainerState.FAILED, reason="no such image"),
        subject=f"application/{SHOP}",
    )
    assert answer.text == "failing: 2 of 2 microservices keep it from running"
    told = [each.text for each in answer.because if each.what == "microservice"]
    assert told == [
        "shop/cache on west: queued; node west has no device",
        "shop/web on east: failed: no such image",
    ]
    change = only(answer, "revision")
    assert change.event is not None
    assert (change.event.position, change.event.subject) == (7, f"microservice/{cache}")


def test_an_application_that_runs_tells_of_its_last_change() -> None:
    answer = chain(reported(), subject=f"application/{SHOP}")
    assert answer.text == "running"
    assert [each.what for each in answer.because] == ["revision"]


def test_a_stopped_application_says_who_stopped_it() -> None:
    answer = chain(ApplicationStopped(application_id=SHOP), subject=f"application/{SHOP}")
    assert answer.text == "stopped: it was told to stop"
    assert only(answer, "actor").text == "user/anna"


@pytest.mark.parametrize("subject", ["microservice/none", "node/none", "application/none"])
def test_what_never_was_has_no_chain(subject: str) -> None:
    with pytest.raises(KeyError):
        asked(history(*BEGINNING), subject)
