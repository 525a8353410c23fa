"""Secrets sealed for the log, opened for those who need them, and forgotten for good."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.secret_key_store import MemorySecretKeyStore
from ecn.vault import SIGNING_KEY, SecretLost, Vault, fresh_token, hash_of
from events.catalog import SealedSecret

MASTER, OTHER = bytes(range(32)), bytes(32)


@pytest.fixture
def keys() -> MemorySecretKeyStore:
    return MemorySecretKeyStore()


@pytest.fixture
def vault(keys: MemorySecretKeyStore) -> Vault:
    return Vault(MASTER, keys)


@pytest.mark.parametrize("secret", ["", "wonderland", "пароль", "x" * 4096, "a\x00b"])
async def test_what_was_sealed_is_opened_again(vault: Vault, secret: str) -> None:
    assert await vault.open(await vault.seal(secret)) == secret


async def test_the_same_secret_never_looks_the_same_twice(vault: Vault) -> None:
    one, other = await vault.seal("wonderland"), await vault.seal("wonderland")
    assert one.secret_id != other.secret_id
    assert one.ciphertext != other.ciphertext
    assert b"wonderland" not in one.ciphertext


async def test_a_destroyed_secret_is_lost_for_good(
    vault: Vault, keys: MemorySecretKeyStore
) -> None:
    sealed, kept = await vault.seal("gone"), await vault.seal("kept")
    await vault.destroy(sealed)
    await vault.destroy(sealed)
    with pytest.raises(SecretLost, match="its key was destroyed"):
        await vault.open(sealed)
    assert await vault.open(kept) == "kept"


async def test_another_master_key_opens_nothing(keys: MemorySecretKeyStore, vault: Vault) -> None:
    sealed = await vault.seal("wonderland")
    with pytest.raises(SecretLost, match="another master key"):
        await Vault(OTHER, keys).open(sealed)


async def test_a_ciphertext_does_not_open_under_another_secrets_name(vault: Vault) -> None:
    one, other = await vault.seal("one"), await vault.seal("other")
    with pytest.raises(SecretLost):
        await vault.open(replace(one, ciphertext=other.ciphertext))


async def test_a_changed_byte_anywhere_is_noticed(vault: Vault) -> None:
    sealed = await vault.seal("wonderland")
    for place in range(len(sealed.ciphertext)):
        damaged = bytearray(sealed.ciphertext)
        damaged[place] ^= 1
        with pytest.raises(SecretLost):
            await vault.open(replace(sealed, ciphertext=bytes(damaged)))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_has_its_length(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(bytes(size), MemorySecretKeyStore())


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_derived_secrets_are_equal_just_where_purpose_and_command_are(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    vault = Vault(MASTER, MemorySecretKeyStore())
    try:
        derived = vault.derived(*one), vault.derived(*other)
    except UnicodeEncodeError:
        return  # a lone surrogate is in no command's id
    if "\0" not in one[0] + other[0]:  # no purpose has one
        assert (derived[0] == derived[1]) == (one == other)
    assert len(derived[0]) == 43


def test_controllers_derive_alike_only_with_the_same_master_key() -> None:
    here, there = (Vault(MASTER, MemorySecretKeyStore()) for _ in range(2))
    assert here.derived("token", "c") == there.derived("token", "c")
    assert here.derived("token", "c") != Vault(OTHER, MemorySecretKeyStore()).derived("token", "c")


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {fresh_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}
    assert hash_of("a") != hash_of("b")


async def test_all_controllers_sign_with_the_one_key_that_the_first_made(
    keys: MemorySecretKeyStore,
) -> None:
    made = await asyncio.gather(*(Vault(MASTER, keys).signing_key() for _ in range(5)))
    assert len({each.private_bytes_raw() for each in made}) == 1
    assert await keys.get(SIGNING_KEY) is not None
    assert made[0].private_bytes_raw() not in (await keys.get(SIGNING_KEY) or b"")


async def test_who_loses_the_race_takes_the_winners_signing_key(
    keys: MemorySecretKeyStore, vault: Vault
) -> None:
    class Late(MemorySecretKeyStore):
        """Somebody puts theirs between our look and our put."""

        async def get(self, secret_id: str) -> bytes | None:
            found = await keys.get(secret_id)
            await Vault(MASTER, keys).signing_key()
            return found

        async def put(self, secret_id: str, wrapped: bytes) -> None:
            await keys.put(secret_id, wrapped)

    ours = await Vault(MASTER, Late()).signing_key()
    assert ours.private_bytes_raw() == (await vault.signing_key()).private_bytes_raw()


async def test_a_signing_key_needs_its_master_key(vault: Vault, keys: MemorySecretKeyStore) -> None:
    await vault.signing_key()
    with pytest.raises(SecretLost, match="another master key"):
        await Vault(OTHER, keys).signing_key()


async def test_no_secret_of_a_log_can_take_the_signing_key_with_it(vault: Vault) -> None:
    before = await vault.signing_key()
    await vault.destroy(SealedSecret(secret_id=SIGNING_KEY, ciphertext=b""))
    assert (await vault.signing_key()).private_bytes_raw() == before.private_bytes_raw()
