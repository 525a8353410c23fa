"""Bodies with Liquid in their texts, rendered with what the network is as of now."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from ecn.iofog.liquid import NO_LOOKUPS, has_templates, render


async def rendered(
    request: web.Request, body: object, variables: Mapping[str, object] | None = None
) -> object:
    """The body with every text rendered; it is changed, and `self` in it is the body.

    variables: what the templates may name besides. Errors: Refusal when they cost too much.
    """
    if not has_templates(body):
        return body
    # What a document may cost is bounded, but by more time than all others should wait.
    return await asyncio.to_thread(render, body, NO_LOOKUPS, variables)
