"""Logs in the page: followed, paused, searched, bounded, taken up again; sent by a device."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import expect

from tests.dashboard.look import Look, soon
from tests.dashboard.populate import Device, Populated, say
from tests.dashboard.scene import Scene
from tests.ecn.api.server import BASE, Agent

LOG = "microservices/shop/web?tab=logs"


def device_of(populated: Populated, node: str) -> Device:
    """The one that speaks for that node."""
    return next(each for each in populated.devices if each.name == node)


class Log:
    """What a device sends of one container's log."""

    def __init__(self, request: dict[str, object]) -> None:
        self.request = request
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()

    async def body(self) -> AsyncIterator[bytes]:
        """As it is posted."""
        while (line := await self.lines.get()) is not None:
            yield line.encode()

    def write(self, *texts: str, second: int = 0) -> None:
        """Lines of that second, each a microsecond after the one before."""
        for number, text in enumerate(texts):
            self.lines.put_nowait(f"2026-03-01T12:00:{second:02}.{number:06}000Z {text}\n")

    def end(self) -> None:
        """The container's log ends."""
        self.lines.put_nowait(None)


@asynccontextmanager
async def logging(scene: Scene, device: Device) -> AsyncIterator[asyncio.Queue[Log]]:
    """A device that answers those who want to read logs: what they asked for comes in the queue."""
    assert scene.controller is not None
    client = scene.controller.as_(device.credential)
    agent, asked = Agent(client, device.name, device.node_id), asyncio.Queue[Log]()

    async def send(log: Log) -> None:
        url = f"{client.url}{BASE}/agent/streams/{log.request['request_id']}"
        async with client.session.post(url, data=log.body(), headers=client.headers()):
            pass

    async def serve(tasks: asyncio.TaskGroup) -> None:
        known = await agent.revision()
        while True:
            try:
                answer = await agent.desired(known, wait=2)
            except TimeoutError:
                continue  # many browsers at once make a machine slow
            if answer.status != 200:
                continue
            known = answer.number("revision")
            for request in answer.items("stream_requests"):
                log = Log(request)
                tasks.create_task(send(log))
                asked.put_nowait(log)

    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve(tasks))
        opened = []

        class Remembering(asyncio.Queue[Log]):
            """So that all are ended."""

            async def get(self) -> Log:
                opened.append(await asyncio.wait_for(asked.get(), 10))
                return opened[-1]

        try:
            yield Remembering()
        finally:
            serving.cancel()
            for log in opened:
                log.end()


async def test_a_log_is_followed_as_it_is_written(
    look: Look, scene: Scene, populated: Populated
) -> None:
    async with logging(scene, device_of(populated, "berlin-1")) as logs:
        page = await look(LOG)
        log = await logs.get()
        assert (log.request["tail"], log.request["follow"]) == (500, True)
        log.write("started", "\x1b[31mred\x1b[0m <img src=x onerror=alert(1)>")
        lines = page.locator(".log-line")
        await expect(lines).to_have_count(2)
        # Nothing of it is markup, and no colours of terminals are shown.
        await expect(lines.last.locator("span")).to_have_text("red <img src=x onerror=alert(1)>")
        await expect(page.locator(".log-tools .state")).to_have_text("live")
        await page.get_by_role("button", name="Pause").click()
        log.write("while paused", second=1)
        await expect(page.get_by_role("button", name="Go on (1 new)")).to_be_visible()
        await expect(lines).to_have_count(2)
        await page.get_by_role("button", name="Go on").click()
        await expect(lines).to_have_count(3)
        await page.get_by_label("Find in log").fill("PAUSED")
        await expect(page.locator(".log-line mark")).to_have_text("paused")
        await page.get_by_label("Only these").check()
        await expect(lines).to_have_count(1)


async def test_a_long_log_stays_bounded_and_shows_its_end(
    look: Look, scene: Scene, populated: Populated
) -> None:
    async with logging(scene, device_of(populated, "berlin-1")) as logs:
        page = await look(LOG)
        log = await logs.get()
        for second in range(30):
            log.write(*(f"line {second * 400 + number}" for number in range(400)), second=second)
        await expect(page.locator(".log-line").last).to_contain_text("line 11999")
        await expect(page.locator("ecn-logs")).to_contain_text("older ones left the page")
        assert 4900 <= await page.locator(".log-line").count() <= 5100
        place = page.locator(".log-lines")
        await expect(page.locator(".log-line").last).to_be_in_viewport()
        # Whoever reads in the middle is left there.
        await place.evaluate("it => { it.scrollTop = 2000 }")
        await expect(page.get_by_role("button", name="To the end")).to_be_visible()
        log.write("one more", second=40)
        await expect(page.locator(".log-line").last).to_contain_text("one more")
        await expect(page.locator(".log-line").last).not_to_be_in_viewport()
        await page.get_by_role("button", name="To the end").click()
        await expect(page.locator(".log-line").last).to_be_in_viewport()


async def test_a_broken_link_is_taken_up_again_without_losing_or_doubling(
    look: Look, scene: Scene, populated: Populated
) -> None:
    look.expect("ERR_INCOMPLETE_CHUNKED_ENCODING|status of 50|ERR_")
    async with logging(scene, device_of(populated, "berlin-1")) as logs:
        page = await look(LOG)
        log = await logs.get()
        log.write("one", "two")
        lines = page.locator(".log-line span")
        await expect(lines).to_have_text(["one", "two"])
        log.end()
        await expect(page.locator(".log-tools .state")).to_have_text("ended")
        await page.get_by_role("button", name="Follow again").click()
        again = await logs.get()
        assert again.request["since"] == "2026-03-01T12:00:00.000001Z"
        again.write("one", "two", "three")
        await expect(lines).to_have_text(["one", "two", "three"])


async def test_the_log_of_a_node_that_is_away_comes_when_it_is_back(
    look: Look, scene: Scene, populated: Populated
) -> None:
    device = device_of(populated, "berlin-1")
    await scene.silence(device.node_id, device.credential)
    page = await look(LOG)
    await expect(page.locator(".log-empty")).to_contain_text("Node berlin-1 is offline")
    assert look.asked("GET /microservices/") == 0
    async with logging(scene, device) as logs:
        await say(scene, device, "shop/web", {"state": "running"})
        (await logs.get()).write("hello")
        await expect(page.locator(".log-line span")).to_have_text(["hello"])


async def test_logs_are_of_now_only(look: Look, scene: Scene) -> None:
    page = await look(f"{LOG}&at=300")
    await expect(page.locator("ecn-logs")).to_contain_text("Logs are of now only")
    assert not [each for each in look.requests if "/logs" in each]


async def test_who_leaves_the_log_ends_it(look: Look, scene: Scene, populated: Populated) -> None:
    async with logging(scene, device_of(populated, "berlin-1")) as logs:
        page = await look(LOG)
        (await logs.get()).write("one")
        await expect(page.locator(".log-line")).to_have_count(1)
        assert scene.controller is not None
        world = scene.controller.live
        assert len(world.world.sessions) == 1
        await page.locator("nav.tabs").get_by_role("link", name="Overview").click()
        await soon(lambda: not world.world.sessions)
