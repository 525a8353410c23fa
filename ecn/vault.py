"""Secrets, sealed for the log and opened for those who need them.

Each secret has a key of its own, wrapped by the master key and kept outside the log. Destroying
it destroys the secret in every copy of the log. Master keys: master_key.py; wrapping again under a
new one, and sweeping what nothing refers to: secret_keeper.py.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecn.errors import AnswerLost
from ecn.master_key import KEY_BYTES, Keyring, MasterKeyMissing
from ecn.opened_secrets import OpenedSecrets
from ecn.secret_key_store import SecretKeyStore, SecretKeyTaken, WrappedKey
from events.catalog import SealedSecret
from events.ids import new_id

NONCE_BYTES = 12

SIGNING_KEY = "log-signing-key"
"""Where the key that signs checkpoints of the log is kept. No secret's id looks like that."""

BROKER_KEY = "broker-password-key"
"""Where that is kept from which the passwords at the interior router are derived."""

OF_THE_NETWORK = frozenset({SIGNING_KEY, BROKER_KEY})
"""Kept as long as the network is there, although no event names them."""


class SecretLost(Exception):
    """A sealed secret can't be opened, now or ever: its key is destroyed, or was changed."""

    def __init__(self, secret_id: str, why: str) -> None:
        super().__init__(f"secret {secret_id} can't be opened: {why}")
        self.secret_id = secret_id


class Vault:
    """AES-256-GCM both ways; the secret's id is authenticated with each ciphertext."""

    def __init__(self, masters: Keyring, keys: SecretKeyStore) -> None:
        self.masters = masters
        self._keys = keys
        self._opened = OpenedSecrets()
        self._broker_key: bytes | None = None

    async def seal(self, secret: str) -> SealedSecret:
        """Seal a secret under a fresh key, which is stored before this returns."""
        secret_id = new_id()
        key = AESGCM.generate_key(KEY_BYTES * 8)
        await self._keys.put(self._wrapped(secret_id, key))
        sealed = SealedSecret(
            secret_id=secret_id, ciphertext=_encrypt(key, secret.encode(), secret_id)
        )
        self._opened.put(sealed, secret)
        return sealed

    async def open(self, sealed: SealedSecret, *, lately: bool = True) -> str:
        """The secret.

        lately: one that was opened lately is known still, also while the store is away. False
        asks the store in any case, whether it can be opened now.
        Errors: SecretLost; MasterKeyMissing, StoreUnavailable.
        """
        known = self._opened.get(sealed) if lately else None
        if known is not None:
            return known
        wrapped = await self._keys.get(sealed.secret_id)
        if wrapped is None:
            raise SecretLost(sealed.secret_id, "its key was destroyed")
        try:
            secret = _decrypt(self._unwrapped(wrapped), sealed.ciphertext, sealed.secret_id)
        except InvalidTag as e:
            raise SecretLost(sealed.secret_id, "it was changed, or is another secret's") from e
        self._opened.put(sealed, secret.decode())
        return secret.decode()

    async def destroy(self, sealed: SealedSecret) -> None:
        """Destroy the secret's key, and so the secret."""
        if sealed.secret_id in OF_THE_NETWORK:
            return  # no secret of ours has such an id; an imported log may say so
        self._opened.forget([sealed.secret_id])
        await self._keys.destroy([sealed.secret_id])

    async def forget_destroyed(self) -> None:
        """Let go of secrets whose keys others have destroyed. Errors: StoreUnavailable."""
        held = self._opened.ids()
        if held:
            self._opened.forget(held - await self._keys.kept(held))

    async def signing_key(self) -> Ed25519PrivateKey:
        """The network's key for signing checkpoints of its log: made once, for all controllers.

        Errors: SecretLost; MasterKeyMissing, StoreUnavailable.
        """
        return Ed25519PrivateKey.from_private_bytes(await self._network_key(SIGNING_KEY))

    async def broker_key(self) -> bytes:
        """What the passwords at the interior router are derived from: made once, as the other.

        Known still while the store is away, once it was asked. Errors: SecretLost;
        MasterKeyMissing, StoreUnavailable.
        """
        if self._broker_key is None:
            self._broker_key = await self._network_key(BROKER_KEY)
        return self._broker_key

    async def _network_key(self, name: str) -> bytes:
        wrapped = await self._keys.get(name)
        if wrapped is None:
            made = self._wrapped(name, os.urandom(KEY_BYTES))
            try:
                await self._keys.put(made)
                wrapped = made
            except SecretKeyTaken:
                # Another controller was faster: its key is the network's.
                wrapped = await self._keys.get(name)
        if wrapped is None:
            raise SecretLost(name, "its key was destroyed")
        return self._unwrapped(wrapped)

    async def check(self) -> None:
        """See that what is kept can be opened, and leave something for the next one to see.

        Errors: MasterKeyMissing, SecretLost, StoreUnavailable.
        """
        kept = await self._keys.by_master_key()
        missing = [each for each in kept if each and self.masters.find(each) is None]
        if missing:
            raise MasterKeyMissing(missing, self.masters.ids)
        # Of two controllers that start on an empty database with different master keys, one comes
        # second here, and is told.
        await self.signing_key()

    async def by_master_key(self) -> Mapping[str, int]:
        """How many keys are wrapped under each master key, by its id. Errors: StoreUnavailable."""
        return await self._keys.by_master_key()

    def rewrapped(self, key: WrappedKey) -> WrappedKey:
        """The same key, wrapped under the current master key.

        Errors: SecretLost, MasterKeyMissing.
        """
        return self._wrapped(key.secret_id, self._unwrapped(key))

    def derived(self, purpose: str, command_id: str) -> str:
        """A secret that only this network can make, the same for the same command.

        So a retried request is answered with the very token that the first answer carried,
        although nothing but the token's hash was ever kept. 43 characters, 256 bits.
        """
        return _derived(self.masters.current.secret, purpose, command_id)

    def derived_before(self, purpose: str, command_id: str, hash_: str) -> str:
        """What `derived` gave when the command was carried out, under whichever master key.

        hash_: `hash_of` it, as the event tells. Errors: AnswerLost.
        """
        for again in (False, True):
            if again and not self.masters.read_again():
                break
            for master in self.masters.all:
                token = _derived(master.secret, purpose, command_id)
                if hmac.compare_digest(hash_of(token), hash_):
                    return token
        raise AnswerLost

    def _wrapped(self, secret_id: str, key: bytes) -> WrappedKey:
        master = self.masters.current
        return WrappedKey(
            secret_id=secret_id,
            wrapped=_encrypt(master.secret, key, secret_id),
            master_key_id=master.id,
        )

    def _unwrapped(self, key: WrappedKey) -> bytes:
        """Errors: SecretLost, MasterKeyMissing."""
        if key.master_key_id:
            master = self.masters.find(key.master_key_id)
            if master is None:
                raise MasterKeyMissing([key.master_key_id], self.masters.ids)
            candidates = [master]
        else:
            candidates = list(self.masters.all)
        for candidate in candidates:
            try:
                return _decrypt(candidate.secret, key.wrapped, key.secret_id)
            except InvalidTag:
                continue
        raise SecretLost(key.secret_id, "its key was changed, or is wrapped under a lost one")


def fresh_token() -> str:
    """A random secret of 256 bits as 43 characters of text."""
    return _text(os.urandom(KEY_BYTES))


def hash_of(token: str) -> str:
    """What is kept of a token. Tokens are random and long: a plain hash is enough at rest.

    token: also one out of a header that is no UTF-8; aiohttp gives such bytes as surrogates.
    """
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _derived(master: bytes, purpose: str, command_id: str) -> str:
    return _text(hmac.digest(master, f"{purpose}\0{command_id}".encode(), "sha256"))


def _encrypt(key: bytes, content: bytes, secret_id: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, secret_id.encode())


def _decrypt(key: bytes, content: bytes, secret_id: str) -> bytes:
    nonce, sealed = content[:NONCE_BYTES], content[NONCE_BYTES:]
    if len(nonce) < NONCE_BYTES:
        raise InvalidTag  # cut off; AESGCM would call it a mistake of ours
    return AESGCM(key).decrypt(nonce, sealed, secret_id.encode())
