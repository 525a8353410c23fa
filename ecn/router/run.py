"""A running interior proxy: builds everything, starts it, and ends it cleanly.

Called by `ecn/cli/router.py`. The order of an end: no port takes connections any more, those that
there are have some seconds to end, the rest is told that the proxy stops.
"""

import asyncio
import resource
import socket
from secrets import token_hex

import structlog

from ecn.api.router_documents import RouterConfiguration, RouterReport
from ecn.router.asking import asking
from ecn.router.gates import Gates
from ecn.router.link import RouterLink
from ecn.router.metrics import RouterLook
from ecn.router.settings import RouterSettings
from routing.metrics.server import serve_always
from routing.proxy.multiplexer import MOST

log = structlog.get_logger()

FILES = 2 * MOST + 256
"""Sockets and all else that may be open."""


async def run(settings: RouterSettings) -> None:
    """Until cancelled. Errors: RouterCannotRun."""
    _allow_files()
    link = RouterLink()
    gates = Gates(link, settings.listen)
    instance, host = token_hex(8), socket.gethostname()[:200]

    def wish(configuration: RouterConfiguration) -> None:
        nodes = frozenset(port.node_id for port in configuration.ports)
        link.wish(configuration.router_id, configuration.broker, nodes)
        gates.wish(configuration.ports)

    def report() -> RouterReport:
        return RouterReport(
            instance=instance,
            host=host,
            state=link.state,
            reason=link.reason[:300],
            node=settings.node,
            listening=list(gates.listening),
            closed=list(gates.closed),
            connections=gates.connections,
            refused=gates.refused,
        )

    stop = asyncio.Event()
    async with asking(settings) as controller:
        gates.on_change = link.on_change = controller.tell
        log.info("interior-proxy-started", controller=settings.server)
        try:
            async with asyncio.TaskGroup() as tasks:
                linked = tasks.create_task(link.run(stop))
                others = [
                    tasks.create_task(gates.run()),
                    tasks.create_task(controller.follow(wish)),
                    tasks.create_task(controller.report(report)),
                ]
                if settings.metrics is not None:
                    # Beside the others: that scrapers can't read ends nothing.
                    look = RouterLook(link, gates)
                    others.append(tasks.create_task(serve_always(*settings.metrics, look)))
                try:
                    await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
                except asyncio.CancelledError:
                    log.info("interior-proxy-stops", connections=gates.connections)
                    await gates.drain(settings.drain)
                    raise
                finally:
                    stop.set()
                    await asyncio.wait([linked], timeout=5)
                    for each in others:
                        each.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


def _allow_files() -> None:
    """As many open files as connections need, as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
