"""Each microservice's own way to its agent: an HTTP server on `/run/ecn/agent.sock`.

One listening socket per microservice, in the directory that only its container sees: to have come
in by it is the identity, so there is neither a credential nor a port, and nothing that another
container could reach. That the directory is mounted read-only hinders nobody: a connection writes
nothing into it. What can be asked is a table (`routes.py`), what is spoken `http.py`.

Level-based, started by `run.py`: sockets that are missing are made at each look, also those that
somebody removed; what an agent before this one left is replaced in one step, by a rename.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agent.errors import EngineError
from agent.lifecycle.carry_out import Node
from agent.local.config_delivery import ConfigDelivery
from agent.local.requests import Local, Routes
from agent.storage.desired_state import Known

if TYPE_CHECKING:
    from agent.local.http import LocalHttp

log = structlog.get_logger()

SOCKET_FILE = "agent.sock"
BACKLOG = 32
LOOK_AGAIN = 60.0
"""Seconds."""


class LocalSockets:
    """The sockets of all microservices of the node."""

    def __init__(self, node: Node, config: ConfigDelivery, routes: Routes) -> None:
        self._node = node
        self._config = config
        self._routes = routes
        self._known: Known | None = None
        self._doors: dict[str, _Door] = {}
        self._locals: dict[str, Local] = {}
        self._wake = asyncio.Event()

    def wish(self, known: Known) -> None:
        """This is the desired state from now on. Those who wait hear of it at once."""
        self._known = known
        for gone in self._locals.keys() - known.microservices.keys():
            del self._locals[gone]
        for microservice_id, microservice in known.microservices.items():
            local = self._locals.get(microservice_id)
            if local is None:
                local = self._locals[microservice_id] = Local(self._node, microservice)
            local.microservice = microservice
            local.edge_resources = known.edge_resources
            local.tell()
        self._wake.set()

    def tell(self, microservice_id: str) -> None:
        """Something else that this microservice's routes show has changed."""
        if microservice_id in self._locals:
            self._locals[microservice_id].tell()

    async def run(self) -> None:
        """Until cancelled; all sockets are closed then."""
        try:
            while True:
                self._wake.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN):
                        await self._wake.wait()
        finally:
            doors, self._doors = list(self._doors.values()), {}
            await asyncio.gather(*(door.close() for door in doors))

    async def _look(self) -> None:
        wanted = dict(self._locals)
        surplus = [m for m, door in self._doors.items() if wanted.get(m) is not door.local]
        for microservice_id in surplus:
            await self._doors.pop(microservice_id).close()
        for microservice_id, local in wanted.items():
            door = self._doors.get(microservice_id)
            if door is not None and door.stands():
                await door.serve()
                continue
            if door is not None:
                await self._doors.pop(microservice_id).close()
            try:
                folder = self._config.directory(microservice_id)
                self._doors[microservice_id] = _Door(folder, local, self._routes, self._wake.set)
            except (OSError, EngineError) as error:
                log.error(
                    "local-socket-not-opened",
                    microservice=local.microservice.name,
                    error=str(error),
                    again_in=LOOK_AGAIN,
                )


class _Door:
    """One listening socket. Who stands before it is let in by `serve`."""

    def __init__(
        self, folder: Path, local: Local, routes: Routes, on_call: Callable[[], None]
    ) -> None:
        """Errors: OSError."""
        self.local = local
        self._routes = routes
        self._path = folder / SOCKET_FILE
        self._on_call = on_call
        self._called = False
        self._server: asyncio.Server | None = None
        self._http: LocalHttp | None = None
        self._listening, self._inode = _listening(folder)
        asyncio.get_running_loop().add_reader(self._listening, self._call)

    def stands(self) -> bool:
        """Whether its file is there still, and no other in its place."""
        try:
            return _is_socket(os.lstat(self._path), self._inode)
        except OSError:
            return False

    async def serve(self) -> None:
        """Let in who came, and from then on everybody at once."""
        if not self._called or self._server is not None:
            return
        # In a thread: it takes longer than the loop may be held up.
        module = await asyncio.to_thread(import_module, "agent.local.http")
        self._http = http = module.LocalHttp(self.local, self._routes)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            http.entering, sock=self._listening, backlog=BACKLOG
        )

    async def close(self) -> None:
        """Nobody gets in any more, and who is in has to leave."""
        asyncio.get_running_loop().remove_reader(self._listening)
        if self._server is not None:
            self._server.close()
        self._listening.close()
        with suppress(OSError):
            if _is_socket(os.lstat(self._path), self._inode):
                self._path.unlink()
        if self._http is not None:
            await self._http.close()

    def _call(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._called = True
        self._on_call()


def _listening(folder: Path) -> tuple[socket.socket, int]:
    """A listening socket in the folder, and its inode. Errors: OSError.

    Bound by way of the folder's descriptor: the path of a socket has 107 bytes at most, and an
    agent's folder may be anywhere. Bound beside and renamed: nobody finds none in between.
    """
    beside = f".{SOCKET_FILE}.new"
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder, flags)
    try:
        with suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=descriptor)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listening.bind(f"/proc/self/fd/{descriptor}/{beside}")
            # A container's user need not be root, and only its container sees the folder.
            os.chmod(beside, 0o666, dir_fd=descriptor)  # noqa: S103
            listening.listen(BACKLOG)
            inode = os.stat(beside, dir_fd=descriptor, follow_symlinks=False).st_ino
            os.replace(beside, SOCKET_FILE, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        except BaseException:
            listening.close()
            raise
    finally:
        os.close(descriptor)
    return listening, inode


def _is_socket(found: os.stat_result, inode: int) -> bool:
    return stat.S_ISSOCK(found.st_mode) and found.st_ino == inode
