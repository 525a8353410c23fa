"""A command inside a container, over Docker's exec: its input, its output, its end.

Made by `engine.py`. Docker can't end an exec, and one whose client has gone runs on; so
`hang_up` does it: by a signal to the process group where this process may see it, else by a shell
of the container's own, which finds the session's processes by a word in their environment.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from aiodocker.execs import Exec
from aiodocker.stream import Stream

from agent.contract import Channel, ExecRequest, Size
from agent.docker.errors import asking, unavailable
from agent.errors import EngineError

MARK = "ECN_SESSION"
"""Variable of every process of a session, unless a program clears its environment."""

HANG_UP_WITHIN = 5.0
"""Seconds between telling the processes that nobody is there any more, and killing them."""

KILL_WITHIN = 2.0
EXIT_WITHIN = 10.0
"""Seconds for the engine to know the exit code once the output has ended."""

_BY_THE_SHELL = (
    'for p in /proc/[0-9]*; do tr "\\0" "\\n" 2>/dev/null < "$p/environ" | grep -qx "$0" '
    '&& kill -"$1" "${p#/proc/}"; done'
)


class _Inspection(msgspec.Struct, frozen=True, rename="pascal"):
    running: bool = False
    exit_code: int | None = None
    pid: int = 0


class DockerExecution:
    """See `Execution` of engine.py. Made by `opened`."""

    def __init__(self, docker: Docker, made: Exec, stream: Stream, request: ExecRequest) -> None:
        self._docker = docker
        self._made = made
        self._stream = stream
        self._request = request

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, docker: Docker, container_id: str, request: ExecRequest
    ) -> AsyncGenerator["DockerExecution"]:
        """Start the command. docker: for this execution alone."""
        async with asking("run a command in", container_id):
            made = await docker.containers.container(container_id).exec(
                request.command,
                stdin=request.input,
                tty=request.terminal,
                environment=_environment(request),
            )
            stream = made.start(detach=False)
            await stream._init()
        try:
            execution = cls(docker, made, stream, request)
            if request.terminal:
                await execution.resize(Size(width=request.width, height=request.height))
            yield execution
        finally:
            await stream.close()

    async def output(self) -> tuple[Channel, bytes] | None:
        """See `Execution`."""
        try:
            message = await self._stream.read_out()
        except (aiohttp.ClientError, OSError) as error:
            raise unavailable(error) from error
        if message is None:
            return None
        return Channel.STDERR if message.stream == 2 else Channel.STDOUT, message.data

    async def feed(self, content: bytes) -> None:
        """See `Execution`."""
        try:
            await self._stream.write_in(content)
        except (AssertionError, RuntimeError, aiohttp.ClientError, OSError):
            return  # it has ended, or closed its input: the output will tell

    async def end_input(self) -> None:
        """See `Execution`. A terminal has no end of input: it is the hang-up that it gets."""
        if self._request.terminal:
            return
        answer = self._stream._resp
        transport = answer.connection.transport if answer and answer.connection else None
        if transport is not None and transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()

    async def resize(self, size: Size) -> None:
        """See `Execution`. A size that comes too late, or too early, costs nothing."""
        with suppress(EngineError):
            async with asking("resize", self._made.id):
                await self._made.resize(h=size.height, w=size.width)

    async def exit_code(self) -> int | None:
        """See `Execution`."""
        shown = await self._ended(EXIT_WITHIN, look_every=0.01)
        return None if shown.running else shown.exit_code

    async def hang_up(self) -> bool:
        """See `Execution`."""
        shown = await self._shown()
        for number, patience in ((signal.SIGHUP, HANG_UP_WITHIN), (signal.SIGKILL, KILL_WITHIN)):
            if not shown.running:
                return True
            container_id = await self._container_id()
            if not _signalled(shown.pid, container_id, number):
                await self._by_the_shell(container_id, number)
            shown = await self._ended(patience, look_every=0.1)
        return not shown.running

    async def _ended(self, within: float, *, look_every: float) -> _Inspection:
        """As it is once it has ended, or at the end of patience: the engine tells nobody."""
        deadline = asyncio.get_running_loop().time() + within
        shown = await self._shown()
        while shown.running and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(look_every)
            shown = await self._shown()
        return shown

    async def _by_the_shell(self, container_id: str, number: signal.Signals) -> None:
        """Works where this process does not see those of containers: being in one itself, say."""
        with suppress(EngineError):
            async with asking("end a command in", container_id, within=HANG_UP_WITHIN):
                word = f"{MARK}={self._request.request_id}"
                await _by_the_shell(self._docker, container_id, word, number)

    async def _shown(self) -> _Inspection:
        async with asking("inspect", self._made.id):
            try:
                return msgspec.convert(await self._made.inspect(), _Inspection)
            except DockerError as error:
                if error.status == 404:
                    return _Inspection()  # gone with its container
                raise

    async def _container_id(self) -> str:
        async with asking("inspect", self._made.id):
            return str((await self._made.inspect())["ContainerID"])


async def end_former(docker: Docker, container_id: str) -> int:
    """End what sessions of an agent that was killed left running: how many. At a start only.

    Errors: EngineError.
    """
    found = 0
    async with asking("end commands in", container_id):
        try:
            shown = await docker.containers.container(container_id).show()
        except DockerError as error:
            if error.status == 404:
                return 0
            raise
        for exec_id in shown.get("ExecIDs") or []:
            inspected = msgspec.convert(await Exec(docker, exec_id).inspect(), _Inspection)
            if not inspected.running:
                continue
            if _is_in(inspected.pid, container_id):
                # Others run commands too: health checks, somebody at the device.
                if _is_marked(inspected.pid):
                    _signalled(inspected.pid, container_id, signal.SIGKILL)
                    found += 1
            else:
                await _by_the_shell(docker, container_id, f"{MARK}=.*", signal.SIGKILL)
    return found


async def _by_the_shell(
    docker: Docker, container_id: str, word: str, number: signal.Signals
) -> None:
    made = await docker.containers.container(container_id).exec(
        ["sh", "-c", _BY_THE_SHELL, word, number.name.removeprefix("SIG")]
    )
    stream = made.start(detach=False)
    try:
        while await stream.read_out() is not None:
            pass
    finally:
        await stream.close()


def _is_in(pid: int, container_id: str) -> bool:
    """Whether that process, as this one sees it, is the container's."""
    try:
        return pid > 1 and container_id in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _is_marked(pid: int) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(each.startswith(f"{MARK}=".encode()) for each in environment)


def _environment(request: ExecRequest) -> Sequence[str]:
    terminal = ["TERM=xterm-256color"] if request.terminal else []
    return [f"{MARK}={request.request_id}", *terminal]


def _signalled(pid: int, container_id: str, number: signal.Signals) -> bool:
    """Whether the process with all of its group was signalled.

    Only one whose control group names the container: where the engine runs elsewhere, or this
    process in a container, the number is that of a stranger.
    """
    if not _is_in(pid, container_id):
        return False
    try:
        # An exec'd process leads a session of its own, and so a group.
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except OSError:
        return False
    return True
