"""Logging in to the dashboard, and what its cookie is good for: over HTTP, as browsers send it."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import aiohttp
import pytest
import structlog

from ecn.master_key import MasterKey
from ecn.passwords import FAILURES
from events.user import Role, TokenRevoked
from tests.builders import NOW
from tests.ecn.api.server import BASE, VIEWER, Answer, Client, Controller, Network, soon
from tests.ecn.dashboard.browser import HOST, PASSWORD, Browser

COOKIE = "ecn-session-51121"
OURS = f"http://{HOST}"


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with Network.running() as network:
        yield network


@pytest.fixture
async def controller(network: Network) -> AsyncIterator[Controller]:
    async with network.controller() as controller:
        for name, role in (("anna", Role.OPERATOR), ("vic", Role.VIEWER)):
            user = {"name": name, "password": PASSWORD, "role": role.value}
            (await controller.admin.post("/users", user)).is_good(201)
        yield controller


@pytest.fixture
async def browser(controller: Controller) -> Browser:
    """With anna logged in."""
    browser = Browser(controller)
    (await browser.log_in()).is_good()
    return browser


def node(name: str = "east") -> dict[str, object]:
    return {"name": name}


# --- logging in


async def test_a_password_gives_a_cookie_that_no_script_reads(controller: Controller) -> None:
    browser = Browser(controller)
    session = (await browser.log_in()).is_good()
    assert (session["user"], session["role"]) == ("anna", "operator")
    assert session["expires_at"] == (NOW + timedelta(hours=12)).isoformat().replace("+00:00", "Z")
    token = browser.cookies[COOKIE]
    assert browser.set_cookie == (
        f"{COOKIE}={token}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"
    )
    # Neither half tells the other, and the answer has only the page's.
    assert token not in session.content.decode()
    assert session.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "anna", "password": "looking-glass"},
        {"name": "nobody", "password": PASSWORD},
        {"name": "anna"},
        {},
    ],
)
async def test_a_wrong_name_or_password_gives_none(
    controller: Controller, body: dict[str, str]
) -> None:
    browser = Browser(controller)
    (await browser.ask("POST", "/session", body)).is_problem(401, "bad-credentials")
    assert browser.set_cookie == ""


async def test_a_wrong_password_takes_nobody_s_session_away(browser: Browser) -> None:
    wrong = {"name": "vic", "password": "looking-glass"}
    (await browser.ask("POST", "/session", wrong)).is_problem(401, "bad-credentials")
    assert browser.set_cookie == ""
    (await browser.ask("GET", "/nodes")).is_good()


async def test_guessing_is_slowed_down_as_at_the_other_door(controller: Controller) -> None:
    browser = Browser(controller)
    wrong = {"name": "anna", "password": "looking-glass"}
    for _ in range(FAILURES - 1):
        await browser.ask("POST", "/session", wrong)
    (await controller.nobody.post("/login", wrong)).is_problem(401, "bad-credentials")
    refused = (await browser.log_in()).is_problem(429, "too-many")
    assert refused.headers["Retry-After"] == "60"


async def test_a_token_lets_in_without_a_password(controller: Controller) -> None:
    browser = Browser(controller)
    bearer = {"Authorization": f"Bearer {VIEWER}"}
    session = (await browser.ask("POST", "/session", headers=bearer)).is_good()
    assert (session["user"], session["role"]) == ("vera", "viewer")
    browser.csrf_token = session.text("csrf_token")
    (await browser.ask("GET", "/nodes")).is_good()
    (await controller.viewer.get("/nodes")).is_good()  # and stays good itself


async def test_a_router_is_no_person(controller: Controller) -> None:
    gate = {"name": "gate", "password": PASSWORD, "role": "router"}
    (await controller.admin.post("/users", gate)).is_good(201)
    token = (await controller.nobody.post("/login", {"name": "gate", "password": PASSWORD})).text(
        "token"
    )
    browser = Browser(controller)
    (await browser.log_in("gate")).is_problem(403, "not-allowed")
    bearer = {"Authorization": f"Bearer {token}"}
    (await browser.ask("POST", "/session", headers=bearer)).is_problem(403, "not-allowed")
    assert browser.set_cookie == ""
    # Nor is its token better for being in a cookie.
    browser.cookies[COOKIE] = token
    (await browser.ask("GET", "/nodes")).is_problem(403, "not-allowed")
    (await browser.ask("GET", "/router/configuration")).is_problem(401, "bad-credentials")


async def test_a_device_can_t_log_in(controller: Controller) -> None:
    agent = await controller.agent("east")
    browser = Browser(controller)
    bearer = {"Authorization": f"Bearer {agent.client.token}"}
    (await browser.ask("POST", "/session", headers=bearer)).is_problem(401, "bad-credentials")
    browser.cookies[COOKIE] = str(agent.client.token)
    (await browser.ask("GET", "/nodes")).is_problem(401, "bad-credentials")
    (await browser.ask("GET", "/agent/desired-state")).is_problem(401, "bad-credentials")


@pytest.mark.parametrize(
    "from_elsewhere",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://ecn.example:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_no_page_from_elsewhere_logs_anybody_in(
    controller: Controller, from_elsewhere: dict[str, str | None]
) -> None:
    browser = Browser(controller)
    (await browser.log_in(headers=from_elsewhere)).is_problem(403, "not-our-page")
    assert browser.set_cookie == ""


async def test_over_tls_the_cookie_is_for_tls_alone(controller: Controller) -> None:
    browser = Browser(controller, host="ecn.example")
    https: dict[str, str | None] = {"X-Forwarded-Proto": "https", "Origin": "https://ecn.example"}
    (await browser.log_in(headers=https)).is_good()
    assert set(browser.cookies) == {"__Host-ecn-session"}
    assert browser.set_cookie.endswith("; HttpOnly; SameSite=Strict; Secure")
    (await browser.ask("POST", "/nodes", node(), https)).is_good(201)
    # One that a page without TLS has planted is not looked at.
    browser.cookies = {"ecn-session": browser.cookies["__Host-ecn-session"]}
    (await browser.ask("GET", "/nodes", headers=https)).is_problem(401, "bad-credentials")


# --- what the cookie is good for


async def test_the_cookie_speaks_for_its_user(browser: Browser) -> None:
    (await browser.ask("GET", "/nodes")).is_good()
    (await browser.ask("GET", "/status", at="1")).is_good()
    (await browser.ask("POST", "/nodes", node(), {"Origin": OURS})).is_good(201)
    (await browser.ask("DELETE", "/nodes/east", headers={"Origin": OURS})).is_good()
    (await browser.ask("GET", "/users")).is_problem(403, "not-allowed")
    (event, *_) = (await browser.ask("GET", "/events", order="desc", limit="1")).items()
    assert event["actor"] == "user/anna"


async def test_the_header_wins_over_the_cookie(browser: Browser) -> None:
    bearer: dict[str, str | None] = {"Authorization": f"Bearer {VIEWER}"}
    (await browser.ask("POST", "/nodes", node(), bearer)).is_problem(403, "not-allowed")
    # And where it is no good, the cookie does not come to its help.
    bearer = {"Authorization": "Bearer nonsense"}
    refused = await browser.ask("GET", "/nodes", headers=bearer)
    refused.is_problem(401, "bad-credentials")
    assert "Set-Cookie" not in refused.headers


async def test_a_program_with_a_token_need_not_be_a_page(controller: Controller) -> None:
    browser = Browser(controller)
    bearer = {"Authorization": f"Bearer {VIEWER}", "Origin": "https://tool.example"}
    (await browser.ask("GET", "/nodes", headers=bearer)).is_good()


@pytest.mark.parametrize("csrf_token", [None, "", "nonsense", "ä", "x" * 5000])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_what_changes_something_needs_the_page_s_token(
    browser: Browser, network: Network, method: str, csrf_token: str | None
) -> None:
    before = (await network.events())[-1].position
    path = {"POST": "/nodes", "PUT": "/applications/shop"}.get(method, "/nodes/east")
    refused = await browser.ask(method, path, {"name": "x"}, {"X-CSRF-Token": csrf_token})
    refused.is_problem(403, "not-our-page")
    assert (await network.events())[-1].position == before
    assert "Set-Cookie" not in refused.headers


async def test_the_page_s_token_is_of_one_session(controller: Controller, browser: Browser) -> None:
    other = Browser(controller)
    (await other.log_in("vic")).is_good()
    again = Browser(controller)
    (await again.log_in()).is_good()
    for foreign in (other.csrf_token, again.csrf_token):
        refused = await browser.ask("POST", "/nodes", node(), {"X-CSRF-Token": foreign})
        refused.is_problem(403, "not-our-page")


async def test_a_form_on_another_site_does_nothing(browser: Browser, network: Network) -> None:
    # As a browser without SameSite would send it: with the cookie, and JSON in disguise.
    before = (await network.events())[-1].position
    url = f"{browser.client.url}{BASE}/nodes"
    for origin in ("https://evil.example", "null"):
        headers = browser.headers(
            {"X-CSRF-Token": None, "Origin": origin, "Content-Type": "text/plain"}
        )
        async with browser.client.session.post(
            url, data=b'{"name": "east"}', headers=headers
        ) as answer:
            assert answer.status == 403
    assert (await network.events())[-1].position == before


@pytest.mark.parametrize(
    "from_elsewhere", [{"Origin": "http://ecn.example:8080"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_from_elsewhere_even_the_right_token_does_nothing(
    browser: Browser, from_elsewhere: dict[str, str | None]
) -> None:
    refused = await browser.ask("POST", "/nodes", node(), from_elsewhere)
    refused.is_problem(403, "not-our-page")
    (await browser.ask("GET", "/nodes", headers=from_elsewhere)).is_problem(403, "not-our-page")


async def test_behind_a_proxy_that_changes_the_host_it_says_what_to_do(browser: Browser) -> None:
    proxied = {"Origin": "https://ecn.example", "Host": "127.0.0.1:51121"}
    refused = (await browser.ask("POST", "/nodes", node(), proxied)).is_problem(403, "not-our-page")
    assert "Host header" in refused.text("next_step")


@pytest.mark.parametrize("path", ["/session", "/nodes", "/dashboard/snapshot", "/status?at=1"])
async def test_the_cookie_alone_is_worth_nothing(browser: Browser, path: str) -> None:
    # Whatever serves another port of this host has it: browsers send it along.
    url = f"{browser.client.url}{BASE}{path}"
    for token, status in ((None, 403), ("nonsense", 403), (browser.csrf_token, 200)):
        headers = browser.headers({"X-CSRF-Token": token})
        async with browser.client.session.get(url, headers=headers) as answer:
            assert answer.status == status
            assert token == browser.csrf_token or browser.csrf_token not in await answer.text()


async def test_who_is_logged_in_is_told_to_the_page(browser: Browser) -> None:
    session = (await browser.ask("GET", "/session")).is_good()
    assert (session["user"], session["role"]) == ("anna", "operator")
    assert session["csrf_token"] == browser.csrf_token


async def test_iofog_s_api_takes_no_cookies(browser: Browser) -> None:
    url = f"{browser.client.url}/api/v3/user/profile"
    async with browser.client.session.get(url, headers=browser.headers()) as answer:
        assert answer.status == 401


# --- WebSockets


async def opened(browser: Browser, query: str = "", **headers: str | None) -> int:
    """The status of an upgrade."""
    sent = browser.headers({"X-CSRF-Token": None, **headers})
    key = base64.b64encode(b"0" * 16).decode()
    sent |= {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    url = f"{browser.client.url}{BASE}/microservices/shop/web/exec{query}"
    async with browser.client.session.get(url, headers=sent | {"Sec-WebSocket-Key": key}) as answer:
        status = answer.status
        answer.close()
    return status


async def test_a_websocket_by_cookie_is_opened_by_our_page_alone(browser: Browser) -> None:
    ours = f"?csrf_token={browser.csrf_token}"
    assert await opened(browser, ours, Origin=OURS) == 101
    assert await opened(browser, Origin=OURS) == 403
    assert await opened(browser, ours) == 403
    assert await opened(browser, ours, Origin="http://ecn.example:8080") == 403
    assert await opened(browser, ours, Origin=OURS, **{"Sec-Fetch-Site": "cross-site"}) == 403
    browser.cookies.clear()
    assert await opened(browser, ours, Origin=OURS) == 401


# --- the end


async def test_after_logging_out_the_cookie_is_gone_and_good_for_nothing(browser: Browser) -> None:
    kept = dict(browser.cookies)
    (await browser.ask("DELETE", "/session", headers={"Origin": OURS})).is_good()
    assert browser.set_cookie == f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
    assert browser.cookies == {}
    browser.cookies = kept
    refused = (await browser.ask("GET", "/nodes")).is_problem(401, "bad-credentials")
    assert "Max-Age=0" in refused.headers["Set-Cookie"]
    assert browser.cookies == {}


async def test_nobody_is_logged_out_by_another_page(browser: Browser) -> None:
    for headers in ({"X-CSRF-Token": None}, {"Origin": "https://evil.example"}):
        refused = await browser.ask("DELETE", "/session", headers=headers)
        refused.is_problem(403, "not-our-page")
    (await browser.ask("GET", "/nodes")).is_good()


async def test_a_session_ends_with_its_time(browser: Browser, network: Network) -> None:
    network.clock.advance(12 * 3600 - 1)
    (await browser.ask("GET", "/nodes")).is_good()
    network.clock.advance(1)
    (await browser.ask("GET", "/nodes")).is_problem(401, "bad-credentials")
    assert browser.cookies == {}


@pytest.mark.parametrize("password", [True, False])
async def test_a_session_ends_with_its_user_or_their_password(
    browser: Browser, controller: Controller, password: bool
) -> None:
    if password:
        answer = await controller.admin.patch("/users/anna", {"password": "looking-glass"})
    else:
        answer = await controller.admin.delete("/users/anna")
    answer.is_good()
    (await browser.ask("GET", "/nodes")).is_problem(401, "bad-credentials")
    assert browser.cookies == {}


async def test_a_smaller_role_holds_at_once(browser: Browser, controller: Controller) -> None:
    (await controller.admin.patch("/users/anna", {"role": "viewer"})).is_good()
    (await browser.ask("POST", "/nodes", node())).is_problem(403, "not-allowed")
    assert (await browser.ask("GET", "/session"))["role"] == "viewer"


@pytest.mark.parametrize("path", ["/events", "/dashboard/stream"])
async def test_a_stream_by_cookie_ends_with_the_session(
    browser: Browser, controller: Controller, path: str
) -> None:
    headers = browser.headers({"Accept": "text/event-stream"})
    url = f"{browser.client.url}{BASE}{path}"
    async with browser.client.session.get(url, headers=headers) as stream:
        assert stream.status == 200
        assert await stream.content.read(1)
        (await browser.ask("DELETE", "/session")).is_good()
        # Something that it would tell of.
        (await controller.operator.post("/nodes", node("west"))).is_good(201)
        rest = b""
        with suppress(aiohttp.ClientPayloadError):
            async with asyncio.timeout(20):
                while piece := await stream.content.read(65536):
                    rest += piece
    assert b"west" not in rest


async def test_a_session_outlives_its_controller(network: Network) -> None:
    async with network.controller() as first:
        user = {"name": "anna", "password": PASSWORD, "role": "operator"}
        (await first.admin.post("/users", user)).is_good(201)
        before = Browser(first)
        (await before.log_in()).is_good()
    async with network.controller() as second:
        after = Browser(second)
        after.cookies, after.csrf_token = before.cookies, before.csrf_token
        assert (await after.ask("GET", "/session")).text("csrf_token") == before.csrf_token
        (await after.ask("POST", "/nodes", node())).is_good(201)


async def test_a_session_outlives_a_rotation_of_the_master_key(network: Network) -> None:
    async with network.controller() as first:
        user = {"name": "anna", "password": PASSWORD, "role": "operator"}
        (await first.admin.post("/users", user)).is_good(201)
        before = Browser(first)
        (await before.log_in()).is_good()
    network.master_keys = [MasterKey(b"y" * 32), *network.master_keys]
    async with network.controller() as second:
        after = Browser(second)
        after.cookies, after.csrf_token = before.cookies, before.csrf_token
        (await after.ask("POST", "/nodes", node())).is_good(201)
        session = (await after.ask("GET", "/session")).is_good()
        assert session["csrf_token"] != before.csrf_token
        after.csrf_token = session.text("csrf_token")
        (await after.ask("POST", "/nodes", node("west"))).is_good(201)


async def test_any_controller_knows_a_session_that_another_has_just_opened(
    network: Network,
) -> None:
    async with network.controller() as one, network.controller(following=False) as other:
        user = {"name": "anna", "password": PASSWORD, "role": "operator"}
        (await one.admin.post("/users", user)).is_good(201)
        browser, there = Browser(one), Browser(other)
        (await browser.log_in()).is_good()
        there.cookies, there.csrf_token = browser.cookies, browser.csrf_token
        (await there.ask("POST", "/nodes", node())).is_good(201)


async def test_the_session_is_in_no_log_line_and_no_event(
    controller: Controller, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Browser(controller)
    with structlog.testing.capture_logs() as told, caplog.at_level(logging.DEBUG):
        (await browser.log_in()).is_good()
        await browser.ask("GET", "/nodes")
        await browser.ask("POST", "/nodes", node())
        await browser.ask("POST", "/nodes", {"name": 7})
        await opened(browser, f"?csrf_token={browser.csrf_token}", Origin=OURS)
        link = (await controller.viewer.post("/session/link")).is_good(201)
    assert told
    written = str(told) + caplog.text + str(await network.events())
    for secret in (browser.cookies[COOKIE], browser.csrf_token, PASSWORD, link.text("token")):
        assert secret not in written


# --- a link that opens the dashboard


async def exchanged(browser: Browser, token: str) -> Answer:
    answer = await browser.ask("POST", "/session", headers={"Authorization": f"Bearer {token}"})
    browser.csrf_token = answer.text("csrf_token") if answer.status == 200 else ""
    return answer


@pytest.fixture
async def link(controller: Controller) -> str:
    """Of vera, a viewer."""
    made = (await controller.viewer.post("/session/link")).is_good(201)
    assert made["subject"] == "user/user-vera"
    return made.text("token")


async def test_a_link_lets_one_browser_in_once(
    controller: Controller, link: str, network: Network
) -> None:
    browser, other = Browser(controller), Browser(controller)
    assert (await exchanged(browser, link)).is_good()["user"] == "vera"
    (await browser.ask("GET", "/nodes")).is_good()
    (await exchanged(other, link)).is_problem(401, "bad-credentials")
    assert other.cookies == {}
    assert [type(each.event) for each in await network.events("user.token-revoked.v1")] == [
        TokenRevoked
    ]


async def test_of_many_at_once_one_gets_in(controller: Controller, link: str) -> None:
    browsers = [Browser(controller) for _ in range(8)]
    answers = await asyncio.gather(*(exchanged(each, link) for each in browsers))
    assert sorted(each.status for each in answers) == [200] + 7 * [401]


async def test_a_link_is_good_for_two_minutes(
    controller: Controller, link: str, network: Network
) -> None:
    network.clock.advance(120)
    (await exchanged(Browser(controller), link)).is_problem(401, "bad-credentials")


async def test_a_link_is_good_for_nothing_else(controller: Controller, link: str) -> None:
    client = controller.as_(link)
    for path in ("/nodes", "/session"):
        (await client.get(path)).is_problem(401, "bad-credentials")
    (await client.post("/session/link")).is_problem(401, "bad-credentials")
    url = f"{client.url}/api/v3/user/profile"
    async with client.session.get(url, headers={"Authorization": link}) as answer:
        assert answer.status == 401
    browser = Browser(controller)
    browser.cookies[COOKIE] = link
    (await browser.ask("GET", "/nodes")).is_problem(401, "bad-credentials")
    (await exchanged(browser, link)).is_good()  # none of these has spent it


async def test_a_link_of_one_controller_opens_another(network: Network) -> None:
    async with network.controller() as one, network.controller(following=False) as other:
        link = (await one.viewer.post("/session/link")).is_good(201).text("token")
        (await exchanged(Browser(other), link)).is_good()
        await soon(lambda: one.world_position == other.world_position)
        (await exchanged(Browser(one), link)).is_problem(401, "bad-credentials")


async def test_nobody_makes_links_for_others(controller: Controller, browser: Browser) -> None:
    nobody: Client = controller.nobody
    (await nobody.post("/session/link")).is_problem(401, "bad-credentials")
    made = (await browser.ask("POST", "/session/link", headers={"Origin": OURS})).is_good(201)
    assert (await exchanged(Browser(controller), made.text("token")))["user"] == "anna"
