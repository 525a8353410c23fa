"""The page's files over HTTP: what browsers keep, what they are told, and that there is no more."""

import gzip
import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

import pytest
from yarl import URL

from ecn.dashboard.assets import TYPES, Page, page
from tests.ecn.api.server import Controller, Network

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
async def controller() -> AsyncIterator[Controller]:
    async with Network.running() as network, network.controller() as controller:
        yield controller


@pytest.fixture
def whole() -> Page:
    return page()


async def asked(
    controller: Controller, path: str, method: str = "GET", **headers: str
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body as they came, the path as it is written."""
    url = URL(controller.url + path, encoded=True)
    sent = {"Accept-Encoding": "identity"} | headers
    async with controller.network.session.request(
        method, url, headers=sent, allow_redirects=False, auto_decompress=False
    ) as answer:
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("path", ["/", "/dashboard"])
async def test_who_knows_the_host_alone_is_led_there(controller: Controller, path: str) -> None:
    status, headers, _ = await asked(controller, path)
    assert (status, headers["Location"]) == (302, "/dashboard/")


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/nodes/a%2Fb", "/dashboard/x?at=3"])
async def test_each_view_is_the_same_page(controller: Controller, path: str, whole: Page) -> None:
    status, headers, body = await asked(controller, path)
    assert (status, body) == (200, whole.document.content)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    status, headers, body = await asked(controller, path, **{"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    assert "Content-Security-Policy" in headers
    status, _, _ = await asked(controller, path, **{"If-None-Match": 'W/"of-another-version"'})
    assert status == HTTPStatus.OK


async def test_all_that_the_page_names_is_there(controller: Controller, whole: Page) -> None:
    named = re.findall(r'(?:href|src|data-main)="([^"]+)"', whole.document.content.decode())
    assert len(named) > 50
    for path in named:
        status, headers, _ = await asked(controller, path)
        assert status == HTTPStatus.OK, path
        assert headers["Cache-Control"] == ("no-cache" if "start.js" in path else FOR_EVER)


async def test_each_file_comes_whole_packed_or_not(controller: Controller, whole: Page) -> None:
    for name, asset in whole.assets.items():
        path = f"/dashboard/assets/{whole.mark}/{name}"
        status, headers, body = await asked(controller, path)
        assert (status, body) == (200, asset.content)
        assert headers["Vary"] == "Accept-Encoding"
        assert headers["X-Content-Type-Options"] == "nosniff"
        media = TYPES["." + name.rpartition(".")[2]]
        assert headers["Content-Type"] == f"{media}; charset=utf-8"
    status, headers, body = await asked(controller, path, **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == asset.content


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip", True), ("*", True), ("br", False), ("gzip;q=0", False), ("gzip; q=0.0, br", False)],
)
async def test_nobody_gets_packed_what_they_can_t_read(
    controller: Controller, accepted: str, packed: bool
) -> None:
    _, headers, _ = await asked(controller, "/dashboard/", **{"Accept-Encoding": accepted})
    assert ("Content-Encoding" in headers) is packed


async def test_a_head_is_an_answer_without_its_body(controller: Controller, whole: Page) -> None:
    for path in ("/dashboard/", f"/dashboard/assets/{whole.mark}/main.js", "/favicon.ico"):
        status, headers, body = await asked(controller, path, "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["Content-Length"]) > 0


async def test_another_version_s_files_are_not_there(controller: Controller) -> None:
    status, headers, _ = await asked(controller, "/dashboard/assets/0123456789abcdef/main.js")
    assert status == HTTPStatus.NOT_FOUND
    # Nor is that remembered: the next controller may have them.
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    [
        "../index.html",
        "..%2f..%2fassets.py",
        "%2e%2e/%2e%2e/session.py",
        "..%5c..%5cassets.py",
        "core/../../../assets.py",
        "/etc/passwd",
        "%00main.js",
        "vendor/README.md",
        "vendor/lit-html/lit-html.d.ts",
        "core",
        "",
    ],
)
async def test_no_path_leads_anywhere_else(controller: Controller, whole: Page, name: str) -> None:
    status, _, body = await asked(controller, f"/dashboard/assets/{whole.mark}/{name}")
    # What is no file is a view that nobody knows: the page says so.
    assert status in (HTTPStatus.NOT_FOUND, HTTPStatus.OK)
    assert status == HTTPStatus.NOT_FOUND or body == whole.document.content


async def test_the_page_may_load_its_own_and_run_nothing_that_is_text(
    controller: Controller, whole: Page
) -> None:
    paths = ("/dashboard/", "/dashboard/start.js", f"/dashboard/assets/{whole.mark}/icon.svg")
    for path in paths:
        _, headers, _ = await asked(controller, path)
        policy = dict(
            part.partition(" ")[::2] for part in headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert policy["trusted-types"] == "lit-html"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]


def test_the_page_has_no_script_and_no_style_of_its_own(whole: Page) -> None:
    text = whole.document.content.decode()
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert re.findall(r"<script[^>]*>[^<]", text) == []
    elsewhere = re.compile(rb"""(?:src|href|from|import|url)\s*[=(]?\s*['"]?(?:https?:)?//[\w.]+""")
    for name, asset in {"index.html": whole.document, **whole.assets}.items():
        assert not elsewhere.search(asset.content), name


async def test_a_browser_finds_an_icon_wherever_it_looks(controller: Controller) -> None:
    status, headers, body = await asked(controller, "/favicon.ico")
    assert (status, headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    assert body.startswith(b"<svg")
