"""Everybody can use it: axe-core finds nothing, and the keyboard reaches what matters."""

import pytest
from playwright.async_api import expect

from tests.dashboard.axe import ALL as ALL_RULES
from tests.dashboard.axe import COLOURS, violations
from tests.dashboard.look import NARROW, Look
from tests.dashboard.views import ALL, DETAILS, MOMENTS, VIEWS

HIGH = (1280, 2600)
"""So that the bar below covers nothing by halves."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("part", ["views", "details"])
async def test_axe_finds_nothing_in_any_view(look: Look, theme: str, part: str) -> None:
    page = await look(theme=theme, size=HIGH)
    found = []
    for path, title in (VIEWS if part == "views" else DETAILS | MOMENTS).values():
        await look.go(page, path, title)
        rules = ALL_RULES if theme == "light" else COLOURS
        found += [f"/{path}: {each}" for each in await violations(page, rules)]
    assert not found, "\n".join(found)


async def test_axe_finds_nothing_on_a_narrow_screen_and_before_login(look: Look) -> None:
    found = []
    page = await look(user=None, size=NARROW)
    found += [f"login: {each}" for each in await violations(page)]
    page = await look(size=NARROW)
    for name in ("overview", "topology", "timeline", "nodes", "microservice"):
        await look.go(page, *ALL[name])
        found += [f"{name}: {each}" for each in await violations(page)]
    assert not found, "\n".join(found)


async def test_the_first_tab_leads_past_the_navigation_into_the_content(look: Look) -> None:
    page = await look("nodes")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the content")
    await expect(skip).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    inside = "document.querySelector('main').contains(document.activeElement)"
    assert await page.evaluate(inside)


async def test_tab_reaches_navigation_content_and_moment(look: Look) -> None:
    page = await look("nodes")
    reached = set()
    for _ in range(200):
        await page.keyboard.press("Tab")
        reached.add(
            await page.evaluate(
                """() => { const e = document.activeElement;
                return e.closest('nav') ? 'navigation' : e.closest('main') ? 'content'
                  : e.type === 'range' || e.getAttribute('role') === 'slider' ? 'slider'
                  : 'else'; }"""
            )
        )
        if {"navigation", "content", "slider"} <= reached:
            return
    raise AssertionError(f"Tab reaches only {reached}")


async def test_who_wants_less_motion_gets_none(look: Look) -> None:
    page = await look("topology", calm=True)
    await page.wait_for_timeout(500)
    moving = """() => document.getAnimations().filter(each =>
        each.playState === 'running' && each.effect.getComputedTiming().duration > 0).length"""
    assert await page.evaluate(moving) == 0
