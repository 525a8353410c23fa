"""Somebody who looks at the dashboard in a browser, and hears all that the browser complains of."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
    ViewportSize,
    WebError,
    expect,
)

from tests.dashboard.scene import Scene
from tests.ecn.api.server import PASSWORD

WIDE, NARROW = (1280, 900), (390, 844)
WITHIN = 30_000
"""Milliseconds that a page may take for anything: other tests run beside it."""
expect.set_options(timeout=WITHIN / 2)

SETTLES = 200
"""Milliseconds."""

STICKS_OUT = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return [];
  const scrolled = e => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== 'visible') return true;
    return false;
  };
  return [`${wide} px too wide`, ...[...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolled(e))
    .slice(0, 4).map(e => `${e.tagName.toLowerCase()}.${e.getAttribute('class') ?? ''}`)];
}"""

NOISE = (
    # Whether somebody is logged in is asked before anybody is.
    re.compile(r"status of 401 .*/api/v1/session$"),
)
"""What a browser says of each answer that is no success, though the page knew."""


class Look:
    """Opens pages. `expected` lists complaints that the test is about."""

    def __init__(self, browser: Browser, scene: Scene) -> None:
        self.browser = browser
        self.scene = scene
        self.expected: list[re.Pattern[str]] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []
        """`<method> <path with query>` of each request below /api/v1, in their order."""
        self._contexts: list[BrowserContext] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, browser: Browser, scene: Scene) -> AsyncIterator["Look"]:
        """At that network; all pages are closed in the end."""
        look = cls(browser, scene)
        try:
            yield look
        finally:
            for context in look._contexts:
                await context.close()

    def check(self) -> None:
        """Errors: AssertionError, if anything was complained of that was not expected."""
        fine = (*NOISE, *self.expected)
        bad = [each for each in self.complaints if not any(one.search(each) for one in fine)]
        assert not bad, "the browser complains: " + "; ".join(bad)

    def expect(self, pattern: str) -> None:
        """Such complaints are what the test is about."""
        self.expected.append(re.compile(pattern))

    async def __call__(
        self,
        path: str = "",
        *,
        user: str | None = "admin",
        size: tuple[int, int] = WIDE,
        theme: str = "light",
        calm: bool = False,
        settled: bool = True,
    ) -> Page:
        """A page in a browser of its own.

        path:    below /dashboard/, with its query.
        user:    admin, otto (operator) or vera (viewer); None: nobody is logged in.
        theme:   light or dark, as the system prefers it.
        calm:    whether the system prefers less motion.
        settled: wait until the view is there.
        """
        context = await self.browser.new_context(
            storage_state=None if user is None else await self.logged_in(user),
            viewport=ViewportSize(width=size[0], height=size[1]),
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce" if calm else "no-preference",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(WITHIN)
        self._contexts.append(context)
        context.on("console", self._said)
        context.on("weberror", self._failed)
        context.on("request", self._asked)
        page = await context.new_page()
        await page.goto(f"{self.scene.url}/dashboard/{path}")
        if settled:
            await self.settled(page)
        return page

    async def logged_in(self, user: str) -> StorageState:
        """What a browser keeps of a session, as after the form was sent."""
        password = self.scene.password if user == self.scene.name else PASSWORD.format(user)
        context = await self.browser.new_context()
        try:
            answer = await context.request.post(
                f"{self.scene.url}/api/v1/session", data={"name": user, "password": password}
            )
            assert answer.ok, await answer.text()
            token = (await answer.json())["csrf_token"]
            cookies = (await context.storage_state())["cookies"]
        finally:
            await context.close()
        return StorageState(
            cookies=cookies,
            origins=[
                {
                    "origin": self.scene.url,
                    "localStorage": [{"name": "ecn-csrf-token", "value": token}],
                }
            ],
        )

    async def go(self, page: Page, path: str, title: str = "") -> None:
        """To another view, as a link leads there: the page is not loaded anew."""
        await page.evaluate(
            """path => { history.pushState(null, '', path);
                dispatchEvent(new PopStateEvent('popstate')); }""",
            f"/dashboard/{path}",
        )
        await expect(page.locator("main h1").first).to_contain_text(title)
        # One drawing for what the view has to ask first.
        await page.wait_for_timeout(SETTLES)

    async def sticks_out(self, page: Page) -> list[str]:
        """What makes the page wider than its window, which should only ever scroll down."""
        found: list[str] = await page.evaluate(STICKS_OUT)
        return found

    async def settled(self, page: Page) -> None:
        """Wait until a view is shown: its heading is there."""
        await page.locator("main h1").first.wait_for()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self.complaints.append(f"{message.text} at {where}")

    def _failed(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def _asked(self, request: Request) -> None:
        _, found, path = request.url.partition("/api/v1")
        if found:
            self.requests.append(f"{request.method} {path}")

    def asked(self, path: str) -> int:
        """How many requests began so."""
        return sum(each.startswith(path) for each in self.requests)


async def soon(check: Callable[[], bool], *, within: float = 5.0) -> None:
    """Until `check()` is true. Errors: TimeoutError."""
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110  # what is checked has no event
            await asyncio.sleep(0.02)
