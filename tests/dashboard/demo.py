"""A network to look at: `python -m tests.dashboard.demo --port P [--nodes N] [--empty] [--live]`.

The controller keeps its log in memory; `--url … --admin admin.json` fills a real one instead. Ends
with Ctrl-C.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog

from ecn.dashboard import assets
from events.background import beside
from tests.dashboard.live import live
from tests.dashboard.populate import HISTORY, populate
from tests.dashboard.scene import Scene, at, in_memory


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard.demo")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=12, help="at least 6")
    parser.add_argument("--empty", action="store_true", help="a network without anything")
    parser.add_argument("--live", action="store_true", help="something happens each second")
    parser.add_argument("--url", help="of a real controller, with --admin")
    parser.add_argument("--admin", type=Path, help="its admin.json")
    return parser.parse_args()


async def _filled(scene: Scene, given: argparse.Namespace) -> None:
    started = time.monotonic()
    found = None if given.empty else await populate(scene, given.nodes)
    sys.stdout.write(
        f"{scene.url}/dashboard/  name {scene.name}  password {scene.password}\n"
        f"also otto (operator), vera (viewer): password-of-otto, password-of-vera\n"
        f"ready after {time.monotonic() - started:.1f} s\n"
    )
    sys.stdout.flush()
    if given.live and found is not None:
        await live(scene, found)
    elif scene.controller is not None:
        await asyncio.Event().wait()


async def _keep_up() -> None:
    """Serve the page's files as they are now, also after they were edited."""
    root, before = Path(assets.__file__).parent / "page", 0.0
    while True:
        await asyncio.sleep(0.5)
        latest = max(each.stat().st_mtime for each in root.rglob("*"))
        if latest > before:
            before = latest
            assets.page.cache_clear()


async def _main(given: argparse.Namespace) -> None:
    if given.url:
        admin = json.loads(given.admin.read_text())
        async with at(given.url, admin["name"], admin["password"], admin["token"]) as scene:
            await _filled(scene, given)
    else:
        async with in_memory(port=given.port, behind=HISTORY) as scene:
            if given.empty:
                scene.pass_time(HISTORY.total_seconds())
            async with beside(_keep_up()):
                await _filled(scene, given)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(_arguments()))
