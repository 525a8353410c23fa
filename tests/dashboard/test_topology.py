"""The network drawn: what it says to those who look, to those who hear, and how fast it moves."""

import json
from collections.abc import AsyncIterator
from statistics import quantiles

import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.dashboard.large_snapshot import large_snapshot
from tests.dashboard.look import NARROW, Look

FRAMES = """
window.frames = [];
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
  window.intervals = [];
  let last = 0;
  const look = (now) => {
    if (last) window.intervals.push(now - last);
    last = now;
    if (window.intervals) requestAnimationFrame(look);
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


async def timed(page: Page, name: str) -> dict[str, float]:
    """The frames since `EACH_FRAME`, as figures that are printed."""
    said = json.loads(json.dumps(await page.evaluate(SAID)))
    figures = {}
    for what in ("intervals", "scripts"):
        steps = quantiles(said[what], n=100)
        figures[what] = steps[94]
        print(
            f"{name}: {what} p50 {steps[49]:.1f} ms, p95 {steps[94]:.1f} ms,"
            f" worst {max(said[what]):.1f} ms ({len(said[what])} frames)"
        )
    return figures


async def test_a_thousand_nodes_move_smoothly(large: Page) -> None:
    """Bounds are generous: neighbours of this test use the same processors."""
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
            figures = await timed(large, f"zooming to {name}")
            assert figures["scripts"] < 150
        await large.wait_for_timeout(300)
        await large.evaluate(EACH_FRAME)
        await large.mouse.down()
        for step in range(60):
            await large.mouse.move(x + 4 * step, y + 2 * step)
        await large.mouse.up()
        figures = await timed(large, f"moving {name}")
        assert figures["scripts"] < 150
