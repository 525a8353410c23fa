"""No message is taken for acknowledged that its receiver has not acknowledged."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.local_api.unacknowledged import AGAIN_AFTER, SILENT_AFTER, TIMES, Unacknowledged
from agent.messages.routing import Delivery
from routing.message import Message


def delivery(number: int) -> Delivery:
    return Delivery(
        number=number, message=Message(message_id=f"{number:032x}", body=b"xy"), route="r"
    )


class Receiver(RuleBasedStateMachine):
    """One that reads frames in their order, and acknowledges each when it has read it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = Unacknowledged()
        self.now = 100.0
        self.next = 1
        self.wire: deque[int] = deque()
        """Frames on their way: numbers of messages; 0 of a receipt."""
        self.read: set[int] = set()
        self.settled: set[int] = set()

    @precondition(lambda self: not self.out.holds(self.now))
    @rule()
    def a_message_goes_out(self) -> None:
        self.out.sent(delivery(self.next), self.now)
        self.wire.append(self.next)
        self.next += 1

    @rule()
    def a_receipt_goes_out(self) -> None:
        self.out.receipt(self.now)
        self.wire.append(0)

    @precondition(lambda self: self.wire)
    @rule()
    def a_frame_is_read_and_acknowledged(self) -> None:
        number = self.wire.popleft()
        self.read.add(number)
        taken = self.out.acknowledged()
        if taken is not None:
            self.settled.add(taken.number)

    @rule(seconds=st.floats(0, AGAIN_AFTER / 4))
    def time_passes(self, seconds: float) -> None:
        # No receiver of this kind lets a receipt wait for so long.
        if not self.wire or seconds < SILENT_AFTER / 100:
            self.now += seconds

    @rule()
    def what_is_overdue_goes_out_again(self) -> None:
        for late in self.out.overdue(self.now):
            self.wire.append(late.number)

    @invariant()
    def nothing_is_settled_unread(self) -> None:
        assert self.settled <= self.read

    @invariant()
    def what_is_out_is_what_is_not_settled(self) -> None:
        out = {each.number for each in self.out.all()}
        assert out == set(range(1, self.next)) - self.settled
        assert self.out.bytes == 2 * len(out)

    @invariant()
    def all_that_was_read_is_settled(self) -> None:
        assert self.read - {0} <= self.settled


Receiver.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAReceiverThatAcknowledgesAll = Receiver.TestCase


def test_receipts_that_nobody_acknowledges_are_not_waited_for_twice() -> None:
    out = Unacknowledged()
    out.receipt(0.0)
    assert out.holds(0.5) > 0
    assert out.holds(SILENT_AFTER) == 0
    out.sent(delivery(1), 3.0)
    out.receipt(3.0)
    out.sent(delivery(2), 3.0)
    assert [out.acknowledged(), out.acknowledged()] == [delivery(1), delivery(2)]


def test_a_receipt_acknowledged_late_after_all_is_learned_from() -> None:
    out = Unacknowledged()
    out.receipt(0.0)
    assert out.holds(SILENT_AFTER) == 0
    assert out.acknowledged() is None
    out.receipt(5.0)
    out.sent(delivery(1), 5.0)
    assert [out.acknowledged(), out.acknowledged()] == [None, delivery(1)]


def test_what_stays_unacknowledged_is_sent_some_times_and_given_up() -> None:
    out, now = Unacknowledged(), 0.0
    out.sent(delivery(1), now)
    assert out.overdue(AGAIN_AFTER - 1) == []
    for _ in range(TIMES):
        assert not out.hopeless
        now += AGAIN_AFTER
        assert out.overdue(now) == [delivery(1)]
    assert out.hopeless


def test_a_name_settles_a_message_wherever_it_stands() -> None:
    out = Unacknowledged()
    for number in (1, 2, 3):
        out.sent(delivery(number), 0.0)
    assert out.named(f"{2:032x}") == delivery(2)
    assert out.named(f"{2:032x}") is None
    assert out.named("nobody's") is None
    assert [out.acknowledged(), out.acknowledged()] == [delivery(1), delivery(3)]
