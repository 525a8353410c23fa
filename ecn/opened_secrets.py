"""Secrets that were opened lately, so that agents get theirs also while the database is away.

In memory only, a bounded number. A secret that is destroyed leaves at once where it was destroyed,
and with the next round of secret_keeper.py at every other controller; while the database is away
nothing can be destroyed.
"""

from collections import OrderedDict
from collections.abc import Iterable

from events.catalog import SealedSecret

MOST = 1024
"""Secrets, each of at most 4096 characters."""


class OpenedSecrets:
    """See the module. What was asked for longest ago leaves first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        # The ciphertext stands beside it: under a known id another one is another secret.
        self._opened: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def put(self, sealed: SealedSecret, secret: str) -> None:
        """Keep it for a while."""
        self._opened[sealed.secret_id] = (sealed.ciphertext, secret)
        self._opened.move_to_end(sealed.secret_id)
        while len(self._opened) > self._most:
            self._opened.popitem(last=False)

    def get(self, sealed: SealedSecret) -> str | None:
        """The secret, if it is still kept."""
        ciphertext, secret = self._opened.get(sealed.secret_id, (None, None))
        if ciphertext != sealed.ciphertext:
            return None
        self._opened.move_to_end(sealed.secret_id)
        return secret

    def ids(self) -> frozenset[str]:
        """Of all that are kept."""
        return frozenset(self._opened)

    def forget(self, secret_ids: Iterable[str]) -> None:
        """Let go of these."""
        for secret_id in secret_ids:
            self._opened.pop(secret_id, None)

    def __repr__(self) -> str:
        return f"OpenedSecrets({len(self._opened)})"
