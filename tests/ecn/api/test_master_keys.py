"""Master keys over HTTP: which are in use, and that retries outlive a rotation."""

import pytest

from ecn.master_key import Keyring, MasterKey
from ecn.secret_key_store import WrappedKey
from tests.ecn.api.server import Client, Controller, Network

NEW = MasterKey(bytes(32))
HUB = {"url": "hub.example", "password": "registry-secret"}


async def test_an_admin_is_told_which_keys_are_in_use_and_no_key(
    network: Network, controller: Controller
) -> None:
    (old,) = network.master_keys
    await controller.vault.check()
    await controller.operator.put("/registries/hub", HUB)
    told = (await controller.admin.get("/master-keys")).is_good()
    assert told.items() == [{"id": old.id, "role": "current", "wraps": 2}]

    async with network.controller() as here:
        network.master_keys.insert(0, NEW)  # here's keyring is what it was read as
        async with network.controller() as newer:
            await newer.admin.put("/registries/mirror", HUB)
            told = (await newer.admin.get("/master-keys")).is_good()
            assert told.items() == [
                {"id": NEW.id, "role": "current", "wraps": 1},
                {"id": old.id, "role": "former", "wraps": 2},
            ]
        told = (await here.admin.get("/master-keys")).is_good()
        assert told.items() == [
            {"id": old.id, "role": "current", "wraps": 2},
            {"id": NEW.id, "role": "missing", "wraps": 1},
        ]
        for key in network.master_keys:
            assert key.secret.hex() not in told.content.decode()
    (await controller.operator.get("/master-keys")).is_problem(403, "not-allowed")


async def test_a_key_that_came_to_the_file_waits_for_the_next_start(
    network: Network, controller: Controller
) -> None:
    old = network.master_keys[0]
    file = [old]
    controller.vault.masters = Keyring(tuple(file), lambda: file)
    file.insert(0, NEW)
    for _ in range(2):
        told = (await controller.admin.get("/master-keys")).is_good()
        assert told.items() == [
            {"id": old.id, "role": "current", "wraps": 0},
            {"id": NEW.id, "role": "waiting", "wraps": 0},
        ]


async def test_retries_are_answered_with_the_secret_of_the_first_answer_after_a_rotation(
    network: Network, controller: Controller, operator: Client
) -> None:
    await operator.post("/nodes", {"name": "east"})
    await controller.admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    key = await operator.post("/nodes/east/provisioning-key", key="k")
    token = await controller.nobody.post("/login", login, key="t")
    network.master_keys.insert(0, NEW)
    async with network.controller() as newer:
        again = await newer.operator.post("/nodes/east/provisioning-key", key="k")
        assert again.is_good(201).json == key.json
        assert (await newer.nobody.post("/login", login, key="t")).is_good().json == token.json
        fresh = await newer.nobody.post("/login", login, key="u")
        # The other way round, where this one's file holds the newer key by now.
        controller.vault.masters = Keyring(network.master_keys[1:], lambda: network.master_keys)
        again = await controller.nobody.post("/login", login, key="u")
        assert again.is_good().json == fresh.json
        (await controller.as_(again.text("token")).get("/nodes")).is_good()


async def test_a_retry_whose_master_key_is_gone_is_refused_and_not_answered_with_another_secret(
    network: Network, controller: Controller, operator: Client
) -> None:
    await operator.post("/nodes", {"name": "east"})
    await operator.post("/nodes/east/provisioning-key", key="k")
    await controller.admin.post("/users", {"name": "anna", "password": "wonderland"})
    login = {"name": "anna", "password": "wonderland"}
    await controller.nobody.post("/login", login, key="t")
    network.master_keys[:] = [NEW]
    async with network.controller() as newer:
        retried = await newer.operator.post("/nodes/east/provisioning-key", key="k")
        retried.is_problem(409, "answer-lost")
        (await newer.nobody.post("/login", login, key="t")).is_problem(409, "answer-lost")
        (await newer.nobody.post("/login", login, key="fresh")).is_good()


async def test_a_secret_of_another_id_is_not_shown(
    network: Network, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two registries' keys swapped in the database: neither password is told as the other's."""
    for name in ("one", "two"):
        await controller.operator.put(f"/registries/{name}", HUB | {"password": f"of-{name}"})
    kept: dict[str, WrappedKey] = network.secret_keys._keys
    (a, one), (b, two) = kept.items()
    swapped = WrappedKey(secret_id=a, wrapped=two.wrapped, master_key_id=two.master_key_id)
    monkeypatch.setitem(kept, a, swapped)
    assert {a, b} == {one.secret_id, two.secret_id}
    async with network.controller() as other:
        # What can't be opened is replaced by what is applied.
        put = await other.operator.put("/registries/one", HUB | {"password": "of-one"})
        assert put.is_good()["events"] == ["registry.updated.v1"]
