"""Passwords: hashed with Argon2id, off the event loop, and few at once."""

import asyncio
from collections import deque

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ecn.errors import Invalid, TooMany

SHORTEST, LONGEST = 8, 1024
FAILURES, WINDOW = 10, 60.0
"""So many failed logins of one name within so many seconds, and the name has to wait."""

REMEMBERED_NAMES = 10_000


class Passwords:
    """Makes and checks hashes; each costs about 50 ms of a core, so two run at once at most."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._few = asyncio.Semaphore(2)
        self._failures: dict[str, deque[float]] = {}
        # Checked for unknown names, so that the time taken does not tell which names exist.
        self._decoy = self._hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        """Argon2id in its encoded form. Errors: Invalid for one too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters", field="$.password")
        async with self._few:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, name: str, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of that hash; None, for an unknown name, never matches.

        Errors: TooMany when the name failed too often lately, known or not.
        """
        loop = asyncio.get_running_loop()
        stored = self._decoy if password_hash is None else password_hash
        async with self._few:
            # Asked only when it is this one's turn, so that guesses sent all at once count too.
            failures = self._failures.setdefault(name, deque(maxlen=FAILURES))
            if len(failures) == FAILURES and loop.time() - failures[0] < WINDOW:
                raise TooMany(f"too many failed logins as {name!r}", retry_after=WINDOW)
            good = await asyncio.to_thread(self._check, password, stored)
            if good and password_hash is not None:
                self._failures.pop(name, None)
                return True
            failures.append(loop.time())
        while len(self._failures) > REMEMBERED_NAMES:
            self._failures.pop(next(iter(self._failures)))
        return False

    def _check(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
