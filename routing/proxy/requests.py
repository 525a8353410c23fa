"""The requests of an HTTP/1 connection, as they pass: who sent them is added to each.

Pure. Nothing is held back but the head of a request until it is whole; bodies of any length and
form stream. What could be understood in two ways is refused rather than passed on, so that what
is added here can't be forged. After a switch of protocols (WebSocket) everything passes as it is.
"""

import re
from enum import Enum, auto

LONGEST_HEAD = 64 << 10
LONGEST_LINE = 256
"""Of the length of a chunk."""

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) HTTP/1\.([01])")
_ANSWER = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |\r\n)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class BadRequest(Exception):
    """Not to be passed on; the sentence says why, for whoever sent it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _At(Enum):
    HEAD = auto()
    BODY = auto()
    CHUNK = auto()
    """The line with a chunk's length."""
    CHUNK_END = auto()
    TRAILERS = auto()
    SWITCHING = auto()
    """An answer says whether the protocol is another from here on."""
    SWITCHED = auto()


class Requests:
    """Of one connection. client: the address that it came from."""

    def __init__(self, client: str, scheme: str = "http") -> None:
        self._client = client.encode()
        self._scheme = scheme.encode()
        self._at = _At.HEAD
        self._kept = b""
        self._left = 0
        self._chunked = False
        self._upgrade = False
        self._answer = b""
        self.answered = False
        """Whether anything was answered yet."""

    def asked(self, content: bytes) -> bytes:
        """What to pass on of what came. Errors: BadRequest."""
        if self._at is _At.SWITCHED:
            return content
        self._kept += content
        out: list[bytes] = []
        while self._step(out):
            pass
        return b"".join(out)

    def heard(self, content: bytes) -> bytes:
        """The same content, of an answer."""
        self.answered = True
        if self._at is _At.SWITCHING:
            self._answer += content
            self._switch()
        return content

    def _step(self, out: list[bytes]) -> bool:
        """Whether there may be more to do with what is kept."""
        if not self._kept:
            return False
        match self._at:
            case _At.HEAD:
                return self._head(out)
            case _At.BODY:
                piece, self._kept = self._kept[: self._left], self._kept[self._left :]
                self._left -= len(piece)
                out.append(piece)
                if not self._left:
                    self._at = _At.CHUNK_END if self._chunked else self._after()
                return True
            case _At.CHUNK:
                return self._chunk(out)
            case _At.CHUNK_END:
                if len(self._kept) < 2:
                    return False
                if self._kept[:2] != b"\r\n":
                    raise BadRequest(400, "a chunk has not the length that it says")
                out.append(b"\r\n")
                self._kept = self._kept[2:]
                self._at = _At.CHUNK
                return True
            case _At.TRAILERS:
                return self._trailer(out)
            case _At.SWITCHING:
                raise BadRequest(400, "more was sent before the answer to Upgrade")
            case _At.SWITCHED:
                out.append(self._kept)
                self._kept = b""
                return False

    def _head(self, out: list[bytes]) -> bool:
        # An empty line before a request is no part of it.
        self._kept = self._kept.lstrip(b"\r\n")
        end = self._kept.find(b"\r\n\r\n")
        if end < 0:
            if len(self._kept) > LONGEST_HEAD or b"\n\n" in self._kept:
                raise BadRequest(431, "the head of the request is too long, or is none")
            return False
        if end > LONGEST_HEAD:
            raise BadRequest(431, "the head of the request is too long")
        head, self._kept = self._kept[:end], self._kept[end + 4 :]
        out.append(self._with_sender(head))
        return True

    def _with_sender(self, head: bytes) -> bytes:
        first, *lines = head.split(b"\r\n")
        request = _REQUEST.fullmatch(first)
        if request is None:
            raise BadRequest(400, "no request of HTTP/1.0 or HTTP/1.1")
        if request[1] == b"CONNECT":
            raise BadRequest(405, "CONNECT is for forward proxies")
        fields = [_field(line) for line in lines]
        kept: list[bytes] = [first]
        senders: list[bytes] = []
        told_scheme = False
        for (name, value), line in zip(fields, lines, strict=True):
            if name == b"x-forwarded-for":
                senders.append(value)
                continue
            told_scheme |= name == b"x-forwarded-proto"
            kept.append(line)
        kept.append(b"X-Forwarded-For: " + b", ".join([*filter(None, senders), self._client]))
        if not told_scheme:
            kept.append(b"X-Forwarded-Proto: " + self._scheme)
        self._expect_body(fields, http_1_0=request[3] == b"0")
        return b"\r\n".join([*kept, b"", b""])

    def _expect_body(self, fields: list[tuple[bytes, bytes]], *, http_1_0: bool) -> None:
        lengths = {value for name, value in fields if name == b"content-length"}
        codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
        words = b",".join(value for name, value in fields if name == b"connection").lower()
        self._upgrade = b"upgrade" in {word.strip() for word in words.split(b",")} and any(
            name == b"upgrade" for name, _ in fields
        )
        self._answer = b""
        self._chunked = bool(codings)
        if codings:
            if lengths or http_1_0:
                raise BadRequest(400, "Transfer-Encoding where there must be none")
            if codings != [b"chunked"]:
                raise BadRequest(501, "only chunked is known as Transfer-Encoding")
            self._at = _At.CHUNK
        elif lengths:
            if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", min(lengths)):
                raise BadRequest(400, "Content-Length is not one number")
            self._left = int(min(lengths))
            self._at = _At.BODY if self._left else self._after()
        else:
            self._at = self._after()

    def _chunk(self, out: list[bytes]) -> bool:
        line = self._line()
        if line is None:
            return False
        size = _CHUNK.fullmatch(line)
        if size is None:
            raise BadRequest(400, "a chunk without a length")
        out.append(line + b"\r\n")
        self._left = int(size[1], 16)
        self._at = _At.BODY if self._left else _At.TRAILERS
        return True

    def _trailer(self, out: list[bytes]) -> bool:
        line = self._line()
        if line is None:
            return False
        if line:
            _field(line)
        else:
            self._at = self._after()
        out.append(line + b"\r\n")
        return True

    def _after(self) -> _At:
        """Where a request ends."""
        return _At.SWITCHING if self._upgrade else _At.HEAD

    def _line(self) -> bytes | None:
        end = self._kept.find(b"\r\n")
        if end < 0:
            if len(self._kept) > LONGEST_LINE:
                raise BadRequest(400, "a line of a chunk is too long")
            return None
        line, self._kept = self._kept[:end], self._kept[end + 2 :]
        return line

    def _switch(self) -> None:
        """Look for the answer to Upgrade, behind others that are no last word."""
        while (end := self._answer.find(b"\r\n\r\n")) >= 0:
            status = _ANSWER.match(self._answer)
            if status is None or not status[1].startswith(b"1"):
                self._at = _At.HEAD
                return
            if status[1] == b"101":
                self._at = _At.SWITCHED
                return
            self._answer = self._answer[end + 4 :]
        if len(self._answer) > LONGEST_HEAD:
            self._at = _At.HEAD


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Name, in small letters, and value of a header. Errors: BadRequest."""
    name, colon, value = line.partition(b":")
    if (
        not colon
        or not _TOKEN.fullmatch(name)
        or b"\n" in value
        or b"\r" in value
        or b"\0" in value
    ):
        raise BadRequest(400, "a header that is none")
    return name.lower(), value.strip(b" \t")
