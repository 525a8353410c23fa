"""What takes too long is said while it does, and no longer."""

import asyncio

from agent.lifecycle.overruns import Overruns
from tests.agent import faked_time


def test_what_takes_too_long_is_said_while_it_does() -> None:
    async def story() -> None:
        said: list[str] = []
        overruns = Overruns(lambda: said.append(overruns.problem))
        with overruns.watched("a look", 30):
            await asyncio.sleep(29)
            assert overruns.problem == ""
            with overruns.watched("the action create on web", 5):
                await asyncio.sleep(6)
            assert overruns.problem == "a look takes longer than 30 s"
        assert said == [
            "a look takes longer than 30 s",
            "a look takes longer than 30 s; the action create on web takes longer than 5 s",
            "a look takes longer than 30 s",
            "",
        ]

    faked_time.run(story)


def test_what_waits_for_something_with_a_bound_of_its_own_is_not_counted() -> None:
    async def story() -> None:
        overruns = Overruns(lambda: None)
        with overruns.watched("an action", 5) as watch:
            watch.pause()
            await asyncio.sleep(3600)
            assert overruns.problem == ""
            watch.count()
            await asyncio.sleep(6)
            assert overruns.problem == "an action takes longer than 5 s"

    faked_time.run(story)
