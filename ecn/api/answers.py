"""Documents on their way out."""

import msgspec
from aiohttp import web

from ecn.api.documents import Changed, Page, Status


def json_answer(
    document: msgspec.Struct, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """The document as JSON; the position that it names is in the header too."""
    response = web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers=headers,
    )
    if isinstance(document, (Changed, Page, Status)):
        response.headers["ECN-Position"] = str(document.position)
    return response
