"""What every store of secret keys promises."""

import pytest

from ecn.postgres_secret_keys import PostgresSecretKeyStore
from ecn.secret_key_store import MemorySecretKeyStore, SecretKeyStore, SecretKeyTaken


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> SecretKeyStore:
    if request.param == "memory":
        return MemorySecretKeyStore()
    return PostgresSecretKeyStore(request.getfixturevalue("postgres_pool"))


async def test_a_key_is_there_until_it_is_destroyed(store: SecretKeyStore) -> None:
    assert await store.get("one") is None
    await store.put("one", b"\0key")
    await store.put("two", b"other")
    assert await store.get("one") == b"\0key"
    await store.destroy("one")
    await store.destroy("one")
    assert await store.get("one") is None
    assert await store.get("two") == b"other"


async def test_a_key_is_never_replaced(store: SecretKeyStore) -> None:
    await store.put("one", b"first")
    await store.put("one", b"first")
    with pytest.raises(SecretKeyTaken):
        await store.put("one", b"second")
    assert await store.get("one") == b"first"
