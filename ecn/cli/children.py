"""A child process that is kept running, and ends with its parent.

The child's stdin is a pipe that only we hold: should this process die in whatever way, the pipe
closes and the child stops by itself (`lifeline.py`). It has a session of its own, so that Ctrl-C
reaches us alone and the order of stopping is ours.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from ecn.cli.child_log import LONGEST_LINE, LogFile

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a child that ended is started again."""
STEADY = 60.0
"""Seconds of running after which an end counts as the first one again."""
LAST_WORDS = 2.0
"""Seconds for the rest of an ended child's output: a grandchild may hold the pipe."""


class Child:
    """One program, started as often as it takes."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: LogFile,
        on_line: Callable[[str, str], None],
        say: Callable[[str], None],
        finished: Mapping[int, str] | None = None,
    ) -> None:
        """finished: exit codes that mean there is nothing more to do, and how to say so."""
        self._finished = finished or {}
        self.name = name
        self.log = log
        self._arguments = arguments
        self._environment = dict(environment)
        self._on_line = on_line
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it once."""
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self._environment},
            start_new_session=True,
        )
        self._pump = asyncio.create_task(self._read_output(self._process))

    async def wait(self) -> int:
        """Until it has ended; its exit code, negative for a signal."""
        if self._process is None or self._pump is None:
            return 0
        code = await self._process.wait()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await asyncio.shield(self._pump)
        except TimeoutError:
            self._pump.cancel()
        return code

    async def keep(self) -> None:
        """Start it again whenever it ends, later and later, and say so, until it has finished."""
        failures = 0
        while True:
            started = time.monotonic()
            if self.running:
                code = await self.wait()
                if code in self._finished:
                    self._say(self._finished[code])
                    return
                if time.monotonic() - started > STEADY:
                    failures = 0
                pause = BACK_OFF[min(failures, len(BACK_OFF) - 1)]
                failures += 1
                self._say(
                    f"the {self.name} ended ({ended(code)}); it is started again in {pause:g} s. "
                    f"Its log: {self.log.path}"
                )
                await asyncio.sleep(pause)
            await self.start()

    async def stop(self, within: float) -> None:
        """End it in good order, or after so many seconds by force."""
        process = self._process
        if process is None:
            return
        was_running = process.returncode is None
        if was_running:
            if process.stdin is not None:
                process.stdin.close()
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(within):
                    await process.wait()
            except TimeoutError:
                self._say(f"the {self.name} does not stop; killing it")
                process.kill()
        code = await self.wait()
        if was_running and code not in (0, -signal.SIGTERM, -signal.SIGKILL):
            self._say(f"the {self.name} did not stop well ({ended(code)}): see {self.log.path}")
        self.log.close()

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        rest = b""
        while chunk := await process.stdout.read(LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines.append(rest)
                rest = b""
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        self.log.write(line)
        self._on_line(self.name, line.decode("utf-8", errors="replace"))


def ended(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
