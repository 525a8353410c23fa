"""A network in which something happens each second: devices report, people do and undo."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial

from tests.dashboard.populate import Device, Populated, say, used
from tests.dashboard.scene import Refusal, Scene

EVERY = 1.0
SHARE = 5
"""A device says what it uses each so many rounds."""
LOOK_EVERY = 10
"""Rounds after which it is looked again what there is."""
Act = Callable[[], Awaitable[object]]


async def live(scene: Scene, found: Populated) -> None:
    """Until cancelled. What a visitor made impossible is left out."""
    snapshot = await scene.snapshot()
    acts = itertools.cycle(_acts(scene, found))
    for number in itertools.count(1):
        await asyncio.sleep(EVERY)
        with_usage = found.devices[number % SHARE :: SHARE]
        if number % LOOK_EVERY == 1:
            snapshot = await scene.snapshot()
        await used(scene, with_usage, snapshot, number)
        try:
            await next(acts)()
        except Refusal:
            continue


def _acts(scene: Scene, found: Populated) -> list[Act]:
    first, second = found.devices[:2]
    anna, bert = found.tokens["anna"], found.tokens["bert"]

    def report(device: Device, path: str, state: str, reason: str = "") -> Act:
        return partial(say, scene, device, path, {"state": state, "reason": reason})

    def post(path: str, token: str) -> Act:
        return partial(scene.ask, "POST", path, token=token)

    again = "exited with code 1; the next start is in {} s"
    return [
        report(first, "vision-1/camera-1", "exited", "ended by itself"),
        report(first, "vision-1/camera-1", "starting"),
        report(first, "vision-1/camera-1", "running"),
        post("/microservices/vision-1/detector-1/stop", anna),
        report(first, "vision-1/detector-1", "stopped", "stopped as asked"),
        post("/microservices/vision-1/detector-1/start", bert),
        report(first, "vision-1/detector-1", "starting"),
        report(first, "vision-1/detector-1", "running"),
        report(second, "vision-1/camera-2", "backing-off", again.format(5)),
        partial(scene.silence, second.node_id, second.credential),
        report(second, "vision-1/camera-2", "running"),
        report(first, "shop/payments", "backing-off", again.format(80)),
    ]
