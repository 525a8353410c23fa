"""What every store of secret keys promises."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecn.postgres_secret_keys import PostgresSecretKeyStore
from ecn.secret_key_store import (
    MemorySecretKeyStore,
    SecretKeyStore,
    SecretKeyTaken,
    WrappedKey,
)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> SecretKeyStore:
    if request.param == "memory":
        return MemorySecretKeyStore()
    return PostgresSecretKeyStore(request.getfixturevalue("postgres_pool"))


def key(secret_id: str, wrapped: bytes = b"\0key", under: str = "m1") -> WrappedKey:
    return WrappedKey(secret_id=secret_id, wrapped=wrapped, master_key_id=under)


async def test_a_key_is_there_until_it_is_destroyed(store: SecretKeyStore) -> None:
    assert await store.get("one") is None
    await store.put(key("one"))
    await store.put(key("two", b"other"))
    assert await store.get("one") == key("one")
    assert await store.kept(["one", "two", "three"]) == {"one", "two"}
    await store.destroy(["one", "three"])
    await store.destroy(["one"])
    await store.destroy([])
    assert await store.get("one") is None
    assert await store.get("two") == key("two", b"other")
    assert await store.kept(["one", "two"]) == {"two"}
    assert await store.kept([]) == frozenset()


async def test_a_key_is_never_replaced(store: SecretKeyStore) -> None:
    await store.put(key("one"))
    await store.put(key("one"))
    for other in (key("one", b"second"), key("one", under="m2")):
        with pytest.raises(SecretKeyTaken):
            await store.put(other)
    assert await store.get("one") == key("one")


async def test_of_many_who_put_at_once_one_is_kept_and_all_others_told(
    store: SecretKeyStore,
) -> None:
    async def put(number: int) -> bool:
        try:
            await store.put(key("one", b"key %d" % number))
        except SecretKeyTaken:
            return False
        return True

    put_by = await asyncio.gather(*(put(number) for number in range(8)))
    assert sum(put_by) == 1
    assert await store.get("one") == key("one", b"key %d" % put_by.index(True))


async def test_keys_are_found_by_their_age_in_pages(store: SecretKeyStore) -> None:
    for name in "cabd":
        await store.put(key(name))
    none, hour = timedelta(0), timedelta(hours=1)
    assert await store.stored_before(hour, after="", limit=10) == []
    assert await store.stored_before(none, after="", limit=3) == ["a", "b", "c"]
    assert await store.stored_before(none, after="c", limit=3) == ["d"]
    assert await store.stored_before(none, after="d", limit=3) == []


async def test_keys_are_counted_and_found_by_their_master_key(store: SecretKeyStore) -> None:
    assert await store.by_master_key() == {}
    for name, under in (("a", "m1"), ("b", "m2"), ("c", "m1"), ("d", ""), ("e", "m3")):
        await store.put(key(name, under=under))
    assert await store.by_master_key() == {"m1": 2, "m2": 1, "": 1, "m3": 1}
    found = await store.not_under("m1", after="", limit=2)
    assert found == [key("b", under="m2"), key("d", under="")]
    assert await store.not_under("m1", after="d", limit=2) == [key("e", under="m3")]
    assert await store.not_under("m1", after="e", limit=2) == []


async def test_a_key_is_wrapped_again_only_where_it_is_still_as_it_was(
    store: SecretKeyStore,
) -> None:
    old = [key(name, name.encode()) for name in "abc"]
    for each in old:
        await store.put(each)
    new = [replace(each, wrapped=b"new", master_key_id="m2") for each in old]
    await store.destroy(["b"])
    assert await store.rewrap(list(zip(old, new, strict=True))) == 2
    assert [await store.get(name) for name in "abc"] == [new[0], None, new[2]]
    # Another controller that read the same page is late; what was destroyed stays so.
    late = [replace(each, wrapped=b"late", master_key_id="m3") for each in old]
    assert await store.rewrap(list(zip(old, late, strict=True))) == 0
    assert await store.by_master_key() == {"m2": 2}
    assert await store.rewrap([]) == 0


async def test_wrapping_again_makes_no_key_younger(store: SecretKeyStore) -> None:
    await store.put(key("a"))
    before = timedelta(milliseconds=50)
    await asyncio.sleep(0.1)
    await store.rewrap([(key("a"), key("a", b"new", "m2"))])
    assert await store.stored_before(before, after="", limit=1) == ["a"]


async def test_controllers_that_wrap_the_same_page_at_once_do_each_key_once(
    store: SecretKeyStore,
) -> None:
    old = [key(f"{number:03}", b"old %d" % number) for number in range(50)]
    for each in old:
        await store.put(each)

    async def again(who: int) -> int:
        # Each in its own order: nobody waits for somebody who waits for it.
        mine = old if who % 2 else old[::-1]
        return await store.rewrap(
            [(each, replace(each, wrapped=b"by %d" % who, master_key_id="m2")) for each in mine]
        )

    assert sum(await asyncio.gather(*(again(who) for who in range(6)))) == len(old)
    assert await store.by_master_key() == {"m2": len(old)}


async def test_all_under_a_master_key_can_be_destroyed(store: SecretKeyStore) -> None:
    for name, under in (("a", "m1"), ("b", "m2"), ("c", "m1")):
        await store.put(key(name, under=under))
    assert await store.destroy_under("m1") == 2
    assert await store.destroy_under("m1") == 0
    assert await store.by_master_key() == {"m2": 1}
