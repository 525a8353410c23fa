"""Bodies with Liquid in their texts, rendered with what the network is as of now."""

from aiohttp import web


async def rendered(request: web.Request, body: object) -> object:
    """The body with every text rendered; `self` in it is the body."""
    return body
