"""The link to the controller: what should run comes down it, what happened goes up.

Two tasks and a few streams, started by `run.py`. The link may be down for months: each side tries
again for ever, more and more rarely, and nothing else in the agent waits for it. What is to be
told waits in the journal; what should run is on disk before it is acted on.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from agent.contract import DeviceUsage, Facts, Report, RouteStatus
from agent.device.facts import agent_version
from agent.errors import (
    AgentError,
    ControllerRefused,
    ControllerUnreachable,
    FolderUnusable,
    NodeDeprovisioned,
)
from agent.link.controller_client import ControllerClient
from agent.link.pause import Pause
from agent.link.streams import Streams
from agent.messages.telling import StatusTelling
from agent.storage.desired_state import Known, merged
from agent.storage.journal import TOLD_AT_ONCE, Journal
from agent.storage.outbox import Pending
from agent.storage.store import Folder

log = structlog.get_logger()

HOLD = 30.0
"""Seconds that the controller is asked to hold a question for the desired state."""
SIGN_OF_LIFE = 25.0
"""Seconds between reports when nothing happens, give or take a quarter: agents that were started
together do not report together."""
FIRST_WITHIN = 3.0
"""Seconds after a start in which a device that knows what to run asks for the first time."""
TOGETHER = 2.0
"""Seconds within which one side of the link follows the other, when that has found its way."""
BATCH = TOLD_AT_ONCE
GATHER = 0.02
"""Seconds that a report waits for more to come."""
GOODBYE_WITHIN = 3.0


class Uplink:
    """The link of one node. `facts` reads the device when asked."""

    def __init__(
        self,
        client: ControllerClient,
        folder: Folder,
        journal: Journal,
        streams: Streams,
        known: Known | None,
        wish: Callable[[Known], None],
        facts: Callable[[], Facts],
        usage: Callable[[], DeviceUsage | None] = lambda: None,
        routes: StatusTelling | None = None,
    ) -> None:
        self._client = client
        self._folder = folder
        self._journal = journal
        self._streams = streams
        self._known = known
        self._wish = wish
        self._facts = facts
        self._usage = usage
        self._routes = routes if routes is not None else StatusTelling(list)
        self._told_facts: Facts | None = None
        self._news = asyncio.Event()
        self._last_problem = ""
        self._reached = asyncio.Event()
        self.heard_at: datetime | None = None
        """When the controller last answered, by the device's clock; None since the start."""
        self.deprovisioned = asyncio.Event()
        """Set when the controller withdrew the credential; nothing more is asked then."""

    @property
    def problem(self) -> str:
        """Why the controller does not hear us; empty while it does."""
        return self._last_problem

    def tell(self) -> None:
        """There is something new in the journal, or about the device."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        if self._known is not None:
            # It was at work before: so were its neighbours, whose power came back with its own.
            await asyncio.sleep(_spread(0.0, FIRST_WITHIN))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(tasks))
            tasks.create_task(self._report())

    async def goodbye(self) -> None:
        """The agent stops, its containers run on. Best effort, as it may be the link that broke."""
        if self.deprovisioned.is_set():
            return
        try:
            answer = await self._client.report(
                _report(self._journal.pending(BATCH), goodbye=True),
                within=GOODBYE_WITHIN,
            )
        except AgentError as error:
            log.info("goodbye-not-heard", error=str(error))
        else:
            self._journal.accepted(answer.accepted_through)

    async def _follow(self, tasks: asyncio.TaskGroup) -> None:
        """Learn of each change of the desired state."""
        pause = Pause()
        # An upgraded agent asks for everything: the former one did not keep what it did not know.
        whole = self._known is None or self._known.reader != agent_version()
        clock = asyncio.get_running_loop().time
        while not self.deprovisioned.is_set():
            asked = clock()
            try:
                since = None if whole or self._known is None else self._known.revision
                answer = await self._client.desired_state(since, HOLD)
                if answer is not None:
                    self._streams.open(answer.stream_requests, tasks)
                    known = merged(self._known, answer)
                    if known is None and (whole or answer.since == 0):
                        raise ControllerRefused("the desired state it sent is not complete")
                    whole = known is None
                    if known is not None:
                        self._learn(known)
            except AgentError as error:
                await self._failed(error, pause)
                continue
            self._worked(pause)
            if answer is None and clock() - asked < 1.0:
                # Somebody on the way does not hold questions: do not spin.
                await asyncio.sleep(1.0)

    def _learn(self, known: Known) -> None:
        known = replace(known, reader=agent_version())
        if known == self._known:
            return
        self._known = known
        try:
            self._folder.keep_desired_state(known)
        except FolderUnusable as error:
            # Acted on all the same; after a restart it would be the older one until told again.
            log.error("desired-state-not-kept", error=str(error))
        log.info("desired-state", revision=known.revision, microservices=len(known.microservices))
        self._wish(known)

    async def _report(self) -> None:
        """Tell what happened, at once; and every now and then that we live."""
        pause = Pause()
        while not self.deprovisioned.is_set():
            self._news.clear()
            facts = self._facts()
            pending = self._journal.pending(BATCH)
            routes = self._routes.due()
            report = _report(
                pending,
                facts=None if facts == self._told_facts else facts,
                usage=self._usage(),
                routes=routes,
            )
            try:
                answer = await self._client.report(report)
                if pending.count and answer.accepted_through < pending.first:
                    raise ControllerRefused("it accepts none of our reports")
            except AgentError as error:
                await self._failed(error, pause)
                continue
            self._worked(pause)
            self._told_facts = facts
            if routes is not None:
                self._routes.told(routes)
            kept = True
            if pending.count or answer.accepted_through:
                kept = self._journal.accepted(answer.accepted_through)
            if kept and pending.more:
                continue
            try:
                async with asyncio.timeout(SIGN_OF_LIFE * _spread(0.75, 1.25)):
                    await self._news.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER)

    async def _failed(self, error: AgentError, pause: Pause) -> None:
        if isinstance(error, NodeDeprovisioned):
            log.warning("deprovisioned", error=str(error))
            self.deprovisioned.set()
            return
        seconds = pause.next(error)
        if str(error) != self._last_problem:  # each problem once, not each attempt
            self._last_problem = str(error)
            log.warning("controller-away", error=str(error), containers="are looked after")
        if isinstance(error, ControllerUnreachable) and not error.retry_after:
            try:
                async with asyncio.timeout(seconds):
                    await self._reached.wait()
            except TimeoutError:
                return
            seconds = _spread(0.0, TOGETHER)  # the other side got through: so may this one
        await asyncio.sleep(seconds)

    def _worked(self, pause: Pause) -> None:
        pause.over()
        self._reached.set()
        self._reached.clear()
        self.heard_at = datetime.now(UTC)
        if self._last_problem:
            self._last_problem = ""
            log.info("controller-back")


def _spread(least: float, most: float) -> float:
    return random.uniform(least, most)  # noqa: S311 - nothing secret about it


def _report(
    pending: Pending,
    facts: Facts | None = None,
    usage: DeviceUsage | None = None,
    routes: list[RouteStatus] | None = None,
    *,
    goodbye: bool = False,
) -> Report:
    return Report(
        facts=facts,
        containers=pending.containers,
        twins=pending.twins,
        outcomes=pending.outcomes,
        drops=pending.drops,
        usage=usage,
        routes=routes,
        goodbye=goodbye,
    )
