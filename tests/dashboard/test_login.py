"""Getting in by link, a session that ends while somebody looks, and neighbours who want in."""

import aiohttp
from aiohttp import web
from playwright.async_api import Page, Route, expect

from tests.dashboard.axe import violations
from tests.dashboard.look import Look
from tests.ecn.api.server import BASE, VIEWER

OVER = "dialog.login-over"


async def link(look: Look) -> str:
    """As `ecn dashboard` gets it, for vera."""
    bearer = {"Authorization": f"Bearer {VIEWER}"}
    async with aiohttp.ClientSession(headers=bearer) as session:
        made = await session.post(f"{look.scene.url}{BASE}/session/link")
        assert made.status == 201
        return str((await made.json())["token"])


async def end_session(page: Page) -> None:
    """Behind the page's back."""
    await page.evaluate(
        """() => fetch('/api/v1/session', {method: 'DELETE',
            headers: {'X-CSRF-Token': localStorage.getItem('ecn-csrf-token')}})"""
    )


async def test_a_link_leads_in_and_is_forgotten(look: Look) -> None:
    token = await link(look)
    page = await look(f"nodes?filter=berlin#login={token}", user=None)
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()
    await expect(page.get_by_text("vera")).to_be_visible()
    assert page.url.endswith("/dashboard/nodes?filter=berlin")
    assert await page.evaluate("document.cookie") == ""
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert token not in kept
    # Servers and their logs see it as a header alone.
    assert not [each for each in look.requests if token in each]


async def test_a_link_that_was_used_says_where_to_get_another(look: Look) -> None:
    look.expect(r"status of 401 .*/api/v1/session$")
    token = await link(look)
    await look(f"#login={token}", user=None)
    page = await look(f"#login={token}", user=None)
    await expect(page.get_by_role("alert")).to_contain_text("was used already")
    await expect(page.get_by_role("alert")).to_contain_text("ecn dashboard")
    # And who is in stays in.
    page = await look(f"nodes#login={token}")
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()


async def test_a_session_that_ends_is_asked_for_over_the_page(look: Look) -> None:
    look.expect("status of 401|INCOMPLETE_CHUNKED")  # the stream is cut at once
    page = await look("nodes?filter=berlin", user="vera")
    await expect(page.get_by_text("berlin-1", exact=True)).to_be_visible()
    await end_session(page)
    await expect(page.locator(OVER)).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("vera")
    await expect(page.get_by_label("Password")).to_be_focused()
    assert not await violations(page)
    for _ in range(3):
        await page.keyboard.press("Escape")
    await expect(page.locator(OVER)).to_be_visible()
    assert "berlin-1" in await page.locator("main").inner_text()
    await page.get_by_label("Password").fill("password-of-vera")
    await page.keyboard.press("Enter")
    await expect(page.locator(OVER)).to_have_count(0)
    assert page.url.endswith("/dashboard/nodes?filter=berlin")
    await expect(page.locator("html")).to_have_attribute("data-link", "up")
    await expect(page.get_by_text("berlin-1", exact=True)).to_be_visible()


async def test_who_logs_in_beside_it_is_who_looks_here_too(look: Look) -> None:
    look.expect("status of 40[13]|INCOMPLETE_CHUNKED")
    page = await look("nodes", user="otto")
    beside = await page.context.new_page()
    await beside.goto(f"{look.scene.url}/dashboard/nodes")
    await beside.get_by_role("button", name="otto").click()
    await beside.get_by_role("button", name="Log out").click()
    await expect(page.locator(OVER)).to_be_visible()
    await beside.get_by_label("Name").fill("vera")
    await beside.get_by_label("Password").fill("password-of-vera")
    await beside.keyboard.press("Enter")
    await expect(beside.get_by_role("button", name="vera")).to_be_visible()
    # Whatever is asked for here next.
    await page.get_by_label("Password").fill("no matter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="vera")).to_be_visible()
    await expect(page.locator(OVER)).to_have_count(0)


async def test_what_is_missing_is_said_beside_the_field(look: Look) -> None:
    page = await look(user=None)
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_label("Name")).to_have_accessible_description("Give your name.")
    await page.get_by_label("Name").fill("vera")
    await page.keyboard.press("Enter")
    described = page.get_by_label("Password")
    await expect(described).to_have_accessible_description("Give your password.")
    await expect(described).to_be_focused()
    assert not [each for each in look.requests if each.startswith("POST")]
    assert not await violations(page)


async def test_a_page_of_another_version_loads_itself_anew(look: Look) -> None:
    look.expect("status of 404")
    context = await look.browser.new_context(storage_state=await look.logged_in("vera"))
    page = await context.new_page()
    missing = 2

    async def other_version(route: Route) -> None:
        nonlocal missing
        missing -= 1
        if missing >= 0:
            await route.fulfill(status=404)
        else:
            await route.continue_()

    await page.route("**/core/model.js", other_version)
    await page.goto(f"{look.scene.url}/dashboard/nodes")
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible(timeout=15_000)
    assert missing < 0
    await context.close()


async def test_a_page_whose_files_never_come_says_so(look: Look) -> None:
    context = await look.browser.new_context()
    page = await context.new_page()
    await page.route("**/main.js", lambda route: route.fulfill(status=404))
    await page.goto(f"{look.scene.url}/dashboard/")
    await expect(page.get_by_text("The page can’t be loaded")).to_be_visible(timeout=20_000)
    await context.close()


async def test_a_neighbour_on_another_port_gets_the_cookie_and_nothing_for_it(look: Look) -> None:
    # As a container with a published port, or whatever else serves pages from this very host.
    stolen: list[str] = []

    async def neighbour(request: web.Request) -> web.Response:
        stolen.append(request.headers.get("Cookie", ""))
        return web.Response(text="<h1>A harmless page</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", neighbour)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        page = await look("nodes")
        elsewhere = await page.context.new_page()
        await elsewhere.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        assert "ecn-session" in stolen[0], "then this test shows nothing"
        # Its server tries what it has got.
        url = f"{look.scene.url}{BASE}"
        async with aiohttp.ClientSession(headers={"Cookie": stolen[0]}) as thief:
            for method, path in (
                ("GET", "/session"),
                ("GET", "/nodes"),
                ("GET", "/users"),
                ("POST", "/session/link"),
                ("POST", "/nodes"),
            ):
                async with thief.request(method, url + path, json={"name": "x"}) as answer:
                    assert answer.status == 403, path
                    assert (await answer.json())["code"] == "not-our-page"
        # And its page, in the operator's own browser.
        tried = await elsewhere.evaluate(
            """url => Promise.all([
                fetch(url + '/nodes', {credentials: 'include'}),
                fetch(url + '/nodes',
                    {method: 'POST', credentials: 'include', body: '{"name": "x"}'}),
            ].map(each => each.then(answer => answer.status, () => 'kept from it')))""",
            url,
        )
        assert tried == ["kept from it", "kept from it"]
        assert look.scene.controller is not None
        world = look.scene.controller.live.world
        assert world.nodes.one("name", "x") is None
    finally:
        await runner.cleanup()
    look.expect("blocked by CORS policy|ERR_FAILED|status of 403|favicon")
