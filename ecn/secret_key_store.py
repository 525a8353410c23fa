"""The keys of the secrets that the log holds sealed: wrapped, outside the log, destructible.

`PostgresSecretKeyStore` is the real one; both pass tests/contracts/test_secret_key_store.py.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct


class WrappedKey(Struct, frozen=True, kw_only=True):
    """The key of one secret, as it is kept."""

    secret_id: str
    wrapped: bytes
    master_key_id: str
    """Of the key that it is wrapped under; empty from a controller that kept no ids yet."""


class SecretKeyTaken(Exception):
    """Another key is kept under that id; putting this one would destroy a secret."""

    def __init__(self, secret_id: str) -> None:
        super().__init__(f"there is another key for secret {secret_id} already")
        self.secret_id = secret_id


class SecretKeyStore(Protocol):
    """Wrapped keys by the id of their secret. All of it raises StoreUnavailable, too."""

    async def put(self, key: WrappedKey) -> None:
        """Keep it, for good once this returns. The same key again changes nothing.

        Errors: SecretKeyTaken.
        """
        ...

    async def get(self, secret_id: str) -> WrappedKey | None:
        """The key, or None if it was destroyed or never there."""
        ...

    async def destroy(self, secret_ids: Collection[str]) -> None:
        """Remove them; nothing to do for those that are gone."""
        ...

    async def kept(self, secret_ids: Collection[str]) -> frozenset[str]:
        """Those of these that are there."""
        ...

    async def stored_before(self, age: timedelta, *, after: str, limit: int) -> Sequence[str]:
        """Ids of keys that were first put at least so long ago by the store's own clock.

        A page, ascending: those behind `after`.
        """
        ...

    async def by_master_key(self) -> Mapping[str, int]:
        """How many keys are wrapped under each master key."""
        ...

    async def not_under(
        self, master_key_id: str, *, after: str, limit: int
    ) -> Sequence[WrappedKey]:
        """Keys wrapped under any other master key. A page, ascending: those behind `after`."""
        ...

    async def rewrap(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """Replace each (old, new), unless it is not as `old` any more: how many were replaced.

        All or none of them, should it fail. What was put when stays as it is.
        """
        ...

    async def destroy_under(self, master_key_id: str) -> int:
        """Remove all that are wrapped under that master key: how many there were."""
        ...


class MemorySecretKeyStore:
    """The store of tests. clock: tells when keys are put."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._keys: dict[str, WrappedKey] = {}
        self._put_at: dict[str, datetime] = {}

    async def put(self, key: WrappedKey) -> None:
        """See SecretKeyStore."""
        if self._keys.setdefault(key.secret_id, key) != key:
            raise SecretKeyTaken(key.secret_id)
        self._put_at.setdefault(key.secret_id, self._clock())

    async def get(self, secret_id: str) -> WrappedKey | None:
        """See SecretKeyStore."""
        return self._keys.get(secret_id)

    async def destroy(self, secret_ids: Collection[str]) -> None:
        """See SecretKeyStore."""
        for secret_id in secret_ids:
            self._keys.pop(secret_id, None)
            self._put_at.pop(secret_id, None)

    async def kept(self, secret_ids: Collection[str]) -> frozenset[str]:
        """See SecretKeyStore."""
        return frozenset(secret_ids) & self._keys.keys()

    async def stored_before(self, age: timedelta, *, after: str, limit: int) -> Sequence[str]:
        """See SecretKeyStore."""
        until = self._clock() - age
        return [each for each in self._behind(after) if self._put_at[each] <= until][:limit]

    async def by_master_key(self) -> Mapping[str, int]:
        """See SecretKeyStore."""
        return Counter(key.master_key_id for key in self._keys.values())

    async def not_under(
        self, master_key_id: str, *, after: str, limit: int
    ) -> Sequence[WrappedKey]:
        """See SecretKeyStore."""
        behind = (self._keys[each] for each in self._behind(after))
        return [key for key in behind if key.master_key_id != master_key_id][:limit]

    async def rewrap(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """See SecretKeyStore."""
        found = {old.secret_id: new for old, new in keys if self._keys.get(old.secret_id) == old}
        self._keys.update(found)
        return len(found)

    async def destroy_under(self, master_key_id: str) -> int:
        """See SecretKeyStore."""
        under = [each for each, key in self._keys.items() if key.master_key_id == master_key_id]
        await self.destroy(under)
        return len(under)

    def _behind(self, after: str) -> list[str]:
        return sorted(each for each in self._keys if each > after)
