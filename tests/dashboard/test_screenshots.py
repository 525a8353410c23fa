"""Every view at two widths and in both themes, as pictures for people to look at.

They are written to the folder that ECN_SCREENSHOTS names; without it to one of the test's own, and
just wide in the light, narrow in the dark.
"""

import os
from pathlib import Path

import pytest

from tests.dashboard.look import NARROW, WIDE, Look
from tests.dashboard.views import ALL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where they go."""
    folder = Path(os.environ.get("ECN_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


LOOKS = [(WIDE, "light"), (NARROW, "dark")]
if "ECN_SCREENSHOTS" in os.environ:
    LOOKS += [(WIDE, "dark"), (NARROW, "light")]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
async def test_every_view_is_drawn(
    look: Look, folder: Path, size: tuple[int, int], theme: str
) -> None:
    page = await look(size=size, theme=theme, calm=True)
    for name, (path, title) in ALL.items():
        await look.go(page, path, title)
        await page.wait_for_timeout(400)
        picture = folder / f"{name}-{size[0]}-{theme}.png"
        await page.screenshot(path=picture)


async def test_login_and_an_empty_network_are_drawn(look_at_empty: Look, folder: Path) -> None:
    for size, theme in LOOKS:
        page = await look_at_empty(user=None, size=size, theme=theme)
        await page.screenshot(path=folder / f"login-{size[0]}-{theme}.png")
        page = await look_at_empty(size=size, theme=theme)
        for name in ("", "nodes", "topology", "timeline"):
            await look_at_empty.go(page, name)
            picture = f"empty-{name or 'overview'}-{size[0]}-{theme}.png"
            await page.screenshot(path=folder / picture)
