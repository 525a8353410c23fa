"""The keeper of secrets' keys: wraps again, sweeps what nothing refers to, and nothing else."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ecn.master_key import Keyring, MasterKey, MasterKeyMissing
from ecn.postgres_leadership import PostgresLeadership
from ecn.postgres_secret_keys import PostgresSecretKeyStore
from ecn.presence_store import MemoryLeadership
from ecn.secret_keeper import GRACE, PAGE, SecretKeeper, in_use
from ecn.secret_key_store import MemorySecretKeyStore, WrappedKey
from ecn.vault import SIGNING_KEY, SecretLost, Vault
from events.background import beside
from events.catalog import RegistryCreated, RegistryDeleted, RegistrySettings, SealedSecret
from events.envelope import KnownEvent, Proposed, chain
from events.ids import CommandId, RegistryId
from events.log import LogUnavailable, MemoryLog, StoreUnavailable
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.live import Live
from projections.world import World
from tests.builders import NOW

OLD, NEW, LOST = (MasterKey(bytes([n]) * 32) for n in range(3))


class Network:
    """One log, one store of keys, one clock; any number of keepers."""

    def __init__(self) -> None:
        self.now = NOW
        self.log = MemoryLog()
        self.keys = MemorySecretKeyStore(self.clock)
        self.leaders: dict[str, MemoryLeadership] = {}

    def clock(self) -> datetime:
        return self.now

    def vault(self, *masters: MasterKey) -> Vault:
        return Vault(Keyring(masters or (OLD,)), self.keys)

    def keeper(self, *masters: MasterKey, live: Live | None = None) -> SecretKeeper:
        return SecretKeeper(
            self.vault(*masters),
            self.keys,
            MemoryLeadership(self.leaders),
            live or Live(self.log),
            self.clock,
            look_every=0.01,
        )

    async def write(self, event: KnownEvent) -> None:
        """Append it."""
        live = Live(self.log)
        await live.catch_up()
        said = Proposed(event=event, actor="test", command_id=CommandId("c"), correlation_id="r")
        await self.log.append(chain(live.world.head, [said], self.now), expected=live.world.head)

    async def registry(self, name: str, password: SealedSecret | None) -> None:
        """A registry of that name, which is its id too."""
        settings = RegistrySettings(url=f"{name}.example", password=password)
        await self.write(
            RegistryCreated(registry_id=RegistryId(name), name=name, settings=settings)
        )

    async def left(self) -> set[str]:
        """What is left after all rounds of a keeper that knows nothing before."""
        keeper = self.keeper()
        await keeper.sweep()
        await keeper.sweep()
        return set(self.keys._keys)


@pytest.fixture
def network() -> Network:
    return Network()


async def test_all_that_is_wrapped_under_former_keys_is_wrapped_again(network: Network) -> None:
    old = network.vault(OLD)
    signing = await old.signing_key()
    sealed = [await old.seal(f"secret {number}") for number in range(2 * PAGE + 3)]
    with structlog.testing.capture_logs() as logged:
        assert await network.keeper(NEW, OLD).wrap_again() == len(sealed) + 1
    assert await network.keys.by_master_key() == {NEW.id: len(sealed) + 1}
    new = network.vault(NEW)
    assert [await new.open(each) for each in sealed] == [
        f"secret {number}" for number in range(len(sealed))
    ]
    assert (await new.signing_key()).private_bytes_raw() == signing.private_bytes_raw()
    rotated, unused = logged
    assert (rotated["event"], rotated["keys"]) == ("master_key_rotated", len(sealed) + 1)
    assert (unused["event"], unused["key_ids"]) == ("former_master_keys_unused", (OLD.id,))
    assert unused["removable_from"] == (NOW + timedelta(days=2)).isoformat(timespec="seconds")


async def test_who_was_killed_after_the_last_step_says_at_the_next_start_what_may_go(
    network: Network,
) -> None:
    await network.vault(NEW).seal("secret")
    keeper = network.keeper(NEW, OLD)
    with structlog.testing.capture_logs() as logged:
        assert await keeper.wrap_again() == 0
        assert await keeper.wrap_again() == 0
    assert [each["event"] for each in logged] == ["former_master_keys_unused"]


@given(st.lists(st.integers(0, 4)), st.data())
async def test_wherever_it_is_ended_the_next_one_goes_on_and_nothing_is_lost(
    ended_after: list[int], data: st.DataObject
) -> None:
    network = Network()
    sealed = [
        await network.vault(data.draw(st.sampled_from([OLD, NEW]))).seal(str(number))
        for number in range(7)
    ]

    class Ended(Exception):
        pass

    class Steps(MemorySecretKeyStore):
        """Small pages, and an end in the midst of them."""

        def __init__(self, left: int) -> None:
            super().__init__()
            self._keys, self.left = network.keys._keys, left

        async def not_under(
            self, master_key_id: str, *, after: str, limit: int
        ) -> Sequence[WrappedKey]:
            return await super().not_under(master_key_id, after=after, limit=2)

        async def rewrap(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
            self.left -= 1
            if self.left < 0:
                raise Ended
            return await super().rewrap(keys)

    for left in [*ended_after, 100]:
        network.keys = Steps(left)
        keeper = network.keeper(NEW, OLD)
        try:
            await keeper.wrap_again()
        except Ended:
            # What was done is done, whole; every secret opens all the time.
            opening = network.vault(NEW, OLD)
            assert [await opening.open(each) for each in sealed] == [str(n) for n in range(7)]
    assert await network.keys.by_master_key() == {NEW.id: 7}


async def test_several_who_wrap_again_at_once_do_no_harm(network: Network) -> None:
    sealed = [await network.vault(OLD).seal(str(number)) for number in range(PAGE + 50)]
    done = await asyncio.gather(*(network.keeper(NEW, OLD).wrap_again() for _ in range(4)))
    assert sum(done) == len(sealed)
    opening = network.vault(NEW)
    assert [await opening.open(each) for each in sealed] == [str(n) for n in range(len(sealed))]


async def test_what_can_not_be_opened_stays_as_it_is_and_is_named(network: Network) -> None:
    good = await network.vault(OLD).seal("good")
    foreign = await network.vault(LOST).seal("foreign")
    broken = await network.vault(OLD).seal("broken")
    network.keys._keys[broken.secret_id] = msgspec.structs.replace(
        network.keys._keys[broken.secret_id], wrapped=b"broken"
    )
    with structlog.testing.capture_logs() as logged, pytest.raises(MasterKeyMissing, match=LOST.id):
        await network.keeper(NEW, OLD).wrap_again()
    assert await network.vault(NEW).open(good) == "good"
    assert await network.vault(LOST).open(foreign) == "foreign"
    (lost,) = (each for each in logged if each["event"] == "secret_keys_lost")
    assert lost["some"] == [broken.secret_id]
    assert not [each for each in logged if each["event"] == "former_master_keys_unused"]


async def test_a_key_that_no_secret_has_is_destroyed_and_those_in_use_stay(
    network: Network,
) -> None:
    vault = network.vault()
    await vault.signing_key()
    used, unused = await vault.seal("used"), await vault.seal("left by a client that went away")
    replaced, deleted = await vault.seal("replaced"), await vault.seal("deleted")
    await network.registry("hub", used)
    await network.registry("old", deleted)
    await network.registry("open", None)
    await network.write(RegistryDeleted(registry_id=RegistryId("old")))
    network.now += GRACE
    assert await network.left() == {used.secret_id, SIGNING_KEY}
    for each in (unused, replaced, deleted):
        with pytest.raises(SecretLost):
            await network.vault().open(each)


async def test_a_key_of_a_moment_ago_waits_for_its_command(network: Network) -> None:
    sealed = await network.vault().seal("on its way")
    network.now += GRACE - timedelta(seconds=1)
    assert await network.left() == {sealed.secret_id}
    await network.registry("hub", sealed)
    network.now += GRACE
    assert await network.left() == {sealed.secret_id}


async def test_a_world_that_lags_behind_is_brought_up_to_the_log_first(network: Network) -> None:
    live = Live(network.log)
    await live.catch_up()
    keeper = network.keeper(live=live)
    sealed = await network.vault().seal("another controller's")
    await network.registry("hub", sealed)
    network.now += GRACE
    assert live.world.position == 0
    assert [await keeper.sweep(), await keeper.sweep()] == [0, 0]
    assert set(network.keys._keys) == {sealed.secret_id}


async def test_the_log_is_read_after_the_keys_were_listed(network: Network) -> None:
    """Between both another controller writes the event of a key that is on the list."""
    sealed = await network.vault().seal("just in time")
    network.now += GRACE

    class Slow(MemorySecretKeyStore):
        looks = 0

        async def stored_before(self, age: timedelta, *, after: str, limit: int) -> Sequence[str]:
            found = await network.keys.stored_before(age, after=after, limit=limit)
            self.looks += not after
            if self.looks == 2 and not after:
                await network.registry("hub", sealed)
            return found

        async def destroy(self, secret_ids: Collection[str]) -> None:
            await network.keys.destroy(secret_ids)

    keeper = network.keeper()
    keeper._keys = Slow()
    assert [await keeper.sweep(), await keeper.sweep()] == [0, 0]


async def test_what_a_stopped_process_writes_late_is_still_in_time_for_the_second_look(
    network: Network,
) -> None:
    sealed = await network.vault().seal("late")
    network.now += 10 * GRACE
    keeper = network.keeper()
    assert await keeper.sweep() == 0
    await network.registry("hub", sealed)
    assert [await keeper.sweep(), await keeper.sweep()] == [0, 0]


async def test_while_the_log_is_away_nothing_is_swept(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    await network.vault().seal("unused")
    network.now += GRACE
    keeper = network.keeper()
    await keeper.sweep()

    async def away(*_: object, **__: object) -> None:
        raise LogUnavailable("away")

    monkeypatch.setattr(network.log, "read", away)
    with pytest.raises(LogUnavailable):
        await keeper.sweep()
    assert len(network.keys._keys) == 1


async def test_the_task_does_it_all_and_only_where_it_leads(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.secret_keeper.SWEEP_EVERY", 0.0)
    await network.vault(OLD).seal("unused")
    used = await network.vault(OLD).seal("used")
    await network.registry("hub", used)
    network.now += GRACE
    follower, leader = network.keeper(OLD), network.keeper(NEW, OLD)
    network.leaders["secret-keys"] = leader._leadership  # type: ignore[assignment]
    known = await follower._vault.seal("destroyed elsewhere")
    await network.keys.destroy([known.secret_id])
    failing = iter([StoreUnavailable("away"), LogUnavailable("away"), RuntimeError("a fault")])
    forget = follower._vault.forget_destroyed

    async def at_first_failing() -> None:
        for error in failing:
            raise error
        await forget()

    monkeypatch.setattr(leader._vault, "forget_destroyed", at_first_failing)
    tasks = [asyncio.create_task(each.run()) for each in (follower, leader)]
    try:
        async with asyncio.timeout(10):
            while (  # noqa: ASYNC110  # nobody tells
                network.keys._keys.keys() != {used.secret_id}
                or follower._vault._opened.ids()
                or await network.keys.by_master_key() != {NEW.id: 1}
            ):
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await network.vault(NEW).open(used) == "used"


@pytest.mark.postgres
async def test_over_postgres_one_of_two_keepers_leads_and_both_do_their_part(
    postgres_pool: PostgresPool, postgres_log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.secret_keeper.SWEEP_EVERY", 0.0)
    keys = PostgresSecretKeyStore(postgres_pool)
    old = Vault(Keyring([OLD]), keys)
    await old.check()
    used, unused, young = [await old.seal(name) for name in ("used", "unused", "young")]
    settings = RegistrySettings(url="hub.example", password=used)
    created = RegistryCreated(registry_id=RegistryId("hub"), name="hub", settings=settings)
    said = Proposed(event=created, actor="t", command_id=CommandId("c"), correlation_id="r")
    head = World().head
    await postgres_log.append(chain(head, [said], NOW), expected=head)
    await postgres_pool.fetch(
        "update ecn.secret_key set created_at = now() - $1::interval where secret_id <> $2",
        GRACE,
        young.secret_id,
    )
    vaults = [Vault(Keyring([NEW, OLD]), keys) for _ in range(2)]
    for vault in vaults:
        assert await vault.open(unused) == "unused"
    async with AsyncExitStack() as stack:
        for vault in vaults:
            leadership = await stack.enter_async_context(PostgresLeadership.open(postgres_pool))
            live = Live(postgres_log)
            keeper = SecretKeeper(vault, keys, leadership, live, lambda: NOW, look_every=0.02)
            await stack.enter_async_context(beside(keeper.run()))
        async with asyncio.timeout(20):
            while (  # noqa: ASYNC110  # nobody tells
                await keys.by_master_key() != {NEW.id: 3}
                or any(vault._opened.ids() for vault in vaults)
            ):
                await asyncio.sleep(0.01)
    left = {used.secret_id, young.secret_id, SIGNING_KEY}
    assert await keys.kept([*left, unused.secret_id]) == left
    assert await Vault(Keyring([NEW]), keys).open(used) == "used"


def structs_in(kind: msgspec.inspect.Type) -> Iterator[tuple[type, str]]:
    """(struct, field) of each sealed secret below that type, once each struct."""
    seen: set[type] = set()

    def walk(each: msgspec.inspect.Type, place: tuple[type, str]) -> Iterator[tuple[type, str]]:
        match each:
            case msgspec.inspect.StructType(cls=cls, fields=fields):
                if cls is SealedSecret:
                    yield place
                elif cls not in seen:
                    seen.add(cls)
                    for field in fields:
                        yield from walk(field.type, (cls, field.name))
            case msgspec.inspect.UnionType(types=types):
                for inner in types:
                    yield from walk(inner, place)
            case (
                msgspec.inspect.ListType(item_type=inner)
                | msgspec.inspect.VarTupleType(item_type=inner)
                | msgspec.inspect.SetType(item_type=inner)
                | msgspec.inspect.FrozenSetType(item_type=inner)
                | msgspec.inspect.DictType(value_type=inner)
            ):
                yield from walk(inner, place)
            case msgspec.inspect.TupleType(item_types=types):
                for inner in types:
                    yield from walk(inner, place)
            case _:
                pass

    return walk(kind, (object, ""))


def test_every_place_of_a_sealed_secret_is_one_that_the_sweep_knows() -> None:
    """Whoever seals something new in an event adds it to `in_use`, and then here."""
    places = set(structs_in(msgspec.inspect.type_info(KnownEvent)))
    assert places == {(RegistrySettings, "password")}
    assert in_use(World()) == frozenset()
