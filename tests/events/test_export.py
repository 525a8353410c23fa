"""The log as a file: exactly what went in comes out, and no byte of it changes unseen."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Sequence
from datetime import datetime

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.chaining import BEGINNING, ChainBroken, Place, Stored, digest
from events.envelope import GENESIS, Proposed, chain, stored_of
from events.export import ExportRefused, Header, LogPacker, LogReader, LogWriter
from tests.events.builders import NOON, batch
from tests.events.strategies import proposals, texts, times

logs = st.lists(proposals, max_size=3)
often = settings(max_examples=60, deadline=None)


@st.composite
def anything(draw: st.DrawFn, *, most: int = 5) -> list[Stored]:
    """A chain of events that no ecn has written yet: any text, any bytes, any time that rises."""
    place, events = BEGINNING, list[Stored]()
    for _ in range(draw(st.integers(0, most))):
        event = Stored(
            place.position + 1,
            place.microseconds + draw(st.integers(0, 2**53)),
            *(draw(texts), draw(texts), draw(st.binary(max_size=20))),
            *(draw(texts), draw(texts), draw(texts), draw(texts)),
            place.hash,
            b"",
        )
        events.append(rehashed(event))
        place = events[-1].place
    return events


def rehashed(event: Stored) -> Stored:
    """The event with the hash that fits its content."""
    return replace(
        event,
        hash=digest(
            event.previous_hash,
            *(event.position, event.microseconds, event.subject, event.type, event.data),
            *(event.actor, event.command_id, event.correlation_id, event.causation_id),
        ),
    )


def written(events: Sequence[Stored], *, page: int = 2, packed: bool = False) -> bytes:
    """The file of these events."""
    first = events[0].position if events else 1
    previous = events[0].previous_hash if events else BEGINNING.hash
    header = Header(first=first, last=first + len(events) - 1, previous_hash=previous.hex())
    writer = LogPacker(header) if packed else LogWriter(header)
    content = writer.begin()
    for start in range(0, len(events), page):
        content += writer.go_on(events[start : start + page])
    return content + writer.end()


def read(
    content: bytes, *, chunk: int = 1 << 20, marks: dict[int, bytes] | None = None
) -> tuple[list[Stored], Place]:
    """What a file holds, and where its log ends. Errors: ChainBroken, ExportRefused."""
    reader = LogReader(marks)
    events = [
        event
        for start in range(0, len(content), chunk)
        for event in reader.feed(content[start : start + chunk])
    ]
    return events, reader.finish()


@often
@given(logs, times, st.integers(1, 400), st.integers(1, 4), st.booleans())
def test_what_was_written_is_read_again(
    proposed: list[Proposed], now: datetime, chunk: int, page: int, packed: bool
) -> None:
    events = [stored_of(each) for each in chain(GENESIS, proposed, now)]
    end = events[-1].place if events else BEGINNING
    assert read(written(events, page=page, packed=packed), chunk=chunk) == (events, end)


@often
@given(anything())
def test_events_that_nobody_knows_yet_are_kept_byte_for_byte(events: list[Stored]) -> None:
    assert read(written(events))[0] == events
    assert read(written(events, packed=True))[0] == events


@often
@given(anything(), st.integers(0, 5))
def test_a_part_of_a_log_is_read_like_a_whole_one(events: list[Stored], begin: int) -> None:
    part = events[begin:]
    assert read(written(part))[0] == part


@settings(max_examples=300, deadline=None)
@given(st.one_of(anything(), logs), st.data())
def test_no_single_byte_changes_unseen(
    log: list[Stored] | list[Proposed], data: st.DataObject
) -> None:
    proposed = [each for each in log if isinstance(each, Proposed)]
    events = [each for each in log if isinstance(each, Stored)] or [
        stored_of(each) for each in chain(GENESIS, proposed, NOON)
    ]
    content = bytearray(written(events))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ChainBroken, ExportRefused)) as found:
        read(bytes(content))
    if isinstance(found.value, ChainBroken):
        # Named where it is: no later than the line that was touched.
        line = bytes(content[:at]).count(b"\n")
        assert found.value.position <= max(line, 1)


@settings(max_examples=100, deadline=None)
@given(anything(), st.data())
def test_no_byte_of_a_packed_file_changes_what_it_says(
    events: list[Stored], data: st.DataObject
) -> None:
    content = bytearray(written(events, packed=True))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        found, _ = read(bytes(content))
    except (ChainBroken, ExportRefused):
        return
    # A few bits of zstd's frame mean nothing: what it holds is the same then.
    assert found == events


@often
@given(anything(), st.data(), st.booleans())
def test_a_file_that_breaks_off_is_noticed_wherever(
    events: list[Stored], data: st.DataObject, packed: bool
) -> None:
    content = written(events, packed=packed)
    kept = data.draw(st.integers(0, len(content) - 1))
    try:
        found, _ = read(content[:kept])
    except (ChainBroken, ExportRefused):
        return
    # Only the checksum behind the last line may be missing: every line was there.
    assert packed
    assert kept >= len(content) - 8
    assert found == events


@pytest.mark.parametrize("line", [0, 1, 2, 3, 4])
def test_a_line_that_is_missing_doubled_or_moved_is_found(line: int) -> None:
    events = [stored_of(each) for each in batch(GENESIS, 3)]
    lines = written(events).splitlines(keepends=True)
    without = lines[:line] + lines[line + 1 :]
    doubled = lines[: line + 1] + lines[line:]
    swapped = lines[:line] + lines[line : line + 2][::-1] + lines[line + 2 :]
    for changed in (without, doubled, swapped):
        if changed != lines:
            with pytest.raises((ChainBroken, ExportRefused)):
                read(b"".join(changed))


def test_what_is_wrong_first_is_named_first() -> None:
    events = [stored_of(each) for each in batch(GENESIS, 5)]
    events[3] = replace(events[3], actor="nobody")
    lines = written(events).splitlines(keepends=True)
    lines[5] = b"no event\n"
    with pytest.raises(ChainBroken, match="event 4: its content") as broken:
        read(b"".join(lines))
    assert broken.value.proved == events[2].place
    lines[4] = b'{"position":nonsense}\n'
    with pytest.raises(ChainBroken, match="event 4: line 5 of the file can't be read"):
        read(b"".join(lines))


def test_a_hole_in_the_exported_log_is_named() -> None:
    events = [stored_of(each) for each in batch(GENESIS, 5)]
    writer = LogWriter(Header(first=1, last=5, previous_hash=BEGINNING.hash.hex()))
    content = writer.begin() + writer.go_on(events[:2] + events[3:]) + writer.end()
    with pytest.raises(ChainBroken, match="event 3: it is missing"):
        read(content)
    writer = LogWriter(Header(first=1, last=5, previous_hash=BEGINNING.hash.hex()))
    content = writer.begin() + writer.go_on(events[:4]) + writer.end()
    with pytest.raises(ChainBroken, match="event 5: it is missing: the file should reach to 5"):
        read(content)


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b'{"a":1}\n', b"kind: Node\n", b"\xff\n"])
def test_another_file_is_told_so(content: bytes) -> None:
    with pytest.raises(ExportRefused, match=r"no exported log: make one with ecn log export"):
        read(content)
    with pytest.raises(ExportRefused, match=r"no exported log|breaks off"):
        read(zstandard.compress(content))


def test_a_newer_format_is_told_so() -> None:
    content = written([]).replace(b'"version":1', b'"version":2')
    with pytest.raises(ExportRefused, match=r"version 2 of the format.*use the version of ecn"):
        read(content)


def test_a_line_without_end_is_not_gathered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.export.LONGEST_LINE", 1000)
    with pytest.raises(ExportRefused, match="no exported log"):
        read(b"x" * 2000)


def test_something_behind_the_end_is_refused() -> None:
    events = [stored_of(each) for each in batch(GENESIS, 2)]
    for more in (b"\n", b"{}\n", b"x"):
        with pytest.raises(ExportRefused, match="something follows the file's last line"):
            read(written(events) + more)


def test_a_checkpoint_is_held_against_the_file() -> None:
    events = [stored_of(each) for each in batch(GENESIS, 5)]
    content = written(events)
    for event in events:
        read(content, marks={event.position: event.hash})
    with pytest.raises(ChainBroken, match="event 3: it has another hash than was noted"):
        read(content, marks={3: bytes(32)})
    with pytest.raises(ChainBroken, match="event 6: it is missing: it was noted"):
        read(content, marks={9: bytes(32)})
    part = written(events[2:])
    read(part, marks={2: events[1].hash})
    with pytest.raises(ExportRefused, match="begins with event 3, behind the checkpoint"):
        read(part, marks={1: events[0].hash})


def test_people_can_read_it_with_zstdcat_and_jq() -> None:
    """What docs/log.md promises of the format, checked without a line of ours."""
    events = [stored_of(each) for each in batch(GENESIS, 3)]
    content = subprocess.run(
        ["zstdcat"], input=written(events, packed=True), capture_output=True, check=True
    ).stdout
    header, *lines, trailer = [json.loads(line) for line in content.splitlines()]
    assert header == {
        "format": "ecn-log",
        "version": 1,
        "first": 1,
        "last": 3,
        "previous_hash": "00" * 32,
    }
    assert list(lines[0]) == [
        *("position", "microseconds", "subject", "type", "data", "actor", "command_id"),
        *("correlation_id", "causation_id", "previous_hash", "hash"),
    ]
    assert json.loads(lines[0]["data"])["type"] == lines[0]["type"]
    before = b"".join(content.splitlines(keepends=True)[:-1])
    assert trailer == {
        "count": 3,
        "hash": lines[-1]["hash"],
        "blake2b": hashlib.blake2b(before, digest_size=32).hexdigest(),
    }
    for line in lines:
        hashed = bytes.fromhex(line["previous_hash"])
        for name in list(line)[:9]:
            field = str(line[name]).encode()
            hashed += len(field).to_bytes(4, "big") + field
        assert hashlib.blake2b(hashed, digest_size=32).hexdigest() == line["hash"]


def test_bytes_that_are_no_text_are_kept_as_base64() -> None:
    (event,) = [stored_of(each) for each in batch(GENESIS, 1)]
    odd = rehashed(replace(event, data=b"\xff\x00"))
    line = json.loads(written([odd]).splitlines()[1])
    assert "data" not in line
    assert base64.b64decode(line["data_base64"]) == b"\xff\x00"
