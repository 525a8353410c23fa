"""What stands around every request of ioFog's API: tokens, headers, errors, retries, no log."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from io import BytesIO

import pytest
from structlog.testing import capture_logs

from ecn.batch import Issued, Outcome
from ecn.passwords import FAILURES
from events.log import LogUnavailable, OutcomeUnknown
from tests.ecn.api.server import OPERATOR, VIEWER, Answer, Controller, Network

ACCOUNT = {"firstName": "John", "lastName": "Doe", "email": "a@b.co", "password": "#Bugs4Fun"}
LOGIN = {"email": "a@b.co", "password": "#Bugs4Fun"}
REGISTRY = {"url": "h", "isPublic": True, "username": "u", "password": "p", "email": "a@b.co"}


async def ask(
    controller: Controller,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str | None = OPERATOR,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request to /api/v3."""
    sent = {"Authorization": token} if token is not None else {}
    async with controller.network.session.request(
        method, f"{controller.url}/api/v3{path}", json=body, headers={**sent, **(headers or {})}
    ) as response:
        return Answer(response.status, response.headers, await response.read())


async def signed_up(controller: Controller) -> str:
    """A token of somebody who has just made an account."""
    assert (await ask(controller, "POST", "/user/signup", ACCOUNT, token=None)).status == 201
    return (await ask(controller, "POST", "/user/login", LOGIN, token=None)).text("accessToken")


async def test_sign_up_is_closed_unless_somebody_opened_it(network: Network) -> None:
    async with network.controller() as controller:
        answer = await ask(controller, "POST", "/user/signup", ACCOUNT, token=None)
        assert (answer.status, answer["name"]) == (403, "NotAllowedError")
        assert "--open-signup" in answer.text("message")
    assert not [each for each in await network.events("user.created.v1") if "a@b.co" in str(each)]


async def test_who_signs_up_is_an_operator(network: Network) -> None:
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        there = await ask(controller, "POST", "/registries", REGISTRY, token=token)
        assert there.status == 201
        users = {
            each["name"]: each["role"] for each in (await controller.admin.get("/users")).items()
        }
        assert users["a@b.co"] == "operator"


@pytest.mark.parametrize("token", [OPERATOR, f"Bearer {OPERATOR}", f"bearer  {OPERATOR} "])
async def test_a_token_is_sent_bare_or_not(controller: Controller, token: str) -> None:
    assert (await ask(controller, "GET", "/registries", token=token)).status == 200


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer ", "nonsense", f"Basic {OPERATOR}"])
async def test_without_a_good_token_nobody_is_known(
    controller: Controller, token: str | None
) -> None:
    answer = await ask(controller, "GET", "/registries", token=token)
    assert answer.status == 401
    assert answer.json == {"name": "AuthenticationError", "message": "authorization failed"}


async def test_an_empty_token_is_no_matter_where_none_is_needed(controller: Controller) -> None:
    assert (await ask(controller, "GET", "/status", token="")).status == 200


async def test_who_may_only_read_changes_nothing(controller: Controller) -> None:
    assert (await ask(controller, "GET", "/registries", token=VIEWER)).status == 200
    before = controller.world_position
    answer = await ask(controller, "POST", "/registries", REGISTRY, token=VIEWER)
    assert (answer.status, answer["name"]) == (403, "NotAllowedError")
    assert controller.world_position == before


async def test_a_token_of_another_controller_is_known_at_once(network: Network) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(network.controller(open_signup=True))
        second = await stack.enter_async_context(network.controller(following=False))
        token = await signed_up(first)
        assert (await ask(second, "GET", "/user/profile", token=token)).status == 200


async def test_a_session_that_is_used_costs_one_event_in_half_a_day(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals: list[Issued] = []
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        for _ in range(3):
            network.clock.advance(3 * 3600)
            await ask(controller, "GET", "/user/profile", token=token)
        assert not await network.events("user.token-renewed.v1")
        network.clock.advance(4 * 3600)
        execute = controller.writer.execute

        async def counted(issued: Issued) -> Outcome:
            renewals.append(issued)
            await asyncio.sleep(0.1)  # so that all others have come
            return await execute(issued)

        monkeypatch.setattr(controller.writer, "execute", counted)
        at_once = [ask(controller, "GET", "/user/profile", token=token) for _ in range(20)]
        assert {answer.status for answer in await asyncio.gather(*at_once)} == {200}
        assert len(await network.events("user.token-renewed.v1")) == 1
        assert len(renewals) == 1  # the others did not even ask
        network.clock.advance(23 * 3600)
        assert (await ask(controller, "GET", "/user/profile", token=token)).status == 200


async def test_a_session_lives_while_the_log_is_away(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        network.clock.advance(20 * 3600)

        async def away(_: object) -> None:
            raise LogUnavailable("away")

        monkeypatch.setattr(controller.writer, "execute", away)
        assert (await ask(controller, "GET", "/user/profile", token=token)).status == 200


async def test_tokens_made_for_programs_are_neither_renewed_nor_ended(network: Network) -> None:
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        made = await controller.nobody.post("/login", {"name": "a@b.co", "password": "#Bugs4Fun"})
        other = made.is_good().text("token")
        network.clock.advance(20 * 86400)
        assert (await ask(controller, "GET", "/user/profile", token=other)).status == 200
        assert not await network.events("user.token-renewed.v1")
        assert (await ask(controller, "GET", "/user/profile", token=token)).status == 401
        again = (await ask(controller, "POST", "/user/login", LOGIN, token=None)).text(
            "accessToken"
        )
        assert (await ask(controller, "POST", "/user/logout", token=again)).status == 204
        assert (await ask(controller, "GET", "/user/profile", token=again)).status == 401
        assert (await ask(controller, "GET", "/user/profile", token=other)).status == 200


async def test_guessing_passwords_ends_soon(network: Network) -> None:
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        wrong = {"email": "a@b.co", "password": "wrong-password"}
        for _ in range(FAILURES):
            assert (await ask(controller, "POST", "/user/login", wrong, token=None)).status == 401
        for method, path, body in (
            ("POST", "/user/login", LOGIN),
            ("PATCH", "/user/password", {"oldPassword": "x", "newPassword": "longer-password"}),
        ):
            answer = await ask(controller, method, path, body, token=token)
            assert (answer.status, answer["name"]) == (429, "TooManyRequestsError")
            assert int(answer.headers["Retry-After"]) > 0


async def test_no_password_or_token_stands_in_the_log(network: Network) -> None:
    async with network.controller(open_signup=True) as controller:
        token = await signed_up(controller)
        said = {**REGISTRY, "password": "registry-secret"}
        await ask(controller, "POST", "/registries", said, token=token)
        everything = str(await network.events())
        for secret in ("#Bugs4Fun", "registry-secret", token):
            assert secret not in everything


async def test_every_answer_has_its_headers(controller: Controller) -> None:
    for method, path in (("GET", "/status"), ("GET", "/nothing"), ("POST", "/registries")):
        headers = {"X-Request-Id": "mine", "Origin": "https://viewer.example"}
        answer = await ask(controller, method, path, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Timestamp"].isdecimal()
        assert answer.headers["X-Request-Id"] == "mine"
        assert answer.headers["ECN-Position"] == str(controller.world_position)


async def test_a_browser_may_send_what_it_asks_for(controller: Controller) -> None:
    asked = {"Access-Control-Request-Headers": "authorization", "Origin": "https://viewer.example"}
    answer = await ask(controller, "OPTIONS", "/registries", token=None, headers=asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]


async def test_what_is_sent_twice_happens_once(controller: Controller) -> None:
    key = {"Idempotency-Key": "once"}
    first = await ask(controller, "POST", "/registries", REGISTRY, headers=key)
    again = await ask(controller, "POST", "/registries", REGISTRY, headers=key)
    assert (first.status, first.json) == (again.status, again.json)
    assert len(await controller.network.events("registry.created.v1")) == 1
    path, gone = f"/registries/{first['id']}", {"Idempotency-Key": "gone"}
    assert (await ask(controller, "DELETE", path, headers=gone)).status == 204
    assert (await ask(controller, "DELETE", path, headers=gone)).status == 204
    assert (await ask(controller, "DELETE", path)).status == 404
    other = await ask(controller, "POST", "/registries", {**REGISTRY, "url": "i"}, headers=key)
    assert other.status == 422


async def test_a_login_sent_twice_gives_the_same_token(network: Network) -> None:
    async with network.controller(open_signup=True) as controller:
        await signed_up(controller)
        key = {"Idempotency-Key": "once"}
        first = await ask(controller, "POST", "/user/login", LOGIN, token=None, headers=key)
        again = await ask(controller, "POST", "/user/login", LOGIN, token=None, headers=key)
        assert first["accessToken"] == again["accessToken"]


@pytest.mark.parametrize(
    ("error", "name"),
    [(LogUnavailable("away"), "log-unavailable"), (OutcomeUnknown("broke"), "outcome-unknown")],
)
async def test_while_the_log_is_away_a_change_is_to_be_sent_again(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    async def away(_: object) -> None:
        raise error

    monkeypatch.setattr(controller.writer, "execute", away)
    answer = await ask(controller, "PUT", "/config", {"key": "k", "value": "v"})
    assert (answer.status, answer["name"]) == (503, name)
    assert int(answer.headers["Retry-After"]) > 0
    controller.live.stale = True
    stale = await ask(controller, "GET", "/config")
    assert (stale.status, stale.headers["ECN-Stale"]) == (200, "true")


async def test_a_fault_of_ours_tells_no_stack(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(controller.writer, "execute", broken)
    answer = await ask(controller, "PUT", "/config", {"key": "k", "value": "v"})
    assert (answer.status, answer["name"]) == (500, "Error")
    assert "secret detail" not in answer.content.decode()
    assert answer.headers["X-Request-Id"] in answer.text("message")


@pytest.mark.parametrize(
    ("path", "token", "size"),
    [
        ("/config", OPERATOR, 5 << 20),
        ("/config", OPERATOR, (1 << 20) + 1),
        ("/user/login", None, (64 << 10) + 1),
    ],
)
async def test_a_body_that_is_too_large_is_refused(
    controller: Controller, path: str, token: str | None, size: int
) -> None:
    async with controller.network.session.request(
        "POST" if token is None else "PUT",
        f"{controller.url}/api/v3{path}",
        data=BytesIO(b'"' + b"v" * (size - 2) + b'"'),
        headers={} if token is None else {"Authorization": token},
    ) as response:
        assert response.status == 413
        assert (await response.json())["name"] == "PayloadTooLargeError"


async def test_what_is_not_found_here_but_was_made_elsewhere_is_found(network: Network) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(network.controller())
        second = await stack.enter_async_context(network.controller(following=False))
        made = await ask(first, "POST", "/registries", REGISTRY)
        deleted = await ask(second, "DELETE", f"/registries/{made['id']}")
        assert deleted.status == 204


async def test_in_other_letters_the_path_is_the_same(controller: Controller) -> None:
    async with controller.network.session.get(f"{controller.url}/API/v3/STATUS/") as response:
        assert response.status == 200
    async with controller.network.session.get(f"{controller.url}/api/v3x/status") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"


async def test_a_client_that_leaves_in_the_midst_of_its_body_is_no_fault(
    controller: Controller,
) -> None:
    host, port = controller.url.removeprefix("http://").split(":")
    with capture_logs() as logs:
        for method in ("PUT", "POST"):
            _, writer = await asyncio.open_connection(host, int(port))
            head = f"{method} /api/v3/config HTTP/1.1\r\nHost: x\r\nAuthorization: {OPERATOR}\r\n"
            writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert (await ask(controller, "GET", "/config")).json == {"config": []}
    assert [each["event"] for each in logs if each["log_level"] == "error"] == []
