"""A loop that stands still is ended, and nothing else is."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agent.device.supervisor import Supervisor
from agent.device.watchdog import STALLED, Watchdog

BLOCKED = """
import asyncio, time
from agent.device.watchdog import Watchdog

async def main():
    watchdog = Watchdog(tick=0.1, ticks=5)
    watchdog.start()
    for _ in range(10):  # twice the time: it turns
        watchdog.beat()
        await asyncio.sleep(0.1)
    print("turned", flush=True)
    def held_up_by_a_dead_disk():
        time.sleep(60)
    held_up_by_a_dead_disk()

asyncio.run(main())
"""


def test_a_process_whose_loop_is_blocked_says_where_and_ends_with_70() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.startswith("turned")
    assert done.returncode == STALLED == 70
    assert "held_up_by_a_dead_disk" in done.stderr
    assert "loop-stalled" in done.stdout + done.stderr


def test_a_process_that_was_stopped_and_goes_on_is_not_ended() -> None:
    code = BLOCKED.replace("range(10)", "range(40)").replace("time.sleep(60)", "os._exit(0)")
    process = subprocess.Popen([sys.executable, "-c", "import os\n" + code], stdout=subprocess.PIPE)
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(2.0)
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"turned\n")


def test_it_ends_also_when_nobody_takes_what_it_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.device.watchdog.LAST_WORDS", 0.2)
    ended = threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    class Stuck(io.StringIO):
        def fileno(self) -> int:
            ended.wait(10)
            raise OSError

    Watchdog(tick=0.01, ticks=2, end=end, stream=Stuck()).start()
    assert ended.wait(5)
    assert codes[0] == STALLED


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_it_wants_to(tmp_path: Path, abstract: bool) -> None:
    name = f"\0ecn-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    shown = f"@{name[1:]}" if abstract else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        systemd.settimeout(5)
        said = Supervisor({"NOTIFY_SOCKET": shown, "WATCHDOG_USEC": "120000000"})
        said.ready()
        said.beat()
        said.status("connected")
        said.status("connected")
        said.stopping()
        heard = [systemd.recv(200).decode() for _ in range(4)]
    assert heard == ["READY=1", "WATCHDOG=1", "STATUS=connected", "STOPPING=1"]


def test_without_a_supervisor_nothing_is_told_and_nothing_fails(tmp_path: Path) -> None:
    Supervisor({}).ready()
    gone = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1"})
    gone.ready()
    gone.beat()
    assert not Supervisor({"NOTIFY_SOCKET": "/x"}).expects_beats


def test_the_loop_itself_is_not_held_up_by_a_supervisor_that_does_not_read(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        said = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1"})
        began = time.monotonic()
        for _ in range(2000):
            said.beat()
        assert time.monotonic() - began < 5
