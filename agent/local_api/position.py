"""Where the device is: as operators said it, or as a microservice of it measured.

A microservice may say it every second, and ask for it with no controller anywhere: so it counts
here at once. The controller hears of it seldom, since it writes down for ever what it is told.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct

from agent.contract import SettingsChange
from agent.errors import AgentError, ControllerRefused

log = structlog.get_logger()

TOLD_EVERY = 300.0
"""Seconds, at the shortest."""


class Coordinates(Struct, frozen=True):
    """Degrees."""

    latitude: float
    longitude: float


class Position:
    """Of one device."""

    def __init__(self) -> None:
        self.now: Coordinates | None = None
        self._by_operators: Coordinates | None = None
        self._told: Coordinates | None = None
        self._measured = asyncio.Event()

    def set_by_operators(self, latitude: float | None, longitude: float | None) -> None:
        """What the controller says. What it heard from here comes back, and is not news."""
        said = (
            Coordinates(latitude, longitude)
            if latitude is not None and longitude is not None
            else None
        )
        if said == self._by_operators:
            return
        self._by_operators = said
        if said is None or said != self._told:
            self.now = said

    def measured(self, coordinates: Coordinates) -> None:
        """A microservice says so."""
        self.now = coordinates
        self._measured.set()

    async def tell(self, change: Callable[[SettingsChange], Awaitable[None]]) -> None:
        """Until cancelled: let the controller know of what was measured."""
        while True:
            await self._measured.wait()
            self._measured.clear()
            latest = self.now
            if latest is None or latest == self._by_operators:
                continue
            self._told = latest
            try:
                await change(SettingsChange(latitude=latest.latitude, longitude=latest.longitude))
            except ControllerRefused as error:
                log.warning("position-not-told", error=str(error))
            except AgentError as error:
                log.warning("position-not-told", error=str(error), again_in=TOLD_EVERY)
                self._measured.set()  # the next one, or this one again
            await asyncio.sleep(TOLD_EVERY)
