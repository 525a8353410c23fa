"""Lists: sorting, filters in the address, thousands of rows, keys, and what an empty one says."""

import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.dashboard.look import NARROW, Look
from tests.dashboard.populate import populate
from tests.dashboard.scene import in_memory

LISTS = {
    "nodes": "berlin-1",
    "applications": "shop",
    "microservices": "shop/web",
    "routes": "shop/orders",
    "routers": "interior-router",
    "public-ports": "shop/web",
    "registries": "hub",
    "catalog-items": "till",
    "templates": "site",
    "edge-resources": "camera",
    "volumes": "hours",
    "network": "default-proxy-host",
    "users": "otto",
}


def rows(page: Page) -> Locator:
    return page.locator("ecn-table tr[data-key]")


async def names(page: Page) -> list[str]:
    return [
        each.strip() for each in await page.locator("tr[data-key] td:first-child").all_inner_texts()
    ]


async def test_each_kind_is_listed_with_what_there_is(look: Look) -> None:
    page = await look()
    for path, one in LISTS.items():
        await look.go(page, path)
        await expect(rows(page).filter(has_text=one).first).to_be_visible()
        assert await page.locator("main h1").count() == 1, path


async def test_sessions_and_master_keys_are_told_of(look: Look) -> None:
    page = await look("sessions")
    await expect(page.get_by_text("No open sessions")).to_be_visible()
    await look.go(page, "master-keys", "Master keys")
    await expect(rows(page).filter(has_text="current")).to_have_count(1)


async def test_what_only_admins_may_see_is_not_asked_for_by_others(look: Look) -> None:
    page = await look("users", user="vera", settled=False)
    await expect(page.get_by_text("This needs the role admin.")).to_be_visible()
    assert look.asked("GET /users") == 0


async def test_a_heading_sorts_and_the_address_says_so(look: Look) -> None:
    page = await look("nodes")
    await expect(rows(page).first).to_be_visible()
    usual = await names(page)
    berlin = [each for each in usual if each.startswith("berlin")]
    assert berlin == sorted(berlin, key=lambda each: int(each.split("-")[1]))
    await page.get_by_role("button", name="Node", exact=True).click()
    await expect(page).to_have_url(re.compile(r"sort=-name"))
    assert await names(page) == usual[::-1]
    await expect(page.locator("th[aria-sort=descending]")).to_have_text("Node")
    await page.go_back()
    await expect(page.locator("th[aria-sort=ascending]")).to_have_text("Node")
    assert await names(page) == usual


async def test_filters_are_in_the_address_and_the_way_back_leads_out_of_them(look: Look) -> None:
    page = await look("microservices")
    await expect(rows(page).first).to_be_visible()
    every = await page.locator(".amount").inner_text()
    await page.get_by_role("button", name=re.compile("^failed")).click()
    await expect(page).to_have_url(re.compile(r"state=failed"))
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("button", name=re.compile("^backing-off")).click()
    await expect(rows(page)).to_have_count(2)
    await expect(page.locator(".amount")).to_contain_text(f"2 of {every}")
    await page.go_back()
    await expect(rows(page)).to_have_count(1)
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("button", name=re.compile("^failed"))).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.get_by_role("button", name="Show all").click()
    await expect(page.locator(".amount")).to_have_text(every)


async def test_words_find_rows_while_they_are_typed_and_leave_one_step_in_the_history(
    look: Look,
) -> None:
    page = await look("nodes")
    await expect(rows(page).first).to_be_visible()
    before = await page.evaluate("history.length")
    await page.get_by_label("Filter nodes").press_sequentially("berlin-1")
    await expect(page).to_have_url(re.compile(r"q=berlin-1"))
    assert all("berlin-1" in each for each in await names(page))
    assert await page.evaluate("history.length") == before
    await page.get_by_label("Filter nodes").fill("no such node")
    await expect(page.get_by_text("No nodes match these filters.")).to_be_visible()


async def test_a_choice_of_label_leaves_its_nodes(look: Look) -> None:
    page = await look("nodes")
    await page.get_by_label("Label", exact=True).select_option("zone=eu-south")
    await expect(page).to_have_url(re.compile(r"label=zone%3Deu-south"))
    assert {each.split("-")[0] for each in await names(page)} == {"lyon", "milan"}


async def test_a_row_leads_to_its_thing_by_click_and_by_key(look: Look) -> None:
    page = await look("nodes")
    await expect(rows(page).first).to_be_visible()
    first, second = (await names(page))[:2]
    await page.get_by_role("link", name=first, exact=True).focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("link", name=second, exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main h1").first).to_contain_text(second)
    await page.go_back()
    await rows(page).first.locator("td").nth(2).click(position={"x": 3, "y": 3})
    await expect(page.locator("main h1").first).to_contain_text(first)


async def test_an_empty_list_says_how_to_make_the_first_one(look_at_empty: Look) -> None:
    page = await look_at_empty("nodes")
    await expect(page.get_by_text("ecn create node kiosk-7")).to_be_visible()
    await expect(page.locator("main").get_by_role("button", name="New node").first).to_be_visible()
    for path in ("applications", "microservices", "routes", "registries", "volumes"):
        await look_at_empty.go(page, path)
        await expect(page.locator(".nothing-yet code").first).to_be_visible()


async def test_the_past_is_listed_without_telemetry(look: Look) -> None:
    page = await look("nodes?at=40")
    await expect(rows(page).first).to_be_visible()
    assert "CPU" not in await page.locator("thead").inner_text()
    href = await page.locator("tr[data-key] a").first.get_attribute("href")
    assert href is not None
    assert "at=40" in href
    await look.go(page, "routers?at=40", "")
    await expect(page.get_by_text("of now only")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 900), NARROW])
async def test_of_many_rows_those_that_are_seen_are_drawn(
    browser: Browser, size: tuple[int, int]
) -> None:
    async with in_memory() as scene:
        await populate(scene, 60)
        async with Look.at(browser, scene) as look:
            page = await look("microservices", size=size)
            await expect(rows(page).first).to_be_visible()
            assert await rows(page).count() < 80
            total = int(await page.locator("table.list").get_attribute("aria-rowcount") or 0) - 1
            assert total > 250
            await page.locator("tr[data-key] a").first.focus()
            await page.keyboard.press("End")
            last = page.locator(f'tr[aria-rowindex="{total + 1}"] a').first
            await expect(last).to_be_focused()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            look.check()
