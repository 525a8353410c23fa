"""A device in faked time: a real agent, journal and folder, over an engine in memory.

It can be rebooted, lose its agent, lose its engine, and have its clock set; it keeps a record of
every transition that its agent saw, to be held against what the controller was told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from agent.contract import ContainerStatus, Facts
from agent.lifecycle.control_loop import ControlLoop
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.status import Told
from agent.link.streams import Streams
from agent.link.uplink import Uplink
from agent.local.config_delivery import ConfigDelivery
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity
from tests.agent import faked_time
from tests.agent.builders import NODE
from tests.agent.fake_engine import FakeEngine
from tests.simulation.controller import Way


class SeenJournal(Journal):
    """Also writes down what it took, where no reboot loses it."""

    def __init__(
        self, path: Path, seen: list[tuple[str, ContainerStatus]], on_transition: Callable[[], None]
    ) -> None:
        super().__init__(path, on_transition=on_transition)
        self._seen = seen
        # The real one waits for the disk, which is no part of what is simulated.
        self._database.execute("PRAGMA synchronous = OFF")

    def note(self, microservice_id: str, told: Told) -> bool:
        """See Journal."""
        new = super().note(microservice_id, told)
        if new:
            self._seen.append((microservice_id, told.status))
        return new


class Device:
    """Off until `on`."""

    def __init__(self, path: Path, way: Way, images: frozenset[str]) -> None:
        self.folder = Folder(path)
        self.folder.keep_identity(
            Identity(controller="", credential="hush", node_id=NODE.node_id, name=NODE.name)
        )
        self.way = way
        self.offset = timedelta(0)
        """What is wrong with its clock."""
        self.engine = FakeEngine(images, now=self.now)
        self.seen: list[tuple[str, ContainerStatus]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._journal: Journal | None = None

    def now(self) -> datetime:
        """What its clock shows."""
        return faked_time.now() + self.offset

    def of(self, m: str) -> list[ContainerStatus]:
        """What its agents saw of that one."""
        return [status for each, status in self.seen if each == m]

    def runs(self, m: str) -> list[Container]:
        """Its running containers."""
        return [c for c in self.engine.of(m) if c.state is EngineState.RUNNING]

    @property
    def waiting(self) -> int:
        """Rows that the controller has not accepted."""
        return 0 if self._journal is None else self._journal.waiting()

    @property
    def problem(self) -> str:
        """Why its agent can't write."""
        return "" if self._journal is None else self._journal.problem

    @property
    def held(self) -> int:
        """Transitions that are in its memory only."""
        return 0 if self._journal is None else len(self._journal._held)

    def on(self) -> None:
        """An agent starts, as `run.py` builds it."""
        known = self.folder.desired_state()
        later: list[Callable[[], None]] = []
        journal = SeenJournal(
            self.folder.journal,
            self.seen,
            on_transition=lambda: later[0]() if later else None,
        )
        loop = ControlLoop(
            NODE, self.engine, journal, ConfigDelivery(self.folder.microservices), self.now
        )
        streams = Streams(NODE.node_id, self.engine, self.way)
        uplink = Uplink(
            self.way, self.folder, journal, streams, known, loop.wish, lambda: Facts(cpus=1)
        )
        later.append(uplink.tell)
        if known is not None:
            loop.wish(known)
        self._journal = journal
        new = asyncio.get_running_loop().create_task
        self._tasks = [new(loop.run()), new(uplink.run())]

    async def off(self) -> None:
        """The agent is gone, in the middle of whatever it did."""
        for task in self._tasks:
            task.cancel()
        done, _ = await asyncio.wait(self._tasks)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
        assert self._journal is not None
        self._journal._database.close()  # what is in memory only is lost
        self._journal, self._tasks = None, []

    async def reboot(self) -> None:
        """All ends, and the agent is the first to come back."""
        await self.off()
        self.end_all()
        self.on()

    def end_all(self) -> None:
        """As a power cut, or an engine that stops, does to containers."""
        for kept in list(self.engine._kept.values()):
            if kept.container.state is EngineState.RUNNING:
                self.engine.end(kept.container.container_id, 137)

    async def engine_restarts(self, away: float) -> None:
        """It takes its containers along, and comes back."""
        self.engine.go_down()
        self.end_all()
        await asyncio.sleep(away)
        self.engine.down = False

    def disk(self) -> int:
        """Bytes of its folder, without the reserve."""
        files = [f for f in self.folder.path.rglob("*") if f.is_file()]
        return sum(f.stat().st_size for f in files if not f.name.endswith(".reserve"))
