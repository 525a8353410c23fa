"""Where a device is: at once on the device, seldom at the controller."""

import asyncio

import pytest

from agent.contract import SettingsChange
from agent.errors import ControllerUnreachable
from agent.local_api import position
from agent.local_api.position import Coordinates, Position
from tests.agent.waiting import until_true


class Controller:
    def __init__(self) -> None:
        self.told: list[tuple[object, object]] = []
        self.away = False

    async def change(self, change: SettingsChange) -> None:
        if self.away:
            raise ControllerUnreachable("away")
        self.told.append((change.latitude, change.longitude))


async def test_the_controller_hears_of_the_last_place_and_not_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(position, "TOLD_EVERY", 0.2)
    where, controller = Position(), Controller()
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(where.tell(controller.change))
        for step in range(50):
            where.measured(Coordinates(1.0, float(step)))
            await asyncio.sleep(0.002)
        await until_true(lambda: (1.0, 49.0) in controller.told)
        assert len(controller.told) <= 3
        telling.cancel()


async def test_a_controller_that_is_away_hears_of_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position, "TOLD_EVERY", 0.05)
    where, controller = Position(), Controller()
    controller.away = True
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(where.tell(controller.change))
        where.measured(Coordinates(1.0, 2.0))
        await asyncio.sleep(0.12)
        assert where.now == Coordinates(1.0, 2.0)
        controller.away = False
        await until_true(lambda: controller.told == [(1.0, 2.0)])
        telling.cancel()


async def test_what_comes_back_from_the_controller_is_no_news() -> None:
    where, controller = Position(), Controller()
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(where.tell(controller.change))
        where.measured(Coordinates(1.0, 2.0))
        await until_true(lambda: controller.told == [(1.0, 2.0)])
        where.measured(Coordinates(3.0, 4.0))  # it moved on meanwhile
        where.set_by_operators(1.0, 2.0)
        assert where.now == Coordinates(3.0, 4.0)
        where.set_by_operators(7.0, 8.0)
        assert where.now == Coordinates(7.0, 8.0)
        telling.cancel()
