"""A blob comes whole and right or not at all, however often its connection breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from agent.errors import RegistryRefused, RegistryUnreachable
from agent.images.blob_relay import RETRIES, Blob, Relay
from agent.images.partial_pulls import PartialPull, PartialPulls, quota
from tests.agent import faked_time

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)
DIGEST = f"sha256:{sha256(CONTENT).hexdigest()}"


class Answer(Struct):
    """How a registry answers next."""

    breaks_after: int = SIZE
    ranges: bool = True
    piece: int = 1000
    refuses: bool = False


class Line:
    """A registry's side. Answers as told; well, when nothing more is told."""

    def __init__(self, *answers: Answer, content: bytes = CONTENT) -> None:
        self.answers = list(answers)
        self.content = content
        self.served = 0
        self.opened: list[int] = []

    @asynccontextmanager
    async def open(self, offset: int) -> AsyncIterator["Piecemeal"]:
        answer = self.answers.pop(0) if self.answers else Answer()
        self.opened.append(offset)
        if answer.refuses:
            raise RegistryUnreachable("the registry is down")
        yield Piecemeal(self, answer, offset if answer.ranges else 0)


class Piecemeal:
    def __init__(self, line: Line, answer: Answer, offset: int) -> None:
        self.line, self.answer, self.offset = line, answer, offset

    async def pieces(self) -> AsyncIterator[bytes]:
        end = min(SIZE, self.offset + self.answer.breaks_after)
        for at in range(self.offset, end, self.answer.piece):
            piece = self.line.content[at : min(end, at + self.answer.piece)]
            self.line.served += len(piece)
            yield piece
        if end < SIZE:
            raise RegistryUnreachable("the line broke")


async def free(_: int) -> None:
    await asyncio.sleep(0)


def of(folder: Path, room: int = 1 << 30) -> PartialPull:
    kept = PartialPulls(folder).of("r.example/a:1", quota=room)
    kept.begin([])
    return kept


async def relayed(line: Line, kept: PartialPull, digest: str = DIGEST) -> bytes:
    relay = Relay(Blob(digest=digest, size=SIZE), kept, line.open, free)
    return b"".join([piece async for piece in relay.pieces()])


answers = st.lists(
    st.builds(
        Answer,
        breaks_after=st.integers(0, SIZE),
        ranges=st.booleans(),
        piece=st.integers(1, 5000),
        refuses=st.booleans(),
    ),
    max_size=RETRIES,
)


@settings(max_examples=60, deadline=None)
@given(answers=answers, room=st.integers(0, 2 * SIZE), kept_before=st.integers(0, SIZE))
def test_whatever_breaks_the_blob_comes_whole(
    answers: list[Answer], room: int, kept_before: int
) -> None:
    async def story(folder: Path) -> None:
        kept = of(folder, room)
        kept.blob(DIGEST).write_bytes(CONTENT[:kept_before])
        line = Line(*answers)
        assert await relayed(line, kept) == CONTENT
        if all(answer.ranges for answer in answers):
            # With ranges not one byte comes twice.
            assert line.served <= SIZE - kept_before
            assert line.opened == sorted(line.opened)
        stays = kept.blob(DIGEST).read_bytes()
        assert CONTENT.startswith(stays)
        if room >= SIZE:
            assert stays == CONTENT
        assert len(stays) - kept_before <= room

    with TemporaryDirectory() as folder:
        faked_time.run(lambda: story(Path(folder)))


@settings(max_examples=30, deadline=None)
@given(spoilt=st.integers(0, SIZE - 1), kept_before=st.integers(0, SIZE))
def test_something_else_is_never_passed_on_whole(spoilt: int, kept_before: int) -> None:
    async def story(folder: Path) -> None:
        kept = of(folder)
        wrong = bytearray(CONTENT)
        wrong[spoilt] ^= 1
        # The kept part, or what comes: one of them is spoilt.
        kept.blob(DIGEST).write_bytes(bytes(wrong[:kept_before]))
        relay = Relay(Blob(digest=DIGEST, size=SIZE), kept, Line(content=bytes(wrong)).open, free)
        passed: list[bytes] = []

        async def passing_on() -> None:
            async for piece in relay.pieces():
                passed.append(piece)  # noqa: PERF401 - what came before it fails counts

        with pytest.raises(RegistryUnreachable, match="digest is wrong"):
            await passing_on()
        assert len(b"".join(passed)) < SIZE
        assert not kept.blob(DIGEST).exists()
        assert await relayed(Line(), kept) == CONTENT

    with TemporaryDirectory() as folder:
        faked_time.run(lambda: story(Path(folder)))


async def test_a_line_that_brings_nothing_is_given_up_and_what_came_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.images.blob_relay.FIRST_PAUSE", 0.001)
    kept = of(tmp_path)
    line = Line(Answer(breaks_after=3000), *[Answer(refuses=True)] * 100)
    with pytest.raises(RegistryUnreachable):
        await relayed(line, kept)
    assert len(line.opened) == RETRIES + 1
    assert kept.blob(DIGEST).read_bytes() == CONTENT[:3000]


async def test_a_folder_that_can_not_be_written_stops_no_pull(tmp_path: Path) -> None:
    kept = of(tmp_path)
    kept.done()
    line = Line(Answer(breaks_after=5000))
    assert await relayed(line, kept) == CONTENT
    assert line.served == SIZE


async def test_a_refusal_is_not_tried_again(tmp_path: Path) -> None:
    opened = 0

    @asynccontextmanager
    async def refusing(offset: int) -> AsyncIterator[Piecemeal]:
        nonlocal opened
        opened += 1
        if offset == 0:
            raise RegistryRefused("no")
        yield Piecemeal(Line(), Answer(), 0)

    relay = Relay(Blob(digest=DIGEST, size=SIZE), of(tmp_path), refusing, free)
    with pytest.raises(RegistryRefused):
        async for _ in relay.pieces():
            pass
    assert opened == 1


def test_what_is_kept_belongs_to_images_that_are_wanted(tmp_path: Path) -> None:
    partials = PartialPulls(tmp_path)
    for image in ("r.example/a:1", "r.example/b:1"):
        partials.of(image).begin(["x"])
        partials.of(image).blob(DIGEST).write_bytes(b"1234")
    assert partials.kept_bytes() == 8
    assert partials.begun() == ["r.example/a:1", "r.example/b:1"]
    assert partials.keep_only(["r.example/b:1"]) == ["r.example/a:1"]
    assert partials.begun() == ["r.example/b:1"]
    again = partials.of("r.example/b:1")
    again.begin(["x", "y"])
    assert again.before() == frozenset({"x"})
    again.done()
    assert not again.exists
    assert again.before() is None


def test_a_list_that_a_power_cut_tore_is_not_believed(tmp_path: Path) -> None:
    kept = of(tmp_path)
    (file,) = tmp_path.glob("*/before")
    file.write_text("sha256:x\nsha25")
    assert kept.before() is None
    file.write_text("")
    assert kept.before() is None


@given(free=st.integers(0, 1 << 50), limit=st.integers(0, 1 << 50))
def test_partial_blobs_take_a_quarter_of_what_is_free_at_most(free: int, limit: int) -> None:
    assert 0 <= quota(free, limit) <= min(free // 4, limit, 4 << 30)
