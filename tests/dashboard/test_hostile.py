"""Texts of others are only ever texts: whatever they say, nothing runs and nothing breaks."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.look import NARROW, Look
from tests.dashboard.populate import Device, say
from tests.dashboard.scene import Scene, in_memory

RUNS = "<img src=x onerror=\"window.hacked='{}'\">"
LONG = "x" * 200
RIGHT_TO_LEFT = "\u202egnp.exe\u202c שלום"
EMOJI = "🙂👩‍👩‍👧‍👦🏴‍☠️"
QUOTES = "\"'`${alert(1)}</script><!-- {{7*7}} %0a"
TEXTS = (
    RUNS.format("description"),
    "<script>window.hacked='script'</script>",
    "javascript:window.hacked='link'",
    QUOTES,
    RIGHT_TO_LEFT,
    EMOJI,
    LONG,
)
ALL = "\n".join(TEXTS)
NAME = "a" + "b" * 60 + ".c"
"""As long as names may be."""


@pytest_asyncio.fixture(loop_scope="session")
async def hostile() -> AsyncIterator[Scene]:
    """A network whose texts all want something."""
    async with in_memory() as scene:
        settings = {
            "description": ALL,
            "labels": {"site": RUNS.format("label"), "long": LONG, "quotes": QUOTES},
            "tags": [RUNS.format("tag"), EMOJI, LONG],
            "location": RIGHT_TO_LEFT + RUNS.format("location"),
        }
        made = await scene.ask("POST", "/nodes", {"name": NAME, "settings": settings})
        node_id = str(made["subject"]).removeprefix("node/")
        issued = await scene.ask("POST", f"/nodes/{NAME}/provisioning-key")
        facts = {
            "agent_version": RUNS.format("agent"),
            "architecture": QUOTES,
            "operating_system": RUNS.format("os"),
            "engine_problem": ALL,
            "host_name": RIGHT_TO_LEFT,
            "engine_version": LONG,
        }
        credential = "c" * 48
        body = {"key": issued["key"], "credential": credential, "facts": facts}
        await scene.ask("POST", "/agent/provision", body)
        microservice = {
            "name": "web",
            "node": NAME,
            "image": "shop/web:1",
            "env": {"A": RUNS.format("env"), "B": LONG},
            "config": {RUNS.format("key"): ALL},
            "labels": {"x": RUNS.format("label")},
        }
        application = {
            "description": ALL,
            "labels": {"team": RUNS.format("team")},
            "microservices": [microservice],
            "routes": [
                {"name": "r", "source": "web", "destination": "$upstream",
                 "condition": "a = '<img src=x onerror=alert(1)>'",
                 "webhook": "https://hook.example/?<script>=1"}
            ],
        }  # fmt: skip
        await scene.ask("PUT", "/applications/shop", application)
        device = Device(name=NAME, node_id=node_id, credential=credential, site="")
        await say(scene, device, "shop/web", {"state": "failed", "reason": ALL})
        twin = {RUNS.format("twin")[:40].replace("$", ""): RUNS.format("twin"), "long": LONG}
        await scene.ask("PATCH", "/microservices/shop/web/twin/desired", twin)
        item = {
            "images": {"x86": "a/b"},
            "description": ALL,
            "publisher": RUNS.format("publisher"),
            "category": RUNS.format("category"),
            "picture": "javascript:window.hacked='picture'",
        }
        await scene.ask("PUT", "/catalog-items/till", item)
        template = {"description": ALL, "variables": [{"key": "k", "description": ALL}]}
        await scene.ask("PUT", "/templates/site", template)
        resource = {
            "description": ALL,
            "endpoints": [
                {"name": RUNS.format("e"), "method": "GET", "url": "javascript:alert(1)"}
            ],
            "tags": [RUNS.format("tag")],
            "display": {"icon": "javascript:alert(1)", "name": ALL[:100]},
        }
        await scene.ask("PUT", "/edge-resources/camera@1.0.0", resource)
        setting = {"value": RUNS.format("setting")}
        await scene.ask("PUT", "/network/settings/default-proxy-host", setting)
        yield scene


VIEWS = (
    "", "topology", "timeline", "nodes", "applications", "microservices", "routes", "catalog-items",
    "templates", "edge-resources", "network", "registries", f"nodes/{NAME}",
    f"nodes/{NAME}?tab=history", "applications/shop", "applications/shop?tab=manifest",
    "microservices/shop/web", "microservices/shop/web?tab=configuration",
    "microservices/shop/web?tab=twin", "microservices/shop/web?tab=why",
    "microservices/shop/web?tab=history", "routes/shop/r", "templates/site", "catalog-items/till",
    "edge-resources/camera@1.0.0",
    "nodes?q=%3Cimg%20src%3Dx%20onerror%3D%22window.hacked%3D'query'%22%3E",
    "timeline?text=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&type=%3Cb%3E&subject=node/%22%3E%3Cb%3E",
    "nodes/%3Cimg%20src%3Dx%20onerror%3D%22window.hacked%3D'path'%22%3E",
    "%3Cscript%3Ewindow.hacked='view'%3C/script%3E",
    "?at=3",
)  # fmt: skip


async def test_nothing_runs_and_nothing_sticks_out(browser: Browser, hostile: Scene) -> None:
    async with Look.at(browser, hostile) as look:
        # Of what was asked for and is not there.
        look.expect("status of 40[04]")
        wider: list[str] = []
        for size in ((1280, 900), NARROW):
            page = await look(size=size)
            for path in VIEWS:
                await look.go(page, path)
                assert await page.evaluate("window.hacked") is None, path
                assert await page.locator("main img, main script, main b b").count() == 0, path
                links = await page.eval_on_selector_all(
                    "a[href], img[src], form[action]",
                    "each => each.map(e => e.getAttribute('href') ?? e.src ?? e.action)",
                )
                assert not [each for each in links if each.strip().startswith("javascript:")], path
                found = await look.sticks_out(page)
                wider += [f"/{path[:60]} at {size[0]}: {', '.join(found)}"] if found else []
        look.check()
        assert not wider, "\n".join(wider)
