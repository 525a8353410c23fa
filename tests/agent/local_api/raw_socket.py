"""A WebSocket by hand: every frame as the test wants it, none that it does not."""

import asyncio
import base64
import os
import struct
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side is gone. code: as it said; 0: it said nothing."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class NotOpened(Exception):
    """The handshake was refused."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


@dataclass
class RawSocket:
    """An open one."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def opened(
        cls,
        port: int,
        path: str,
        *,
        address: str = "127.0.0.1",
        host: str = "127.0.0.1",
        headers: tuple[str, ...] = (),
    ) -> "RawSocket":
        """address: the caller's own. Errors: NotOpened."""
        reader, writer = await asyncio.open_connection(
            host, port, local_addr=(address, 0), limit=2**20
        )
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        if status != 101:
            length = next(
                int(line.partition(":")[2])
                for line in head.splitlines()
                if line.lower().startswith("content-length")
            )
            body = (await reader.readexactly(length)).decode()
            writer.close()
            await writer.wait_closed()
            raise NotOpened(status, body)
        return cls(reader, writer)

    async def send(self, payload: bytes, kind: int = BINARY) -> None:
        self.put(payload, kind)
        await self.writer.drain()

    def put(self, payload: bytes, kind: int = BINARY) -> None:
        """Without waiting for the other side."""
        mask = os.urandom(4)
        head = bytes([0x80 | kind])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        elif len(payload) < 1 << 16:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", len(payload))
        repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
        size = len(payload)
        masked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
        self.writer.write(head + mask + masked.to_bytes(size, "big"))

    async def frame(self, within: float = 5.0) -> tuple[int, bytes]:
        """The next of any kind. Errors: Closed; TimeoutError."""
        async with asyncio.timeout(within):
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    (length,) = struct.unpack(">H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack(">Q", await self.reader.readexactly(8))
                payload = await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise Closed from error
        if first & 0x0F == CLOSE:
            raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else 0)
        return first & 0x0F, payload

    async def binary(self, within: float = 5.0) -> bytes:
        """The next binary frame. Errors: Closed; TimeoutError."""
        while True:
            kind, payload = await self.frame(within)
            if kind == BINARY:
                return payload

    async def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            await self.frame(seconds)
        except TimeoutError:
            return True
        return False

    async def closed(self, within: float = 5.0) -> int:
        """What was said when it was closed, after whatever comes before."""
        try:
            while True:
                await self.frame(within)
        except Closed as closed:
            return closed.code

    def pause(self) -> None:
        """Read no more."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    def break_off(self) -> None:
        """As a container that is killed."""
        self.writer.transport.abort()
