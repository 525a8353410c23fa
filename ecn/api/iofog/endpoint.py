"""An endpoint of ioFog's API as data, and what handlers use: the body, the world, the answer.

A handler takes the request and gives a response. Whom it serves and what it reads stands in its
row; it is called when the caller is known and may:

    async def create(request: web.Request) -> web.Response:
        said = await body(request, CreateThing)
        outcome = await execute(request, commands.CreateThing(...))   # ecn/api/commanding.py
        return answer(Created(id=...), 201)

`request[OPERATOR]` and `request[DEVICE]` (commanding.py) say who is asking, `world(request)` what
there is, `request.match_info["name"]` what the path names. What is refused is raised: a `Refusal`
in ioFog's words (ecn/iofog/refusals.py), or a `Refused` of the domain, translated by errors.py.
A handler that changes something may be run again from its beginning (commanding.py, `again`).
"""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from ecn.api import endpoint as native
from ecn.api.endpoint import Access
from ecn.api.iofog.rendering import rendered
from ecn.api.keys import LIVE
from ecn.iofog import bodies
from projections.world import World

T = TypeVar("T")
SMALL = 16 << 10
"""Bytes of JSON that are read at once, in a few hundred microseconds."""
LONGEST = 1 << 20
"""Bytes of JSON in a body."""
LONGEST_OF_ANYBODY = 64 << 10
"""The same, of those who have shown no token."""

JSON = {"Content-Type": "application/json; charset=utf-8"}


class Endpoint(native.Endpoint, frozen=True, kw_only=True):
    """One method of one path below /api/v3, `{parameters}` in braces.

    `access`: a role for users' tokens, `Access.AGENT` for agents' tokens, or `Access.ANYONE`.
    `answer` None: the body of a success is empty, or no JSON (`media`).
    """

    liquid: bool = False
    """The texts of the body are rendered before they are looked at."""
    maybe_empty: bool = False
    """The body of a success may be empty, although there is an `answer`."""
    changes: bool = False
    """A GET that changes something, as ioFog has some."""
    withdrawn: int = 401
    """What a device is told whose node is gone."""
    duplicate: int = 409
    """The status of a name that is taken."""

    @property
    def all_queries(self) -> tuple[native.Query, ...]:
        """Its own: ioFog knows no others."""
        return self.queries


ENDPOINT: web.RequestKey[Endpoint] = web.RequestKey("IOFOG_ENDPOINT", Endpoint)


async def body(request: web.Request, type_: type[T]) -> T:
    """The body as that type, rendered if the endpoint has it so. Errors: Refusal."""
    said = await plain_body(request)
    if await _is_small(request):
        return bodies.typed(said, type_)
    return await asyncio.to_thread(bodies.typed, said, type_)


async def plain_body(request: web.Request) -> object:
    """The body as plain values, rendered if the endpoint has it so. Errors: Refusal."""
    content = await request.read()
    most = LONGEST_OF_ANYBODY if request[ENDPOINT].access is Access.ANYONE else LONGEST
    if len(content) > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(content))
    if await _is_small(request):
        said = bodies.document(content)
    else:
        # In turns with all others, who would wait for it otherwise.
        said = await asyncio.to_thread(bodies.document, content)
    return await rendered(request, said) if request[ENDPOINT].liquid else said


async def _is_small(request: web.Request) -> bool:
    return len(await request.read()) <= SMALL


def world(request: web.Request) -> World:
    """The network as it is now."""
    return request.app[LIVE].world


def answer(document: object, status: int = 200) -> web.Response:
    """The document as JSON: None is null, UNSET is absent."""
    return web.Response(status=status, body=msgspec.json.encode(document), headers=JSON)


def empty(status: int = 204) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)
