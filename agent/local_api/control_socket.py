"""A microservice's control socket: it hears that there is something new to read. Loaded with
`http.py`.

One byte says of what. It is the state that counts, not the moment: what a microservice has not read
yet is said, however long ago it came, at each new connection again; and what it has read meanwhile
is not.
"""

import asyncio

from agent.local_api.frames import IoSocket
from agent.local_api.node_state import NodeState
from agent.local_api.unacknowledged import AGAIN_AFTER, TIMES
from routing.iomessage import ACK, NEW_CONFIG, NEW_EDGE_RESOURCES


class ControlSocket:
    """One that is open, of one microservice."""

    def __init__(self, socket: IoSocket, state: NodeState, microservice_id: str) -> None:
        self._socket = socket
        self._state = state
        self._microservice_id = microservice_id
        self._said: dict[int, tuple[bytes, int, float]] = {}
        """By signal: of which version, how often, and when last. SDKs that do not know a signal
        are silent."""

    async def run(self) -> None:
        """Until either side leaves. Errors: ConnectionError."""
        async with asyncio.TaskGroup() as tasks:
            signals = tasks.create_task(self._signal())
            async for frame in self._socket.frames():
                if frame[0] == ACK:
                    self._heard()
            signals.cancel()

    def _heard(self) -> None:
        """It does not say of which; what was said before has been read before."""
        for signal, (version, _, _) in self._said.items():
            if signal == NEW_CONFIG:
                self._state.saw_config(self._microservice_id, version)
            else:
                self._state.saw_resources(self._microservice_id, version)

    async def _signal(self) -> None:
        state, me = self._state, self._microservice_id
        while True:
            if state.has_new_config(me):
                await self._say(NEW_CONFIG, state.config_version(me))
            if state.has_new_resources(me):
                await self._say(NEW_EDGE_RESOURCES, state.resources_version())
            try:
                # A moment later than due: timers may fire early.
                async with asyncio.timeout(AGAIN_AFTER + 0.01):
                    await state.news()
            except TimeoutError:
                continue

    async def _say(self, signal: int, version: bytes) -> None:
        now = self._state.clock()
        said, times, at = self._said.get(signal, (b"", 0, now))
        if said != version:
            times = 0
        elif times >= TIMES or now - at < AGAIN_AFTER:
            return
        self._said[signal] = version, times + 1, now
        await self._socket.send(bytes([signal]))
