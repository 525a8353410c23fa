"""Secrets through all that happens: several controllers, rotations, crashes, sweeps, in any order.

What the world refers to opens at every controller, always; what it does not refer to is gone in the
end; and in the end all is wrapped under the newest master key.
"""

import os
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ecn.master_key import Keyring, MasterKey
from ecn.presence_store import MemoryLeadership
from ecn.secret_keeper import GRACE, SecretKeeper, in_use
from ecn.secret_key_store import MemorySecretKeyStore
from ecn.vault import SIGNING_KEY, Vault
from events.catalog import RegistryCreated, RegistryDeleted, RegistrySettings, SealedSecret
from events.envelope import KnownEvent, Proposed, chain
from events.ids import CommandId, RegistryId
from events.log import MemoryLog
from projections.live import Live
from tests.builders import NOW

CONTROLLERS = 3
STEPS = (
    *("seal", "write", "write", "client left", "delete", "delete, killed"),
    *("rotate", "start anew", "start anew", "former lines removed"),
    *("keep", "keep", "keep", "keep", "takeover", "time passes"),
)


class Network:
    """Its controllers share a key file, and have each read it when they were started."""

    def __init__(self) -> None:
        self.now = NOW
        self.log = MemoryLog()
        self.keys = MemorySecretKeyStore(lambda: self.now)
        self.file = [MasterKey(os.urandom(32))]
        self.vaults = [self.started() for _ in range(CONTROLLERS)]
        self.keepers = [self.keeper(vault) for vault in self.vaults]
        self.on_their_way: list[tuple[SealedSecret, str]] = []
        self.stored: dict[RegistryId, tuple[SealedSecret, str]] = {}
        self.leader = 0
        self.count = 0

    def started(self) -> Vault:
        return Vault(Keyring(tuple(self.file), lambda: self.file), self.keys)

    def keeper(self, vault: Vault) -> SecretKeeper:
        return SecretKeeper(
            vault, self.keys, MemoryLeadership({}), Live(self.log), lambda: self.now
        )

    async def write(self, event: KnownEvent) -> None:
        live = Live(self.log)
        await live.catch_up()
        said = Proposed(event=event, actor="t", command_id=CommandId("c"), correlation_id="r")
        await self.log.append(chain(live.world.head, [said], self.now), expected=live.world.head)

    async def step(self, what: str, who: int) -> None:
        """One thing that happens, at that controller where it is one's."""
        match what:
            case "seal":
                self.count += 1
                secret = f"secret {self.count}"
                self.on_their_way.append((await self.vaults[who].seal(secret), secret))
            case "write" if self.on_their_way:
                sealed, secret = self.on_their_way.pop(0)
                key = RegistryId(f"registry {self.count} {len(self.stored)} {secret}")
                hub = RegistrySettings(url="hub", password=sealed)
                await self.write(RegistryCreated(registry_id=key, name=key, settings=hub))
                self.stored[key] = (sealed, secret)
            case "client left" if self.on_their_way:
                self.on_their_way.pop()
            case "delete" | "delete, killed" if self.stored:
                key = sorted(self.stored)[who % len(self.stored)]
                sealed, _ = self.stored.pop(key)
                await self.write(RegistryDeleted(registry_id=key))
                if what == "delete":
                    await self.vaults[who].destroy(sealed)
            case "rotate":
                self.file.insert(0, MasterKey(os.urandom(32)))
            case "start anew":
                self.vaults[who] = self.started()
                await self.vaults[who].check()
                self.keepers[who] = self.keeper(self.vaults[who])
            case "former lines removed":
                used = await self.keys.by_master_key()
                if all(vault.masters.current is self.file[0] for vault in self.vaults):
                    self.file[1:] = [key for key in self.file[1:] if key.id in used]
            case "takeover":
                self.leader = who
            case "keep":
                await self.keep(self.leader)
            case "time passes":
                self.now += GRACE / 2 + timedelta(seconds=1)
                # No command is on its way for so long: whoever had not written it has died.
                self.on_their_way.clear()

    async def keep(self, who: int) -> None:
        """As the task does in a round where it leads."""
        await self.vaults[who].forget_destroyed()
        await self.keepers[who].wrap_again()
        await self.keepers[who].sweep()

    async def all_opens(self) -> None:
        for sealed, secret in self.stored.values():
            for vault in self.vaults:
                assert await vault.open(sealed, lately=False) == secret
                assert await vault.open(sealed) == secret


steps_of_some = st.tuples(st.sampled_from(STEPS), st.integers(0, CONTROLLERS - 1))


@settings(max_examples=400)
@given(st.lists(steps_of_some, min_size=10, max_size=60))
async def test_what_is_referred_to_opens_and_what_is_not_is_gone_in_the_end(
    steps: list[tuple[str, int]],
) -> None:
    network = Network()
    for vault in network.vaults:
        await vault.check()
    signing = (await network.vaults[0].signing_key()).private_bytes_raw()
    for what, who in steps:
        await network.step(what, who)
        await network.all_opens()

    network.now += 2 * GRACE
    for who in range(CONTROLLERS):
        await network.step("start anew", who)
    for _ in range(2):
        await network.keep(0)
    live = Live(network.log)
    await live.catch_up()
    sealed = {each.secret_id for each, _ in network.stored.values()}
    assert in_use(live.world) == sealed
    assert set(network.keys._keys) == {SIGNING_KEY, *sealed}
    assert await network.keys.by_master_key() == {network.file[0].id: len(sealed) + 1}
    network.file[1:] = []
    for who in range(CONTROLLERS):
        await network.step("start anew", who)
    await network.all_opens()
    for vault in network.vaults:
        assert (await vault.signing_key()).private_bytes_raw() == signing
