"""The page as a whole: logging in and out, each view by its address, back and forth, themes."""

import pytest
from playwright.async_api import expect

from tests.dashboard.look import NARROW, Look


async def test_who_gives_name_and_password_sees_the_network(look: Look) -> None:
    page = await look("nodes", user=None, settled=False)
    await page.get_by_label("Name").fill("otto")
    await page.get_by_label("Password").fill("password-of-otto")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()
    assert page.url.endswith("/dashboard/nodes")
    names = [each["name"] for each in await page.context.cookies()]
    assert names
    for cookie in await page.context.cookies():
        assert cookie["httpOnly"] is True
        assert cookie["sameSite"] == "Strict"
