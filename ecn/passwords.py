"""Passwords: hashed with Argon2id, off the event loop, and few at once."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ecn.errors import Invalid, TooMany

SHORTEST, LONGEST = 8, 1024
FAILURES, WINDOW = 10, 60.0
"""So many failed logins of one name within so many seconds, and the name has to wait."""

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
"""What a hash costs, as OWASP's Password Storage Cheat Sheet has it for Argon2id. The library's own
choice takes 64 MiB and four cores, and a controller shares a small machine with its database."""

REMEMBERED_NAMES = 10_000
AT_ONCE = 2

T = TypeVar("T")


class Passwords:
    """Makes and checks hashes; each costs about 20 ms of a core, so two run at once at most."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._few = asyncio.Semaphore(AT_ONCE)
        # Threads of its own: a client that leaves frees its turn, but ends no thread.
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._failures: dict[str, deque[float]] = {}
        """By a digest of the name: a name that is guessed may be of any length."""
        # Checked for unknown names, so that the time taken does not tell which names exist.
        self._decoy = self._hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        """Argon2id in its encoded form. Errors: Invalid for one too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters", field="$.password")
        async with self._few:
            return await self._in_thread(lambda: self._hasher.hash(password))

    async def matches(self, name: str, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of that hash; None, for an unknown name, never matches.

        Errors: TooMany when the name failed too often lately, known or not.
        """
        loop = asyncio.get_running_loop()
        stored = self._decoy if password_hash is None else password_hash
        async with self._few:
            # Asked only when it is this one's turn, so that guesses sent all at once count too.
            key = hashlib.sha256(name.encode()).hexdigest()
            failures = self._failures.setdefault(key, deque(maxlen=FAILURES))
            while len(self._failures) > REMEMBERED_NAMES:
                self._failures.pop(next(iter(self._failures)))
            if len(failures) == FAILURES and loop.time() - failures[0] < WINDOW:
                raise TooMany(f"too many failed logins as {name[:64]!r}", retry_after=WINDOW)
            # A failure until it succeeds: who does not wait for the answer has guessed too.
            failures.append(loop.time())
            good = await self._in_thread(lambda: self._check(password, stored))
            if good and password_hash is not None:
                self._failures.pop(key, None)
                return True
        return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _check(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
