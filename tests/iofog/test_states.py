"""ioFog's words for where a microservice stands, and ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.agent_status import ContainerUsage
from ecn.iofog.states import WORDS, ours, shown, theirs
from events.application import ContainerState, ContainerStatus
from tests.builders import NOW


def status(state: ContainerState) -> ContainerStatus:
    return ContainerStatus(state=state, at=NOW)


def meant(state: ContainerState) -> ContainerState:
    """ioFog knows no waiting for others: nothing was begun yet, as when it is queued."""
    return ContainerState.QUEUED if state is ContainerState.WAITING else state


@given(st.sampled_from(ContainerState))
def test_our_states_have_a_word_that_means_them(state: ContainerState) -> None:
    assert ours(theirs(state)) is meant(state)
    assert theirs(state) in WORDS


@given(st.text(max_size=30))
def test_any_text_means_some_state(word: str) -> None:
    assert ours(word) in ContainerState


@given(st.sampled_from(ContainerState), st.sampled_from(sorted(WORDS)))
def test_what_is_shown_never_contradicts_the_log(state: ContainerState, word: str) -> None:
    assert ours(shown(status(state), ContainerUsage(state=word), heard=True)) is meant(state)


def test_the_agents_own_word_is_shown_where_it_says_more() -> None:
    backing_off = status(ContainerState.BACKING_OFF)
    assert shown(backing_off, ContainerUsage(state="STUCK_IN_RESTART"), heard=True) == (
        "STUCK_IN_RESTART"
    )
    assert shown(backing_off, None, heard=True) == "RESTARTING"


def test_nobody_knows_what_happens_on_a_node_that_is_not_heard() -> None:
    assert shown(status(ContainerState.RUNNING), None, heard=False) == "UNKNOWN"
    assert shown(None, None, heard=False) == "QUEUED"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("RUNNING", ContainerState.RUNNING),
        ("CREATED", ContainerState.STARTING),
        ("UPDATING", ContainerState.STARTING),
        ("STUCK_IN_RESTART", ContainerState.BACKING_OFF),
        ("MARKED_FOR_DELETION", ContainerState.STOPPED),
        ("EXITING", ContainerState.EXITED),
        (" running ", ContainerState.RUNNING),
        ("SOMETHING", ContainerState.UNKNOWN),
    ],
)
def test_each_word_has_a_meaning(word: str, state: ContainerState) -> None:
    assert ours(word) is state
