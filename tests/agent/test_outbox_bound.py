"""An outbox that nobody empties: it stays small, and what it says at the end adds up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from agent.contract import ContainerReport, ContainerState, ContainerStatus
from agent.lifecycle.status import Told
from agent.storage import journal as module
from agent.storage.folding import gist, weight
from agent.storage.journal import BYTES, TOLD_AT_ONCE, Journal
from tests.agent.builders import NOW, at

S = ContainerState
MIB = 1024 * 1024


class Unsynced(Journal):
    """That does not wait for the disk."""

    def __init__(self, path: Path, *, limit: int = BYTES, exactly: int = TOLD_AT_ONCE) -> None:
        super().__init__(path, limit=limit, exactly=exactly)
        self._database.execute("PRAGMA synchronous = OFF")


class Happened(Struct, frozen=True):
    """To microservice m, so many seconds after what happened before it."""

    m: str
    state: ContainerState
    exit_code: int | None
    after: float


happenings = st.builds(
    Happened,
    m=st.sampled_from(["m1", "m2"]),
    state=st.sampled_from([S.RUNNING, S.BACKING_OFF]),
    exit_code=st.sampled_from([None, 1]),
    after=st.sampled_from([1.0, 1.0, 1.0, 300.0, 100_000.0, -86_400.0]),
)


def told(happened: Happened, restarts: int, when: datetime) -> Told:
    return Told(
        status=ContainerStatus(
            state=happened.state, exit_code=happened.exit_code, restarts=restarts, at=when
        ),
        cause="c",
    )


def of(reports: Sequence[ContainerReport], m: str) -> list[ContainerStatus]:
    return [r.status for r in reports if r.microservice_id == m]


@settings(max_examples=100, deadline=None)
@given(st.lists(happenings, max_size=40), st.data())
def test_whatever_is_folded_dropped_told_and_lost_on_the_way_it_adds_up(
    story: list[Happened], data: st.DataObject
) -> None:
    """Every transition is counted once; the last is as it was; what was told is never changed."""
    full = data.draw(st.sampled_from([False, False, True]), label="full from the beginning")
    with TemporaryDirectory() as folder:
        where, limit = Path(folder) / "j", 1 if full else MIB
        journal = Unsynced(where, limit=limit, exactly=0)
        log: dict[int, ContainerReport] = {}
        shown: dict[int, ContainerReport] = {}
        noted: dict[str, list[Told]] = {"m1": [], "m2": []}
        when = NOW
        for number, each in enumerate(story):
            when += timedelta(seconds=each.after)
            new = told(each, number, when)
            noted[each.m].append(new)
            assert journal.note(each.m, new)
            action = data.draw(st.sampled_from([*[""] * 12, "asked", "heard", "reboot"]))
            if action in ("asked", "heard"):
                for report in journal.pending(3).containers:
                    # A controller takes what it does not have, and never anything twice.
                    assert shown.setdefault(report.sequence, report) == report
                    if report.sequence > max(log, default=0):
                        log[report.sequence] = report
            if action == "heard":
                journal.accepted(max(log, default=0))
            if action == "reboot":
                journal.__exit__(None, None, None)
                journal = Unsynced(where, limit=limit, exactly=0)
        while (pending := journal.pending()).count:
            for report in pending.containers:
                assert shown.setdefault(report.sequence, report) == report
                log.setdefault(report.sequence, report)
            journal.accepted(pending.containers[-1].sequence)
        journal.__exit__(None, None, None)
    reports = [log[sequence] for sequence in sorted(log)]
    for m, happened in noted.items():
        mine = of(reports, m)
        assert sum(weight(status) for status in mine) == len(happened)
        assert [s.restarts for s in mine] == sorted(s.restarts for s in mine)
        if happened:
            assert mine[-1].at == happened[-1].status.at
            assert mine[-1].state is happened[-1].status.state
            assert (mine[0].since or mine[0].at) == happened[0].status.at
        if not full:
            assert unfolded(mine) == [(t.status.state, t.status.exit_code) for t in happened]


def unfolded(statuses: list[ContainerStatus]) -> list[tuple[ContainerState, int | None]]:
    """The transitions again, as far as they are told."""
    found = []
    for s in statuses:
        found.append((s.state, s.exit_code))
        for _ in range(s.repeats - 1):
            found += [(p.state, p.exit_code) for p in s.between] + [(s.state, s.exit_code)]
    return found


def crash_loop(
    journal: Journal, m: str, rounds: int, *, start: int = 0, every: float = 305
) -> None:
    for n in range(start, start + rounds):
        status = ContainerStatus(
            state=S.BACKING_OFF,
            exit_code=1,
            restarts=n,
            at=at(n * every),
            reason=f"it ended with exit code 1; it is started again in the year {n}",
        )
        journal.note(m, Told(status=status, cause="ended"))
        runs = ContainerStatus(state=S.RUNNING, restarts=n + 1, at=at(n * every + 300))
        journal.note(m, Told(status=runs, cause="running"))


def test_a_crash_loop_is_two_rows_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j", exactly=0) as journal:
        crash_loop(journal, "m1", 1000)
        ended, runs = journal.pending().containers
    assert (ended.status.repeats, ended.status.restarts) == (1000, 999)
    assert ended.status.since == NOW
    assert ended.status.at == at(999 * 305)
    assert ended.status.exit_code == 1
    assert [p.state for p in ended.status.between] == [S.RUNNING]
    assert runs.status.state is S.RUNNING
    assert runs.status.repeats == 1


def test_what_ended_otherwise_is_told_for_itself(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j", exactly=0) as journal:
        crash_loop(journal, "m1", 10)
        oom = ContainerStatus(state=S.BACKING_OFF, exit_code=137, restarts=10, at=at(10 * 305))
        journal.note("m1", Told(status=oom, cause="ended"))
        crash_loop(journal, "m1", 10, start=11)
        statuses = of(journal.pending().containers, "m1")
    assert len(statuses) < 7
    ends = [code for state, code in unfolded(statuses) if state is S.BACKING_OFF]
    assert ends == [*[1] * 10, 137, *[1] * 10]


def test_rounds_that_take_hours_are_told_one_by_one(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j", exactly=0) as journal:
        crash_loop(journal, "m1", 20, every=7200)
        assert len(journal.pending().containers) == 40


def test_as_many_as_a_report_takes_are_exact(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j") as journal:
        crash_loop(journal, "m1", 600)
        told = journal.pending().containers
        assert [t.status.repeats for t in told[:199]] == [1] * 199
        journal.accepted(told[-1].sequence)
        assert journal.waiting() <= 3


def test_a_full_outbox_drops_of_who_has_the_most_and_says_how_many(tmp_path: Path) -> None:
    limit = 256 * 1024
    with Unsynced(tmp_path / "j", limit=limit, exactly=10**6) as journal:
        quiet = ContainerStatus(state=S.RUNNING, at=NOW)
        journal.note("quiet", Told(status=quiet, cause="c"))
        crash_loop(journal, "noisy", 2000)
        used = journal._used()
        assert used < limit * 1.2
        reports = journal.pending(100_000).containers
    assert of(reports, "quiet") == [quiet]
    noisy = of(reports, "noisy")
    assert sum(weight(status) for status in noisy) == 4000
    assert noisy[0].dropped > 1000
    assert noisy[0].since == NOW
    assert noisy[-1].restarts == 2000
    assert [s.dropped for s in noisy[1:]] == [0] * (len(noisy) - 1)


def test_after_the_months_the_file_is_small_again(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j", exactly=10**6) as journal:
        crash_loop(journal, "m1", 3000)
        large = (tmp_path / "j").stat().st_size
        while (pending := journal.pending()).count:
            journal.accepted(pending.containers[-1].sequence)
    assert (tmp_path / "j").stat().st_size < large / 3
    assert not (tmp_path / "j-wal").exists()


def test_the_write_ahead_log_is_bounded(tmp_path: Path) -> None:
    with Unsynced(tmp_path / "j", exactly=0) as journal:
        crash_loop(journal, "m1", 500)
        assert (tmp_path / "j-wal").stat().st_size < 1.5 * MIB


@pytest.mark.parametrize("most", [1, 7])
def test_numbers_go_up_whatever_is_folded(tmp_path: Path, most: int) -> None:
    with Unsynced(tmp_path / "j", exactly=0) as journal:
        seen: list[int] = []
        for n in range(30):
            crash_loop(journal, f"m{n % 3}", 3, start=3 * n)
            sequences = [r.sequence for r in journal.pending(most).containers]
            seen += [s for s in sequences if not seen or s > seen[-1]]
            journal.accepted(seen[-1])
        assert all(a < b for a, b in pairwise(seen))


def test_what_says_the_same_in_other_words_has_the_same_gist() -> None:
    one = told(Happened("m1", S.RUNNING, None, 0), 1, NOW)
    other = told(Happened("m1", S.RUNNING, None, 0), 2, at(7))
    assert gist(one) == gist(other)
    assert gist(one) != gist(told(Happened("m1", S.RUNNING, 3, 0), 1, NOW))


def test_what_neither_disk_nor_memory_has_room_for_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", 10)
    with Unsynced(tmp_path / "j") as journal:
        journal._database.execute("PRAGMA query_only = ON")
        crash_loop(journal, "noisy", 50)
        crash_loop(journal, "quiet", 1)
        assert len(journal._held) == 10
        journal._database.execute("PRAGMA query_only = OFF")
        reports = journal.pending().containers
    assert not journal.problem
    for m, count in (("noisy", 100), ("quiet", 2)):
        assert sum(weight(status) for status in of(reports, m)) == count
    first = of(reports, "noisy")[0]
    assert (first.dropped, first.since) == (92, NOW)
