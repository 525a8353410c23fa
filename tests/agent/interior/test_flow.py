"""Which messages may go to the interior router now."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from agent.messages.flow import FIRST_PAUSE, LONGEST_PAUSE, Flow
from agent.messages.routing import Outgoing
from routing.message import Message

ROUTES = ("a", "b", "c")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), st.integers(1, 8)),
        st.tuples(st.just("answer"), st.integers(1, 8)),
        st.tuples(st.just("close"), st.sampled_from(ROUTES)),
        st.tuples(st.just("open"), st.sampled_from(ROUTES)),
        st.tuples(st.just("later"), st.integers(1, 20)),
    ),
    max_size=80,
)


def outgoing(route_id: str, number: int) -> Outgoing:
    return Outgoing(
        number=number, key=f"route.{route_id}", message=Message(), route_id=route_id,
        application="a", route=route_id,
    )  # fmt: skip


class Broker:
    """Takes what comes for the routes that are open, in the order in which it comes, and answers
    later; opens a route again only when those that sent to it have heard of the refusals."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self.has: dict[str, list[int]] = {route: [] for route in ROUTES}
        self.answers: deque[tuple[Outgoing, bool]] = deque()

    def gets(self, one: Outgoing) -> None:
        taken = one.route_id not in self.closed
        if taken:
            self.has[one.route_id].append(one.number)
        self.answers.append((one, taken))

    def may_open(self, route: str) -> bool:
        return not any(one.route_id == route for one, taken in self.answers if not taken)


class Sender:
    """As `sending.py`: asks for what waits, without the routes that the flow leaves out."""

    def __init__(self, routes: tuple[str, ...], count: int) -> None:
        self.flow = Flow(spread=lambda least, most: most)
        self.now = 0.0
        self.broker = Broker()
        numbers = iter(range(1_000_000))
        self.waiting = {
            route: deque(outgoing(route, next(numbers)) for _ in range(count)) for route in routes
        }
        self.all = {route: [one.number for one in each] for route, each in self.waiting.items()}

    def feed(self, most: int) -> None:
        without = self.flow.waiting(self.now)
        batch: list[Outgoing] = []
        for route, waiting in self.waiting.items():
            while waiting and route not in without and len(batch) < most:
                batch.append(waiting.popleft())
        for one in batch:
            if self.flow.offer(one, self.now):
                self.broker.gets(one)
            if most % 2:
                self.answer(1)  # answers come also while a batch goes out
        self.give_back()

    def answer(self, most: int) -> None:
        for _ in range(min(most, len(self.broker.answers))):
            one, taken = self.broker.answers.popleft()
            if taken:
                self.flow.taken(one)
            else:
                self.flow.not_taken(one, "full")
            self.give_back()

    def give_back(self) -> None:
        back = self.flow.going_back(self.now)
        for one in back:  # each in its place
            waiting = [*self.waiting[one.route_id], one]
            self.waiting[one.route_id] = deque(sorted(waiting, key=lambda each: each.number))

    def step(self, what: str, how: int | str) -> None:
        match what, how:
            case "feed", int():
                self.feed(how)
            case "answer", int():
                self.answer(how)
            case "close", str():
                self.broker.closed.add(how)
            case "open", str() if self.broker.may_open(how):
                self.broker.closed.discard(how)
            case "later", int():
                self.now += how * 0.5


@given(STEPS)
def test_all_arrive_once_and_in_the_order_of_their_route(
    steps: list[tuple[str, int | str]],
) -> None:
    sender = Sender(ROUTES, 12)
    for what, how in steps:
        sender.step(what, how)
    for _ in range(200):
        sender.broker.closed -= {r for r in ROUTES if sender.broker.may_open(r)}
        sender.feed(8)
        sender.answer(8)
        sender.now += LONGEST_PAUSE
    assert sender.broker.has == sender.all
    assert not sender.flow.waiting(sender.now)
    assert sender.flow.stalled() == []


@given(STEPS)
def test_what_is_said_of_a_route_is_how_it_is(steps: list[tuple[str, int | str]]) -> None:
    sender = Sender(ROUTES, 12)
    said: dict[str, str] = {}
    for what, how in steps:
        sender.step(what, how)
        said |= sender.flow.reasons()
        assert {route for route, reason in said.items() if reason} == set(sender.flow.stalled())


def test_a_full_queue_holds_up_its_own_route_alone() -> None:
    sender = Sender(ROUTES, 3)
    sender.broker.closed.add("a")
    sender.feed(18)
    sender.answer(9)
    assert sender.broker.has == {"a": [], "b": sender.all["b"], "c": sender.all["c"]}
    assert sender.flow.waiting(sender.now) == {"a"}
    assert sender.flow.next_change(sender.now) == FIRST_PAUSE
    assert [one.number for one in sender.waiting["a"]] == sender.all["a"]


def test_after_a_failure_one_is_tried_alone_and_then_all() -> None:
    sender = Sender(("a",), 10)
    sender.broker.closed.add("a")
    sender.feed(6)
    sender.answer(6)
    sender.now += FIRST_PAUSE
    sender.broker.closed.clear()
    sender.feed(6)
    assert len(sender.broker.answers) == 1
    sender.answer(1)
    sender.feed(8)
    sender.feed(8)
    assert sender.broker.has["a"] == sender.all["a"]


def test_pauses_grow_up_to_a_bound() -> None:
    sender = Sender(("a",), 1)
    sender.broker.closed.add("a")
    pauses = []
    for _ in range(10):
        sender.feed(1)
        sender.answer(1)
        until = sender.flow.next_change(sender.now)
        assert until is not None
        pauses.append(until - sender.now)
        sender.now = until
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
