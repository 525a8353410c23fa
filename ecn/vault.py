"""Secrets, sealed for the log and opened for those who need them.

Each secret has a key of its own, wrapped by the master key and kept outside the log. Destroying
it destroys the secret in every copy of the log. The master key is in the data folder (0600) or
given by `ECN_MASTER_KEY_FILE`; several controllers of one network share it.
"""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecn.secret_key_store import SecretKeyStore, SecretKeyTaken
from events.catalog import SealedSecret
from events.ids import new_id

KEY_BYTES = 32
NONCE_BYTES = 12

SIGNING_KEY = "log-signing-key"
"""Where the key that signs checkpoints of the log is kept. No secret's id looks like that."""


class SecretLost(Exception):
    """A sealed secret can't be opened: its key is destroyed, or the master key is another one."""

    def __init__(self, secret_id: str, why: str) -> None:
        super().__init__(f"secret {secret_id} can't be opened: {why}")
        self.secret_id = secret_id


class Vault:
    """AES-256-GCM both ways; the secret's id is authenticated with each ciphertext."""

    def __init__(self, master_key: bytes, keys: SecretKeyStore) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(master_key)}")
        self._master = master_key
        self._keys = keys

    async def seal(self, secret: str) -> SealedSecret:
        """Seal a secret under a fresh key, which is stored before this returns."""
        secret_id = new_id()
        key = AESGCM.generate_key(KEY_BYTES * 8)
        await self._keys.put(secret_id, _encrypt(self._master, key, secret_id))
        return SealedSecret(
            secret_id=secret_id, ciphertext=_encrypt(key, secret.encode(), secret_id)
        )

    async def open(self, sealed: SealedSecret) -> str:
        """The secret. Errors: SecretLost."""
        wrapped = await self._keys.get(sealed.secret_id)
        if wrapped is None:
            raise SecretLost(sealed.secret_id, "its key was destroyed")
        try:
            key = _decrypt(self._master, wrapped, sealed.secret_id)
            return _decrypt(key, sealed.ciphertext, sealed.secret_id).decode()
        except InvalidTag as e:
            raise SecretLost(sealed.secret_id, "it was sealed under another master key") from e

    async def destroy(self, sealed: SealedSecret) -> None:
        """Destroy the secret's key, and so the secret."""
        if sealed.secret_id == SIGNING_KEY:
            return  # no secret of ours has that id; an imported log may say so
        await self._keys.destroy(sealed.secret_id)

    async def signing_key(self) -> Ed25519PrivateKey:
        """The network's key for signing checkpoints of its log: made once, for all controllers.

        Errors: SecretLost when it was made under another master key; StoreUnavailable.
        """
        wrapped = await self._keys.get(SIGNING_KEY)
        if wrapped is None:
            made = _encrypt(self._master, os.urandom(KEY_BYTES), SIGNING_KEY)
            try:
                await self._keys.put(SIGNING_KEY, made)
                wrapped = made
            except SecretKeyTaken:
                # Another controller was faster: its key is the network's.
                wrapped = await self._keys.get(SIGNING_KEY)
        if wrapped is None:
            raise SecretLost(SIGNING_KEY, "its key was destroyed")
        try:
            seed = _decrypt(self._master, wrapped, SIGNING_KEY)
        except InvalidTag as e:
            raise SecretLost(SIGNING_KEY, "it was made under another master key") from e
        return Ed25519PrivateKey.from_private_bytes(seed)

    def derived(self, purpose: str, command_id: str) -> str:
        """A secret that only this network can make, the same for the same command.

        So a retried request is answered with the very token that the first answer carried,
        although nothing but the token's hash was ever kept. 43 characters, 256 bits.
        """
        digest = hmac.digest(self._master, f"{purpose}\0{command_id}".encode(), "sha256")
        return _text(digest)


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


def _encrypt(key: bytes, content: bytes, secret_id: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, secret_id.encode())


def _decrypt(key: bytes, content: bytes, secret_id: str) -> bytes:
    nonce, sealed = content[:NONCE_BYTES], content[NONCE_BYTES:]
    return AESGCM(key).decrypt(nonce, sealed, secret_id.encode())
