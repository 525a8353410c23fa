"""The keys of the secrets that the log holds sealed: wrapped, outside the log, destructible.

`PostgresSecretKeyStore` is the real one; both pass tests/contracts/test_secret_key_store.py.
"""

from typing import Protocol


class SecretKeyTaken(Exception):
    """Another key is kept under that id; putting this one would destroy a secret."""

    def __init__(self, secret_id: str) -> None:
        super().__init__(f"there is another key for secret {secret_id} already")
        self.secret_id = secret_id


class SecretKeyStore(Protocol):
    """Wrapped keys by the id of their secret."""

    async def put(self, secret_id: str, wrapped: bytes) -> None:
        """Keep it, for good once this returns. The same key again changes nothing.

        Errors: SecretKeyTaken, StoreUnavailable.
        """
        ...

    async def get(self, secret_id: str) -> bytes | None:
        """The key, or None if it was destroyed or never there. Errors: StoreUnavailable."""
        ...

    async def destroy(self, secret_id: str) -> None:
        """Remove it; nothing to do if it is gone. Errors: StoreUnavailable."""
        ...


class MemorySecretKeyStore:
    """The store of tests."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}

    async def put(self, secret_id: str, wrapped: bytes) -> None:
        """See SecretKeyStore."""
        if self._keys.setdefault(secret_id, wrapped) != wrapped:
            raise SecretKeyTaken(secret_id)

    async def get(self, secret_id: str) -> bytes | None:
        """See SecretKeyStore."""
        return self._keys.get(secret_id)

    async def destroy(self, secret_id: str) -> None:
        """See SecretKeyStore."""
        self._keys.pop(secret_id, None)
