"""Child processes: kept running, heard, stopped in order, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecn.cli import child_log, children
from ecn.cli.child_log import LogFile, is_loud, readable
from ecn.cli.children import Child

OBEDIENT = """
import asyncio
from ecn.cli.lifeline import until_stopped

async def work():
    print("up", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.2)  # as long as a lifeline and a signal may be apart
        print("cleaned up", flush=True)

asyncio.run(until_stopped(work(), lifeline=True))
"""
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {OBEDIENT!r}], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(60)
"""


class Heard:
    """A child and what came of it."""

    def __init__(self, tmp_path: Path, code: str, finished: dict[int, str] | None = None) -> None:
        self.lines: list[str] = []
        self.said: list[str] = []
        self._news = asyncio.Event()
        self.child = Child(
            "child",
            [sys.executable, "-c", code],
            environment={"SECRET": "by environment"},
            log=LogFile(tmp_path / "child.log"),
            on_line=self._hear,
            say=self.said.append,
            finished=finished,
        )

    def _hear(self, _name: str, line: str) -> None:
        self.lines.append(line)
        self._news.set()

    async def until(self, different: int) -> None:
        """Until it wrote so many different lines. At most 20 seconds."""
        async with asyncio.timeout(20):
            while len(set(self.lines)) < different:
                self._news.clear()
                await self._news.wait()


async def test_what_it_writes_is_heard_and_kept(tmp_path: Path) -> None:
    heard = Heard(tmp_path, "import os; print(os.environ['SECRET']); print('x' * 200_000, end='')")
    await heard.child.start()
    assert await heard.child.wait() == 0
    await heard.child.stop(1)
    assert heard.lines[0] == "by environment"
    assert sum(len(line) for line in heard.lines[1:]) == 200_000
    assert (tmp_path / "child.log").read_text().startswith("by environment\n")


async def test_one_that_ends_is_started_again_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "BACK_OFF", (0.0, 0.01))
    heard = Heard(tmp_path, "import os; print(os.getpid()); raise SystemExit(7)")
    keeping = asyncio.create_task(heard.child.keep())
    await heard.until(3)
    keeping.cancel()
    await heard.child.stop(5)
    assert heard.said[0].startswith("the child ended (exit code 7); it is started again in 0 s.")


async def test_one_that_has_finished_is_left_in_peace(tmp_path: Path) -> None:
    heard = Heard(tmp_path, "raise SystemExit(3)", finished={3: "it has no node any more"})
    async with asyncio.timeout(20):
        await heard.child.keep()
    assert heard.said == ["it has no node any more"]
    await heard.child.stop(1)


async def test_it_may_clean_up_when_it_is_stopped(tmp_path: Path) -> None:
    heard = Heard(tmp_path, OBEDIENT)
    await heard.child.start()
    await heard.until(1)
    await heard.child.stop(10)
    assert heard.lines == ["up", "cleaned up"]
    assert heard.said == []


async def test_one_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); "
    heard = Heard(tmp_path, deaf + "print('up', flush=True); time.sleep(60)")
    await heard.child.start()
    await heard.until(1)
    await heard.child.stop(0.1)
    assert heard.said == ["the child does not stop; killing it"]
    assert not heard.child.running


def test_a_child_ends_with_its_parent_even_when_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "up\n"
        parent.kill()
        # The pipe's end is the child's end: it held the other copy.
        assert parent.stdout.read() == "cleaned up\n"
    deadline = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie that nobody collects."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_sigterm_ends_well() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OBEDIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "cleaned up\n"
    assert process.returncode == 0


def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_log, "LARGEST", 1000)
    log = LogFile(tmp_path / "a.log")
    for i in range(1000):
        log.write(b"%098d" % i)
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert sum(f.stat().st_size for f in files) < 5000
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_each_start_begins_a_new_log(tmp_path: Path) -> None:
    for word in (b"first", b"second"):
        log = LogFile(tmp_path / "a.log")
        log.write(word)
        log.close()
    assert (tmp_path / "a.log").read_text() == "second\n"
    assert (tmp_path / "a.log.1").read_text() == "first\n"


def test_warnings_and_what_is_no_log_line_are_loud() -> None:
    assert is_loud('{"event": "x", "level": "warning"}')
    assert is_loud("Traceback (most recent call last):")
    assert not is_loud('{"event": "x", "level": "info"}')


def test_a_line_is_made_readable() -> None:
    line = '{"event":"ready","level":"info","timestamp":"2026-01-02T03:04:05.6Z","url":"u\\u001b"}'
    assert readable("controller", line) == "03:04:05  controller  ready  url=u\\x1b"
