"""A quarter of a year without a controller, in seconds.

The agent's own parts run, with their real files; the engine, the controller and the time are
simulated. Looks and attempts that nothing calls for are rarer than in life, or it would take long.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import ContainerSpec
from agent.lifecycle import control_loop
from agent.link import pause
from agent.storage.folding import weight
from tests.agent import faked_time
from tests.agent.builders import microservice, spec
from tests.simulation.controller import Controller, Way, told_again
from tests.simulation.device import Device

DAY = 86_400.0
IMAGES = frozenset({"shop/web:1", "shop/web:2"})
HOURLY, QUIET, BAD, CHANGED = "hourly", "quiet", "bad", "changed"


def made_of(image: str = "shop/web:1") -> ContainerSpec:
    return spec(image)


async def ends(device: Device, m: str, code: int, *, every: float, times: int) -> None:
    """Each so many seconds its container fails, when it runs."""
    for _ in range(times):
        await asyncio.sleep(every)
        for container in device.runs(m):
            device.engine.end(container.container_id, code)


async def misfortunes(device: Device) -> None:
    """Ninety days of them."""
    for day in range(90):
        await asyncio.sleep(DAY / 2)
        match day % 9:
            case 0:
                await device.reboot()
            case 2:
                await device.engine_restarts(20)
            case 4:
                await device.off()  # the agent alone, for an hour
                await asyncio.sleep(3600)
                device.on()
            case 6:
                device.offset += timedelta(days=1 if day % 2 else -1)
            case 8:
                await device.engine_restarts(2 * 3600)
        await asyncio.sleep(DAY / 2)


def test_ninety_days_without_a_controller_and_then_one_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_loop, "SLOW_LOOK", 1800.0)
    monkeypatch.setattr(pause, "LONGEST_WINDOW", 4 * 3600.0)

    async def story() -> None:
        controller = Controller()
        way = Way(controller)
        device = Device(tmp_path / "agent", way, IMAGES)
        names = (HOURLY, QUIET, BAD, CHANGED)
        items = {m: microservice(m, revision=1, of=made_of()) for m in names}
        controller.wants(*items.values())
        device.on()
        await asyncio.sleep(60)
        assert all(len(device.runs(m)) == 1 for m in names)
        containers = {m: device.runs(m)[0].container_id for m in names}
        assert device.engine.count("create") == 4

        way.up = False
        asked = len(controller.questions)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(misfortunes(device))
            tasks.create_task(ends(device, HOURLY, 3, every=3600, times=90 * 24))
            tasks.create_task(ends(device, BAD, 1, every=20, times=3 * 4320))
        await asyncio.sleep(3600)
        assert {m: device.runs(m)[0].container_id for m in names} == containers
        assert len(controller.questions) == asked
        assert device.disk() < 8 * 1024 * 1024
        waited = device.waiting

        controller.wants(
            *(items[m] for m in (HOURLY, QUIET, BAD)),
            replace(items[CHANGED], revision=2, spec=made_of("shop/web:2")),
        )
        way.up = True
        await asyncio.sleep(10 * 3600)

        # One difference, and nothing is made anew but what it changed.
        assert controller.brought[-1] == (1, [CHANGED])
        assert len(controller.brought) == 2
        after = {m: device.runs(m)[0].container_id for m in names}
        assert {m for m in names if after[m] != containers[m]} == {CHANGED}
        assert device.engine.count("create") == 5

        # Everything that was seen was told, once and in its order.
        sequences = [each.sequence for each in controller.log]
        assert sequences == sorted(set(sequences))
        assert device.waiting == 0
        for m in names:
            seen, told = device.of(m), controller.of(m)
            assert told_again(told) == [(s.state, s.exit_code) for s in seen]
            assert sum(weight(s) for s in told) == len(seen)
            assert told[-1] == replace(seen[-1], repeats=told[-1].repeats, since=told[-1].since,
                                       between=told[-1].between)  # fmt: skip
        crashes = [s for s in device.of(HOURLY) if s.exit_code == 3]
        assert len(crashes) > 80 * 24
        # Days of a crash loop are not days of rows.
        assert len(device.of(BAD)) > 1500
        assert waited < len(device.seen) - 1000

    faked_time.run(story)
