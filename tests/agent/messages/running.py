"""An edge router that runs, and the small desired states that it goes by."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.contract import NodeConfig, Route
from agent.messages.router import EdgeRouter
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from tests.agent.builders import microservice


def route(
    name: str = "ab",
    source: str = "a",
    destination: str = "b",
    *,
    application: str = "app",
    output: str = "",
    input: str = "",  # noqa: A002 - the field's name
    condition: str = "",
    priority: int | None = None,
    ttl: int | None = None,
    durable: bool = True,
    twin_changes: bool = False,
    here: bool = True,
) -> Route:
    """Its id is its name; to "" is upstream."""
    return Route(
        route_id=name,
        application=application,
        name=name,
        source=source,
        destination=destination,
        output=output,
        input=input,
        condition=condition,
        priority=priority,
        ttl=ttl,
        durable=durable,
        twin_changes=twin_changes,
        here=here and bool(destination),
    )


def known(
    *routes: Route,
    here: tuple[str, ...] = ("a", "b"),
    mib: int = 1024,
    when_full: str = "refuse",
    ttl: int = 604800,
) -> Known:
    """With these microservices on the node."""
    return Known(
        revision=1,
        microservices={each: microservice(each) for each in here},
        routes=list(routes),
        node=NodeConfig(message_store_mib=mib, when_full=when_full, message_ttl=ttl),
    )


@asynccontextmanager
async def running(
    folder: Path, desired: Known | None = None, now: Callable[[], int] | None = None
) -> AsyncIterator[EdgeRouter]:
    """In that folder; ended cleanly. now: milliseconds since 1970; None: the machine's."""
    with Journal(folder / "journal.sqlite") as journal:
        path = folder / "messages.sqlite"
        router = (
            EdgeRouter(path, journal, node="gateway")
            if now is None
            else EdgeRouter(path, journal, node="gateway", now=now)
        )
        router.wish(desired if desired is not None else known(route()))
        task = asyncio.create_task(router.run())
        try:
            yield router
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
