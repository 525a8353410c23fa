"""The agent's link to the interior router: one task of `run.py`.

It is there while the desired state names an interior router and something is to be sent or
received: an agent whose messages all stay on it opens no connection and loads nothing for it. Each
way has a connection of its own (`kept_connection.py`), by `sending.py` and `receiving.py`.
"""

import asyncio

import structlog

from agent.contract import Broker
from agent.messages.kept_connection import UP, keep_connected
from agent.messages.receiving import Receiving
from agent.messages.routing import EdgeRouting
from agent.messages.sending import Sending
from agent.storage.desired_state import Known
from routing.amqp_shapes import Access

log = structlog.get_logger()

NONE = "the network has no interior router"
CONNECTING = "connecting to the interior router"


SENDING, RECEIVING, LOOKING = "sending", "receiving", "looking"


class InteriorLink:
    """Of one node."""

    def __init__(self, node_id: str, routing: EdgeRouting) -> None:
        self._node_id = node_id
        self._routing = routing
        self._broker: Broker | None = None
        self._leads_away = False
        """A route leads off the node, or what one stored still waits to leave."""
        self._inboxes: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._problems: dict[str, str] = {}
        """Why a way that is wanted has no connection; UP: it has."""
        self._remarks: dict[str, str] = {}
        """What is wrong although it has."""
        self._told: tuple[str, str] | None = None
        self._receiving = Receiving(routing, lambda remark: self._remark(RECEIVING, remark))
        self._sending = Sending(node_id, routing, lambda remark: self._remark(SENDING, remark))

    @property
    def problem(self) -> str:
        """Why messages do not go or come; empty: they do, or none has to."""
        return self._told[1] if self._told is not None and self._broker is not None else ""

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._broker = known.broker
        self._leads_away = any(not route.here for route in known.routes)
        self._inboxes = tuple(sorted(known.inboxes))
        self._receiving.wish(self._inboxes)
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled; what is in hand then goes back to its place."""
        running: dict[str, tuple[Broker, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                wanted = self._wanted()
                # With another address or password at once, whatever the pause.
                gone = [way for way, (broker, _) in running.items() if wanted.get(way) != broker]
                ended = [running.pop(way)[1] for way in gone]
                for task in ended:
                    task.cancel()
                if ended:
                    await asyncio.wait(ended)
                for way in gone:
                    self._problems.pop(way, None)
                    self._remarks.pop(way, None)
                for way, broker in wanted.items():
                    if way not in running:
                        if way != LOOKING:
                            self._problems[way] = CONNECTING
                        running[way] = broker, tasks.create_task(self._carry(way, broker))
                self._tell()
                await self._changed.wait()

    def _wanted(self) -> dict[str, Broker]:
        if self._broker is None:
            return {}
        wanted = {SENDING if self._leads_away else LOOKING: self._broker}
        if self._inboxes:
            wanted[RECEIVING] = self._broker
        return wanted

    async def _carry(self, way: str, broker: Broker) -> None:
        if way == LOOKING:
            # A route that is gone may have left messages which others still wait for.
            self._routing.give_back_outgoing(await self._routing.next_outgoing(1, 1))
            self._leads_away = True
            self._changed.set()
            return
        access = Access(
            url=broker.url, user=broker.user, password=broker.password, ca_pem=broker.ca_pem
        )
        session = self._sending.run if way == SENDING else self._receiving.run
        await keep_connected(
            access,
            f"ecn-agent {self._node_id} {way}",
            session,
            lambda problem: self._problem(way, problem),
        )

    def _problem(self, way: str, problem: str) -> None:
        self._problems[way] = problem
        if problem != UP:
            self._remarks.pop(way, None)
        self._tell()

    def _remark(self, way: str, remark: str) -> None:
        self._remarks[way] = remark
        self._tell()

    def _tell(self) -> None:
        problem = next((why for why in self._problems.values() if why != UP), "")
        if self._broker is None:
            now = "waiting", NONE
        elif problem:
            now = "waiting", problem
        else:
            now = "up", next((remark for remark in self._remarks.values() if remark), "")
        if now == self._told:
            return
        state, reason = self._told = now
        self._routing.linked(state, reason)
        if state == "up":
            log.info("interior-router-linked", remark=reason)
        elif self._broker is not None and reason != CONNECTING:
            log.warning("interior-router-away", why=reason, messages="are kept")
