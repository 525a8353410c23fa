"""Windows of proxied connections, played by a machine: two ends, a way that delays, and a pool."""

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.proxy.edge import MOST as NODE_MOST
from agent.proxy.edge import POOL as NODE_POOL
from routing.proxy.flow import FIRST, LARGEST, Flow, Pool, Violation
from routing.proxy.multiplexer import MOST
from routing.proxy.multiplexer import POOL as POOL_OF_ALL

POOL = 3 * FIRST
SIZES = st.integers(1, 2 * FIRST)


class OneWay:
    """What one end says to the other: sizes of data, credits behind a minus, None for the end."""

    def __init__(self) -> None:
        self.data: list[int | None] = []
        self.credits: list[int] = []


class TwoEnds(RuleBasedStateMachine):
    """One connection, and how much each end has sent and taken."""

    def __init__(self) -> None:
        super().__init__()
        self.pools = [Pool(POOL), Pool(POOL)]
        self.ends = [Flow(pool) for pool in self.pools]
        self.ways = [OneWay(), OneWay()]
        self.sent = [0, 0]
        self.took = [0, 0]
        self.closed = False

    @precondition(lambda self: not self.closed)
    @rule(who=st.integers(0, 1), size=SIZES)
    def send(self, who: int, size: int) -> None:
        end = self.ends[who]
        size = min(size, end.credit)
        if size and not end.said_end:
            end.sent(size)
            self.sent[who] += size
            self.ways[who].data.append(size)

    @rule(who=st.integers(0, 1))
    def end(self, who: int) -> None:
        if not self.ends[who].said_end:
            self.ends[who].said_end = True
            self.ways[who].data.append(None)

    @rule(who=st.integers(0, 1))
    def arrive(self, who: int) -> None:
        if self.ways[1 - who].data:
            size = self.ways[1 - who].data.pop(0)
            if size is None:
                self.ends[who].ended()
            else:
                self.ends[who].received(size)

    @rule(who=st.integers(0, 1), size=SIZES)
    def take(self, who: int, size: int) -> None:
        size = min(size, self.ends[who].held)
        more = self.ends[who].taken(size)
        self.took[who] += size
        if more:
            self.ways[who].credits.append(more)

    @rule(who=st.integers(0, 1))
    def be_allowed(self, who: int) -> None:
        if self.ways[1 - who].credits:
            self.ends[who].allowed(self.ways[1 - who].credits.pop(0))

    @invariant()
    def never_more_on_the_way_than_the_window(self) -> None:
        for who in (0, 1):
            end, other = self.ends[who], self.ends[1 - who]
            flying = sum(size or 0 for size in self.ways[who].data)
            promised = sum(self.ways[1 - who].credits)
            assert flying + end.credit + promised == other.window
            assert other.window + other.held <= FIRST + other.extra <= LARGEST
            assert self.sent[who] == flying + other.held + self.took[1 - who]

    @invariant()
    def the_pool_is_what_it_was(self) -> None:
        for pool, end in zip(self.pools, self.ends, strict=True):
            assert pool.free >= 0
            assert pool.free + end.extra == POOL

    def teardown(self) -> None:
        # Everything on its way arrives and is taken: nobody waits for ever.
        for _ in range(4):
            for who in (0, 1):
                while self.ways[1 - who].data:
                    self.arrive(who)
                self.take(who, self.ends[who].held)
                while self.ways[1 - who].credits:
                    self.be_allowed(who)
        for who in (0, 1):
            assert self.took[1 - who] == self.sent[who]
            assert self.ends[who].said_end or self.ends[who].credit > 0
            self.ends[who].close()
            assert self.pools[who].free == POOL


TestTwoEnds = TwoEnds.TestCase


def test_a_connection_that_moves_much_gets_the_whole_window_and_gives_it_back() -> None:
    pool = Pool(LARGEST)
    end = Flow(pool)
    for _ in range(20):
        size = end.window
        end.received(size)
        end.taken(size)
    assert end.window == LARGEST
    end.close()
    assert pool.free == LARGEST


def test_without_a_pool_each_goes_on_with_its_first_window() -> None:
    end = Flow(Pool(0))
    end.received(FIRST)
    assert end.taken(FIRST) == FIRST


def test_more_than_was_allowed_is_a_violation() -> None:
    end = Flow(Pool(0))
    with pytest.raises(Violation):
        end.received(FIRST + 1)


def test_after_the_end_nothing_comes() -> None:
    end = Flow(Pool(0))
    end.ended()
    with pytest.raises(Violation):
        end.received(1)
    with pytest.raises(Violation):
        end.ended()


def test_a_window_beyond_all_bounds_is_a_violation() -> None:
    with pytest.raises(Violation):
        Flow(Pool(0)).allowed(LARGEST)


def test_what_is_held_at_most_is_what_the_page_says() -> None:
    page = (Path(__file__).parents[2] / "docs/public-ports.md").read_text()
    assert f"| {MOST} of an interior proxy, {NODE_MOST} of a node |" in page
    assert f"{POOL_OF_ALL >> 20} MiB and {FIRST >> 10} KiB for each connection" in page
    assert f"{NODE_POOL >> 20} MiB and {FIRST >> 10} KiB of a node's agent" in page
    assert f"{FIRST >> 10} KiB; up to {LARGEST >> 20} MiB" in page
