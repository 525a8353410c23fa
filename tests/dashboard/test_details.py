"""The pages about one thing: its parts by the URL, what is fetched and when, now, then and gone."""

import asyncio

from playwright.async_api import expect

from tests.dashboard.look import NARROW, Look
from tests.dashboard.populate import Device, Populated, say
from tests.dashboard.scene import Scene

WEB = "microservices/shop/web"


def device_of(populated: Populated, node: str) -> Device:
    """The one that speaks for that node."""
    return next(each for each in populated.devices if each.name == node)


async def test_a_microservice_is_told_with_its_state_and_its_reason(look: Look) -> None:
    page = await look("microservices/shop/search")
    await expect(page.locator("h1")).to_contain_text("search")
    await expect(page.locator(".details-head .state").first).to_have_text("failed")
    await expect(page.locator(".lead")).to_contain_text("is not in the registry hub.example")
    await expect(page.get_by_role("heading", name="Image")).to_be_visible()
    await expect(page.locator("ecn-document").first).to_contain_text("shop/search:5")


async def test_a_public_port_is_told_with_its_address_and_whether_it_is_open(look: Look) -> None:
    page = await look(WEB)
    card = page.locator("section.card", has_text="Ports")
    await expect(card).to_contain_text("8443 → 443/tcp")
    await expect(card.locator("ul.public")).to_contain_text(":6000")
    await expect(card.locator("ul.public .state")).to_be_visible()


async def test_each_part_has_its_address(look: Look) -> None:
    page = await look(WEB)
    for name, word, heading in (
        ("Configuration", "configuration", "Configuration"),
        ("Twin", "twin", "Twin"),
        ("Why", "why", "Why it is running"),
        ("History", "history", "History"),
    ):
        await page.locator("nav.tabs").get_by_role("link", name=name).click()
        assert page.url.endswith(f"/{WEB}?tab={word}")
        await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        current = page.locator("nav.tabs a[aria-current=page]")
        await expect(current).to_have_text(name)
        await expect(page.locator("p.command code").first).to_contain_text("ecn ")


async def test_why_walks_back_to_who_asked_for_it(look: Look) -> None:
    page = await look("microservices/shop/search?tab=why")
    steps = page.locator("ecn-why .said")
    await expect(steps.first).to_contain_text("failed: the image shop/search:9")
    await expect(steps.last).to_have_text("user/anna")
    await expect(page.locator("table.blame")).to_contain_text("shop/search:5")
    # The links lead to the moment of the event.
    await page.locator("ecn-why a.moment").first.click()
    await expect(page.get_by_text("You see the network as it was")).to_be_visible()


async def test_the_twin_shows_what_differs(look: Look, scene: Scene, populated: Populated) -> None:
    page = await look(f"{WEB}?tab=twin")
    await expect(page.locator("ecn-document")).to_contain_text("it has reported nothing yet")
    assert await page.locator("table.twin tr.differs").count() == 0
    before = look.asked(f"GET /microservices/{await _id(scene, 'web')}/twin")
    await scene.ask("PATCH", f"/{WEB}/twin/desired", {"brightness": 77})
    row = page.locator("table.twin tr", has_text="brightness")
    await expect(row).to_contain_text("77")
    assert look.asked(f"GET /microservices/{await _id(scene, 'web')}/twin") == before + 1


async def test_what_concerns_something_else_fetches_nothing(
    look: Look, scene: Scene, populated: Populated
) -> None:
    page = await look(f"{WEB}?tab=why")
    await expect(page.locator("ecn-why .said").first).to_contain_text("running")
    await asyncio.sleep(0.5)
    before = [each for each in look.requests if "/why/" in each or "/blame/" in each]
    await scene.ask("POST", "/microservices/vision-1/camera-1/stop")
    await asyncio.sleep(1.5)
    assert [each for each in look.requests if "/why/" in each or "/blame/" in each] == before
    # What concerns it is told within a moment.
    failed: dict[str, object] = {"state": "failed", "reason": "the disk is full"}
    await say(scene, device_of(populated, "berlin-1"), "shop/web", failed)
    await expect(page.locator("ecn-why .said").first).to_contain_text("failed: the disk is full")
    await expect(page.locator(".details-head .state").first).to_have_text("failed")


async def test_history_shows_events_their_data_and_the_moments_beside_them(
    look: Look, scene: Scene
) -> None:
    page = await look(f"{WEB}?tab=history")
    items = page.locator("ol.history > li")
    first = items.last
    await expect(first).to_contain_text("created")
    await first.get_by_role("button").first.click()
    await expect(first.locator(".json")).to_contain_text('"image": "shop/web:1"')
    shown = await items.count()
    await scene.ask("POST", f"/{WEB}/stop")
    await expect(items.first).to_contain_text("stopped")
    await expect(items).to_have_count(shown + 1)
    await items.first.get_by_role("button").first.click()
    await expect(items.first.get_by_role("button", name="Revert to before")).to_be_visible()
    # What was open stays open.
    await expect(items.last.locator(".json")).to_be_visible()
    await items.last.get_by_role("link", name="right before it").click()
    await expect(page.locator("main")).to_contain_text("It is not there yet")
    await page.get_by_role("link", name="Show the moment it came").click()
    await expect(page.locator(".details-head .state").first).to_have_text("queued")


async def test_of_a_thing_that_is_gone_it_is_told_when_and_why(look: Look, scene: Scene) -> None:
    page = await look(WEB)
    await scene.ask("DELETE", f"/{WEB}")
    await expect(page.locator("ecn-absent")).to_contain_text("It is gone")
    await expect(page.locator("ecn-why .said").first).to_contain_text("gone: it was deleted")
    await page.get_by_role("link", name="Show the last moment it was there").click()
    await expect(page.locator(".details-head .state").first).to_have_text("running")
    # Then is then: nobody stops what was.
    await expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


async def test_a_name_that_nothing_ever_had_is_told_as_such(look: Look) -> None:
    look.expect(r"404.*/events")
    page = await look("nodes/nobody")
    await expect(page.locator("ecn-absent")).to_contain_text("knows nothing of that name")


async def test_a_node_shows_device_problems_and_what_runs_there(look: Look) -> None:
    page = await look("nodes/berlin-1")
    await expect(page.locator("section.card", has_text="Device")).to_contain_text("x86_64")
    await expect(page.locator("dl.figures")).to_contain_text("GiB")
    await page.locator("nav.tabs").get_by_role("link", name="Microservices").click()
    table = page.get_by_role("table", name="Microservices on berlin-1")
    await expect(table.get_by_role("link", name="shop/web")).to_be_visible()


async def test_an_application_shows_its_microservices_and_who_speaks_to_whom(look: Look) -> None:
    page = await look("applications/shop")
    table = page.get_by_role("table", name="Microservices of shop")
    await expect(table.get_by_role("row", name="payments")).to_contain_text("backing-off")
    flow = page.locator("ul.flows li", has_text="orders")
    await expect(flow).to_contain_text("web")
    await expect(flow).to_contain_text("payments")
    await flow.get_by_role("link", name="orders").click()
    await expect(page.locator("h1")).to_contain_text("orders")
    await expect(page.get_by_role("table", name="How it goes on each node")).to_contain_text(
        "berlin-1"
    )


async def test_all_other_things_have_a_page(look: Look) -> None:
    for path, text in (
        ("volumes/hours", "conf/hours.yaml"),
        ("registries/hub", "hub.example"),
        ("templates/site", "Variables"),
        ("catalog-items/till", "Images"),
    ):
        page = await look(path)
        await expect(page.locator(".tab-body")).to_contain_text(text)
        await page.locator("nav.tabs").get_by_role("link", name="History").click()
        await expect(page.locator("ol.history > li").last).to_contain_text("created")
    page = await look("edge-resources")
    await page.locator("table.list tbody a").first.click()
    await expect(page.locator("h1")).to_contain_text("camera@")


async def test_narrow_pages_never_scroll_sideways(look: Look) -> None:
    parts = [f"{WEB}?tab={each}" for each in ("", "twin", "why", "history", "logs")]
    others = ["nodes/berlin-1", "applications/shop", "routes/shop/orders", "volumes/hours"]
    for path in parts + others:
        page = await look(path, size=NARROW)
        await asyncio.sleep(0.3)
        wide, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room, path
        await page.context.close()


async def _id(scene: Scene, name: str) -> str:
    snapshot = await scene.snapshot()
    return str(next(each["id"] for each in snapshot.microservices if each["name"] == name))
