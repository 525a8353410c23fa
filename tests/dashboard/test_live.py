"""The page follows the log: news at once, each once, also over a controller that is killed."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.dashboard.look import Look
from tests.dashboard.scene import Scene, at
from tests.ecn.controller_process import ControllerProcess

NEWS_WITHIN = 2.0
"""Seconds from the answer of a command to what is seen in the page."""


async def position_of(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.dataset.position"))


async def reaches(page: Page, position: int, *, within: float = 20.0) -> None:
    """Wait until the page is there."""
    await page.wait_for_function(
        "position => Number(document.documentElement.dataset.position) >= position",
        arg=position,
        timeout=within * 1000,
    )


async def test_what_happens_is_seen_at_once(look: Look, scene: Scene) -> None:
    page = await look("nodes/berlin-1")
    await expect(page.locator("main h1")).to_contain_text("berlin-1")
    first = scene.found.devices[0]
    await scene.ask("PATCH", "/nodes/berlin-1", {"settings": {"description": "At the very door"}})
    started = time.monotonic()
    await expect(page.get_by_text("At the very door").first).to_be_visible()
    assert time.monotonic() - started < NEWS_WITHIN
    await scene.silence(first.node_id, first.credential)
    started = time.monotonic()
    await expect(page.locator("main .state.bad", has_text="offline").first).to_be_visible()
    assert time.monotonic() - started < NEWS_WITHIN


async def test_many_changes_cost_one_snapshot(look: Look, scene: Scene) -> None:
    page = await look("nodes")
    await reaches(page, 1)
    for number in range(30):
        made = await scene.ask("POST", "/nodes", {"name": f"more-{number:02}"})
    position = made["position"]
    assert isinstance(position, int)
    await reaches(page, position)
    await expect(page.get_by_role("link", name="more-29", exact=True)).to_be_visible()
    assert look.asked("GET /dashboard/snapshot") == 1
    assert look.asked("GET /nodes") == 0


async def test_the_timeline_shows_each_event_once_and_in_order(look: Look, scene: Scene) -> None:
    page = await look("timeline")
    await page.locator(".event-row").first.wait_for()
    for number in range(20):
        made = await scene.ask("POST", "/nodes", {"name": f"more-{number:02}"})
    position = made["position"]
    assert isinstance(position, int)
    await expect(page.locator(".event-position").first).to_have_text(str(position))
    shown = [int(each) for each in await page.locator(".event-position").all_inner_texts()]
    assert shown[:20] == list(range(position, position - 20, -1))
    assert len(set(shown)) == len(shown)
    assert look.asked("GET /events") == 1


async def test_who_reads_further_down_is_told_of_news_and_nothing_moves(
    look: Look, scene: Scene
) -> None:
    page = await look("timeline")
    await page.locator(".event-row").first.wait_for()
    await page.get_by_role("button", name="Pause").click()
    before = await page.locator(".event-position").first.inner_text()
    for number in range(3):
        await scene.ask("POST", "/nodes", {"name": f"more-{number}"})
    news = page.get_by_role("button", name="3 new events")
    await expect(news).to_be_visible()
    assert await page.locator(".event-position").first.inner_text() == before
    await news.click()
    await expect(page.get_by_role("link", name="more-2", exact=True)).to_be_visible()


async def test_filters_stand_in_the_address_and_hold_for_news_too(look: Look, scene: Scene) -> None:
    page = await look("timeline?type=node.registered&text=more")
    await expect(page.get_by_text("Nothing that the filters let through")).to_be_visible()
    await scene.ask("PATCH", "/nodes/berlin-1", {"settings": {"description": "more"}})
    await scene.ask("POST", "/nodes", {"name": "more-1"})
    await expect(page.locator(".event-row")).to_have_count(1)
    await page.get_by_role("button", name="Show all").click()
    await expect(page.locator(".event-row").nth(5)).to_be_visible()
    assert "type=" not in page.url
    await page.get_by_role("searchbox").fill("payments")
    await expect(page).to_have_url(re.compile("text=payments"))
    await expect(page.locator(".event-row").first).to_contain_text("payments")


@pytest_asyncio.fixture(loop_scope="session")
async def process(open_folder: Path) -> AsyncIterator[ControllerProcess]:
    """A real controller over a real Postgres."""
    process = ControllerProcess(open_folder / "data")
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.end)


@pytest.mark.postgres
@pytest.mark.system
async def test_a_controller_that_is_killed_and_comes_back_costs_nothing_and_doubles_nothing(
    browser: Browser, process: ControllerProcess
) -> None:
    admin = process.admin()
    async with at(process.url, admin["name"], admin["password"], admin["token"]) as scene:
        for number in range(5):
            await scene.ask("POST", "/nodes", {"name": f"edge-{number}"})
        async with Look.at(browser, scene) as look:
            look.expect(r"Failed to load resource|ERR_|net::|NetworkError|status of 50")
            page = await look("nodes")
            await expect(page.get_by_role("link", name="edge-4", exact=True)).to_be_visible()
            process.kill()
            await expect(page.locator("html")).not_to_have_attribute("data-link", "up")
            # What is known stays in sight.
            assert await page.get_by_role("link", name="edge-4", exact=True).is_visible()
            await asyncio.to_thread(process.start)
            for number in range(5, 12):
                made = await _patiently(scene, {"name": f"edge-{number}"})
            await scene.ask("DELETE", "/nodes/edge-0")
            await scene.ask("PATCH", "/nodes/edge-1", {"name": "edge-one"})
            status = await scene.ask("GET", "/status")
            position = status["position"]
            assert isinstance(position, int)
            assert isinstance(made["position"], int)
            await reaches(page, position, within=40)
            await expect(page.locator("html")).to_have_attribute("data-link", "up")
            snapshot = await scene.snapshot()
            wanted = sorted(str(each["name"]) for each in snapshot.nodes)
            links = page.locator("main table a[href*='/nodes/']")
            await expect(links).to_have_count(len(wanted))
            assert sorted(await links.all_inner_texts()) == wanted
            assert look.asked("GET /dashboard/snapshot") <= 2
            await page.goto(f"{scene.url}/dashboard/timeline")
            await page.locator(".event-row").first.wait_for()
            look.check()


async def _patiently(scene: Scene, node: dict[str, str]) -> dict[str, object]:
    for _ in range(50):
        try:
            return await scene.ask("POST", "/nodes", node)
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise TimeoutError
