"""Secrets sealed for the log, opened for those who need them, and forgotten for good."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.errors import AnswerLost
from ecn.master_key import Keyring, MasterKey, MasterKeyMissing
from ecn.opened_secrets import OpenedSecrets
from ecn.secret_key_store import MemorySecretKeyStore, WrappedKey
from ecn.vault import SIGNING_KEY, SecretLost, Vault, fresh_token, hash_of
from events.catalog import SealedSecret
from events.log import StoreUnavailable

MASTER, OTHER, THIRD = (MasterKey(bytes([n]) * 32) for n in range(3))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
master_keys = st.binary(min_size=32, max_size=32).map(MasterKey)


def vault_of(keys: MemorySecretKeyStore, *masters: MasterKey) -> Vault:
    """Another controller's: it has opened nothing lately."""
    return Vault(Keyring(masters or (MASTER,)), keys)


@pytest.fixture
def keys() -> MemorySecretKeyStore:
    return MemorySecretKeyStore()


@pytest.fixture
def vault(keys: MemorySecretKeyStore) -> Vault:
    return vault_of(keys)


def flipped(content: bytes, bit: int) -> bytes:
    """With that bit of it, counted round, the other way."""
    bit %= len(content) * 8
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(texts, st.lists(master_keys, min_size=1, max_size=3))
async def test_what_was_sealed_is_opened_again(secret: str, masters: list[MasterKey]) -> None:
    keys = MemorySecretKeyStore()
    vault = vault_of(keys, *masters)
    sealed = await vault.seal(secret)
    assert await vault.open(sealed) == secret
    assert await vault.open(sealed, lately=False) == secret
    # Whichever of its keys is current at the other.
    assert await vault_of(keys, *masters[::-1]).open(sealed) == secret


@given(texts, master_keys, master_keys)
async def test_no_other_master_key_opens_it(
    secret: str, master: MasterKey, other: MasterKey
) -> None:
    keys = MemorySecretKeyStore()
    sealed = await vault_of(keys, master).seal(secret)
    if other.secret == master.secret:
        return
    with pytest.raises(MasterKeyMissing, match=master.id):
        await vault_of(keys, other).open(sealed)
    # Nor under the name of the right one.
    kept = keys._keys[sealed.secret_id]
    keys._keys[sealed.secret_id] = replace(kept, master_key_id=other.id)
    with pytest.raises(SecretLost):
        await vault_of(keys, other).open(sealed)


@given(texts, st.integers(min_value=0), st.sampled_from(["ciphertext", "wrapped"]))
async def test_any_flipped_bit_is_noticed(secret: str, bit: int, where: str) -> None:
    keys = MemorySecretKeyStore()
    sealed = await vault_of(keys).seal(secret)
    if where == "ciphertext":
        sealed = replace(sealed, ciphertext=flipped(sealed.ciphertext, bit))
    else:
        kept = keys._keys[sealed.secret_id]
        keys._keys[sealed.secret_id] = replace(kept, wrapped=flipped(kept.wrapped, bit))
    with pytest.raises(SecretLost):
        await vault_of(keys).open(sealed)


@given(texts, texts, st.sampled_from(["ciphertext", "wrapped", "both"]))
async def test_nothing_opens_under_another_secrets_id(one: str, other: str, swapped: str) -> None:
    keys = MemorySecretKeyStore()
    vault = vault_of(keys)
    a, b = await vault.seal(one), await vault.seal(other)
    if swapped != "wrapped":
        a, b = replace(a, ciphertext=b.ciphertext), replace(b, ciphertext=a.ciphertext)
    if swapped != "ciphertext":
        kept = keys._keys
        kept[a.secret_id], kept[b.secret_id] = (
            replace(kept[a.secret_id], wrapped=kept[b.secret_id].wrapped),
            replace(kept[b.secret_id], wrapped=kept[a.secret_id].wrapped),
        )
    for each in (a, b):
        with pytest.raises(SecretLost):
            await vault_of(keys).open(each)
        with pytest.raises(SecretLost):  # nor at the one that knows them
            await vault.open(each, lately=False)


@given(texts, st.integers(min_value=0))
async def test_what_was_cut_off_is_refused(secret: str, left: int) -> None:
    keys = MemorySecretKeyStore()
    sealed = await vault_of(keys).seal(secret)
    left %= len(sealed.ciphertext)
    with pytest.raises(SecretLost):
        await vault_of(keys).open(replace(sealed, ciphertext=sealed.ciphertext[:left]))


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


async def test_what_another_controller_destroyed_is_forgotten_here_at_the_next_look(
    vault: Vault, keys: MemorySecretKeyStore
) -> None:
    gone, kept = await vault.seal("gone"), await vault.seal("kept")
    await vault_of(keys).destroy(gone)
    await vault.forget_destroyed()
    assert vault._opened.ids() == {kept.secret_id}
    with pytest.raises(SecretLost, match="its key was destroyed"):
        await vault.open(gone)


async def test_what_was_opened_lately_is_known_while_the_store_is_away(
    vault: Vault, keys: MemorySecretKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = await vault_of(keys).seal("wonderland")
    assert await vault.open(sealed) == "wonderland"

    async def away(secret_id: str) -> WrappedKey | None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(keys, "get", away)
    assert await vault.open(sealed) == "wonderland"
    for look in (vault.open(sealed, lately=False), vault_of(keys).open(sealed)):
        with pytest.raises(StoreUnavailable):
            await look


@given(st.lists(st.integers(0, 5)), st.integers(1, 4))
def test_of_opened_secrets_the_last_few_are_kept(asked: list[int], most: int) -> None:
    opened, last = OpenedSecrets(most), list[int]()
    for number in asked:
        sealed = SealedSecret(secret_id=str(number), ciphertext=b"%d" % number)
        known = opened.get(sealed)
        assert known == (f"secret {number}" if number in last[-most:] else None)
        opened.put(sealed, f"secret {number}")
        last = [each for each in last if each != number] + [number]
    assert opened.ids() == {str(number) for number in last[-most:]}
    assert "secret" not in repr(opened)


def test_a_known_id_with_another_ciphertext_is_another_secret() -> None:
    opened = OpenedSecrets()
    opened.put(SealedSecret(secret_id="a", ciphertext=b"1"), "one")
    assert opened.get(SealedSecret(secret_id="a", ciphertext=b"2")) is None


@given(texts, st.permutations([MASTER, OTHER, THIRD]))
async def test_a_key_that_was_wrapped_again_needs_only_the_new_master_key(
    secret: str, masters: Sequence[MasterKey]
) -> None:
    keys = MemorySecretKeyStore()
    old, new, third = masters
    sealed = await vault_of(keys, old).seal(secret)
    kept = keys._keys[sealed.secret_id]
    again = vault_of(keys, new, old).rewrapped(kept)
    assert (again.secret_id, again.master_key_id) == (sealed.secret_id, new.id)
    await keys.rewrap([(kept, again)])
    assert await vault_of(keys, new).open(sealed) == secret
    for other in (old, third):
        with pytest.raises(MasterKeyMissing):
            await vault_of(keys, other).open(sealed)


async def test_a_key_from_before_there_were_ids_opens_under_any_master_key_of_the_file(
    keys: MemorySecretKeyStore, vault: Vault
) -> None:
    sealed = await vault.seal("wonderland")
    old = keys._keys[sealed.secret_id] = replace(keys._keys[sealed.secret_id], master_key_id="")
    later = vault_of(keys, THIRD, OTHER, MASTER)
    await later.check()
    assert await later.open(sealed) == "wonderland"
    assert later.rewrapped(old).master_key_id == THIRD.id
    with pytest.raises(SecretLost):
        await vault_of(keys, OTHER).open(sealed)


async def test_a_controller_with_another_master_key_is_told_at_its_start(
    keys: MemorySecretKeyStore, vault: Vault
) -> None:
    await vault.seal("wonderland")
    before = dict(keys._keys)
    with pytest.raises(MasterKeyMissing, match="--forget-master-key") as told:
        await vault_of(keys, OTHER, THIRD).check()
    assert set(told.value.missing) == {MASTER.id}
    assert told.value.known == (OTHER.id, THIRD.id)
    assert keys._keys == before, "it left nothing that the right one could not open"
    await vault.check()
    await vault_of(keys, OTHER, MASTER).check()


async def test_of_two_that_start_on_an_empty_database_with_different_keys_one_is_told(
    keys: MemorySecretKeyStore,
) -> None:
    looked = asyncio.Barrier(2)

    class Together(MemorySecretKeyStore):
        """Both have seen that there is nothing before either puts something."""

        async def get(self, secret_id: str) -> WrappedKey | None:
            found = await keys.get(secret_id)
            if found is None:
                await looked.wait()
            return found

        async def put(self, key: WrappedKey) -> None:
            await keys.put(key)

    starts = [vault_of(Together(), master).check() for master in (MASTER, OTHER)]
    ends = await asyncio.gather(*starts, return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["MasterKeyMissing", "NoneType"]


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_derived_secrets_are_equal_just_where_purpose_and_command_are(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    vault = vault_of(MemorySecretKeyStore())
    try:
        derived = vault.derived(*one), vault.derived(*other)
    except UnicodeEncodeError:
        return  # a lone surrogate is in no command's id
    if "\0" not in one[0] + other[0]:  # no purpose has one
        assert (derived[0] == derived[1]) == (one == other)
    assert len(derived[0]) == 43


def test_controllers_derive_alike_only_with_the_same_master_key() -> None:
    here, there, other = (
        vault_of(MemorySecretKeyStore(), master) for master in (MASTER, MASTER, OTHER)
    )
    assert here.derived("token", "c") == there.derived("token", "c")
    assert here.derived("token", "c") != other.derived("token", "c")


@given(st.lists(master_keys, min_size=1, max_size=4, unique_by=lambda key: key.id), st.data())
def test_what_was_derived_is_derived_again_while_its_master_key_is_in_the_file(
    masters: list[MasterKey], data: st.DataObject
) -> None:
    then = data.draw(st.sampled_from(masters))
    token = vault_of(MemorySecretKeyStore(), then).derived("token", "c")
    now = vault_of(MemorySecretKeyStore(), *masters)
    assert now.derived_before("token", "c", hash_of(token)) == token
    without = [key for key in masters if key is not then]
    if without:
        with pytest.raises(AnswerLost):
            vault_of(MemorySecretKeyStore(), *without).derived_before("token", "c", hash_of(token))
    with pytest.raises(AnswerLost):
        now.derived_before("token", "another", hash_of(token))


def test_what_a_newer_master_key_derived_is_found_once_the_file_holds_it() -> None:
    file = [MASTER]
    vault = Vault(Keyring(tuple(file), lambda: file), MemorySecretKeyStore())
    token = vault_of(MemorySecretKeyStore(), OTHER).derived("token", "c")
    with pytest.raises(AnswerLost):
        vault.derived_before("token", "c", hash_of(token))
    file.insert(0, OTHER)
    assert vault.derived_before("token", "c", hash_of(token)) == token


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {fresh_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}
    assert hash_of("a") != hash_of("b")


async def test_all_controllers_sign_with_the_one_key_that_the_first_made(
    keys: MemorySecretKeyStore,
) -> None:
    made = await asyncio.gather(*(vault_of(keys).signing_key() for _ in range(5)))
    assert len({each.private_bytes_raw() for each in made}) == 1
    assert made[0].private_bytes_raw() not in keys._keys[SIGNING_KEY].wrapped


async def test_who_loses_the_race_takes_the_winners_signing_key(
    keys: MemorySecretKeyStore, vault: Vault
) -> None:
    class Late(MemorySecretKeyStore):
        """Somebody puts theirs between our look and our put."""

        async def get(self, secret_id: str) -> WrappedKey | None:
            found = await keys.get(secret_id)
            await vault_of(keys).signing_key()
            return found

        async def put(self, key: WrappedKey) -> None:
            await keys.put(key)

    ours = await vault_of(Late()).signing_key()
    assert ours.private_bytes_raw() == (await vault.signing_key()).private_bytes_raw()


async def test_a_signing_key_needs_its_master_key(vault: Vault, keys: MemorySecretKeyStore) -> None:
    await vault.signing_key()
    with pytest.raises(MasterKeyMissing):
        await vault_of(keys, OTHER).signing_key()


async def test_the_signing_key_is_the_same_after_a_rotation(
    vault: Vault, keys: MemorySecretKeyStore
) -> None:
    before = await vault.signing_key()
    kept = keys._keys[SIGNING_KEY]
    await keys.rewrap([(kept, vault_of(keys, OTHER, MASTER).rewrapped(kept))])
    after = await vault_of(keys, OTHER).signing_key()
    assert after.private_bytes_raw() == before.private_bytes_raw()


async def test_no_secret_of_a_log_can_take_the_signing_key_with_it(vault: Vault) -> None:
    before = await vault.signing_key()
    await vault.destroy(SealedSecret(secret_id=SIGNING_KEY, ciphertext=b""))
    assert (await vault.signing_key()).private_bytes_raw() == before.private_bytes_raw()
