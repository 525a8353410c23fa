"""What is kept of what a container printed: few lines, short, harmless."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import EngineRefused
from agent.lifecycle.engine import ContainerEngine
from agent.lifecycle.last_words import BETWEEN, LINES, LONGEST, READ_WITHIN, last_lines, last_words
from tests.agent import faked_time
from tests.agent.builders import at, exited
from tests.agent.fake_engine import FakeEngine


@given(st.binary() | st.text().map(str.encode))
@example(b"\x1b]0;title\x07\x1b[31mred\x1b[0m\rback\x08\x7f\xc2\x9b31m")
@example(("x" * 10_000 + "\n").encode() * 9)
def test_they_are_few_short_and_steer_no_terminal(printed: bytes) -> None:
    words = last_lines(printed)
    assert len(words) <= LONGEST
    assert words.isprintable()


@given(st.lists(st.from_regex(r"\A[a-z]{1,9}( [a-z]{1,9}){0,3}\Z"), max_size=12))
def test_they_are_the_last_lines_in_order(lines: list[str]) -> None:
    printed = "".join(f"  {line}\r\n\n" for line in lines).encode()
    assert last_lines(printed) == BETWEEN.join(lines[-LINES:])


def test_the_end_is_kept_of_what_is_too_long() -> None:
    assert last_lines(b"a" * 5000 + b"the reason").endswith("athe reason")
    assert last_lines(b"a" * 5000).startswith("…a")


def test_colours_go() -> None:
    assert last_lines(b"\x1b[1;31mERROR\x1b[0m no database\n") == "ERROR no database"


class Silent(FakeEngine):
    async def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        follow: bool,
        since: datetime | None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """See ContainerEngine."""
        assert (tail, follow, since) == (LINES, False, at(-7))
        yield b"so far\n"
        await asyncio.sleep(3600)


def test_what_can_not_be_read_is_empty_and_holds_nobody_up() -> None:
    async def read(engine: ContainerEngine) -> tuple[str, float]:
        began = asyncio.get_running_loop().time()
        words = await last_words(engine, exited())
        return words, asyncio.get_running_loop().time() - began

    unreadable = FakeEngine()
    unreadable.failing["logs"] = EngineRefused("this log driver can't be read")
    assert faked_time.run(lambda: read(unreadable)) == ("", 0.0)
    assert faked_time.run(lambda: read(Silent())) == ("so far", READ_WITHIN)
