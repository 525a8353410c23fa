"""The moment that is shown: the slider, times, the film, what differs, and the way back."""

import msgspec
from playwright.async_api import Page, expect

from tests.dashboard.look import NARROW, Look, soon
from tests.dashboard.scene import Scene

KNOWN = """async () => {
  const { app } = await import(document.querySelector('[data-main]').dataset.main);
  const { position, rows } = app.model;
  const put = Object.entries(rows).map(([kind, rows]) => [kind, [...rows.values()]]);
  return { position, put: Object.fromEntries(put) };
}"""
"""What the page knows, as it keeps it."""

SLIDER = ".time-field input"


class Known(msgspec.Struct, frozen=True):
    """All rows at a position, by kind and id."""

    position: int
    rows: dict[str, dict[str, dict[str, object]]]


def _known(said: object) -> Known:
    class Said(msgspec.Struct):
        position: int
        put: dict[str, list[dict[str, object]]]

    whole = msgspec.convert(said, type=Said)
    rows = {kind: {str(row["id"]): row for row in rows} for kind, rows in whole.put.items() if rows}
    return Known(whole.position, rows)


async def known_to(page: Page) -> Known:
    """What the page knows."""
    return _known(await page.evaluate(KNOWN))


async def said_by(scene: Scene, at: int | None = None) -> Known:
    """What the controller says."""
    return _known(
        await scene.ask("GET", "/dashboard/snapshot" + ("" if at is None else f"?at={at}"))
    )


async def shows(page: Page, position: int) -> None:
    """Until that position is drawn."""
    await expect(page.locator("html")).to_have_attribute("data-position", str(position))


async def test_the_slider_leads_to_any_position_and_the_page_is_what_it_was_then(
    look: Look, scene: Scene
) -> None:
    page = await look("nodes")
    slider = page.locator(SLIDER)
    box = await slider.bounding_box()
    assert box is not None
    await expect(slider).to_have_attribute("aria-valuetext", "Now")
    x, y = box["x"] + box["width"], box["y"] + box["height"] / 2
    await page.mouse.move(x - 8, y)
    await page.mouse.down()
    for step in range(1, 11):
        await page.mouse.move(x - 8 - step * box["width"] / 20, y)
    await page.mouse.up()
    await expect(page.get_by_text("You see the network as it was")).to_be_visible()
    wanted = int(await slider.input_value())
    await shows(page, wanted)
    assert 0 < wanted < (await said_by(scene)).position
    assert await known_to(page) == await said_by(scene, wanted)
    await expect(page).to_have_url(f"{scene.url}/dashboard/nodes?at={wanted}")


async def test_keys_go_an_event_or_a_part_of_the_log(look: Look, scene: Scene) -> None:
    page = await look("?at=100")
    await shows(page, 100)
    slider = page.locator(SLIDER)
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    await shows(page, 99)
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await shows(page, 101)
    assert await known_to(page) == await said_by(scene, 101)
    await page.keyboard.press("PageDown")
    await shows(page, 91)
    await page.keyboard.press("Home")
    await shows(page, 0)
    await page.keyboard.press("End")
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")
    await page.locator("main").focus()
    await page.keyboard.press("[")
    await expect(page.locator("html")).to_have_attribute("data-moment", "then")
    await page.keyboard.press("]")
    await page.keyboard.press("n")
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")


async def test_back_leads_from_then_to_now_and_again_to_then(look: Look, scene: Scene) -> None:
    page = await look("nodes")
    await page.get_by_role("button", name="One event back").click()
    end = (await said_by(scene)).position
    await shows(page, end - 1)
    await page.get_by_role("button", name="One event back").click()
    await shows(page, end - 2)
    await expect(page).to_have_url(f"{scene.url}/dashboard/nodes?at={end - 2}")
    await page.go_back()
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")
    await page.go_forward()
    await shows(page, end - 2)
    await page.get_by_role("navigation").get_by_role("link", name="Microservices").click()
    await expect(page).to_have_url(f"{scene.url}/dashboard/microservices?at={end - 2}")
    await page.get_by_role("button", name="Back to now").click()
    await expect(page).to_have_url(f"{scene.url}/dashboard/microservices")


async def test_a_time_and_a_position_may_be_typed(look: Look, scene: Scene) -> None:
    page = await look("nodes")
    await page.get_by_title("Go to another moment").click()
    dialog = page.get_by_role("dialog", name="Go to a moment")
    await dialog.get_by_label("Position of the log").fill("120")
    await page.keyboard.press("Enter")
    await shows(page, 120)
    await expect(dialog).to_be_hidden()
    time = await page.locator(".then time").get_attribute("datetime")
    assert time is not None
    await page.goto(f"{scene.url}/dashboard/nodes?at={time[:19]}Z")
    await look.settled(page)
    at = int(await page.locator("html").get_attribute("data-position") or 0)
    assert 0 < at <= 120
    await expect(page).to_have_url(f"{scene.url}/dashboard/nodes?at={at}")


async def test_a_moment_to_come_is_refused_and_it_stays_now(look: Look) -> None:
    look.expect("status of 400")
    page = await look("nodes?at=999999")
    await expect(page.locator(".notice.bad")).to_contain_text("is to come")
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")
    assert page.url.endswith("/dashboard/nodes")


async def test_the_film_plays_each_event_and_ends_now(look: Look, scene: Scene) -> None:
    page = await look("?at=60")
    await page.get_by_label("Speed of the film").select_option("100 events/s")
    await page.get_by_role("button", name="Play history").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator("html")).not_to_have_attribute("data-position", "60")
    await page.keyboard.press("p")
    paused = await known_to(page)
    assert paused.position > 60
    assert paused == await said_by(scene, paused.position)
    before = look.asked("GET /dashboard/snapshot")
    await page.get_by_role("button", name="Play history").click()
    await expect(page.locator("html")).to_have_attribute("data-moment", "now", timeout=30_000)
    await expect(page.get_by_role("button", name="Play history")).to_be_visible()
    assert await known_to(page) == await said_by(scene)
    # The frames came by themselves: only now was asked for as a whole.
    assert look.asked("GET /dashboard/snapshot") == before + 1
    assert page.url.endswith("/dashboard/")


async def test_what_happens_in_the_film_is_told(look: Look) -> None:
    page = await look("?at=60")
    line = page.locator(".then-event")
    await expect(line.locator(".event-words")).to_be_visible()
    said = await line.inner_text()
    await page.get_by_role("button", name="One event forward").click()
    await shows(page, 61)
    await expect(line.locator(".event-words")).to_be_visible()
    assert await line.inner_text() != said


async def test_what_differs_from_now_is_told_with_links(look: Look, scene: Scene) -> None:
    page = await look("nodes?at=60")
    await page.get_by_role("button", name="What differs from now").click()
    panel = page.get_by_role("complementary", name="What differs from now")
    await expect(panel.get_by_role("listitem").first).to_be_visible()
    found = await scene.ask("GET", "/diff?from=60")
    items = msgspec.convert(found["items"], type=list[dict[str, object]])
    await expect(panel.locator("ol > li")).to_have_count(min(200, len(items)))
    added = next(each for each in items if each["change"] == "created")
    link = panel.get_by_role("link", name=str(added["name"]), exact=True).first
    # It is not there then: the link leads to now.
    assert "at=" not in (await link.get_attribute("href") or "")
    await panel.get_by_role("button", name="Close").click()
    await expect(panel).to_be_hidden()


async def test_nothing_is_done_in_the_past(look: Look) -> None:
    page = await look("nodes")
    await expect(page.get_by_role("button", name="New node")).to_be_visible()
    await page.get_by_role("button", name="One event back").click()
    await expect(page.locator("html")).to_have_attribute("data-moment", "then")
    await expect(page.get_by_role("button", name="New node")).to_have_count(0)


async def test_a_typed_name_leads_there(look: Look, scene: Scene) -> None:
    page = await look("")
    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Name")
    await expect(field).to_be_focused()
    await field.fill("berlin-1")
    options = page.get_by_role("listbox", name="Places").get_by_role("option")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{scene.url}/dashboard/nodes/berlin-1")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    await field.fill("routes view")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_menu_of_narrow_screens_opens_leads_and_closes(look: Look) -> None:
    page = await look("", size=NARROW)
    button = page.get_by_role("button", name="Menu")
    navigation = page.get_by_role("navigation", name="Views")
    await expect(navigation).to_be_hidden()
    await button.click()
    await page.keyboard.press("Escape")
    await expect(navigation).to_be_hidden()
    await expect(button).to_be_focused()
    await button.click()
    await navigation.get_by_role("link", name="Nodes").click()
    await expect(page.get_by_role("heading", level=1, name="Nodes")).to_be_visible()
    await expect(navigation).to_be_hidden()
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW[0]


async def test_a_broken_link_is_told_and_goes_on_behind_where_it_broke(
    look: Look, scene: Scene
) -> None:
    look.expect("net::ERR")
    page = await look("nodes")
    await expect(page.locator(".link")).to_have_text("Live")
    asked = look.asked("GET /dashboard/snapshot")
    await page.context.set_offline(True)
    await expect(page.locator(".link")).to_have_text("Reconnecting")
    await expect(page.locator(".banner.bad")).to_contain_text("does not answer", timeout=8000)
    await scene.ask("POST", "/nodes", {"name": "made-meanwhile"})
    await page.context.set_offline(False)
    await expect(page.locator(".link")).to_have_text("Live", timeout=20_000)
    end = (await said_by(scene)).position
    await shows(page, end)
    assert await known_to(page) == await said_by(scene)
    await expect(page.locator(".banner.bad")).to_have_count(0)
    assert look.asked("GET /dashboard/snapshot") == asked
    await soon(lambda: look.asked("GET /dashboard/stream") > 1)


async def test_the_film_of_late_may_be_left_at_once(look: Look, scene: Scene) -> None:
    page = await look("nodes")
    await page.get_by_role("button", name="Play history").click()
    await expect(page.locator("html")).to_have_attribute("data-moment", "then")
    await page.get_by_role("button", name="Back to now").click()
    await expect(page.locator("html")).to_have_attribute("data-moment", "now")
    await expect(page).to_have_url(f"{scene.url}/dashboard/nodes")
    await expect(page.get_by_role("button", name="Play history")).to_be_visible()
