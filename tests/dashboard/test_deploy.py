"""The view that deploys: a manifest, its plan beside it, and what came of it."""

import pytest_asyncio
from playwright.async_api import expect

from tests.dashboard.acting import Shop, application, at, shop
from tests.dashboard.look import NARROW, Look
from tests.dashboard.scene import Scene


@pytest_asyncio.fixture(loop_scope="session")
async def made(empty_scene: Scene) -> Shop:
    """The shop, in the network that `look_at_empty` looks at."""
    return await shop(empty_scene)


async def test_a_manifest_is_planned_while_it_is_written_and_then_deployed(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "deploy")
    await expect(page.get_by_role("button", name="Deploy", exact=True)).to_be_disabled()
    await page.get_by_label("Manifest: YAML").fill(application("bank", "east"))
    plan = page.locator(".deploy-plan")
    await expect(plan.locator(".plan-thing.created")).to_contain_text("application/bank")
    await expect(plan).to_contain_text("microservice/bank/page")
    await expect(plan.locator(".plan-node")).to_contain_text("it is new here")
    assert "application.created" not in (await made.types())[:2]
    await plan.get_by_role("button", name="Deploy application/bank").click()
    await expect(plan.get_by_role("heading", name="Deployed")).to_be_visible()
    await expect(plan.locator(".result-events")).to_contain_text("application.created")
    await expect(plan.locator(".follows")).to_contain_text("waiting for east to create it")
    await made.say(made.east, "bank/page", "running")
    await expect(plan.locator(".follows.done")).to_contain_text("running after")
    await expect(plan.get_by_role("link", name="bank/page").last).to_be_visible()
    await plan.get_by_role("button", name="Plan again").click()
    await expect(plan).to_contain_text("Everything is as it says already.")
    await expect(plan.locator("button.confirm")).to_be_disabled()


async def test_faults_lead_to_their_lines(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "deploy")
    text = "apiVersion: ecn/v1\nkind: Node\nmetadata: {name: a}\nspec:\n  colour: red\n  tags: x\n"
    area = page.get_by_label("Manifest: YAML")
    await area.fill(text)
    await expect(page.locator(".faults li")).to_have_count(2)
    await expect(page.locator(".faults li").first).to_contain_text("there is no such field")
    await page.get_by_role("button", name="line 6").click()
    await expect(area).to_be_focused()
    chosen = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert await area.evaluate(chosen) == "tags: x"
    await expect(page.locator("button.confirm")).to_be_disabled()


async def test_what_is_refused_stands_by_its_thing_and_nothing_can_be_done(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "deploy")
    texts = (application("bank", "nowhere"), application("spa", "west"))
    await page.get_by_label("Manifest: YAML").fill("---\n".join(texts))
    refused = page.locator(".plan-thing.refused")
    await expect(refused).to_contain_text("application/bank")
    await expect(refused.locator(".plan-note")).to_contain_text("nowhere")
    await expect(page.locator(".plan-thing.created")).to_contain_text("application/spa")
    await expect(page.locator("button.confirm")).to_be_disabled()


async def test_a_file_is_taken_and_an_example_is_there(look_at_empty: Look, made: Shop) -> None:
    page = await at(look_at_empty, "deploy")
    await page.get_by_role("button", name="Example").click()
    await expect(page.get_by_role("button", name="Deploy application/hello")).to_be_enabled()
    content = application("bank", "west").encode()
    await page.locator("input[type=file]").set_input_files(
        {"name": "bank.yaml", "mimeType": "application/yaml", "buffer": content}
    )
    await expect(page.locator(".deploy-name")).to_have_text("bank.yaml")
    await expect(page.get_by_role("button", name="Deploy application/bank")).to_be_enabled()
    # It stays while something else is looked at.
    await page.get_by_role("link", name="Nodes", exact=True).click()
    await page.go_back()
    await expect(page.get_by_role("button", name="Deploy application/bank")).to_be_enabled()


async def test_a_plan_that_somebody_else_outran_is_made_anew(
    look_at_empty: Look, made: Shop
) -> None:
    page = await at(look_at_empty, "deploy")
    await page.get_by_label("Manifest: YAML").fill(application("bank", "east"))
    await expect(page.locator(".plan-thing.created")).to_be_visible()
    await page.wait_for_timeout(1100)
    await made.scene.ask("PUT", "/applications/bank", {"description": "of others"})
    await expect(page.locator(".plan-note.warn")).to_contain_text("Planned anew")
    await expect(page.locator(".plan-thing.updated")).to_contain_text("of others")
    await page.get_by_role("button", name="Deploy application/bank").click()
    await expect(page.locator(".result-head")).to_be_visible()


async def test_it_fits_a_narrow_screen(look_at_empty: Look, made: Shop) -> None:
    page = await look_at_empty("deploy", user="otto", size=NARROW)
    await page.get_by_label("Manifest: YAML").fill(application("bank", "east", image="x" * 200))
    await expect(page.locator(".deploy-plan .plan-thing")).to_be_visible()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) <= 0
