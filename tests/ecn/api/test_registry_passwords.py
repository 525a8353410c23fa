"""Registry passwords: sealed on arrival, opened for agents only, never lost to a race."""

import asyncio
from collections.abc import Collection, Sequence

import pytest

from ecn.master_key import MasterKey
from ecn.presence_store import MemoryLeadership
from ecn.secret_keeper import GRACE, SecretKeeper
from ecn.secret_key_store import MemorySecretKeyStore, WrappedKey
from events.envelope import Head, Recorded
from events.log import StoreUnavailable
from tests.ecn.api.server import Agent, Client, Controller, Network, manifest, soon


@pytest.fixture
async def agent(controller: Controller) -> Agent:
    """Of node east, where shop/web is pulled from `hub`."""
    agent = await controller.agent("east")
    hub = {"url": "hub.example", "username": "anna", "password": "first-secret"}
    await controller.operator.put("/registries/hub", hub)
    web = manifest(registry="hub")
    await controller.operator.put("/applications/shop", {"microservices": [web]})
    return agent


async def told(agent: Agent) -> dict[str, object]:
    """The registry as the agent is told it."""
    (web,) = (await agent.desired()).is_good().items("changed")
    registry = web["registry"]
    assert isinstance(registry, dict)
    assert registry.pop("ca_pem") == ""
    return registry


async def test_the_agent_is_told_the_password(agent: Agent) -> None:
    expected = {"url": "hub.example", "username": "anna", "password": "first-secret"}
    assert await told(agent) == expected


async def test_a_new_password_reaches_the_waiting_agent(agent: Agent, operator: Client) -> None:
    waiting = asyncio.ensure_future(agent.desired(await agent.revision(), wait=20))
    await asyncio.sleep(0.05)
    hub = {"url": "hub.example", "username": "anna", "password": "second-secret"}
    await operator.put("/registries/hub", hub)
    (web,) = (await waiting).is_good().items("changed")
    assert "second-secret" in str(web["registry"])


async def test_without_a_password_in_the_request_the_one_there_is_stays(
    agent: Agent, operator: Client
) -> None:
    (await operator.put("/registries/hub", {"url": "other.example"})).is_good()
    assert await told(agent) == {"url": "other.example", "username": "", "password": "first-secret"}


async def test_a_controller_that_lags_behind_does_not_bring_an_old_password_back(
    network: Network, agent: Agent, operator: Client
) -> None:
    async with network.controller(following=False) as other:
        second = {"url": "hub.example", "password": "second-secret"}
        await operator.put("/registries/hub", second)
        (await other.operator.put("/registries/hub", {"url": "other.example"})).is_good()
        assert (await told(agent))["password"] == "second-secret"


async def test_two_who_change_a_registry_at_once_leave_a_password_that_opens(
    agent: Agent, operator: Client
) -> None:
    for number in range(10):
        wanted = [
            {"url": f"a{number}.example", "password": f"left-{number}"},
            {"url": f"b{number}.example", "password": f"right-{number}"},
            {"url": f"c{number}.example"},
        ]
        changes = [operator.put("/registries/hub", each) for each in wanted]
        for answer in await asyncio.gather(*changes):
            answer.is_good()
        assert (await told(agent))["password"] in (f"left-{number}", f"right-{number}")


async def test_only_the_key_of_the_password_in_use_is_kept(
    network: Network, agent: Agent, operator: Client
) -> None:
    kept = network.secret_keys._keys
    assert len(kept) == 1
    for number in range(3):
        body = {"url": "hub.example", "password": f"secret-{number}"}
        await operator.put("/registries/hub", body)
    await operator.put("/registries/bad name!", {"url": "hub.example", "password": "secret"})
    assert len(kept) == 1
    await operator.delete("/applications/shop")
    (await operator.delete("/registries/hub")).is_good()
    assert kept == {}


async def test_a_password_that_can_not_be_opened_harms_nothing_else(
    network: Network, controller: Controller, agent: Agent, operator: Client
) -> None:
    network.secret_keys._keys.clear()
    await controller.vault.forget_destroyed()
    assert (await told(agent))["password"] == ""
    hub = {"url": "hub.example", "password": "first-secret"}
    (await operator.put("/registries/hub", hub)).is_good()
    assert (await told(agent))["password"] == "first-secret"


async def test_a_client_that_leaves_before_the_commit_does_not_destroy_what_is_committed(
    network: Network, agent: Agent, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, reached, gate = network.log.append, asyncio.Event(), asyncio.Event()

    async def held(events: Sequence[Recorded], *, expected: Head) -> None:
        reached.set()
        await gate.wait()
        await append(events, expected=expected)

    monkeypatch.setattr(network.log, "append", held)
    second = {"url": "hub.example", "password": "second-secret"}
    leaving = asyncio.ensure_future(operator.put("/registries/hub", second, key="k"))
    await reached.wait()
    leaving.cancel()
    await asyncio.sleep(0.1)
    gate.set()
    # The retry is answered with what the first request led to.
    (await operator.put("/registries/hub", second, key="k")).is_good()
    assert (await told(agent))["password"] == "second-secret"


class Away(MemorySecretKeyStore):
    """A store that can't be reached."""

    async def get(self, secret_id: str) -> WrappedKey | None:
        raise StoreUnavailable("away")

    async def destroy(self, secret_ids: Collection[str]) -> None:
        raise StoreUnavailable("away")


async def test_an_agent_is_told_a_password_known_here_also_while_the_store_is_away(
    network: Network, controller: Controller, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with network.controller() as other:
        monkeypatch.setattr(controller.vault, "_keys", Away())
        monkeypatch.setattr(other.vault, "_keys", Away())
        assert (await told(agent))["password"] == "first-secret"
        elsewhere = Agent(other.as_(agent.client.token), agent.name, agent.node_id)
        # Without the password it would be told something wrong, and keep it: it asks again.
        (await elsewhere.desired()).is_problem(503, "log-unavailable")


async def test_applying_a_lost_password_again_brings_it_back_though_it_is_known_here_still(
    network: Network, agent: Agent, operator: Client
) -> None:
    network.secret_keys._keys.clear()
    assert (await told(agent))["password"] == "first-secret"
    hub = {"url": "hub.example", "username": "anna", "password": "first-secret"}
    (await operator.put("/registries/hub", hub)).is_good()
    assert len(network.secret_keys._keys) == 1


async def test_what_was_done_is_answered_as_done_though_its_key_could_not_be_destroyed_yet(
    network: Network,
    controller: Controller,
    agent: Agent,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await operator.delete("/applications/shop")
    with monkeypatch.context() as away:
        away.setattr(controller.vault, "_keys", Away())
        gone = (await operator.delete("/registries/hub")).is_good()
        assert gone["events"] == ["registry.deleted.v1"]
    assert len(network.secret_keys._keys) == 1  # for the keeper


async def test_a_secret_under_a_master_key_that_is_not_here_yet_is_not_called_lost(
    network: Network, controller: Controller, agent: Agent
) -> None:
    """Another controller was started with a new master key, and this one's file lacks it still."""
    network.master_keys.insert(0, MasterKey(bytes(32)))
    async with network.controller() as newer:
        hub = {"url": "hub.example", "username": "anna", "password": "second-secret"}
        (await newer.operator.put("/registries/hub", hub)).is_good()
        await controller.operator.get("/nodes", at_least=str(newer.world_position))
        (await agent.desired()).is_problem(503, "master-key-missing")
        hub["password"] = "third-secret"
        (await controller.operator.put("/registries/hub", hub)).is_problem(
            503, "master-key-missing"
        )


async def test_what_a_client_that_left_did_not_destroy_is_swept(
    network: Network,
    controller: Controller,
    agent: Agent,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One leaves its DELETE, another its PUT of a new password, both before the commit."""
    mirror = {"url": "mirror.example", "password": "deleted"}
    await operator.put("/registries/mirror", mirror)
    append, reached, gate = network.log.append, asyncio.Event(), asyncio.Event()

    async def held(events: Sequence[Recorded], *, expected: Head) -> None:
        reached.set()
        await gate.wait()
        await append(events, expected=expected)

    monkeypatch.setattr(network.log, "append", held)
    second = {"url": "hub.example", "username": "anna", "password": "second-secret"}
    leaving = [
        asyncio.ensure_future(operator.put("/registries/hub", second)),
        asyncio.ensure_future(operator.delete("/registries/mirror")),
    ]
    await reached.wait()
    await asyncio.sleep(0.05)
    for each in leaving:
        each.cancel()
    await asyncio.sleep(0.05)
    gate.set()
    await soon(lambda: len(controller.live.world.registries) == 1)
    kept = network.secret_keys._keys
    assert len(kept) == 3, "those of what was deleted and replaced, too"
    keeper = SecretKeeper(
        controller.vault,
        network.secret_keys,
        MemoryLeadership(network.leaders),
        controller.live,
        network.clock.now,
    )
    network.clock.advance(GRACE.total_seconds())
    assert [await keeper.sweep(), await keeper.sweep()] == [0, 2]
    assert len(kept) == 1
    assert (await told(agent))["password"] == "second-secret"
