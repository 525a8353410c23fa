"""What every telemetry store promises."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecn import telemetry_store
from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.postgres_telemetry import PostgresTelemetryStore
from ecn.telemetry_store import MemoryTelemetryStore, TelemetryStore
from events.ids import MicroserviceId, NodeId
from tests.events.builders import NOON

A, B, C = NodeId("a"), NodeId("b"), NodeId("c")
M, N = MicroserviceId("m"), MicroserviceId("n")
LATER = NOON + timedelta(seconds=5)

both = pytest.mark.parametrize(
    "kind", ["memory", pytest.param("postgres", marks=pytest.mark.postgres)]
)

SAID = AgentStatus(
    at=NOON,
    daemon_status="RUNNING",
    memory_violation=False,
    containers={M: ContainerUsage(state="PULLING", percentage=12.5)},
)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> TelemetryStore:
    if kind == "memory":
        return MemoryTelemetryStore()
    return PostgresTelemetryStore(request.getfixturevalue("postgres_pool"))


@both
async def test_the_last_word_of_each_agent_is_known(store: TelemetryStore) -> None:
    await store.record({})
    await store.record({A: SAID, B: replace(SAID, version="1")})
    await store.record({A: replace(SAID, at=LATER, version="2")})
    assert await store.statuses([A, B, C]) == {
        A: replace(SAID, at=LATER, version="2"),
        B: replace(SAID, version="1"),
    }
    assert await store.statuses([]) == {}


@both
async def test_an_older_word_changes_nothing(store: TelemetryStore) -> None:
    await store.record({A: replace(SAID, at=LATER)})
    await store.record({A: SAID})
    assert await store.statuses([A]) == {A: replace(SAID, at=LATER)}


@both
async def test_hardware_is_replaced_and_keeps_its_number(store: TelemetryStore) -> None:
    assert await store.hardware(A, "hw") is None
    await store.put_hardware(A, "hw", "one", NOON)
    await store.put_hardware(A, "usb", "stick \x00", NOON)
    first = await store.hardware(A, "hw")
    await store.put_hardware(A, "hw", "two", LATER)
    second = await store.hardware(A, "hw")
    assert first is not None
    assert second is not None
    assert second == replace(first, info="two", updated_at=LATER)
    usb = await store.hardware(A, "usb")
    assert usb is not None
    assert (usb.info, usb.number != second.number) == ("stick \x00", True)


@both
async def test_a_trace_grows_in_order(store: TelemetryStore) -> None:
    assert await store.trace(M) == telemetry_store.Trace(b"", False)
    for piece in (b"one ", b"", b"two ", b"three\x00"):
        await store.append_trace(A, M, piece)
    await store.append_trace(A, N, b"other")
    assert await store.trace(M) == telemetry_store.Trace(b"one two three\x00", False)


@both
async def test_of_a_long_trace_the_newest_is_kept(
    store: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.telemetry_store.STRACE_LIMIT", 10)
    monkeypatch.setattr("ecn.postgres_telemetry.STRACE_LIMIT", 10)
    for piece in (b"aaaa", b"bbbb"):
        await store.append_trace(A, M, piece)
    assert await store.trace(M) == telemetry_store.Trace(b"aaaabbbb", False)
    await store.append_trace(A, M, b"cccc")
    assert await store.trace(M) == telemetry_store.Trace(b"bbbbcccc", True)
    await store.append_trace(A, M, b"x" * 25)
    assert await store.trace(M) == telemetry_store.Trace(b"x" * 10, True)


@both
async def test_who_is_gone_is_forgotten_with_all_that_was_said(store: TelemetryStore) -> None:
    await store.record({A: SAID, B: SAID})
    await store.put_hardware(C, "hw", "{}", NOON)
    await store.append_trace(A, M, b"trace")
    await store.append_trace(B, N, b"trace")
    assert await store.known() == (frozenset({A, B, C}), frozenset({M, N}))
    await store.forget([A, C])
    assert await store.known() == (frozenset({B}), frozenset({N}))
    await store.forget([], [N])
    assert await store.known() == (frozenset({B}), frozenset())
    assert await store.hardware(C, "hw") is None
