"""A small network to act on, and somebody who acts in a browser."""

from msgspec import Struct
from playwright.async_api import Locator, Page, Request, expect

from ecn.yaml_text import dumped
from tests.dashboard.look import Look
from tests.dashboard.scene import Scene
from tests.ecn.api.server import Agent, manifest

DIALOG = "dialog[open]"


class Shop(Struct, frozen=True):
    """Two devices, and the shop that runs on the first."""

    scene: Scene
    east: Agent
    west: Agent

    async def row(self, path: str) -> dict[str, object]:
        """A thing as it is."""
        return await self.scene.ask("GET", path)

    async def types(self) -> list[str]:
        """The types of all events, the newest first, without their versions."""
        events = await self.scene.ask("GET", "/events?order=desc&limit=50")
        items = events["items"]
        assert isinstance(items, list)
        return [str(each["type"]).rpartition(".")[0] for each in items]

    async def say(self, agent: Agent, path: str, state: str) -> None:
        """Its device says that about a microservice, as of now."""
        row = await self.row(f"/microservices/{path}")
        agent.known += 1
        status = {"state": state, "at": self.scene.now.isoformat(), "revision": row["revision"]}
        one = {"sequence": agent.known, "microservice_id": row["id"], "status": status}
        (await agent.report(containers=[one])).is_good()


async def shop(scene: Scene) -> Shop:
    """Made in an empty network."""
    controller = scene.controller
    assert controller is not None
    east, west = await controller.agent("east"), await controller.agent("west")
    microservices = [manifest("web", config={"colour": "red", "old": 1}), manifest("cache")]
    routes = [{"name": "orders", "source": "web", "destination": "cache"}]
    body = {"microservices": microservices, "routes": routes}
    await scene.ask("PUT", "/applications/shop", body)
    await scene.ask("PUT", "/registries/hub", {"url": "hub.example"})
    made = Shop(scene, east, west)
    for name in ("web", "cache"):
        await made.say(east, f"shop/{name}", "running")
    return made


async def ask(page: Page, label: str) -> Locator:
    """Open the dialog of an act. Returns it."""
    acts = page.locator("main .acts")
    button = acts.get_by_role("button", name=label, exact=True)
    if await acts.locator(".acts-menu").get_by_text(label, exact=True).count():
        await acts.locator("summary").click()
    await button.click()
    dialog = page.locator(DIALOG)
    await dialog.wait_for()
    return dialog


async def do(dialog: Locator, confirm: str) -> None:
    """Press the button that does it, as soon as it can be; wait for what came of it."""
    await dialog.get_by_role("button", name=confirm, exact=True).click()
    await expect(dialog.locator(".result-head")).to_be_visible()


def sent(page: Page, path: str) -> list[Request]:
    """What the page sends to that path from now on, other than reads."""
    found: list[Request] = []

    def note(request: Request) -> None:
        if request.method != "GET" and request.url.partition("/api/v1")[2] == path:
            found.append(request)

    page.on("request", note)
    return found


async def at(look: Look, path: str, *, user: str = "otto") -> Page:
    """A page as the operator."""
    return await look(path, user=user)


def application(name: str, node: str, **more: object) -> str:
    """A manifest of one microservice."""
    return dumped(
        {
            "apiVersion": "ecn/v1",
            "kind": "Application",
            "metadata": {"name": name},
            "spec": {"microservices": [manifest("page", node=node, **more)]},
        }
    )
