"""ioFog's Local API: where it listens, and for whom. Built and started by `run.py`.

On 127.0.0.1, for containers on the device's own network, and at the address that the device has in
the engine's networks, for all others; never at one that leads outside. Level-based: an address that
is missing, or taken by another program, is tried again at each look.

What speaks (`http.py`) is loaded when the first connection comes, as with `local/socket.py`.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from agent.contract import SettingsChange
from agent.errors import EngineError
from agent.lifecycle.engine import ContainerEngine
from agent.local_api.environment import LOOPBACK, PORT
from agent.local_api.node_state import OFF, NodeState
from agent.storage.desired_state import Known

if TYPE_CHECKING:
    from agent.local_api.http import LocalApiHttp

log = structlog.get_logger()

BACKLOG = 128
LOOK_AGAIN = 15.0
"""Seconds."""
LOOK_SOON = 2.0
"""Seconds, while something is missing."""


class LocalApi:
    """Of one node. on_facts: hears of it when `problem` has changed."""

    def __init__(
        self,
        node_id: str,
        engine: ContainerEngine,
        state: NodeState,
        on_facts: Callable[[], None] = lambda: None,
        port: int = PORT,
        change_settings: Callable[[SettingsChange], Awaitable[None]] | None = None,
    ) -> None:
        self._node_id = node_id
        self._engine = engine
        self._state = state
        self._on_facts = on_facts
        self._port = port
        self.change_settings = change_settings
        self._off = True
        self._doors: dict[str, _Door] = {}
        self._http: LocalApiHttp | None = None
        self._wake = asyncio.Event()
        self._problems: dict[str, str] = {}
        self._engine_seen = False
        """Whether it has told of its networks at the last look."""

    @property
    def problem(self) -> str:
        """What keeps microservices from reaching it; empty while nothing does."""
        return "; ".join(self._problems[address] for address in sorted(self._problems))

    @property
    def connections(self) -> int:
        """How many there are at this moment."""
        return 0 if self._http is None else self._http.connections

    @property
    def addresses(self) -> list[str]:
        """Where it listens at this moment."""
        return sorted(self._doors)

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._state.wish(known)
        self._off = known.node.local_api == OFF
        self._wake.set()

    def something_happened(self) -> None:
        """To a container: what was known of addresses counts no more."""
        self._state.callers.something_happened()

    async def run(self) -> None:
        """Until cancelled; whoever is in has to leave then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self.change_settings is not None:
                    tasks.create_task(self._state.position.tell(self.change_settings))
                while True:
                    self._wake.clear()
                    await self._look()
                    with suppress(TimeoutError):
                        whole = self._off or (self._engine_seen and not self._problems)
                        async with asyncio.timeout(LOOK_AGAIN if whole else LOOK_SOON):
                            await self._wake.wait()
        finally:
            for address in list(self._doors):
                self._doors.pop(address).close()
            if self._http is not None:
                await self._http.close()

    async def _look(self) -> None:
        problems: dict[str, str] = {}
        wanted = set() if self._off else {LOOPBACK} | await self._bridged()
        for surplus in self._doors.keys() - wanted:
            self._doors.pop(surplus).close()
            log.info("local-api-closed", address=surplus)
        for address in sorted(wanted - self._doors.keys()):
            try:
                self._doors[address] = _Door(address, self._port, self._wake.set)
                log.info("local-api-opened", address=address, port=self._port)
            except OSError as error:
                problems[address] = (
                    f"the Local API can't listen on {address}:{self._port}: {error.strerror}"
                )
        if self._off and self._http is not None:
            await self._http.close()
        for door in self._doors.values():
            if door.called:
                await door.serve(await self._speaking())
        if problems != self._problems:
            self._problems = problems
            if problems:
                log.error("local-api-incomplete", because=self.problem, again_in=LOOK_SOON)
            self._on_facts()

    async def _bridged(self) -> set[str]:
        """The device's addresses in the engine's networks; as before while the engine is away."""
        try:
            bridges = await self._engine.bridges(self._node_id)
        except EngineError as error:
            log.debug("bridges-not-looked-up", error=str(error))
            self._engine_seen = False
            return self._doors.keys() - {LOOPBACK}
        self._engine_seen = True
        self._state.subnets = tuple(each.subnet for each in bridges if each.subnet)
        default = {each.gateway for each in bridges if each.default}
        return default or {each.gateway for each in bridges}

    async def _speaking(self) -> "LocalApiHttp":
        if self._http is not None:
            return self._http
        # In a thread: it takes longer than the loop may be held up.
        module = await asyncio.to_thread(import_module, "agent.local_api.http")
        self._http = http = module.LocalApiHttp(self._state)
        return http  # type: ignore[no-any-return]  # it came by its name


class _Door:
    """One listening socket. Who stands before it is let in by `serve`."""

    def __init__(self, address: str, port: int, on_call: Callable[[], None]) -> None:
        """Errors: OSError."""
        self.called = False
        self._on_call = on_call
        self._server: asyncio.Server | None = None
        self._listening = _listening(address, port)
        asyncio.get_running_loop().add_reader(self._listening, self._call)

    async def serve(self, http: "LocalApiHttp") -> None:
        """Let in who came, and from then on everybody at once."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                http.entering, sock=self._listening, backlog=BACKLOG
            )

    def close(self) -> None:
        """Nobody gets in any more."""
        asyncio.get_running_loop().remove_reader(self._listening)
        if self._server is not None:
            self._server.close()
        self._listening.close()

    def _call(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self.called = True
        self._on_call()


def _listening(address: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Those who come in have the same: a container that is gone says no good-bye.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
