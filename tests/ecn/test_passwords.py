"""Passwords: hashed, checked, and guessed at only slowly."""

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher

from ecn.errors import Invalid, TooMany
from ecn.passwords import FAILURES, Passwords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    hashed = await passwords.hash("wonderland")
    assert hashed.startswith("$argon2id$")
    assert "wonderland" not in hashed
    assert await passwords.matches("anna", "wonderland", hashed)
    assert not await passwords.matches("anna", "Wonderland", hashed)
    assert not await passwords.matches("anna", "", hashed)
    assert await passwords.hash("wonderland") != hashed


async def test_a_hash_costs_what_owasp_asks_for_at_least() -> None:
    hashed = await Passwords().hash("wonderland")
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in hashed


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
async def test_a_password_has_a_length(passwords: Passwords, password: str) -> None:
    with pytest.raises(Invalid) as refused:
        await passwords.hash(password)
    assert refused.value.field == "$.password"


@pytest.mark.parametrize("stored", [None, "none", "", "$argon2id$broken"])
async def test_what_is_no_hash_never_matches(passwords: Passwords, stored: str | None) -> None:
    assert not await passwords.matches("anna", "nobody", stored)


async def test_the_decoy_of_unknown_names_lets_nobody_in(passwords: Passwords) -> None:
    assert not await passwords.matches("unknown", "nobody", None)


async def test_after_too_many_failures_even_the_right_one_has_to_wait(
    passwords: Passwords,
) -> None:
    hashed = await passwords.hash("wonderland")
    for _ in range(FAILURES):
        assert not await passwords.matches("anna", "wrong", hashed)
    with pytest.raises(TooMany) as refused:
        await passwords.matches("anna", "wonderland", hashed)
    assert refused.value.retry_after > 0
    assert await passwords.matches("berta", "wonderland", hashed)


async def test_a_success_forgives(passwords: Passwords) -> None:
    hashed = await passwords.hash("wonderland")
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert not await passwords.matches("anna", "wrong", hashed)
        assert await passwords.matches("anna", "wonderland", hashed)


async def test_the_wait_ends(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecn.passwords.WINDOW", 0.05)
    hashed = await passwords.hash("wonderland")
    for _ in range(FAILURES):
        await passwords.matches("anna", "wrong", hashed)
    await asyncio.sleep(0.1)
    assert await passwords.matches("anna", "wonderland", hashed)


async def test_guesses_sent_all_at_once_are_counted_too(passwords: Passwords) -> None:
    hashed = await passwords.hash("wonderland")
    guesses = [passwords.matches("anna", f"wrong-{number}", hashed) for number in range(100)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    tried = [answer for answer in answers if answer is False]
    assert len(tried) <= FAILURES + 1
    assert all(isinstance(answer, TooMany) for answer in answers if answer is not False)


async def test_guessers_who_do_not_wait_count_and_occupy_no_more_threads() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher)
    for number in range(FAILURES):
        guess = asyncio.ensure_future(passwords.matches("anna", f"wrong-{number}", "none"))
        await asyncio.sleep(0.01)
        guess.cancel()
    assert hasher.most_at_once <= 2
    hasher.go_on.set()
    with pytest.raises(TooMany):
        await passwords.matches("anna", "wonderland", "none")


async def test_a_name_of_a_guess_is_not_remembered_at_its_length(passwords: Passwords) -> None:
    await passwords.matches("x" * 1_000_000, "wrong", None)
    assert max(map(len, passwords._failures)) <= 64


class SlowHasher(PasswordHasher):
    """Takes its time over each check, and counts how many it is at."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go_on = threading.Event()
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        """See PasswordHasher."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.go_on.wait(5)
        with self._lock:
            self._at_once -= 1
        return super().verify(hash, password)
