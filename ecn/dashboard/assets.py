"""The page's files: read once, at paths that name their content, so that browsers keep them.

Nothing comes from elsewhere, and nothing else may be loaded: the policy that goes with the page
tells the browser.
"""

import asyncio
import gzip
import hashlib
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from threading import Lock

from aiohttp import web
from msgspec import Struct

from ecn.dashboard.policy import SAFELY

BASE = "/dashboard"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
START = "start.js"
"""Sees to it that the rest comes, or that the page is loaded anew: at a path that every version
serves."""
IMPORT = re.compile(r"""^(?:import|export)\b[^'"]*?['"](\.[^'"]+)['"]""", re.MULTILINE)
FOR_EVER = "public, max-age=31536000, immutable"


READING = Lock()


class Asset(Struct, frozen=True):
    """One file."""

    content: bytes
    packed: bytes
    """The same with gzip."""
    media: str


class Page(Struct, frozen=True):
    """All of it."""

    document: Asset
    mark: str
    """Made of all contents: another version has other paths."""
    assets: dict[str, Asset]


@cache
def page() -> Page:
    """As it is installed. Takes a while at first."""
    root = files("ecn.dashboard") / "page"
    assets = dict(sorted(_assets(root, "")))
    document = (root / "index.html").read_text("utf-8")
    digest = hashlib.sha256(document.encode())
    for name, asset in assets.items():
        digest.update(name.encode() + b"\0" + asset.content + b"\0")
    mark = digest.hexdigest()[:16]
    # Or the browser would learn of one file by another, a round trip for each step.
    early = [f'<link rel="modulepreload" href="ASSETS/{name}">' for name in imported(assets)]
    document = document.replace("</head>", "\n    ".join(["", *early]) + "\n  </head>")
    content = document.replace("ASSETS", f"{BASE}/assets/{mark}").encode()
    return Page(_packed(content, "text/html"), mark, assets)


def imported(assets: Mapping[str, Asset]) -> list[str]:
    """All modules that come to be needed, in the order in which they are met."""
    met: dict[str, None] = {}
    waiting = ["main.js"]
    while waiting:
        name = waiting.pop(0)
        if name in met or name not in assets:
            continue
        met[name] = None
        folder = posixpath.dirname(name)
        waiting += [
            posixpath.normpath(posixpath.join(folder, path))
            for path in IMPORT.findall(assets[name].content.decode())
        ]
    return list(met)


def _assets(folder: Traversable, below: str) -> list[tuple[str, Asset]]:
    found = []
    for each in folder.iterdir():
        name = below + each.name
        suffix = "." + each.name.rpartition(".")[2]
        if each.is_dir():
            found += _assets(each, name + "/")
        elif suffix in TYPES:
            found.append((name, _packed(each.read_bytes(), TYPES[suffix])))
    return found


def _packed(content: bytes, media: str) -> Asset:
    return Asset(content, gzip.compress(content, mtime=0), media)


async def ready() -> Page:
    """As `page`, read and packed beside the loop."""
    return page() if page.cache_info().currsize else await asyncio.to_thread(_first)


def _first() -> Page:
    """Whoever asks while it is read waits for it."""
    with READING:
        return page()


async def show_page(request: web.Request) -> web.Response:
    """The page itself, at whatever view."""
    whole = await ready()
    response = _file(request, whole.document, "no-cache")
    response.headers["ETag"] = f'W/"{whole.mark}"'
    if whole.mark in request.headers.get("If-None-Match", ""):
        headers = {name: response.headers[name] for name in (*SAFELY, "Cache-Control", "ETag")}
        return web.Response(status=304, headers=headers)
    return response


async def show_asset(request: web.Request) -> web.Response:
    """A file of it. One of another version is not there: start.js loads the page anew then."""
    whole = await ready()
    asset = whole.assets.get(request.match_info["name"])
    if asset is None or request.match_info["mark"] != whole.mark:
        raise web.HTTPNotFound
    return _file(request, asset, FOR_EVER)


async def show_start(request: web.Request) -> web.Response:
    """The first script."""
    return _file(request, (await ready()).assets[START], "no-cache")


async def show_icon(request: web.Request) -> web.Response:
    """What browsers ask for by themselves, on whatever page of ours."""
    return _file(request, (await ready()).assets["icon.svg"], "public, max-age=86400")


def _file(request: web.Request, asset: Asset, keep: str) -> web.Response:
    headers = {**SAFELY, "Cache-Control": keep, "Vary": "Accept-Encoding"}
    packed = _takes_gzip(request.headers.get("Accept-Encoding", ""))
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=asset.packed if packed else asset.content,
        content_type=asset.media,
        charset="utf-8",
        headers=headers,
    )


def _takes_gzip(accepted: str) -> bool:
    """Whether that Accept-Encoding has gzip, and not as the one thing that is refused."""
    for each in accepted.lower().split(","):
        name, _, weight = each.replace(" ", "").partition(";q=")
        if name in ("gzip", "*"):
            return weight.rstrip("0.") != "" if weight else True
    return False


async def show_dashboard(_: web.Request) -> web.Response:
    """Where somebody arrives who knows the host alone."""
    raise web.HTTPFound(f"{BASE}/")


ROUTES = (
    web.get("/", show_dashboard),
    web.get("/favicon.ico", show_icon),
    web.get(BASE, show_dashboard),
    web.get(f"{BASE}/{START}", show_start),
    web.get(BASE + "/assets/{mark}/{name:.+}", show_asset),
    web.get(BASE + "/{view:.*}", show_page),
)
