"""What only some controllers say: those that write rows, and those that look after a broker."""

from dataclasses import dataclass
from typing import cast

from ecn.broker.keeper import BrokerKeeper, Health, State
from ecn.metrics.look import ControllerLook
from ecn.metrics.measures import CommandMeasures, RequestMeasures
from ecn.view_writer import ViewWriter
from events.log import MemoryLog
from projections.live import Live
from projections.world import World
from routing.metrics.families import Family
from tests.builders import NOW


@dataclass
class Writes:
    """A writer of rows."""

    position: int | None


@dataclass
class Keeps:
    """A keeper of a broker."""

    health: Health


def by_name(families: list[Family]) -> dict[str, Family]:
    return {each.name: each for each in families}


async def told(**parts: object) -> dict[str, Family]:
    live = Live(MemoryLog(), World())
    one = ControllerLook(live, RequestMeasures(), CommandMeasures(), **parts)  # type: ignore[arg-type]
    return by_name(await one())


async def test_who_writes_no_rows_and_keeps_no_broker_says_nothing_of_them() -> None:
    found = await told(views=cast(ViewWriter, Writes(None)))
    assert not {"ecn_views_lag_events", "ecn_interior_router"} & found.keys()


async def test_who_does_says_how_far_behind_and_how_it_is() -> None:
    found = await told(
        views=cast(ViewWriter, Writes(0)),
        broker=cast(BrokerKeeper, Keeps(Health(State.DOWN, "away", NOW))),
    )
    assert found["ecn_views_lag_events"].values == {(): 0}
    values = found["ecn_interior_router"].values
    assert values == {(each.value,): float(each is State.DOWN) for each in State}
