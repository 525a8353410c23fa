"""The log as a whole over HTTP: export, verification, checkpoints."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiohttp import web

from ecn import checkpoint
from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint, Query, whole_number
from ecn.api.keys import CLOCK, LIVE, STORED, VAULT
from ecn.api.lines import MEDIA, SLOWEST_READER, lines_answer
from ecn.api.log_documents import ChainFault, LogPublicKey, LogVerification, SignedCheckpoint
from ecn.api.standing import check_still_allowed
from ecn.checkpoint import Checkpoint
from ecn.errors import Invalid, TooMany
from events.chaining import BEGINNING, HASH_BYTES, ChainBroken
from events.export import Header, LogPacker
from events.stored import StoredReader, TooManyReaders
from events.user import Role
from events.verification import walk

EXPORT_MEDIA = "application/zstd"
EXPORT_PAGE = 500
"""Events that are packed at a time: some 5 ms in which nobody else has a turn."""


async def export(request: web.Request) -> web.StreamResponse:
    """The log as a file. In memory there is a page of it at most, and what a socket buffers."""
    first = whole_number(request, "from", least=1) or 1
    to = whole_number(request, "to")
    async with _reading(request) as reader:
        end = (await reader.extent()).last
        last = end if to is None else to
        if last > end:
            raise Invalid(f"position {last} is to come: the log ends at {end}", field="?to")
        if first > last + 1:
            raise Invalid(f"is behind {last}, where the export would end", field="?from")
        before = await reader.between(first - 2, first - 1)
        previous = before[0].hash if before else BEGINNING.hash
        packer = LogPacker(Header(first=first, last=last, previous_hash=previous.hex()))
        name = f"ecn-log-{first}-{last}.jsonl.zst"
        response = web.StreamResponse(
            headers={
                "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="{name}"',
            }
        )
        response.content_type = EXPORT_MEDIA
        await response.prepare(request)
        await _send(response, packer.begin())
        for after in range(first - 1, last, EXPORT_PAGE):
            check_still_allowed(request, Role.ADMIN)
            page = await reader.between(after, min(after + EXPORT_PAGE, last))
            await _send(response, packer.go_on(page))
        await _send(response, packer.end())
        await response.write_eof()
        return response


async def verify(request: web.Request) -> web.StreamResponse:
    """Walk through the whole log, and say what is wrong with it first, or that nothing is."""
    # What this controller holds in memory was once read from this log, so it must still be so.
    head = request.app[LIVE].world.head
    marks: dict[int, bytes] = {head.position: head.hash}
    position, digest = whole_number(request, "position"), request.query.get("hash")
    if (position is None) != (digest is None):
        raise Invalid("position and hash go together", field="?position")
    if position is not None and digest is not None:
        given = _hash(digest)
        if marks.setdefault(position, given) != given:
            # No walk is needed to know that; it is told like the rest all the same.
            marks = {position: given}
    async with (
        _reading(request) as reader,
        aclosing(_progress(request, reader, marks)) as lines,
    ):
        return await lines_answer(request, lines)


async def _progress(
    request: web.Request, reader: StoredReader, marks: dict[int, bytes]
) -> AsyncGenerator[LogVerification]:
    line = LogVerification(position=0, of=0, hash=BEGINNING.hash.hex())
    try:
        async with aclosing(walk(reader, marks)) as steps:
            async for place, of in steps:
                check_still_allowed(request, Role.VIEWER)
                line = LogVerification(position=place.position, of=of, hash=place.hash.hex())
                yield line
    except ChainBroken as e:
        fault = ChainFault(position=e.position, what=e.what)
        yield LogVerification(
            position=e.proved.position,
            of=line.of,
            hash=e.proved.hash.hex(),
            done=True,
            wrong=fault,
        )
    else:
        yield LogVerification(position=line.position, of=line.of, hash=line.hash, done=True)


async def sign(request: web.Request) -> web.Response:
    """A signed statement of where the log is."""
    key = await request.app[VAULT].signing_key()
    head = request.app[LIVE].world.head
    stated = Checkpoint(position=head.position, hash=head.hash, signed=request.app[CLOCK]())
    return json_answer(checkpoint.sign(stated, key))


async def public_key(request: web.Request) -> web.Response:
    """The key that checkpoints are checked with."""
    key = (await request.app[VAULT].signing_key()).public_key()
    return json_answer(LogPublicKey(public_key=checkpoint.shown(key), pem=checkpoint.pem(key)))


@asynccontextmanager
async def _reading(request: web.Request) -> AsyncIterator[StoredReader]:
    try:
        async with request.app[STORED].reading() as reader:
            yield reader
    except TooManyReaders as e:
        raise TooMany("the log is exported or verified for others now", retry_after=5) from e


async def _send(response: web.StreamResponse, chunk: bytes) -> None:
    async with asyncio.timeout(SLOWEST_READER):
        await response.write(chunk)


def _hash(text: str) -> bytes:
    try:
        given = bytes.fromhex(text)
    except ValueError:
        given = b""
    if len(given) != HASH_BYTES:
        raise Invalid(f"{text!r} is no hash: it has {2 * HASH_BYTES} hex digits", field="?hash")
    return given


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/log/export",
        handler=export,
        access=Role.ADMIN,
        tag="log",
        summary="Export the log as a file: JSON lines, packed with zstd",
        queries=(
            Query("from", "first position, 1 unless told", int),
            Query("to", "last position, the end of the log unless told", int),
        ),
        media=EXPORT_MEDIA,
        refusals=(429,),
    ),
    Endpoint(
        method="GET",
        path="/log/verify",
        handler=verify,
        access=Role.VIEWER,
        tag="log",
        summary="Verify the chain of hashes: a line for each step, the outcome in the last one",
        answer=LogVerification,
        queries=(
            Query("position", "of a checkpoint to hold the log against", int),
            Query("hash", "that it names, hexadecimal"),
        ),
        media=MEDIA,
        refusals=(429,),
    ),
    Endpoint(
        method="GET",
        path="/log/checkpoint",
        handler=sign,
        access=Role.VIEWER,
        tag="log",
        summary="A signed statement of the log's position and hash",
        answer=SignedCheckpoint,
    ),
    Endpoint(
        method="GET",
        path="/log/public-key",
        handler=public_key,
        access=Role.VIEWER,
        tag="log",
        summary="The key that checkpoints are checked with",
        answer=LogPublicKey,
    ),
)
