"""The overview: what is wrong first, numbers that lead to their lists, how to begin."""

import re

from playwright.async_api import Browser, expect

from tests.dashboard.look import Look
from tests.dashboard.populate import populate
from tests.dashboard.scene import in_memory


async def test_what_is_wrong_is_said_first_with_the_way_to_it(look: Look) -> None:
    page = await look()
    concerns = page.locator(".concerns li")
    await expect(concerns.filter(has_text="shop/search failed")).to_have_count(1)
    said = await concerns.all_inner_texts()
    assert "offline" in said[0]
    assert any("shop/stock runs and is unhealthy" in each for each in said)
    reason = concerns.filter(has_text="shop/search failed").locator("p")
    await expect(reason).to_contain_text("is not in the registry hub.example")
    await page.get_by_role("link", name="shop/search failed").click()
    await expect(page.locator("main h1").first).to_contain_text("search")


async def test_the_numbers_are_those_of_the_lists_that_they_lead_to(look: Look) -> None:
    page = await look()
    failing = (
        page.locator(".numbers section").filter(has_text="Microservices").locator(".legend .bad")
    )
    amount = int(await failing.locator("b").inner_text())
    await failing.locator("a").click()
    await expect(page).to_have_url(re.compile("state=failed"))
    await expect(page.locator("tr[data-key]")).to_have_count(amount)


async def test_the_last_events_are_there_from_the_start_and_new_ones_come_on_top(
    look: Look,
) -> None:
    page = await look()
    lines = page.locator("ol.recent li")
    await expect(lines).to_have_count(14)
    nodes = page.locator(".numbers section").filter(has_text="registered").locator("h2 b")
    before = int(await nodes.inner_text())
    await look.scene.ask("POST", "/nodes", {"name": "kiosk-99"})
    await expect(lines.first).to_contain_text("kiosk-99")
    await expect(lines).to_have_count(14)
    await expect(nodes).to_have_text(str(before + 1))


async def test_the_overview_of_then_says_what_was_wrong_then(look: Look) -> None:
    page = await look("?at=30")
    await expect(page.get_by_text("How messages flowed then is not kept.")).to_be_visible()
    await expect(page.locator("ol.recent li").first).to_be_visible()
    times = page.locator("ol.recent li").first.locator("a.event-when")
    assert "at=30" in (await times.get_attribute("href") or "")


async def test_an_empty_network_shows_how_to_begin_and_ticks_what_is_done(
    look_at_empty: Look,
) -> None:
    page = await look_at_empty()
    steps = page.locator(".first-steps li")
    await expect(steps).to_have_count(4)
    await expect(steps.nth(0)).to_contain_text("ecn create node kiosk-7")
    await expect(steps.nth(0)).to_have_class(re.compile("next"))
    await look_at_empty.scene.ask("POST", "/nodes", {"name": "shed"})
    await expect(steps.nth(0)).to_have_class(re.compile("done"))
    await expect(steps.nth(1)).to_contain_text("ecn provision-key shed")


async def test_a_network_in_which_all_is_well_says_so(look_at_empty: Look) -> None:
    scene = look_at_empty.scene
    for number in range(4):
        await scene.ask("POST", "/nodes", {"name": f"shed-{number}"})
    web = {"name": "web", "node": "shed-1", "image": "web:1"}
    await scene.ask("PUT", "/applications/shop", {"microservices": [web]})
    page = await look_at_empty()
    await expect(page.get_by_text("All is well")).to_be_visible()


async def test_nothing_moves_while_numbers_change(look: Look) -> None:
    page = await look()
    await expect(page.locator("ol.recent li")).to_have_count(14)
    await page.wait_for_timeout(500)
    await page.evaluate(
        """() => { window.moved = 0; new PerformanceObserver((list) => {
            for (const each of list.getEntries()) window.moved += each.value;
        }).observe({ type: 'layout-shift' }); }"""
    )
    for number in range(8):
        await look.scene.ask("POST", "/nodes", {"name": f"kiosk-{number}"})
    await expect(page.locator("ol.recent li").first).to_contain_text("kiosk-7")
    moved = float(await page.evaluate("window.moved"))
    # Lines of events go down as new ones come: that is all that may move.
    assert moved < 0.05, moved


async def test_many_offline_nodes_are_one_line(browser: Browser) -> None:
    async with in_memory() as scene:
        await populate(scene, 60)
        async with Look.at(browser, scene) as look:
            page = await look()
            offline = page.locator(".concerns li").filter(has_text=re.compile("nodes .*offline"))
            await expect(offline).to_have_count(1)
            await offline.get_by_role("link").click()
            await expect(page).to_have_url(re.compile("state=offline"))
            look.check()
