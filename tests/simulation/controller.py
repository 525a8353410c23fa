"""A controller and the way to it, in memory, for months of faked time.

It answers as the real one does: differences of the desired state, and each numbered word once. The
way to it can be cut for months, lose questions, lose answers, and bring things twice.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

from agent.contract import (
    ContainerReport,
    ContainerState,
    ContainerStatus,
    DesiredState,
    Microservice,
    Report,
    ReportAnswer,
)
from agent.errors import ControllerUnreachable
from agent.link.controller_client import ControllerClient


def told_again(statuses: Sequence[ContainerStatus]) -> list[tuple[ContainerState, int | None]]:
    """Transitions one by one, also those that are told as rounds."""
    found: list[tuple[ContainerState, int | None]] = []
    for s in statuses:
        found.append((s.state, s.exit_code))
        for _ in range(s.repeats - 1):
            found += [*((p.state, p.exit_code) for p in s.between), (s.state, s.exit_code)]
    return found


class Controller:
    """One node's part of it."""

    def __init__(self) -> None:
        self.revision = 0
        self.items: dict[str, Microservice] = {}
        self.log: list[ContainerReport] = []
        self.accepted_through = 0
        self.questions: list[int | None] = []
        self.brought: list[tuple[int, list[str]]] = []
        """Of each answer with a state: since when, and which microservices it brought."""
        self._changed = asyncio.Event()

    def wants(self, *microservices: Microservice) -> None:
        """From now on; each must be of the next revision if it is another one."""
        self.revision += 1
        self.items = {m.microservice_id: m for m in microservices}
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, m: str) -> list[ContainerStatus]:
        """What it was told of that one."""
        return [each.status for each in self.log if each.microservice_id == m]

    async def state(self, since: int | None, wait: float) -> DesiredState | None:
        """As `GET desired-state`."""
        self.questions.append(since)
        have = since or 0
        if have == self.revision:
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                return None
        changed = [m for m in self.items.values() if m.revision > have]
        self.brought.append((have, sorted(m.microservice_id for m in changed)))
        return DesiredState(
            revision=self.revision,
            since=have,
            changed=changed,
            all_microservices=sorted(self.items),
        )

    def report(self, said: Report) -> ReportAnswer:
        """As `POST report`: what has a number that was had is told again, and known."""
        for each in said.containers:
            if each.sequence > self.accepted_through:
                self.log.append(each)
                self.accepted_through = each.sequence
        return ReportAnswer(accepted_through=self.accepted_through)


class Way(ControllerClient):
    """The agent's client, without a network. `chance` decides what is lost."""

    def __init__(self, controller: Controller, chance: random.Random | None = None) -> None:
        # Not the parent's: it would open a session.
        self.controller = controller
        self.up = True
        self.chance = chance
        self._late: list[Report] = []

    async def desired_state(self, since: int | None, wait: float) -> DesiredState | None:
        """See ControllerClient."""
        self._way_there()
        answer = await self.controller.state(since, wait)
        self._way_back()
        return answer

    async def report(self, document: Report, *, within: float = 20.0) -> ReportAnswer:
        """See ControllerClient. A copy of a report may arrive much later, once more."""
        self._way_there()
        if self.chance is not None and self.chance.random() < 0.1:
            self._late.append(document)
        answer = self.controller.report(document)
        if self._late and self.chance is not None and self.chance.random() < 0.2:
            self.controller.report(self._late.pop(0))
        await asyncio.sleep(0.01)
        self._way_back()
        return answer

    async def stream(self, request_id: str, pieces: AsyncIterator[bytes]) -> None:
        """Nobody asks for any."""

    def _way_there(self) -> None:
        if not self.up or (self.chance is not None and self.chance.random() < 0.2):
            raise ControllerUnreachable("the way is cut: no question arrives")

    def _way_back(self) -> None:
        if not self.up or (self.chance is not None and self.chance.random() < 0.2):
            raise ControllerUnreachable("the way is cut: no answer arrives")
