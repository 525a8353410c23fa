"""Acts in a browser: the plan first, then the event that came of it, then devices that follow."""

import os
import re
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.dashboard.acting import DIALOG, Shop, application, ask, at, do, sent, shop
from tests.dashboard.axe import violations
from tests.dashboard.look import NARROW, WIDE, Look
from tests.dashboard.scene import Scene

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


@pytest_asyncio.fixture(loop_scope="session")
async def made(empty_scene: Scene) -> Shop:
    """The shop, in the network that `look_at_empty` looks at."""
    return await shop(empty_scene)


async def test_a_stop_is_planned_done_once_and_followed(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    requests = sent(
        page, f"/microservices/{(await made.row('/microservices/shop/web'))['id']}/stop"
    )
    dialog = await ask(page, "Stop")
    await expect(dialog.get_by_role("heading", name="Stop shop/web")).to_be_visible()
    await expect(dialog.locator(".plan-fields")).to_contain_text("started")
    await expect(dialog.locator(".plan-node")).to_contain_text("east")
    await expect(dialog.locator(".plan-action.stop")).to_be_visible()
    assert "microservice.stopped" not in await made.types()
    await do(dialog, "Stop shop/web")
    [request] = requests
    headers = await request.all_headers()
    assert headers["x-csrf-token"]
    assert len(headers["idempotency-key"]) == 32
    await expect(dialog.locator(".result-events")).to_contain_text("microservice.stopped")
    await expect(dialog.locator(".follows")).to_contain_text("waiting for east to stop it")
    assert (await made.types())[0] == "microservice.stopped"
    assert (await made.row("/microservices/shop/web"))["started"] is False
    await made.say(made.east, "shop/web", "stopped")
    await expect(dialog.locator(".follows.done")).to_contain_text("stopped after")
    await dialog.get_by_role("button", name="Close").last.click()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    dialog = await ask(page, "Start")
    await do(dialog, "Start shop/web")
    assert (await made.types())[0] == "microservice.started"
    await dialog.get_by_role("link", name="Show it in the timeline").click()
    await expect(page.locator(DIALOG)).to_have_count(0)
    await expect(page.locator("button.event-fold")).to_have_count(1)


async def test_enter_stops_nothing_and_escape_closes(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Stop")
    await expect(dialog.locator(".plan-action.stop")).to_be_visible()
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(DIALOG)).to_have_count(0)
    await ask(page, "Stop")
    await page.keyboard.press("Enter")
    await expect(page.locator(DIALOG)).to_have_count(0)
    assert "microservice.stopped" not in await made.types()


async def test_a_microservice_is_moved_to_a_node_that_is_searched_for(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Move")
    await expect(dialog.get_by_role("button", name="Move shop/web")).to_be_disabled()
    await dialog.get_by_label("To which node").fill("wes")
    await expect(dialog.get_by_role("radio")).to_have_count(1)
    await dialog.get_by_role("radio").check()
    await expect(dialog.locator(".plan-nodes")).to_contain_text("it comes from east")
    await expect(dialog.locator(".plan-warnings")).to_contain_text("it is down")
    await do(dialog, "Move shop/web")
    await expect(dialog.locator(".followed")).to_contain_text("east is told to remove it")
    await made.say(made.west, "shop/web", "running")
    await expect(dialog.locator(".follows.done")).to_contain_text("running after")
    assert (await made.row("/microservices/shop/web"))["node"] == "west"


async def test_a_configuration_is_checked_while_it_is_written(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Configure")
    area = dialog.get_by_label("Configuration, as JSON")
    await expect(area).to_have_value('{\n  "colour": "red",\n  "old": 1\n}')
    await area.fill('{"colour": ')
    await expect(dialog.locator(".act-plan")).to_contain_text("This is not JSON yet")
    await expect(dialog.get_by_role("button", name="Configure shop/web")).to_be_disabled()
    await area.fill('{"colour": "blue"}')
    await expect(dialog.locator(".plan-fields")).to_contain_text("blue")
    await expect(dialog.locator(".plan-action.configure")).to_be_visible()
    await do(dialog, "Configure shop/web")
    assert (await made.row("/microservices/shop/web"))["config"] == {"colour": "blue"}


async def test_rebuild_and_rename_a_microservice(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "microservices/shop/cache")
    dialog = await ask(page, "Rebuild")
    await expect(dialog.locator(".plan-action.replace")).to_be_visible()
    await do(dialog, "Rebuild shop/cache")
    assert (await made.types())[0] == "microservice.rebuilt"
    await dialog.get_by_role("button", name="Close").last.click()
    dialog = await ask(page, "Rename")
    await dialog.get_by_label("New name").fill("web")
    await expect(dialog.locator(".plan-note.bad")).to_contain_text("web")
    await expect(dialog.get_by_role("button", name="Rename it web")).to_be_disabled()
    await dialog.get_by_label("New name").fill("store")
    look_at_empty.expect("status of 404")  # of the name that it had, where the page is as fast
    await do(dialog, "Rename it store")
    await expect(page).to_have_url(re.compile("/microservices/shop/store$"))
    assert (await made.row("/microservices/shop/store"))["name"] == "store"


async def test_an_application_goes_when_its_name_was_typed(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "applications/shop")
    dialog = await ask(page, "Delete")
    await expect(dialog.locator(".plan-thing.deleted")).to_contain_text("application/shop")
    button = dialog.get_by_role("button", name="Delete shop")
    await expect(button).to_be_disabled()
    await dialog.get_by_label("To confirm, type shop").fill("shop")
    await page.keyboard.press("Enter")
    await expect(button).to_be_enabled()
    assert "application.deleted" not in await made.types()
    await do(dialog, "Delete shop")
    await expect(dialog.locator(".followed")).to_contain_text("east is told to remove it")
    assert "application.deleted" in await made.types()


async def test_a_new_node_shows_its_key_once_and_then_its_device(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "nodes")
    await page.get_by_role("button", name="New node").click()
    dialog = page.locator(DIALOG)
    await dialog.get_by_label("Name", exact=False).first.fill("east")
    await expect(dialog).to_contain_text("There is a node of that name already.")
    await dialog.get_by_label("Name", exact=False).first.fill("edge-7")
    await dialog.get_by_label("Labels").fill("site=berlin")
    await expect(dialog.locator(".plan-thing.created")).to_contain_text("node/edge-7")
    await do(dialog, "Register edge-7 and make its key")
    command = dialog.locator("pre").first
    await expect(command).to_contain_text("ecn-agent install --controller " + made.scene.url)
    key = (await command.inner_text()).removeprefix("ECN_PROVISIONING_KEY=").split(" ")[0]
    await expect(dialog.get_by_role("timer")).to_contain_text("good for 19:")
    row = await made.row("/nodes/edge-7")
    settings = row["settings"]
    assert isinstance(settings, dict)
    assert settings["labels"] == {"site": "berlin"}
    controller = made.scene.controller
    assert controller is not None
    credential = "credential-of-the-device-" + "x" * 32
    body = {"key": key, "credential": credential, "facts": {}}
    (await controller.nobody.post("/agent/provision", body)).is_good()
    (await controller.as_(credential).post("/agent/report", {})).is_good()
    await expect(dialog.locator(".key-come.good")).to_contain_text("edge-7 is online")
    await expect(dialog).not_to_contain_text(key)


async def test_a_key_for_a_node_that_is_there(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "nodes/east")
    dialog = await ask(page, "Provisioning key")
    await dialog.get_by_label("Good for").select_option("an hour")
    await do(dialog, "Make the key and show it")
    await expect(dialog.get_by_role("timer")).to_contain_text("good for 59:")
    await expect(dialog.locator("pre").first).to_contain_text("ECN_PROVISIONING_KEY=")
    assert (await made.types())[0].startswith("node.")


async def test_a_node_with_microservices_goes_only_with_them(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "nodes/east")
    dialog = await ask(page, "Delete")
    await expect(dialog.locator(".plan-note.bad")).to_contain_text("still has 2 microservices")
    await dialog.get_by_label("To confirm, type east").fill("east")
    await expect(dialog.get_by_role("button", name="Delete east")).to_be_disabled()
    await dialog.get_by_label("Delete what runs on it, too: 2 microservices").check()
    await expect(dialog.locator(".plan-warnings")).to_contain_text("east")
    await do(dialog, "Delete east")
    assert "node.deleted" in await made.types()


async def test_a_device_is_told_and_let_go(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "nodes/west")
    dialog = await ask(page, "Upgrade agent")
    await dialog.get_by_label("Version").fill("9.1")
    await expect(dialog.locator(".plan-thing")).to_contain_text("node/west")
    await do(dialog, "Upgrade the agent of west")
    assert (await made.types())[0] == "node.instructed"
    await dialog.get_by_role("button", name="Close").last.click()
    dialog = await ask(page, "Deprovision")
    await dialog.get_by_label("To confirm, type west").fill("west")
    await do(dialog, "Deprovision west")
    assert (await made.types())[0] == "node.deprovisioned"


async def test_routes_and_registries_are_deleted(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "routes/shop/orders")
    dialog = await ask(page, "Delete")
    await do(dialog, "Delete shop/orders")
    assert (await made.types())[0] == "route.deleted"
    page = await at(look_at_empty, "registries/hub")
    dialog = await ask(page, "Delete")
    await do(dialog, "Delete hub")
    assert (await made.types())[0] == "registry.deleted"


async def test_what_was_changed_is_brought_back(look_at_empty: Look, made: Shop) -> None:
    before = await made.row("/microservices/shop/web")
    await made.scene.ask("PATCH", "/microservices/shop/web", {"image": "shop/web:2"})
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Revert")
    await dialog.get_by_role("radio").first.check()
    await expect(dialog.locator(".plan-fields")).to_contain_text("shop/web:2")
    position = await dialog.get_by_label("Or at any moment").input_value()
    await do(dialog, f"Revert it to {position}")
    assert (await made.row("/microservices/shop/web"))["image"] == before["image"]


async def test_a_revert_that_deletes_is_not_done_by_enter(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Revert")
    await dialog.get_by_role("radio").last.check()
    await expect(dialog.locator(".plan-thing.deleted")).to_be_visible()
    await expect(dialog.locator("button.danger.confirm")).to_be_enabled()
    await dialog.get_by_label("Or at any moment").press("Enter")
    await expect(dialog.locator("button.danger.confirm")).to_be_enabled()
    assert "microservice.deleted" not in await made.types()


async def test_the_past_has_one_act_and_that_leads_to_now(look_at_empty: Look, made: Shop) -> None:
    then = (await made.row("/microservices/shop/web"))["image"]
    position = made.scene.controller.world_position if made.scene.controller else 0
    await made.scene.ask("PATCH", "/microservices/shop/web", {"image": "shop/web:2"})
    page = await at(look_at_empty, f"microservices/shop/web?at={position}")
    await expect(page.locator("main .acts button")).to_have_count(1)
    dialog = await ask(page, "Revert to this moment")
    await do(dialog, f"Revert shop/web to position {position}")
    assert (await made.row("/microservices/shop/web"))["image"] == then
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")


async def test_a_plan_that_does_not_hold_any_more_is_made_anew(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Move")
    await dialog.get_by_role("radio").check()
    await expect(dialog.locator(".plan-nodes")).to_contain_text("it comes from east")
    await page.wait_for_timeout(1100)
    await made.scene.ask("POST", "/microservices/shop/web/stop")
    await expect(dialog.locator(".plan-note.warn").first).to_contain_text("Planned anew")
    await do(dialog, "Move shop/web")


async def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    look_at_empty.expect("ERR_FAILED")
    lost = 0

    async def lose(route: Route) -> None:
        nonlocal lost
        lost += 1
        if lost == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/api/v1/microservices/*/rebuild", lose)
    dialog = await ask(page, "Rebuild")
    await dialog.get_by_role("button", name="Rebuild shop/web").click()
    await expect(dialog.get_by_text("it may have been done, or not")).to_be_visible()
    await do(dialog, "Try again")
    assert lost == 2
    assert (await made.types()).count("microservice.rebuilt") == 1


async def test_what_is_refused_says_what_to_do_and_nothing_is_done(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "microservices/shop/web")
    look_at_empty.expect("status of 409")
    dialog = await ask(page, "Rebuild")

    async def refuse(route: Route) -> None:
        problem = {
            "type": "urn:ecn:problem:revision-moved",
            "title": "Changed in between",
            "status": 409,
            "code": "conflict",
            "detail": "no, not now",
            "next_step": "Wait a little.",
        }
        await route.fulfill(status=409, json=problem, content_type="application/problem+json")

    await page.route("**/api/v1/microservices/*/rebuild", refuse)
    await dialog.get_by_role("button", name="Rebuild shop/web").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("no, not now")
    await expect(dialog.get_by_role("alert")).to_contain_text("Wait a little.")
    assert "microservice.rebuilt" not in await made.types()


async def test_who_may_only_look_has_no_acts(look_at_empty: Look, made: Shop) -> None:
    for path in ("microservices/shop/web", "applications/shop", "nodes/east", "registries/hub"):
        page = await at(look_at_empty, path, user="vera")
        await expect(page.locator("main .acts")).to_have_count(0)
    page = await at(look_at_empty, "nodes", user="vera")
    await expect(page.get_by_role("button", name="New node")).to_have_count(0)
    page = await at(look_at_empty, "deploy", user="vera")
    await expect(page.locator("textarea")).to_have_count(0)
    await expect(page.get_by_text("needs the role operator")).to_be_visible()


async def test_hostile_texts_stay_texts(look_at_empty: Look, made: Shop) -> None:
    await made.scene.ask("PATCH", "/microservices/shop/web", {"env": {"TITLE": HOSTILE}})
    page = await at(look_at_empty, "microservices/shop/web")
    dialog = await ask(page, "Revert")
    await dialog.get_by_role("radio").first.check()
    await expect(dialog.locator(".plan-fields")).to_contain_text("<img src=x onerror=alert(1)>")
    assert await dialog.locator("img").count() == 0
    await page.keyboard.press("Escape")
    dialog = await ask(page, "Configure")
    await dialog.get_by_label("Configuration, as JSON").fill('{"a": "<b>bold</b>"}')
    await expect(dialog.locator(".plan-fields")).to_contain_text("<b>bold</b>")


async def test_what_the_timeline_tells_can_be_undone_there(look_at_empty: Look, made: Shop) -> None:
    then = (await made.row("/microservices/shop/web"))["image"]
    await made.scene.ask("PATCH", "/microservices/shop/web", {"image": "shop/web:2"})
    page = await at(look_at_empty, "timeline?type=microservice.updated.v1")
    await page.locator("button.event-fold").first.click()
    await page.get_by_role("button", name="Revert to before").click()
    dialog = page.locator(DIALOG)
    await expect(dialog.locator(".plan-fields")).to_contain_text("shop/web:2")
    await dialog.locator("button.confirm").click()
    await expect(dialog.locator(".result-head")).to_be_visible()
    assert (await made.row("/microservices/shop/web"))["image"] == then


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", NARROW)])
async def test_axe_finds_nothing_in_dialogs_plans_and_results(
    look_at_empty: Look, made: Shop, theme: str, size: tuple[int, int]
) -> None:
    async def seen(name: str) -> list[str]:
        if folder := os.environ.get("ECN_SCREENSHOTS"):
            await page.screenshot(path=Path(folder) / f"act-{name}-{size[0]}-{theme}.png")
        return [f"{name}: {each}" for each in await violations(page)]

    page = await look_at_empty("microservices/shop/web", user="otto", theme=theme, size=size)
    found = []
    for act in ("Stop", "Move", "Configure", "Revert"):
        dialog = await ask(page, act)
        if act in ("Move", "Revert"):
            await dialog.get_by_role("radio").first.check()
        if act != "Configure":
            await expect(dialog.locator(".plan-sum")).to_be_visible()
        found += await seen(act.lower())
        if act == "Revert":
            await dialog.locator("button.confirm").click()
            await expect(dialog.locator(".result-head")).to_be_visible()
            found += await seen("result")
        await page.keyboard.press("Escape")
    page = await look_at_empty("nodes", user="otto", theme=theme, size=size)
    await page.get_by_role("button", name="New node").click()
    dialog = page.locator(DIALOG)
    await dialog.get_by_label("Name", exact=False).first.fill("edge-7")
    await do(dialog, "Register edge-7 and make its key")
    await expect(dialog.locator("pre").first).to_be_visible()
    found += await seen("key")
    page = await look_at_empty("deploy", user="otto", theme=theme, size=size)
    await page.get_by_label("Manifest: YAML").fill(application("bank", "east"))
    await expect(page.locator(".plan-sum")).to_be_visible()
    found += await seen("deploy")
    assert not found, "\n".join(found)
