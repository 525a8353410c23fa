"""axe-core, the judge of accessibility, in a page."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = """(runOnly) => axe.run(document, {
  runOnly,
  resultTypes: ['violations'],
}).then(({violations}) => violations.map(each => ({
  id: each.id, help: each.help,
  nodes: each.nodes.slice(0, 5).map(node => [node.html.slice(0, 160), node.failureSummary]),
})))"""

ALL = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast",)
"""What another theme can change."""


@cache
def _source() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/dashboard")
    return AXE.read_text("utf-8")


async def violations(page: Page, rules: Sequence[str] = ALL) -> list[str]:
    """What it finds, in words; nothing where all is well."""
    # Scripts of the page's own come from files alone; this one comes from the test.
    await page.evaluate(_source() + "; undefined")
    found = await page.evaluate(RULES, list(rules))
    return [
        f"{each['id']}: {each['help']}\n"
        + "\n".join(f"    {html}\n      {why}" for html, why in each["nodes"])
        for each in found
    ]
