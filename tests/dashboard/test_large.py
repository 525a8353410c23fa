"""A thousand nodes, five thousand microservices: how long everything takes. Figures are printed.

The bounds are generous: they catch what grows with the square of something, not a busy machine.
`pytest -s tests/dashboard/test_large.py` shows the figures.
"""

import sys
import time
from collections.abc import AsyncIterator
from statistics import median

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.dashboard.look import Look
from tests.dashboard.populate import HISTORY, populate
from tests.dashboard.scene import Scene, in_memory

NODES = 1000
LOADED_WITHIN = 20.0
DRAWN_WITHIN = 1500
"""Milliseconds, of the first drawing of a view."""
REDRAWN_WITHIN = 150
"""Milliseconds, of each further one."""
FRAME_WITHIN = 250
"""Milliseconds, of the median frame while one scrolls."""

# Milliseconds from a change of the address to the end of the frame that shows it.
DRAWING = """async ([path, wait]) => {
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  await frame();
  const begun = performance.now();
  if (path !== null) history.pushState(null, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
  await frame();
  await new Promise(resolve => setTimeout(resolve, 0));
  const took = performance.now() - begun;
  await new Promise(resolve => setTimeout(resolve, wait));
  return took;
}"""
SCROLLING = """async () => {
  const frames = [];
  let before = await new Promise(resolve => requestAnimationFrame(resolve));
  const until = before + 1500;
  while (before < until) {
    scrollBy(0, 300);
    const now = await new Promise(resolve => requestAnimationFrame(resolve));
    frames.push(now - before);
    before = now;
  }
  return frames;
}"""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


@pytest_asyncio.fixture(loop_scope="session")
async def large() -> AsyncIterator[Scene]:
    """A thousand nodes."""
    async with in_memory(behind=HISTORY) as scene:
        started = time.monotonic()
        await populate(scene, NODES)
        say(f"\nfilled in {time.monotonic() - started:.1f} s")
        yield scene


async def _drawn(page: Page, path: str | None) -> float:
    took = await page.evaluate(DRAWING, [path, 300])
    assert isinstance(took, float | int)
    return float(took)


@pytest.mark.timeout(400)
async def test_a_thousand_nodes_are_loaded_drawn_and_scrolled(
    browser: Browser, large: Scene
) -> None:
    async with Look.at(browser, large) as look:
        started = time.monotonic()
        page = await look()
        loaded = time.monotonic() - started
        heap = await page.evaluate("performance.memory.usedJSHeapSize / 2 ** 20")
        say(f"loaded in {loaded:.1f} s, {heap:.0f} MiB of JavaScript")
        assert loaded < LOADED_WITHIN
        slow = []
        for name in (
            "", "topology", "nodes", "microservices", "routes", "applications", "timeline",
            "nodes/berlin-1", "applications/shop", "microservices/shop/web",
        ):  # fmt: skip
            first = await _drawn(page, f"/dashboard/{name}")
            again = median([await _drawn(page, None) for _ in range(5)])
            frames = sorted(await page.evaluate(SCROLLING))
            usual, worst = median(frames), frames[int(len(frames) * 0.95)]
            say(
                f"/{name:24} first {first:6.0f} ms, again {again:5.1f} ms, "
                f"frames {usual:5.1f} ms (95 %: {worst:.1f})"
            )
            if first > DRAWN_WITHIN or again > REDRAWN_WITHIN or usual > FRAME_WITHIN:
                slow.append(name)
        assert not slow
        look.check()
