"""A real browser that is logged in to the dashboard of a network that has everything.

    async def test_a_node_is_listed(look: Look, scene: Scene) -> None:
        page = await look("nodes")
        await page.get_by_role("link", name="berlin-1", exact=True).click()

`look(path)` opens a page of its own at /dashboard/<path>; see `Look` for who looks, how wide, in
which theme. Whatever the browser complains of (errors, what the policy forbids) fails the test.
`scene` is the network (tests/dashboard/populate.py), fresh for each test: it may be changed.

Tests here share one browser, and so one event loop, in each process of a run.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.dashboard.look import Look
from tests.dashboard.populate import HISTORY, Populated, populate
from tests.dashboard.scene import Scene, in_memory

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

PATIENCE = 400
"""Seconds for a test: some look at forty views, on a machine that does much else."""


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """A browser lives in one event loop, so those that use it run in it too."""
    here = Path(__file__).parent
    one_loop = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if item.path.parent == here and pytest_asyncio.is_async_test(item):
            item.add_marker(one_loop, append=False)
            item.add_marker(pytest.mark.timeout(PATIENCE))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, or another that is there: ECN_CHROMIUM names one."""
    found = os.environ.get("ECN_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("no Chromium: sudo apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    """A network that has everything, with a history of days; `scene.found` says what."""
    async with in_memory(behind=HISTORY) as scene:
        await populate(scene)
        yield scene


@pytest.fixture
def populated(scene: Scene) -> Populated:
    """What is in `scene`."""
    return scene.found


@pytest_asyncio.fixture(loop_scope="session")
async def empty_scene() -> AsyncIterator[Scene]:
    """A network that has nothing yet."""
    async with in_memory() as scene:
        yield scene


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: Browser, scene: Scene) -> AsyncIterator[Look]:
    """Opens pages of `scene`'s dashboard. In the end, nobody may have complained."""
    async with Look.at(browser, scene) as look:
        yield look
        look.check()


@pytest_asyncio.fixture(loop_scope="session")
async def look_at_empty(browser: Browser, empty_scene: Scene) -> AsyncIterator[Look]:
    """The same, of a network that has nothing yet."""
    async with Look.at(browser, empty_scene) as look:
        yield look
        look.check()
