"""The log as a file: one JSON document per line, packed with zstd. Bytes to events and back.

The first line says what the file is, the last one what must have come before it, so that a file
that was cut off, or touched anywhere, is noticed. Every other line is one event, whole: who reads
them can check each hash with nothing but the file. `zstdcat log.jsonl.zst | jq` reads it too.

Pure: chunks of bytes in, chunks out. The API and the CLI carry them; docs/log.md describes them.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import zstandard

from events.chaining import BEGINNING, ChainBroken, Place, Stored, Verification
from events.export_lines import (
    BEGINS_EVENT,
    FORMAT,
    VERSION,
    Trailer,
    event_line,
    event_of,
    written,
)
from events.export_lines import Header as Header

LEVEL = 3
"""Of zstd. Higher ones take twice as long and save nothing: what remains are hashes and ids."""
LONGEST_LINE = 64 << 20
"""Bytes. What the API takes is far below; more than this is no file of ours."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class ExportRefused(Exception):
    """The file is no whole exported log; the sentence says why, and what to do."""


class LogWriter:
    """Makes the lines of a file: `begin`, any number of `go_on`, `end`."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._count = 0
        self._hash = header.previous_hash
        self._digest = hashlib.blake2b(digest_size=32)

    def begin(self) -> bytes:
        """The first line."""
        return self._kept(written(self._header))

    def go_on(self, events: Sequence[Stored]) -> bytes:
        """The lines of these events."""
        self._count += len(events)
        if events:
            self._hash = events[-1].hash.hex()
        return self._kept(b"".join(event_line(each) for each in events))

    def end(self) -> bytes:
        """The last line."""
        trailer = Trailer(count=self._count, hash=self._hash, blake2b=self._digest.hexdigest())
        return written(trailer)

    def _kept(self, lines: bytes) -> bytes:
        self._digest.update(lines)
        return lines


class LogPacker:
    """As `LogWriter`, packed. What comes out may be empty: zstd gathers."""

    def __init__(self, header: Header) -> None:
        self._writer = LogWriter(header)
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()

    def begin(self) -> bytes:
        """See LogWriter."""
        return self._zstd.compress(self._writer.begin())

    def go_on(self, events: Sequence[Stored]) -> bytes:
        """See LogWriter."""
        return self._zstd.compress(self._writer.go_on(events))

    def end(self) -> bytes:
        """See LogWriter."""
        return self._zstd.compress(self._writer.end()) + self._zstd.flush()


class LogReader:
    """Reads a file, packed or not, chunk by chunk, and follows its chain on the way.

    marks: as for Verification; those before the file's first event can't be checked, and refused.
    """

    def __init__(self, marks: Mapping[int, bytes] | None = None) -> None:
        self._marks = marks or {}
        self._begun = b""
        self._zstd: zstandard.ZstdDecompressionObj | None = None
        self._rest = b""
        self._line = 0
        self._digest = hashlib.blake2b(digest_size=32)
        self._trailer: Trailer | None = None
        self._verification: Verification | None = None
        self.header: Header | None = None
        """Known as soon as its line came."""
        self.count = 0
        """Events so far."""

    @property
    def place(self) -> Place:
        """Up to here all is as it was."""
        return self._verification.place if self._verification else BEGINNING

    def feed(self, chunk: bytes) -> list[Stored]:
        """The events whose lines end in that chunk, each checked.

        Errors: ChainBroken at the first wrong event; ExportRefused.
        """
        self._rest += self._unpacked(chunk)
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ExportRefused(_NONE_OF_OURS)
        events: list[Stored] = []
        for line in lines:
            self._line += 1
            try:
                if not self._take(line, events):
                    continue
            except (msgspec.DecodeError, ValueError, ExportRefused) as e:
                # What is wrong before it is named first.
                self._go_on(events)
                if isinstance(e, ExportRefused):
                    raise
                raise self._unreadable(str(e)) from e
            self._digest.update(line)
            self._digest.update(b"\n")
        self._go_on(events)
        return events

    def finish(self) -> Place:
        """There is no more; where the log in the file ends.

        Errors: ChainBroken, ExportRefused.
        """
        if self.header is None or self._verification is None:
            packed = self._zstd is not None
            raise ExportRefused(f"the file breaks off. {_AGAIN}" if packed else _NONE_OF_OURS)
        if self._trailer is None:
            raise ExportRefused(
                f"the file breaks off behind event {self._verification.place.position}: "
                f"its last line is missing. {_AGAIN}"
            )
        if self._rest:
            raise ExportRefused(_MORE)
        place = self._verification.place
        if place.position < self.header.last:
            raise ChainBroken(
                place.position + 1, f"it is missing: the file should reach to {self.header.last}"
            )
        said = (self.header.last, self._trailer.count, self._trailer.hash, self._trailer.blake2b)
        if said != (place.position, self.count, place.hash.hex(), self._digest.hexdigest()):
            raise ExportRefused(
                "the file was changed: its events follow from each other, but its first and last "
                f"lines tell of others. {_AGAIN}"
            )
        return self._verification.end()

    def _take(self, line: bytes, events: list[Stored]) -> bool:
        """One line. Whether it counts for the digest, as all do but the last.

        Errors: ExportRefused; msgspec.DecodeError or ValueError for a line that can't be read.
        """
        if self._trailer is not None:
            raise ExportRefused(_MORE)
        if self.header is None:
            self._verification = self._started(line)
        elif line.startswith(BEGINS_EVENT):
            events.append(event_of(line))
        else:
            trailer = msgspec.json.decode(line, type=Trailer)
            if written(trailer) != line + b"\n":
                raise ValueError("not as ecn writes it")
            self._trailer = trailer
            return False
        return True

    def _unpacked(self, chunk: bytes) -> bytes:
        if len(self._begun) < len(_ZSTD_MAGIC):
            chunk = self._begun + chunk
            self._begun = chunk[: len(_ZSTD_MAGIC)]
            if len(self._begun) < len(_ZSTD_MAGIC):
                return b""
            if self._begun == _ZSTD_MAGIC:
                packed = zstandard.ZstdDecompressor()
                self._zstd = packed.decompressobj(read_across_frames=True)
        if self._zstd is None:
            return chunk
        try:
            return self._zstd.decompress(chunk)
        except zstandard.ZstdError as e:
            raise ExportRefused(f"the file can't be unpacked: {e}. {_AGAIN}") from e

    def _started(self, line: bytes) -> Verification:
        try:
            seen = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise ExportRefused(_NONE_OF_OURS) from e
        if seen.get("format") != FORMAT:
            raise ExportRefused(_NONE_OF_OURS)
        if seen.get("version") != VERSION:
            raise ExportRefused(
                f"the file is of version {seen.get('version')} of the format, and this program "
                f"reads {VERSION}: use the version of ecn that wrote it, or a newer one"
            )
        try:
            header = msgspec.convert(seen, Header)
            start = Place(header.first - 1, bytes.fromhex(header.previous_hash), 0)
        except (msgspec.ValidationError, ValueError) as e:
            raise ExportRefused(f"the file's first line is damaged: {e}. {_AGAIN}") from e
        if start.position < 0 or (start.position == 0 and start != BEGINNING):
            raise ExportRefused(f"the file's first line is damaged. {_AGAIN}")
        if any(position < start.position for position in self._marks):
            raise ExportRefused(
                f"the file begins with event {header.first}, behind the checkpoint, which so says "
                "nothing of it: export the whole log, or take a later checkpoint"
            )
        self.header = header
        return Verification(start, self._marks)

    def _go_on(self, events: list[Stored]) -> None:
        if self._verification is not None:
            self._verification.go_on(events)
            self.count += len(events)

    def _unreadable(self, why: str) -> Exception:
        """A line that is neither an event nor the end."""
        what = f"line {self._line} of the file can't be read: {why}"
        if self._verification is None or self.header is None:
            return ExportRefused(_NONE_OF_OURS)
        position = self._verification.place.position
        if position < self.header.last:
            return ChainBroken(position + 1, what)
        return ExportRefused(f"{what}. {_AGAIN}")


_AGAIN = "Export the log again, or take another copy of the file."
_MORE = f"something follows the file's last line. {_AGAIN}"
_NONE_OF_OURS = "this is no exported log: make one with ecn log export -o FILE"
