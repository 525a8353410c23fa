"""The person's side of a session: what is typed, what is shown, and a terminal that is given back.

Reading stdin and writing stdout block, each in a thread of its own: a slow pipe must not keep the
loop from answering the controller.
"""

import asyncio
import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

PIECE = 32 * 1024
WAITING = 4
"""Pieces that are read ahead of the one who takes them."""


class Stdin:
    """What comes on a file descriptor, piece by piece."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._loop = asyncio.get_running_loop()
        self._stop_read, self._stop_write = os.pipe()
        # A daemon: what is blocked in a read that never ends must not hold up the end.
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Stdin":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop_write)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Until its end."""
        while piece := await self._pieces.get():
            yield piece

    def _read(self) -> None:
        try:
            while True:
                ready, _, _ = select.select([self._fd, self._stop_read], [], [])
                if self._stop_read in ready:
                    return
                piece = _read_some(self._fd)
                asyncio.run_coroutine_threadsafe(self._pieces.put(piece), self._loop).result()
                if not piece:
                    return
        except (RuntimeError, asyncio.CancelledError):
            return  # the loop has ended
        finally:
            os.close(self._stop_read)


def _read_some(fd: int) -> bytes:
    """A piece; nothing at the end, which a terminal that went away is, too."""
    try:
        return os.read(fd, PIECE)
    except OSError:
        return b""


class Output:
    """Writes to stdout and stderr, in order, without blocking the loop."""

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(max_workers=1)

    async def write(self, fd: int, content: bytes) -> None:
        """All of it. Errors: BrokenPipeError when nobody reads any more."""
        await asyncio.get_running_loop().run_in_executor(self._writer, _write_all, fd, content)

    def close(self) -> None:
        """Not waited for: who reads may have stopped reading."""
        self._writer.shutdown(wait=False, cancel_futures=True)


def _write_all(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def size() -> tuple[int, int]:
    """Columns and rows of the terminal."""
    found = shutil.get_terminal_size()
    return max(1, found.columns), max(1, found.lines)


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Let each key go through as it is. Given back at the end, however that comes.

    Signals that would end this program at once are made an ordinary end: SIGTERM, SIGHUP.
    """
    before = termios.tcgetattr(fd)
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    endings = (signal.SIGTERM, signal.SIGHUP)
    for each in endings:
        if task is not None:
            loop.add_signal_handler(each, task.cancel)
    try:
        tty.setraw(fd)
        yield
    finally:
        with suppress(termios.error):  # the terminal itself may be gone
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
        for each in endings:
            loop.remove_signal_handler(each)


@contextmanager
def resizes(told: Callable[[], None]) -> Iterator[None]:
    """Call this whenever the terminal gets another size."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, told)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


def are_terminals() -> bool:
    """Whether there is a person on both sides."""
    return sys.stdin.isatty() and sys.stdout.isatty()
