"""Secrets stay where they belong: in no event, no log line, no answer but the one meant."""

import json

import msgspec
import structlog

from ecn.vault import hash_of
from events.ids import START
from tests.ecn.api.server import CREDENTIAL, Controller, Network, manifest

PASSWORD, NEW_PASSWORD, REGISTRY = "wonderland-7", "looking-glass-8", "registry-secret-9"


async def test_secrets_and_their_hashes_appear_nowhere_else(
    network: Network, controller: Controller
) -> None:
    with structlog.testing.capture_logs() as logged:
        admin, operator, nobody = controller.admin, controller.operator, controller.nobody
        await admin.post("/users", {"name": "anna", "password": PASSWORD})
        login = {"name": "anna", "password": PASSWORD}
        token = (await nobody.post("/login", login)).text("token")
        agent = await controller.agent("east")
        credential = CREDENTIAL.format("east-1")
        issued = await operator.post("/nodes/east/provisioning-key")
        key = issued.text("key")
        hub = {"url": "hub.example", "username": "u", "password": REGISTRY}
        await operator.put("/registries/hub", hub)
        web = {"microservices": [manifest(registry="hub")]}
        await operator.put("/applications/shop", web)
        told = await agent.desired()

        # What goes wrong with a secret at hand.
        await nobody.post("/login", login | {"password": PASSWORD + "!"})
        await nobody.post("/login", login | {"colour": PASSWORD})
        await admin.post("/users", login)
        await operator.put("/registries/Hub!", hub)
        await operator.put("/registries/hub", hub | {"url": 7})
        device = {"key": key, "credential": credential, "facts": {}}
        await nobody.post("/agent/provision", device)
        await nobody.post("/agent/provision", device | {"facts": {"cpus": "x"}})
        await controller.as_(token + "x").get("/nodes")
        await controller.as_(credential).get("/nodes")
        await admin.patch("/users/anna", {"password": NEW_PASSWORD})
        await controller.as_(token).get("/nodes")
        secrets = {PASSWORD, NEW_PASSWORD, REGISTRY, token, credential, key}
        hashes = {hash_of(each) for each in (token, credential, key)}
        hashes |= {row.password_hash for _, row in controller.live.world.users.items()}

        page = await operator.get("/events", limit="1000")
        readable = [
            await client.get(path)
            for client, path in (
                (admin, "/users"),
                (operator, "/nodes"),
                (operator, "/nodes/east"),
                (operator, "/registries"),
                (operator, "/registries/hub"),
                (operator, "/applications"),
                (operator, "/microservices"),
                (operator, "/status"),
            )
        ]

    def free_of(text: str, unwanted: set[str]) -> None:
        for secret in unwanted - {"none"}:
            assert secret not in text

    recorded = b"".join(each.data for each in await network.log.read(START)).decode()
    free_of(recorded, secrets)
    free_of(json.dumps(logged, default=repr), secrets | hashes)
    for answer in (page, *readable):
        free_of(answer.content.decode(), secrets | hashes)
    assert "ciphertext" not in page.content.decode()
    # In all answers together: token, key and registry password, each where it belongs.
    heard = [body for client in network.clients for body in client.heard]
    for secret in (PASSWORD, NEW_PASSWORD, credential, *hashes - {"none"}):
        assert not any(secret.encode() in body for body in heard)
    assert sum(token.encode() in body for body in heard) == 1
    assert sum(key.encode() in body for body in heard) == 1
    assert [body for body in heard if REGISTRY.encode() in body] == [told.content]


async def test_a_feed_shows_no_hashes_either(controller: Controller) -> None:
    operator = controller.operator
    await operator.post("/nodes", {"name": "east"})
    key = (await operator.post("/nodes/east/provisioning-key")).text("key")
    url = f"{controller.url}/api/v1/events?after=0"
    headers = operator.headers({"Accept": "text/event-stream"})
    async with operator.session.get(url, headers=headers) as response:
        text = b""
        while b"node.key-issued.v1" not in text or not text.endswith(b"\n\n"):
            text += await response.content.readany()
    assert hash_of(key).encode() not in text
    assert b"hash" in text  # that of the event itself


async def test_a_variable_named_like_a_secret_is_left_out_of_events(
    controller: Controller,
) -> None:
    operator = controller.operator
    await operator.post("/nodes", {"name": "east"})
    web = manifest(env={"password": "in-clear", "OTHER": "shown"})
    await operator.put("/applications/shop", {"microservices": [web]})
    page = await operator.get("/events", type="microservice.created.v1")
    (event,) = page.items()
    assert "in-clear" not in msgspec.json.encode(event).decode()
    assert "shown" in msgspec.json.encode(event).decode()
