"""What a node's containers use, measured while somebody looks and at no other time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from agent.contract import ContainerUsage, UsageRequest
from agent.errors import ContainerGone
from agent.lifecycle.engine import Container, ContainerEngine, EngineState, Used
from agent.link.streams import newest

FIRST_AFTER = 1.0
"""Seconds between the first two measures: the use of a processor is a difference."""
AT_ONCE = 50
"""Containers that are measured at once."""
SHORTEST = 0.5
LONGEST = 60.0


async def usage(
    engine: ContainerEngine, node_id: str, request: UsageRequest
) -> AsyncIterator[ContainerUsage]:
    """A line for each container, again and again. Errors: EngineError."""
    interval = min(LONGEST, max(SHORTEST, request.interval))
    before: dict[str, Used] = await _measured(engine, await _containers(engine, node_id, request))
    await asyncio.sleep(min(FIRST_AFTER, interval))
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        containers = await _containers(engine, node_id, request)
        now = await _measured(engine, containers)
        for container in containers:
            yield _line(container, before.get(container.container_id), now)
        if request.once:
            return
        before = now
        await asyncio.sleep(max(0.0, interval - (loop.time() - began)))


async def _containers(
    engine: ContainerEngine, node_id: str, request: UsageRequest
) -> list[Container]:
    """One for each microservice."""
    by_microservice: dict[str, list[Container]] = {}
    for each in await engine.containers(node_id):
        if not request.microservice_ids or each.microservice_id in request.microservice_ids:
            by_microservice.setdefault(each.microservice_id, []).append(each)
    chosen = [newest(several) for _, several in sorted(by_microservice.items())]
    return [each for each in chosen if each is not None]


async def _measured(engine: ContainerEngine, containers: list[Container]) -> dict[str, Used]:
    """Of those that run. Side by side: the engine may take a second for each."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def measure(container_id: str) -> Used | None:
        async with slots:
            try:
                return await engine.used(container_id)
            except ContainerGone:
                return None  # between the list and the question

    running = (EngineState.RUNNING, EngineState.PAUSED)
    ids = [each.container_id for each in containers if each.state in running]
    measured = await asyncio.gather(*(measure(each) for each in ids))
    return {key: used for key, used in zip(ids, measured, strict=True) if used is not None}


def _line(container: Container, before: Used | None, now: Mapping[str, Used]) -> ContainerUsage:
    used = now.get(container.container_id)
    line = ContainerUsage(
        microservice_id=container.microservice_id,
        application=container.application,
        name=container.microservice,
        state=container.state.value,
        at=used.at if used is not None else datetime.now(UTC),
    )
    if used is None:
        return line
    return replace(
        line,
        cpu_percent=cpu_percent(before, used),
        memory_bytes=used.memory_bytes,
        memory_limit_bytes=used.memory_limit_bytes,
        received_bytes=used.received_bytes,
        sent_bytes=used.sent_bytes,
        read_bytes=used.read_bytes,
        written_bytes=used.written_bytes,
        processes=used.processes,
    )


def cpu_percent(before: Used | None, now: Used) -> float:
    """Of one core, between the two; 0 where there is nothing to compare with."""
    if before is None or now.at <= before.at:
        return 0.0
    # Less than before: it was started anew in between.
    seconds = max(0.0, now.cpu_seconds - before.cpu_seconds)
    return round(100.0 * seconds / (now.at - before.at).total_seconds(), 1)
