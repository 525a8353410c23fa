"""A command in a container of the fake engine. What it does is read from its words.

`echo …` prints, `exit N` ends with N, `cat` says what it reads, `size` each size of its terminal,
anything else waits until it is hung up.
"""

import asyncio

from agent.contract import Channel, ExecRequest, Size


class FakeExecution:
    def __init__(self, request: ExecRequest) -> None:
        self.request = request
        self.hung_up = False
        self._out: asyncio.Queue[tuple[Channel, bytes] | None] = asyncio.Queue()
        self._code: int | None = None
        match request.command:
            case ["echo", *words]:
                self._print((" ".join(words) + "\n").encode())
                self._end(0)
            case ["exit", code]:
                self._print(b"oh\n", Channel.STDERR)
                self._end(int(code))
            case ["cat"] if not request.input:
                self._end(0)
            case ["size"]:
                self._print(b"%d %d\n" % (request.width, request.height))

    async def output(self) -> tuple[Channel, bytes] | None:
        return await self._out.get()

    async def feed(self, content: bytes) -> None:
        if self.request.command == ["cat"]:
            self._print(content)

    async def end_input(self) -> None:
        if self.request.command == ["cat"] and not self.request.terminal:
            self._end(0)

    async def resize(self, size: Size) -> None:
        if self.request.command == ["size"]:
            self._print(b"%d %d\n" % (size.width, size.height))

    async def exit_code(self) -> int | None:
        return self._code

    async def hang_up(self) -> bool:
        self.hung_up = True
        self._end(129)
        return True

    def _print(self, content: bytes, channel: Channel = Channel.STDOUT) -> None:
        self._out.put_nowait((channel, content))

    def _end(self, code: int) -> None:
        self._code = code
        self._out.put_nowait(None)
