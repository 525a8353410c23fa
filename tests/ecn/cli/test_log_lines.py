"""However often the link breaks, and wherever: each line is shown once, in its order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecn.cli.log_lines import Line, Lines

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def stamped(nanoseconds: int) -> str:
    """As Docker writes it: nine digits of a second."""
    moment = BEGIN + timedelta(seconds=nanoseconds // 10**9)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09d}Z"


class Device:
    """Has a log, and sends what was written from a time on, that very moment included."""

    def __init__(self, steps: list[int], texts: list[bytes]) -> None:
        self.lines: list[tuple[int, bytes]] = []
        at = 0
        for step, text in zip(steps, texts, strict=True):
            at += step
            self.lines.append((at, text))

    def log(self, since: datetime | None) -> bytes:
        first = -1 if since is None else round((since - BEGIN) / timedelta(microseconds=1)) * 1000
        return b"".join(
            f"{stamped(at)} ".encode() + text + b"\n" for at, text in self.lines if at >= first
        )


# Equal times, times within a microsecond, and times far apart.
STEPS = st.sampled_from([0, 0, 1, 300, 999, 1000, 2500, 10**6, 10**9, 3 * 10**9 + 7])
TEXTS = st.one_of(
    st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"")),
    st.just(b"2026-03-01T12:00:00.000000000Z that it says itself"),
)
LOGS = st.lists(st.tuples(STEPS, TEXTS), max_size=30)
CUTS = st.lists(st.integers(0, 400), max_size=8)


@given(LOGS, CUTS, st.integers(1, 50))
def test_each_line_is_shown_once_over_any_breaks(
    written: list[tuple[int, bytes]], cuts: list[int], size: int
) -> None:
    device = Device([step for step, _ in written], [text for _, text in written])
    lines, shown = Lines(), list[Line]()
    for cut in [*cuts, None]:
        sent = device.log(lines.since)
        said = sent if cut is None else sent[:cut]
        for start in range(0, len(said), size):
            shown += lines.feed(said[start : start + size])
        if cut is not None:
            lines.resumed()
    shown += lines.end()
    assert [line.text for line in shown] == [text + b"\n" for _, text in device.lines]
    assert [line.time for line in shown] == [stamped(at) for at, _ in device.lines]


def test_a_line_without_an_end_is_shown_at_the_end() -> None:
    lines = Lines()
    assert lines.feed(b"2026-03-01T12:00:00.000000001Z no newl") == []
    assert lines.end() == [Line("2026-03-01T12:00:00.000000001Z", b"no newl")]


def test_what_the_agent_says_has_no_time_and_is_shown() -> None:
    lines = Lines()
    assert lines.feed(b"[agent] it has no container on this node\n") == [
        Line("", b"[agent] it has no container on this node\n")
    ]
    assert lines.since is None
