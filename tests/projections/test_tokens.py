"""Tokens that speak no more are forgotten: clients that log in for each command leave many."""

from datetime import timedelta

from msgspec.structs import replace

from projections.world import fold
from tests.builders import NOW, chained, token, user, world_after


def test_a_token_is_forgotten_a_day_after_the_day_it_expired_on_when_another_is_issued() -> None:
    old = replace(token(token_id="old"), expires_at=NOW + timedelta(hours=1))
    world = world_after(user(), token(token_id="for ever"), old)
    for days, kept in ((1, True), (2, False)):
        later = chained(world.head, token(token_id="new"), now=NOW + timedelta(days=days))
        assert ("old" in fold(world, later).tokens) is kept
        assert {"new", "for ever"} <= set(fold(world, later).tokens)
