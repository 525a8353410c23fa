"""The network drawn: what it says to those who look, to those who hear, and how fast it moves."""

import sys
from collections.abc import AsyncIterator
from statistics import quantiles

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.dashboard.axe import violations
from tests.dashboard.large_snapshot import large_snapshot
from tests.dashboard.look import NARROW, Look

FRAMES = """
window.costs = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => ask((now) => {
  const began = performance.now();
  act(now);
  window.costs.push([now, performance.now() - began]);
});
"""
"""Notes what each frame's scripts took."""

EACH_FRAME = """
() => {
  window.costs = [];
  const intervals = window.intervals = [];
  let last = 0;
  const look = (now) => {
    if (last) intervals.push(now - last);
    last = now;
    // Until others are noted.
    if (window.intervals === intervals) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""

SAID = """
() => {
  const byFrame = new Map();
  for (const [now, cost] of window.costs) byFrame.set(now, (byFrame.get(now) ?? 0) + cost);
  return {intervals: window.intervals, scripts: [...byFrame.values()]};
}
"""


PAINTED = """
() => {
  const stage = document.querySelector('ecn-topology')._stage;
  const costs = [];
  for (let n = 0; n < 60; n += 1) {
    const began = performance.now();
    stage.pan(n % 2 ? 3 : -3, 1);
    stage._frame(began);
    costs.push(performance.now() - began);
  }
  return costs;
}
"""
"""What painting takes by itself, without waiting for the next frame."""

SPOT = """
(name) => {
  const {_stage: stage, _network: network} = document.querySelector('ecn-topology');
  const {id} = [...network.places.values()].find((each) => each.row.name === name);
  const {x, y, w} = stage._boxes.get(id);
  const {camera} = stage;
  const box = document.querySelector('.topology-ground').getBoundingClientRect();
  return {
    x: box.left + (x + w / 2 - camera.x) * camera.scale,
    y: box.top + (y + 8 - camera.y) * camera.scale,
  };
}
"""
"""Where the upper edge of a node's card is on the screen."""

PLACES = "() => JSON.stringify([...document.querySelector('ecn-topology')._layout.nodes])"


@pytest_asyncio.fixture(loop_scope="session")
async def large(look: Look) -> AsyncIterator[Page]:
    """1,000 nodes, 5,000 microservices and 2,000 routes; the stream says nothing."""
    page = await look("nodes")
    snapshot = large_snapshot()

    async def answer(route: Route) -> None:
        await route.fulfill(body=snapshot, content_type="application/json")

    async def never(_: Route) -> None:
        """A stream that goes on in silence."""

    await page.route("**/api/v1/dashboard/snapshot*", answer)
    await page.route("**/api/v1/dashboard/stream*", never)
    await page.add_init_script(FRAMES)
    await page.goto(f"{look.scene.url}/dashboard/topology")
    await expect(drawing(page)).to_have_attribute("aria-label", "The network drawn: 1,000 nodes")
    yield page


def drawing(page: Page) -> Locator:
    """What is focused and read aloud."""
    return page.locator(".topology-ground")


def panel(page: Page) -> Locator:
    """What is selected, in brief."""
    return page.get_by_role("complementary", name="Selected")


async def timed(page: Page, name: str) -> None:
    """Print figures of the frames since `EACH_FRAME`."""
    said = await page.evaluate(SAID)
    for what in ("intervals", "scripts"):
        steps = quantiles(said[what], n=100)
        sys.stdout.write(
            f"{name}: {what} p50 {steps[49]:.1f} ms, p95 {steps[94]:.1f} ms,"
            f" worst {max(said[what]):.1f} ms ({len(said[what])} frames)\n"
        )


async def test_a_search_leads_to_the_first_that_fits(look: Look) -> None:
    page = await look("topology")
    search = page.get_by_role("searchbox", name="Search nodes and microservices")
    await search.fill("lyon")
    await expect(page.locator(".topology-count")).to_have_text("3 nodes")
    await search.press("Enter")
    await expect(panel(page).get_by_role("heading", name="lyon-1")).to_be_visible()
    assert "sel=node%2Flyon-1" in page.url
    assert "q=lyon" in page.url
    await panel(page).get_by_role("link", name="Close").click()
    await expect(panel(page)).to_have_count(0)


async def test_what_is_selected_leads_to_what_belongs_to_it(look: Look) -> None:
    page = await look("topology?sel=node/berlin-1")
    await panel(page).get_by_role("link", name="shop/web").click()
    await expect(panel(page).get_by_role("heading", name="shop/web")).to_be_visible()
    await panel(page).get_by_role("link", name="shop/orders").click()
    await expect(panel(page).get_by_role("heading", name="shop/orders")).to_be_visible()
    await panel(page).get_by_role("link", name="All about").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("orders")
    await page.go_back()
    await expect(panel(page).get_by_role("heading", name="shop/orders")).to_be_visible()


async def test_a_node_that_is_clicked_on_is_selected(look: Look) -> None:
    page = await look("topology?group=none")
    await page.wait_for_timeout(400)
    spot = await page.evaluate(SPOT, "berlin-1")
    await page.mouse.click(spot["x"], spot["y"])
    await expect(panel(page).get_by_role("heading", name="berlin-1")).to_be_visible()
    await expect(page.locator("#topology-active")).to_have_attribute("aria-selected", "true")


async def test_all_nodes_are_reached_by_the_keyboard_and_told(look: Look) -> None:
    page = await look("topology")
    await drawing(page).focus()
    active = page.locator("#topology-active")
    told = set()
    many = int(await active.get_attribute("aria-setsize") or 0)
    assert many >= 12
    await page.keyboard.press("Home")
    await expect(active).to_have_attribute("aria-posinset", "1")
    for key in ("ArrowRight", "ArrowDown", "PageDown", "ArrowLeft", "End"):
        told.add(await active.text_content())
        await page.keyboard.press(key)
    assert len(told) >= 4
    await expect(active).to_have_attribute("aria-posinset", str(many))
    name = str(await active.text_content()).partition(":")[0].partition(" in ")[0]
    await page.keyboard.press("Enter")
    await expect(panel(page).get_by_role("heading", name=name)).to_be_visible()
    await drawing(page).focus()
    await page.keyboard.press("Escape")
    await expect(panel(page)).to_have_count(0)


async def test_the_same_is_there_as_a_list_with_its_filters(look: Look) -> None:
    page = await look("topology?state=offline")
    await page.get_by_role("link", name="As a list").click()
    await expect(page.get_by_role("link", name="milan-1")).to_be_visible()
    await expect(page.get_by_role("link", name="berlin-1")).to_have_count(0)


async def test_an_event_changes_one_node_and_neither_places_nor_elements(look: Look) -> None:
    page = await look("topology")
    await page.wait_for_timeout(300)
    before = await page.evaluate(PLACES)
    device = look.scene.found.devices[1]
    await page.evaluate("document.querySelector('.topology-cards').marked = true")
    await look.scene.silence(device.node_id, device.credential)
    told = "id => document.querySelector('ecn-topology')._network.places.get(id).row.state"
    await page.wait_for_function(f"id => ({told})(id) === 'offline'", arg=device.node_id)
    assert await page.evaluate(PLACES) == before
    assert await page.evaluate("document.querySelector('.topology-cards').marked") is True


async def test_the_past_is_drawn_without_what_is_known_of_now_alone(look: Look) -> None:
    page = await look("topology?at=200&sel=router")
    await expect(panel(page)).to_contain_text("not known")
    await expect(drawing(page)).to_be_visible()


async def test_an_empty_network_says_how_to_begin(look_at_empty: Look) -> None:
    page = await look_at_empty("topology")
    await expect(page.get_by_text("no nodes yet")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["topology", "topology?sel=node/berlin-1", "topology?as=list"])
async def test_nobody_is_shut_out(look: Look, path: str, theme: str) -> None:
    page = await look(path, theme=theme)
    assert await violations(page) == []


async def test_a_narrow_screen_shows_all_of_it_without_scrolling_sideways(look: Look) -> None:
    page = await look("topology?sel=node/berlin-1", size=NARROW)
    await expect(panel(page)).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW[0]


async def test_another_theme_is_drawn_in_its_colours(look: Look) -> None:
    page = await look("topology", calm=True)
    colour = "() => document.querySelector('ecn-topology')._stage.palette.surface"
    light = await page.evaluate(colour)
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    await page.wait_for_function(f"light => ({colour})() !== light", arg=light)


async def test_a_thousand_nodes_move_smoothly(large: Page) -> None:
    """Frames are noted, the least that painting costs is bounded: that depends on nobody else."""
    box = await drawing(large).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await large.wait_for_timeout(500)
    for name, wheel in (("tiles", 0), ("names", -900), ("cards", -700)):
        await large.mouse.move(x, y)
        await large.evaluate(EACH_FRAME)
        for _ in range(12 if wheel else 0):
            await large.mouse.wheel(0, wheel / 12)
        if wheel:
            await timed(large, f"zooming to {name}")
            await large.wait_for_timeout(300)
        await large.evaluate(EACH_FRAME)
        await large.mouse.down()
        for step in range(30):
            await large.mouse.move(x + 8 * step, y + 4 * step)
        await large.mouse.up()
        await timed(large, f"moving {name}")
        costs = sorted(await large.evaluate(PAINTED))
        sys.stdout.write(
            f"painting {name}: least {costs[0]:.1f} ms, p50 {costs[30]:.1f} ms,"
            f" p95 {costs[57]:.1f} ms\n"
        )
        assert costs[0] < 20
