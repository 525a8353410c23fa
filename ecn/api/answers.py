"""Documents on their way out."""

import msgspec
from aiohttp import web


def json_answer(
    document: msgspec.Struct, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """The document as JSON."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers=headers,
    )
