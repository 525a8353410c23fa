"""The page's files: read once, at paths that name their content, so that browsers keep them.

Nothing comes from elsewhere, and nothing else may be loaded: the policy that goes with the page
tells the browser.
"""

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web
from msgspec import Struct

BASE = "/dashboard"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SAFELY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Asset(Struct, frozen=True):
    """One file."""

    content: bytes
    packed: bytes
    """The same with gzip."""
    media: str


class Page(Struct, frozen=True):
    """All of it."""

    document: bytes
    mark: str
    """Made of all contents: another version has other paths."""
    assets: dict[str, Asset]


@cache
def page() -> Page:
    """As it is installed."""
    root = files("ecn.dashboard") / "page"
    assets = dict(sorted(_assets(root, "")))
    digest = hashlib.sha256()
    for name, asset in assets.items():
        digest.update(name.encode() + b"\0" + asset.content)
    mark = digest.hexdigest()[:16]
    document = (root / "index.html").read_text("utf-8").replace("ASSETS", f"{BASE}/assets/{mark}")
    return Page(document.encode(), mark, assets)


def _assets(folder: Traversable, below: str) -> list[tuple[str, Asset]]:
    found = []
    for each in folder.iterdir():
        name = below + each.name
        suffix = "." + each.name.rpartition(".")[2]
        if each.is_dir():
            found += _assets(each, name + "/")
        elif suffix in TYPES:
            content = each.read_bytes()
            found.append((name, Asset(content, gzip.compress(content, mtime=0), TYPES[suffix])))
    return found


async def show_page(_: web.Request) -> web.Response:
    """The page itself, at whatever view."""
    return web.Response(
        body=page().document,
        content_type="text/html",
        charset="utf-8",
        headers={**SAFELY, "Cache-Control": "no-cache"},
    )


async def show_asset(request: web.Request) -> web.Response:
    """A file of it. One of another version is not there: the page is loaded anew then."""
    whole = page()
    asset = whole.assets.get(request.match_info["name"])
    if asset is None or request.match_info["mark"] != whole.mark:
        raise web.HTTPNotFound
    headers = {**SAFELY, "Cache-Control": "public, max-age=31536000, immutable"}
    headers["Vary"] = "Accept-Encoding"
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=asset.packed if packed else asset.content,
        content_type=asset.media,
        charset="utf-8",
        headers=headers,
    )


async def show_dashboard(_: web.Request) -> web.Response:
    """Where somebody arrives who knows the host alone."""
    raise web.HTTPFound(f"{BASE}/")


ROUTES = (
    web.get("/", show_dashboard),
    web.get(BASE, show_dashboard),
    web.get(BASE + "/assets/{mark}/{name:.+}", show_asset),
    web.get(BASE + "/{view:.*}", show_page),
)
