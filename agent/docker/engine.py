"""The `ContainerEngine` protocol over aiodocker: the one door to Docker.

Each call has a bound of its own; nothing but an `EngineError` comes out. Long streams (pulls,
logs, events) get a client of their own: aiodocker keeps a connection open when the one who reads
it is cancelled, and shares one event stream per client whose first subscriber decides the filters.
Closing that client ends the stream on the engine's side too, so that an abandoned pull stops.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Set
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import aiohttp
import msgspec
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from msgspec.structs import replace

from agent.contract import ContainerOptions, EngineEvent, ExecRequest, Registry
from agent.docker import documents as documents
from agent.docker.errors import ANSWER_WITHIN, asking, unavailable
from agent.docker.images import DockerImages
from agent.docker.log_frames import demultiplexed
from agent.docker.networks import DockerNetworks, suffixed
from agent.docker.options import Present
from agent.docker.usage import HAPPENINGS, Message, Stats, happening, used
from agent.errors import EngineRefused
from agent.lifecycle.engine import (
    HOST_GATEWAY,
    LABEL_NODE,
    STOP_WITHIN,
    Bridge,
    Container,
    EngineFacts,
    Execution,
    NewContainer,
    Used,
)

_MIB = 1024 * 1024

NVIDIA = "/dev/nvidiactl"
"""There as soon as the driver of such GPUs is loaded."""

_EVENTS = ["create", "start", "die", "destroy", "pause", "unpause", "rename", "health_status"]


class DockerEngine:
    """Docker at an address such as `unix:///var/run/docker.sock`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._docker = Docker(url=url)
        self._digests: dict[str, str] = {}
        self._networks = DockerNetworks(self._docker)
        self.images = DockerImages(self._docker, self._client, here=url.startswith("unix:"))
        self._memory = 0
        """Of the machine, in MiB; 0 until somebody asks."""

    async def __aenter__(self) -> "DockerEngine":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._docker.close()

    async def facts(self) -> EngineFacts:
        """Two questions: `/version` and `/info`."""
        async with asking("describe", "itself"):
            version = msgspec.convert(await self._docker.version(), documents.Version)
            info = msgspec.convert(await self._docker.system.info(), documents.Info)
        return EngineFacts(
            version=version.version,
            architecture=info.architecture,
            operating_system=info.operating_system,
            cpus=info.cpus,
            memory_mib=info.memory // (1024 * 1024),
        )

    async def containers(self, node_id: str) -> list[Container]:
        """A list, and an inspection of each (1 ms): the list lacks times, exit code and health."""
        found: list[Container] = []
        images: dict[str, str] = {}
        async with asking("list", "containers"):
            listed = await self._docker.containers.list(
                all=True, filters=_filters(label=[f"{LABEL_NODE}={node_id}"])
            )
            for each in listed:
                try:
                    shown = msgspec.convert(await each.show(), documents.Inspection)
                except DockerError as error:
                    if error.status == 404:
                        continue  # removed between the two questions
                    raise
                images[shown.image] = await self._digest(shown.image)
                container = documents.container(shown, images[shown.image])
                if container is not None:
                    found.append(container)
        self._digests = images  # as many as are in use, no more
        return found

    async def _digest(self, image_id: str) -> str:
        """Asked once per image: it can't change, and asking each time doubles a look's cost."""
        if image_id in self._digests:
            return self._digests[image_id]
        try:
            shown = await self._docker.images.inspect(image_id)
        except DockerError as error:
            if error.status == 404:
                return image_id  # removed by force under its container
            raise
        return documents.image_digest(msgspec.convert(shown, documents.ImageInspection))

    async def events(self, node_id: str) -> AsyncIterator[None]:
        """Yields once when the stream stands, then for each event that can change a plan."""
        async with self._client() as docker:
            async with asking("watch", "containers"):
                await docker.version()  # or a dead engine would show only as silence
            # aiodocker leaves this method untyped.
            subscriber = docker.events.subscribe(  # type: ignore[no-untyped-call]
                filters=_filters(
                    type=["container"], label=[f"{LABEL_NODE}={node_id}"], event=_EVENTS
                ),
            )
            # What happened before the stream stood is seen by the look that this one causes.
            yield
            while await subscriber.get() is not None:
                yield
        raise unavailable(ConnectionError("its event stream ended"))

    async def image_present(self, image: str) -> bool:
        """By tag, digest or id."""
        async with asking("inspect", image):
            try:
                await self._docker.images.inspect(image)
            except DockerError as error:
                if error.status == 404:
                    return False
                raise
        return True

    async def pull(self, image: str, registry: Registry | None) -> None:
        """Without progress; what stands before the engine uses `images`."""
        await self.images.pull(image, registry)

    async def create(self, container: NewContainer) -> str:
        """A taken name gets a suffix; the labels say what the container is, not its name."""
        image = container.spec.image
        network = None
        if not container.spec.host_network:
            network = await self._networks.of(container.node_id, container.application)
        if any(each.address == HOST_GATEWAY for each in container.extra_hosts):
            container = await self._with_gateway(container)
        body = documents.creation(container, network, await self._present(container.spec.options))
        name = container.name
        async with asking("create", image):
            try:
                made = await self._docker.containers.create(body, name=name)
            except DockerError as error:
                if error.status != 409 or "name" not in error.message:
                    raise
                made = await self._docker.containers.create(body, name=suffixed(name))
        return made.id

    async def _with_gateway(self, container: NewContainer) -> NewContainer:
        """An engine without its default network refuses the whole container for that word."""
        bridges = await self._networks.bridges(container.node_id)
        if any(each.default for each in bridges):
            return container
        return replace(
            container,
            extra_hosts=[
                replace(host, address=bridges[0].gateway) if host.address == HOST_GATEWAY else host
                for host in container.extra_hosts
                if bridges or host.address != HOST_GATEWAY
            ],
        )

    async def _present(self, wanted: ContainerOptions) -> Present:
        """What the device has of what is optional: files as the agent sees them."""
        paths = [each.host for each in wanted.devices if each.optional]
        there = await asyncio.to_thread(_existing, [*paths, NVIDIA])
        gpus = False
        if wanted.gpus is not None and wanted.gpus.optional:
            async with asking("describe", "itself"):
                info = msgspec.convert(await self._docker.system.info(), documents.Info)
            # Its tools register this runtime, or only the driver, which nothing tells of.
            gpus = "nvidia" in (info.runtimes or {}) or NVIDIA in there
        return Present(there, gpus)

    async def start(self, container_id: str) -> None:
        """A paused container refuses to be started: it is resumed."""
        container = self._docker.containers.container(container_id)
        async with asking("start", container_id):
            try:
                await container.start()
            except DockerError as error:
                if "paused" not in error.message:
                    raise
                await container.unpause()

    async def stop(self, container_id: str, within: int = STOP_WITHIN) -> None:
        """The engine waits for the grace; the call has to wait longer."""
        async with asking("stop", container_id, within=within + ANSWER_WITHIN):
            try:
                await self._docker.containers.container(container_id).stop(t=within)
            except DockerError as error:
                if error.status != 404:
                    raise

    async def remove(self, container_id: str) -> None:
        """By force, with anonymous volumes; named ones stay."""
        async with asking("remove", container_id):
            try:
                await self._docker.containers.container(container_id).delete(force=True, v=True)
            except DockerError as error:
                # 409: somebody else is removing it. We asked for an end state, not for an act.
                if error.status not in (404, 409):
                    raise

    async def rename(self, container_id: str, name: str) -> bool:
        """409 is a taken name, no error."""
        async with asking("rename", container_id):
            try:
                await self._docker.containers.container(container_id).rename(name)
            except DockerError as error:
                if error.status == 409:
                    return False
                if "same name" not in error.message:  # as its current one: so it has it
                    raise
        return True

    async def remove_networks(self, node_id: str, keep: Set[str]) -> list[str]:
        """One that somebody else's container is attached to stays until the next time."""
        return await self._networks.remove_unused(node_id, keep)

    async def bridges(self, node_id: str) -> list[Bridge]:
        """IPv4 alone, as `host-gateway`."""
        return await self._networks.bridges(node_id)

    async def addresses(self, node_id: str) -> dict[str, str]:
        """One question, without an inspection of each: it is asked while somebody waits."""
        return await self._networks.addresses(node_id)

    async def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        follow: bool,
        since: datetime | None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """Piece by piece: a log may be larger than the memory left."""
        params: dict[str, str | int | bool] = {
            "stdout": True,
            "stderr": True,
            "follow": follow,
            "tail": "all" if tail is None else str(tail),
            "timestamps": timestamps,
        }
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        async with self._stream(
            f"containers/{container_id}/logs", params, "read the log of", container_id
        ) as content:
            async for piece in demultiplexed(content, timestamps=timestamps):
                yield piece

    @asynccontextmanager
    async def execution(self, container_id: str, request: ExecRequest) -> AsyncGenerator[Execution]:
        """Over a connection of its own."""
        # Read when it is first used: most agents never are asked.
        from agent.docker.exec import DockerExecution

        async with (
            self._client() as docker,
            DockerExecution.opened(docker, container_id, request) as execution,
        ):
            yield execution

    async def end_former_executions(self, node_id: str) -> int:
        """Known by a word in their environment."""
        from agent.docker.exec import end_former

        containers = [each.container_id for each in await self.containers(node_id)]
        return sum([await end_former(self._docker, each) for each in containers])

    async def used(self, container_id: str) -> Used:
        """One shot: else the engine measures twice, to compare them itself. Engines up to 20.10 let
        whoever asks wait for the next of their own measures, one a second."""
        if self._memory == 0:
            self._memory = (await self.facts()).memory_mib
        async with asking("measure", container_id):
            said = await self._docker._query_json(
                f"containers/{container_id}/stats",
                params={"stream": "false", "one-shot": "true"},
            )
            stats = msgspec.convert(said, Stats)
        # Without a limit of its own it is that of the machine.
        limited = 0 < stats.memory_stats.limit < self._memory * _MIB
        return used(stats, now=datetime.now(UTC), own_limit=limited)

    async def happenings(
        self, node_id: str, *, since: datetime | None, follow: bool
    ) -> AsyncIterator[EngineEvent]:
        """The engine remembers the last 256 events of all containers."""
        params: dict[str, str | int | bool] = {
            "filters": _filters(
                type=["container"], label=[f"{LABEL_NODE}={node_id}"], event=list(HAPPENINGS)
            )
        }
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        if not follow:
            params["until"] = f"{datetime.now(UTC).timestamp():.6f}"
        async with self._stream("events", params, "watch", "containers") as content:
            async for line in content:
                event = happening(msgspec.json.decode(line, type=Message))
                if event is not None:
                    yield event

    @asynccontextmanager
    async def _stream(
        self, path: str, params: dict[str, str | int | bool], verb: str, subject: str
    ) -> AsyncGenerator[aiohttp.StreamReader]:
        """An answer that may go on for ever, as it comes."""
        async with self._client() as docker:
            async with asking(verb, subject):
                # aiodocker's own methods gather what is not followed whole in memory.
                answer = await docker._do_query(
                    path, "GET", params=params, timeout=aiohttp.ClientTimeout()
                )
            try:
                yield answer.content
            except (aiohttp.ClientError, OSError) as error:
                raise unavailable(error) from error
            except ValueError as error:
                raise EngineRefused(f"what the engine sends makes no sense: {error}") from error
            finally:
                answer.close()

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[Docker]:
        docker = Docker(url=self._url)
        try:
            yield docker
        finally:
            try:
                await docker.close()
            except (DockerError, aiohttp.ClientError, OSError, ValueError):
                # Its event task ended with this error, which the subscriber has seen as the end.
                # ValueError: half a line, or one that is longer than aiohttp reads.
                await docker.session.close()


def _existing(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path for path in paths if Path(path).exists())


def _filters(**terms: list[str]) -> str:
    return json.dumps(terms)
