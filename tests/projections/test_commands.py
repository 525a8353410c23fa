"""Keyed commands are remembered for a day, by the log's own clock."""

from datetime import timedelta

from events.application import ApplicationStarted, ApplicationStopped
from events.envelope import KnownEvent
from events.ids import CommandId
from projections.commands import scope
from projections.world import World, fold
from tests.builders import EAST, NOW, SHOP, WEST, application, chained, registered

DAY = timedelta(days=1)


def done(world: World, command_id: str, *events: KnownEvent, after: timedelta = DAY * 0) -> World:
    """The world behind a command that was carried out so long after NOW."""
    return fold(world, chained(world.head, *events, now=NOW + after, command_id=command_id))


def test_a_scope_is_what_a_retry_shares() -> None:
    assert scope(CommandId("key-abc-fingerprint")) == "key-abc"


def test_a_keyed_command_is_remembered_with_all_its_events() -> None:
    world = done(World(), "key-a-1", registered(), application())
    row = world.commands["key-a"]
    assert row.command_id == "key-a-1"
    assert row.subject == f"node/{EAST}"
    assert row.events == ("node.registered.v1", "application.created.v1")
    assert row.position == 2


def test_a_command_without_a_key_is_not_remembered() -> None:
    assert len(done(World(), "0123456789abcdef", registered()).commands) == 0


def test_it_is_still_remembered_on_the_day_after() -> None:
    world = done(World(), "key-a-1", registered())
    world = done(world, "key-b-1", registered(WEST), after=DAY + timedelta(hours=11))
    assert set(world.commands) == {"key-a", "key-b"}


def test_it_is_forgotten_at_the_next_keyed_command_two_days_later() -> None:
    world = done(World(), "key-a-1", registered())
    world = done(world, "plain", application(), after=2 * DAY)
    assert set(world.commands) == {"key-a"}
    world = done(world, "key-b-1", registered(WEST), after=2 * DAY)
    assert set(world.commands) == {"key-b"}


def test_many_days_are_forgotten_at_once() -> None:
    world = done(World(), "plain", application())
    for day in range(2):
        world = done(
            world, f"key-{day}-1", ApplicationStopped(application_id=SHOP), after=DAY * day
        )
    world = done(world, "key-z-1", ApplicationStarted(application_id=SHOP), after=DAY * 9)
    assert set(world.commands) == {"key-z"}


def test_an_old_key_may_serve_a_new_request_once_it_is_forgotten() -> None:
    world = done(World(), "key-a-1", registered())
    world = done(world, "key-a-2", registered(WEST), after=3 * DAY)
    assert world.commands["key-a"].command_id == "key-a-2"
    assert world.commands["key-a"].events == ("node.registered.v1",)
