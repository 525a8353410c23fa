"""`ecn exec`: a command in a container, on a device that accepts no connection."""

import asyncio
import sys
from contextlib import ExitStack, suppress

import click
import msgspec

from agent.contract import Channel, NoFrame, SessionEnd, Size, frame, frames, unframed
from ecn.api.documents import Problem
from ecn.api.session_documents import SessionStarted, StartExec
from ecn.cli import terminal
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, Refused, Unreachable
from ecn.cli.kinds import reference_to_run
from ecn.cli.session import Session, pass_session
from ecn.cli.session_socket import SessionSocket
from ecn.manifests.kinds import Kind

LOST = "the connection to the controller is lost"


@examples("""
ecn exec -it shop/web -- sh
ecn exec shop/web -- cat /etc/hosts
ecn exec -i shop/db -- psql < dump.sql
ecn exec shop/web -- tar c /data > data.tar
""")
@click.command("exec", cls=Command, context_settings={"ignore_unknown_options": False})
@click.option("-i", "--stdin", "with_input", is_flag=True, help="Give it what comes on stdin.")
@click.option("-t", "--tty", "with_terminal", is_flag=True, help="Give it a terminal.")
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@connection_options
@pass_session
def exec_(
    session: Session,
    microservice: str,
    command: tuple[str, ...],
    with_input: bool,
    with_terminal: bool,
) -> None:
    """Run a command in a microservice's container, as long as you are there.

    Ends with the command's exit code; when you leave before it does, it is ended too. Who ran what
    stands in the log (ecn audit), what went in and out does not.
    """
    reference = reference_to_run(microservice)
    if reference.kind is not Kind.MICROSERVICE:
        raise click.UsageError(f"{microservice!r} is not APPLICATION/MICROSERVICE")
    if with_terminal and not (sys.stdin.isatty() if with_input else True):
        raise click.UsageError("-t needs a terminal: leave it out where stdin is a file or a pipe")
    width, height = terminal.size()
    start = StartExec(
        command=list(command),
        input=with_input,
        terminal=with_terminal,
        width=width,
        height=height,
    )
    end = session.run(lambda client: _run(client, reference.name, start))
    if end.exit_code is None:
        raise CliError(f"the session ended: {end.reason or 'nobody said why'}")
    raise click.exceptions.Exit(end.exit_code)


async def _run(client: Client, microservice: str, start: StartExec) -> SessionEnd:
    async with client.exec(microservice) as socket:
        await socket.say(msgspec.json.encode(start).decode())
        _started(await socket.receive())
        return await _Exec(socket, start).run()


def _started(answer: bytes | str | None) -> None:
    """Errors: Refused, Unreachable."""
    if not isinstance(answer, str):
        raise Unreachable(LOST)
    try:
        msgspec.json.decode(answer, type=SessionStarted)
    except msgspec.DecodeError:
        try:
            raise Refused(msgspec.json.decode(answer, type=Problem))
        except msgspec.DecodeError:
            raise Unreachable("what answers there is not an ECN controller") from None


class _Exec:
    def __init__(self, socket: SessionSocket, start: StartExec) -> None:
        self._socket = socket
        self._start = start
        self._output = terminal.Output()
        self._resized = asyncio.Event()

    async def run(self) -> SessionEnd:
        """Until the command, or the person, ends it. Errors: Unreachable, BrokenPipeError."""
        with ExitStack() as stack:
            stack.callback(self._output.close)
            helpers = [asyncio.ensure_future(self._socket.ping())]
            if self._start.input:
                if self._start.terminal:
                    stack.enter_context(terminal.raw(sys.stdin.fileno()))
                keys = stack.enter_context(terminal.Stdin(sys.stdin.fileno()))
                helpers.append(asyncio.ensure_future(self._feed(keys)))
            if self._start.terminal:
                stack.enter_context(terminal.resizes(self._resized.set))
                helpers.append(asyncio.ensure_future(self._tell_sizes()))
            try:
                return await self._show()
            finally:
                for each in helpers:
                    each.cancel()
                await asyncio.wait(helpers)

    async def _show(self) -> SessionEnd:
        while (said := await self._socket.receive()) is not None:
            if isinstance(said, str):
                continue
            try:
                channel, content = unframed(said)
            except NoFrame:
                continue
            match channel:
                case Channel.STDOUT:
                    await self._output.write(sys.stdout.fileno(), content)
                case Channel.STDERR:
                    await self._output.write(sys.stderr.fileno(), content)
                case Channel.EXIT:
                    return msgspec.json.decode(content, type=SessionEnd)
                case _:
                    continue
        raise Unreachable(LOST, next_step="what ran there is ended; run it again")

    async def _feed(self, keys: terminal.Stdin) -> None:
        # When it can't be sent, the side that receives sees it too.
        with suppress(Unreachable):
            async for piece in keys.pieces():
                for each in frames(Channel.STDIN, piece):
                    await self._socket.send(each)
            await self._socket.send(frame(Channel.STDIN, b""))

    async def _tell_sizes(self) -> None:
        with suppress(Unreachable):
            while True:
                await self._resized.wait()
                self._resized.clear()
                width, height = terminal.size()
                said = msgspec.json.encode(Size(width=width, height=height))
                await self._socket.send(frame(Channel.RESIZE, said))
