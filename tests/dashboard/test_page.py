"""The page as a whole: logging in and out, each view by its address, back and forth, themes."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.look import NARROW, Look
from tests.dashboard.views import ALL, VIEWS


async def log_in(page: Page, name: str, password: str) -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


async def test_who_gives_name_and_password_sees_what_the_address_names(look: Look) -> None:
    page = await look("nodes", user=None)
    await log_in(page, "otto", "password-of-otto")
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()
    assert page.url.endswith("/dashboard/nodes")
    cookies = await page.context.cookies()
    assert cookies
    assert all(each["httpOnly"] is True and each["sameSite"] == "Strict" for each in cookies)
    await page.reload()
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()


async def test_a_wrong_password_lets_nobody_in_and_says_so(look: Look) -> None:
    look.expect(r"status of 401 .*/api/v1/session")
    page = await look(user=None)
    await log_in(page, "otto", "wrong")
    await expect(page.get_by_text("Name or password is wrong.")).to_be_visible()
    assert await page.get_by_label("Password").is_visible()
    assert await page.get_by_role("navigation").count() == 0


async def test_logging_out_ends_the_session_and_hides_everything(look: Look) -> None:
    page = await look("nodes", user="vera")
    await page.get_by_role("button", name="vera").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert "berlin-1" not in await page.content()
    assert not await page.context.cookies()
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_each_view_opens_by_its_address(look: Look) -> None:
    page = await look()
    for path, title in ALL.values():
        await page.goto(f"{look.scene.url}/dashboard/{path}")
        await expect(page.locator("main h1")).to_contain_text(title)


@pytest.mark.parametrize("width", [1280, 390, 360])
async def test_no_view_is_wider_than_the_window(look: Look, width: int) -> None:
    page = await look(size=(width, 844))
    wider: list[str] = []
    for path, title in ALL.values():
        await look.go(page, path, title)
        found = await look.sticks_out(page)
        wider += [f"/{path}: {', '.join(found)}"] if found else []
        assert await page.locator("main h1").count() == 1, path
    assert not wider, "\n".join(wider)


async def test_each_view_opens_by_the_navigation_and_back_and_forth(look: Look) -> None:
    page = await look()
    navigation = page.get_by_role("navigation", name="Views")
    titles = [title for _, title in VIEWS.values()]
    for title in titles[1:]:
        await navigation.get_by_role("link", name=title, exact=True).click()
        await expect(page.locator("main h1")).to_have_text(re.compile(f"^\\s*{title}"))
        current = navigation.locator("[aria-current=page]")
        await expect(current).to_have_text(re.compile(title))
    for title in titles[-2::-1]:
        await page.go_back()
        await expect(page.locator("main h1")).to_have_text(re.compile(f"^\\s*{title}"))
    await page.go_forward()
    await expect(page.locator("main h1")).to_have_text(re.compile(titles[1]))
    assert look.asked("GET /dashboard/snapshot") == 1


async def test_on_a_narrow_screen_the_navigation_is_behind_a_button(look: Look) -> None:
    page = await look(size=NARROW)
    navigation = page.locator("nav[aria-label=Views]")
    link = navigation.get_by_role("link", name="Nodes", exact=True)
    await expect(link).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await link.click()
    await expect(page.locator("main h1")).to_have_text(re.compile("Nodes"))
    await expect(link).to_be_hidden()


async def test_the_theme_is_the_systems_until_it_is_chosen_and_stays_chosen(look: Look) -> None:
    page = await look(theme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(ground)
    await page.get_by_role("button", name="admin").click()
    await page.get_by_role("radio", name="Light").check(force=True)
    light = await page.evaluate(ground)
    assert light != dark
    await page.reload()
    await look.settled(page)
    assert await page.evaluate(ground) == light


async def test_who_may_only_read_is_offered_no_act(look: Look) -> None:
    page = await look("microservices/shop/web", user="vera")
    await expect(page.locator("main h1")).to_contain_text("web")
    for name in ("Stop", "Start", "Move", "Delete", "Deploy"):
        assert await page.locator("main").get_by_role("button", name=name).count() == 0


async def test_an_empty_network_says_how_to_begin(look_at_empty: Look) -> None:
    page = await look_at_empty()
    await expect(page.get_by_text("ecn create node", exact=False).first).to_be_visible()
    for path in ("nodes", "applications", "topology", "timeline"):
        await page.goto(f"{look_at_empty.scene.url}/dashboard/{path}")
        await look_at_empty.settled(page)
