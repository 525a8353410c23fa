"""What is refused, and how it is told: status, code, the place in the request, what to do next."""

import asyncio
import json
import zlib
from io import BytesIO

import pytest
import structlog

from tests.ecn.api.server import ADMIN, Client, Controller, manifest

DEEP = b'{"a":' * 900 + b"1" + b"}" * 900


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/nodes", {"name": "x", "colour": "red"}, "$"),
        ("POST", "/nodes", {"name": "x", "settings": {"colour": "red"}}, "$.settings"),
        ("POST", "/nodes", {"name": 7}, "$.name"),
        ("POST", "/nodes", {}, "$"),
        ("POST", "/nodes", [], "$"),
        ("POST", "/nodes", {"name": " "}, "$.name"),
        ("POST", "/nodes", {"name": "a/b"}, "$.name"),
        ("POST", "/nodes", {"name": "x", "settings": {"latitude": 91}}, "$.settings.latitude"),
        ("PATCH", "/nodes/east", {"colour": "red"}, "$"),
        ("PATCH", "/nodes/east", {"settings": {"tags": "arm"}}, "$.settings.tags"),
        ("PATCH", "/nodes/east", {"settings": {"colour": "red"}}, "$.settings"),
        ("PATCH", "/nodes/east", {"name": None}, "$.name"),
        ("POST", "/nodes/east/provisioning-key", {"valid_for": 0}, "$.valid_for"),
        ("POST", "/nodes/east/provisioning-key", {"valid_for": 10**30}, "$.valid_for"),
        ("POST", "/nodes/east/provisioning-key", {"valid_for": "long"}, "$.valid_for"),
        ("PUT", "/applications/Shop!", {}, "$.name"),
        ("PUT", "/applications/bank", {"microservices": [{"name": "x"}]}, "$.microservices[0]"),
        (
            "PUT",
            "/applications/bank",
            {"microservices": [manifest("a"), manifest("b", image="No Image")]},
            "$.microservices[1].image",
        ),
        (
            "PUT",
            "/applications/bank",
            {"microservices": [manifest("a"), manifest("a")]},
            "$.microservices[1].name",
        ),
        (
            "PUT",
            "/applications/bank",
            {"microservices": [manifest(ports=[{"host": 80, "container": 70000}])]},
            "$.microservices[0].ports[0].container",
        ),
        (
            "PUT",
            "/applications/bank",
            {"microservices": [manifest(ports=[{"host": "80", "container": 80}])]},
            "$.microservices[0].ports[0].host",
        ),
        ("POST", "/applications/shop/microservices", manifest("n", image=""), "$.image"),
        ("POST", "/applications/shop/microservices", manifest("n", restart="now"), "$.restart"),
        ("POST", "/applications/shop/microservices", manifest("n", config=[1]), "$.config"),
        ("PATCH", "/microservices/shop/web", {"image": "No Image"}, "$.image"),
        ("PATCH", "/microservices/shop/web", {"image": None}, "$.image"),
        ("PATCH", "/microservices/shop/web", {"name": "other"}, "$.name"),
        ("PATCH", "/microservices/shop/web", {"health_check": {"retries": 2}}, "$.health_check"),
        ("PATCH", "/microservices/shop/web", [1], "$"),
        (
            "PATCH",
            "/microservices/shop/web",
            {"ports": [{"host": 0, "container": 80}]},
            "$.ports[0].host",
        ),
        ("POST", "/microservices/shop/web/move", {}, "$"),
        ("PUT", "/registries/hub", {"url": "https://hub"}, "$.url"),
        ("PUT", "/registries/hub", {"url": "hub", "password": "x" * 5000}, "$.password"),
        ("POST", "/users", {"name": "anna", "password": "short"}, "$.password"),
        ("POST", "/users", {"name": "an na", "password": "long enough"}, "$.name"),
        ("POST", "/users", {"name": "anna", "password": "long enough", "role": "god"}, "$.role"),
        ("POST", "/login", {"name": "anna"}, "$"),
        ("POST", "/agent/provision", {"key": "k", "credential": "c", "facts": {}}, "$.credential"),
    ],
)
async def test_a_wrong_value_is_named_by_its_place(
    controller: Controller, method: str, path: str, body: object, field: str
) -> None:
    operator = controller.operator
    await operator.post("/nodes", {"name": "east"})
    await operator.put("/applications/shop", {"microservices": [manifest()]})
    position = controller.world_position
    refused = await controller.admin.ask(method, path, body)
    refused.is_problem(400, "invalid", field=field)
    assert refused.text("detail")
    assert controller.world_position == position


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("GET", "/nodes/none", None, 404, "not-found", ""),
        ("PATCH", "/nodes/none", {}, 404, "not-found", ""),
        ("DELETE", "/nodes/none", None, 404, "not-found", ""),
        ("POST", "/nodes/none/deprovision", None, 404, "not-found", ""),
        ("POST", "/nodes/none/provisioning-key", None, 404, "not-found", ""),
        ("GET", "/applications/none", None, 404, "not-found", ""),
        ("DELETE", "/applications/none", None, 404, "not-found", ""),
        ("POST", "/applications/none/start", None, 404, "not-found", ""),
        ("POST", "/applications/none/stop", None, 404, "not-found", ""),
        ("POST", "/applications/none/microservices", manifest(), 404, "not-found", ""),
        ("GET", "/microservices/shop/none", None, 404, "not-found", ""),
        ("GET", "/microservices/none/web", None, 404, "not-found", ""),
        ("GET", "/microservices/" + "0" * 32, None, 404, "not-found", ""),
        ("PATCH", "/microservices/shop/none", {}, 404, "not-found", ""),
        ("DELETE", "/microservices/shop/none", None, 404, "not-found", ""),
        ("POST", "/microservices/shop/none/start", None, 404, "not-found", ""),
        ("POST", "/microservices/shop/none/stop", None, 404, "not-found", ""),
        ("POST", "/microservices/shop/none/move", {"node": "east"}, 404, "not-found", ""),
        ("GET", "/microservices/shop/none/logs", None, 404, "not-found", ""),
        ("GET", "/microservices?application=none", None, 404, "not-found", ""),
        ("GET", "/microservices?node=none", None, 404, "not-found", ""),
        ("GET", "/events?subject=node/none", None, 404, "not-found", ""),
        ("GET", "/registries/none", None, 404, "not-found", ""),
        ("DELETE", "/registries/none", None, 404, "not-found", ""),
        ("PATCH", "/users/none", {}, 404, "not-found", ""),
        ("DELETE", "/users/none", None, 404, "not-found", ""),
        ("POST", "/microservices/shop/web/move", {"node": "none"}, 404, "not-found", "$.node"),
        ("PATCH", "/microservices/shop/web", {"node": "none"}, 404, "not-found", "$.node"),
        ("PATCH", "/microservices/shop/web", {"registry": "x"}, 404, "not-found", "$.registry"),
        (
            "PUT",
            "/applications/bank",
            {"microservices": [manifest(node="none")]},
            404,
            "not-found",
            "$.microservices[0].node",
        ),
        ("POST", "/nodes", {"name": "east"}, 409, "name-taken", ""),
        ("PATCH", "/nodes/west", {"name": "east"}, 409, "name-taken", ""),
        ("POST", "/applications/shop/microservices", manifest("web"), 409, "name-taken", ""),
        (
            "POST",
            "/applications/shop/microservices",
            manifest("api", ports=[{"host": 80, "container": 1}]),
            409,
            "port-taken",
            "$.ports[0].host",
        ),
        ("DELETE", "/nodes/east", None, 409, "node-in-use", ""),
        ("DELETE", "/registries/hub", None, 409, "registry-in-use", ""),
        ("POST", "/users", {"name": "otto", "password": "long enough"}, 409, "name-taken", ""),
        ("DELETE", "/users/admin", None, 409, "last-admin", ""),
        ("PATCH", "/users/admin", {"role": "viewer"}, 409, "last-admin", ""),
        ("GET", "/microservices/shop/web/logs", None, 504, "node-unreachable", ""),
        ("GET", "/nowhere", None, 404, "no-such-path", ""),
        ("POST", "/nowhere", {}, 404, "no-such-path", ""),
        ("PUT", "/nodes", {}, 405, "method-not-allowed", ""),
        ("DELETE", "/status", None, 405, "method-not-allowed", ""),
    ],
)
async def test_what_contradicts_the_world_is_refused(
    controller: Controller,
    method: str,
    path: str,
    body: object,
    status: int,
    code: str,
    field: str,
) -> None:
    operator = controller.operator
    await operator.post("/nodes", {"name": "east"})
    await operator.post("/nodes", {"name": "west"})
    await operator.put("/registries/hub", {"url": "hub.example"})
    web = manifest(ports=[{"host": 80, "container": 80}], registry="hub")
    (await operator.put("/applications/shop", {"microservices": [web]})).is_good(201)
    position = controller.world_position
    path, _, query = path.partition("?")
    asked = dict([query.split("=", 1)]) if query else None
    refused = await controller.admin.ask(method, path, body, query=asked)
    refused.is_problem(status, code, field=field)
    assert controller.world_position == position


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/nodes", {"state": "asleep"}, "?state"),
        ("/nodes", {"at_least": "-1"}, "?at_least"),
        ("/nodes", {"at_least": "9" * 30}, "?at_least"),
        ("/microservices", {"state": "asleep"}, "?state"),
        ("/events", {"limit": "0"}, "?limit"),
        ("/events", {"limit": "1001"}, "?limit"),
        ("/events", {"limit": "٣"}, "?limit"),
        ("/events", {"after": "x"}, "?after"),
        ("/events", {"before": "1.5"}, "?before"),
        ("/events", {"order": "random"}, "?order"),
        ("/events", {"type": "a\x00b"}, "?type"),
        ("/events", {"since": "yesterday"}, "?since"),
        ("/events", {"since": "2026-01-01T00:00:00"}, "?since"),
        ("/events", {"until": "2026-13-01T00:00:00Z"}, "?until"),
        ("/events", {"since": "0001-01-01T00:00:00+14:00"}, "?since"),
        ("/events", {"until": "9999-12-31T23:59:59-14:00"}, "?until"),
        ("/events", {"subject": "planet/earth"}, "?subject"),
        ("/nodes/east", {"force": "maybe"}, "?force"),
    ],
)
async def test_a_wrong_query_is_named(
    operator: Client, path: str, query: dict[str, str], field: str
) -> None:
    await operator.post("/nodes", {"name": "east"})
    method = "DELETE" if "force" in query else "GET"
    (await operator.ask(method, path, query=query)).is_problem(400, "invalid", field=field)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"name": "x"} {}',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"null",
        b"NaN",
        b'{"name": "x", "settings": {"latitude": 1e999}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
async def test_broken_json_is_refused_with_a_problem(operator: Client, content: bytes) -> None:
    (await operator.ask("POST", "/nodes", content=content)).is_problem(400, "invalid")


async def test_a_config_that_is_nested_too_deeply_is_refused_or_kept_but_no_fault(
    operator: Client,
) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.put("/applications/shop", {"microservices": [manifest()]})
    content = b'{"config":' + DEEP + b"}"
    for _ in range(2):
        answer = await operator.ask("PATCH", "/microservices/shop/web", content=content)
        assert answer.status in (200, 400), answer.content[:500]
    (await operator.get("/microservices/shop/web")).is_good()


async def test_a_body_of_50_megabytes_is_refused_and_the_controller_lives(
    controller: Controller, operator: Client
) -> None:
    content = b'{"name": "' + b"x" * (50 << 20) + b'"}'
    refused = await operator.ask("POST", "/nodes", content=BytesIO(content))
    refused.is_problem(413, "body-too-large")
    refused = await operator.ask("DELETE", "/nodes/x", content=BytesIO(content), key="k")
    refused.is_problem(413, "body-too-large")
    (await operator.get("/nodes")).is_good()


async def test_a_bomb_of_zeros_is_refused_by_its_unpacked_size(operator: Client) -> None:
    bomb = zlib.compress(b" " * (100 << 20))
    headers = {"Content-Encoding": "deflate"}
    refused = await operator.ask("POST", "/nodes", content=bomb, headers=headers)
    assert refused.status in (400, 413), refused.content


async def test_a_body_that_is_not_packed_as_it_says_is_the_clients_fault(operator: Client) -> None:
    headers = {"Content-Encoding": "gzip"}
    refused = await operator.ask("POST", "/nodes", content=b"no gzip", headers=headers)
    refused.is_problem(400, "invalid")


async def test_a_body_that_breaks_off_is_no_fault_of_ours(controller: Controller) -> None:
    host, port = controller.url.removeprefix("http://").split(":")
    with structlog.testing.capture_logs() as logged:
        for body in (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /api/v1/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                + ADMIN.encode()
                + b"\r\n"
                + body
            )
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.close()
            await writer.wait_closed()
            assert b"Traceback" not in await reader.read()
        await asyncio.sleep(0.05)
    assert [each for each in logged if each["log_level"] == "error"] == []
    (await controller.operator.get("/nodes")).is_good()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Authorization: Bearer \xff", b"401"),
        (b"Authorization: Bearer " + ADMIN.encode() + b"\r\nIdempotency-Key: \xff", b"201"),
    ],
)
async def test_a_header_that_is_no_text_is_no_fault_of_ours(
    controller: Controller, header: bytes, status: bytes
) -> None:
    host, port = controller.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"name": "east"}'
    writer.write(b"POST /api/v1/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header)
    writer.write(b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.split()[1] == status


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "x"}])
async def test_without_a_token_nothing_is_told(nobody: Client, headers: dict[str, str]) -> None:
    for path in ("/nodes", "/events", "/agent/desired-state", "/users"):
        refused = await nobody.ask("GET", path, headers=headers)
        refused.is_problem(401, "bad-credentials")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_foreign_token_is_refused_and_not_repeated(controller: Controller) -> None:
    agent = await controller.agent("east")
    for client, path in (
        (controller.as_("a-foreign-token"), "/nodes"),
        (controller.as_("a-foreign-token"), "/agent/desired-state"),
        (agent.client, "/nodes"),
        (controller.admin, "/agent/desired-state"),
    ):
        refused = (await client.get(path)).is_problem(401, "bad-credentials")
        assert str(client.token) not in refused.content.decode()


async def test_an_expired_token_is_refused(
    controller: Controller, admin: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland", "valid_for": 60}
    client = controller.as_((await nobody.post("/login", login)).text("token"))
    controller.network.clock.advance(59)
    (await client.get("/nodes")).is_good()
    controller.network.clock.advance(1)
    (await client.get("/nodes")).is_problem(401, "bad-credentials")


@pytest.mark.parametrize("valid_for", [0, -1, 10**12])
async def test_a_token_is_valid_for_a_bearable_time(
    admin: Client, nobody: Client, valid_for: int
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland", "valid_for": valid_for}
    (await nobody.post("/login", login)).is_problem(400, "invalid", field="$.valid_for")


async def test_what_needs_a_greater_role_is_refused(controller: Controller) -> None:
    for method, path, operation in controller.network.described.examples():
        access = str(operation["description"])
        if "role operator" in access or "role admin" in access:
            refused = await controller.viewer.ask(method, path)
            refused.is_problem(403, "not-allowed")
        if "role admin" in access:
            refused = await controller.operator.ask(method, path)
            refused.is_problem(403, "not-allowed")
        if "anyone" not in access:
            refused = await controller.nobody.ask(method, path)
            refused.is_problem(401, "bad-credentials")


async def test_keys_that_are_unknown_used_or_expired_redeem_nothing(
    controller: Controller, operator: Client, nobody: Client
) -> None:
    def pair(key: str, credential: str) -> dict[str, object]:
        return {"key": key, "credential": credential * 40, "facts": {}}

    await operator.post("/nodes", {"name": "east"})
    unknown = await nobody.post("/agent/provision", pair("unknown", "a"))
    unknown.is_problem(403, "provisioning-key-refused")

    key = (await operator.post("/nodes/east/provisioning-key", {"valid_for": 60})).text("key")
    controller.network.clock.advance(60)
    late = await nobody.post("/agent/provision", pair(key, "a"))
    late.is_problem(403, "provisioning-key-expired")

    old = (await operator.post("/nodes/east/provisioning-key")).text("key")
    new = (await operator.post("/nodes/east/provisioning-key")).text("key")
    replaced = await nobody.post("/agent/provision", pair(old, "a"))
    replaced.is_problem(403, "provisioning-key-refused")
    (await nobody.post("/agent/provision", pair(new, "a"))).is_good()
    used = await nobody.post("/agent/provision", pair(new, "b"))
    used.is_problem(403, "provisioning-key-refused")


async def test_a_credential_is_not_used_twice(
    controller: Controller, operator: Client, nobody: Client
) -> None:
    agent = await controller.agent("east")
    await operator.post("/nodes", {"name": "west"})
    key = (await operator.post("/nodes/west/provisioning-key")).text("key")
    body: dict[str, object] = {"key": key, "credential": agent.client.token, "facts": {}}
    (await nobody.post("/agent/provision", body)).is_problem(409, "conflict")
    await operator.delete("/nodes/east")
    (await nobody.post("/agent/provision", body)).is_problem(409, "conflict")


async def test_a_name_that_failed_too_often_has_to_wait(admin: Client, nobody: Client) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wrong"}
    for _ in range(10):
        (await nobody.post("/login", login)).is_problem(401, "bad-credentials")
    refused = await nobody.post("/login", {"name": "anna", "password": "wonderland"})
    refused.is_problem(429, "too-many")
    assert int(refused.headers["Retry-After"]) >= 1
    other = await nobody.post("/login", {"name": "nobody", "password": "wrong"})
    other.is_problem(401, "bad-credentials")


async def test_an_unknown_name_and_a_wrong_password_are_told_alike(
    admin: Client, nobody: Client
) -> None:
    await admin.post("/users", {"name": "anna", "password": "wonderland"})
    wrong = await nobody.post("/login", {"name": "anna", "password": "wrong"})
    unknown = await nobody.post("/login", {"name": "berta", "password": "wrong"})
    assert [wrong.json[field] for field in ("detail", "code", "next_step", "status")] == [
        unknown.json[field] for field in ("detail", "code", "next_step", "status")
    ]


@pytest.mark.parametrize("given", ["", "with space", "a" * 65, 'quo"te', "naïve"])
async def test_a_request_id_that_could_break_a_log_line_is_replaced(
    operator: Client, given: str
) -> None:
    answer = await operator.ask("GET", "/nodes", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    kept = await operator.ask("GET", "/nodes", headers={"X-Request-Id": "abc-123"})
    assert kept.headers["X-Request-Id"] == "abc-123"


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_has_a_bearable_length(operator: Client, key: str) -> None:
    refused = await operator.post("/nodes", {"name": "east"}, key=key)
    refused.is_problem(400, "invalid")


async def test_a_fault_is_told_without_its_inside(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("ecn.api.views.node", broken)
    await controller.operator.post("/nodes", {"name": "east"})
    with structlog.testing.capture_logs() as logged:
        answer = await controller.operator.get("/nodes")
    answer.is_problem(500, "internal")
    assert "inside" not in answer.content.decode()
    (fault,) = [each for each in logged if each["log_level"] == "error"]
    assert fault["request_id"] == answer["request_id"]


async def test_every_operation_that_is_described_is_served(controller: Controller) -> None:
    for method, path, _ in controller.network.described.examples():
        answer = await controller.nobody.ask(method, path)
        assert answer.json.get("code") not in ("no-such-path", "method-not-allowed")


async def test_the_description_lets_good_requests_pass(controller: Controller) -> None:
    described = controller.network.described
    assert json.dumps(described.document)
    for method, path, body in (
        ("POST", "/nodes", {"name": "east"}),
        ("PATCH", "/nodes/east", {"settings": {"tags": None}}),
        ("PATCH", "/microservices/shop/web", {"env": {"A": None}}),
        ("PATCH", "/microservices/shop/web", {"health_check": None, "image": "shop/web:2"}),
        ("PUT", "/applications/shop", {"microservices": [manifest()]}),
    ):
        described.check_request(method, "/api/v1" + path, body)
