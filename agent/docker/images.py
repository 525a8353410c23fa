"""The `ImageStore` protocol over aiodocker: images, and what containers wrote.

A sibling of `engine.py`, which owns the client and makes one for each long stream.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, closing

import aiohttp
import msgspec
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from aiodocker.jsonstream import json_stream_stream
from aiodocker.utils import compose_auth_header
from msgspec import Struct, field

from agent.contract import Registry
from agent.docker.errors import asking, pull_error, unavailable
from agent.errors import EngineRefused, RegistryUnreachable
from agent.images.pull_progress import LayersProgress
from agent.images.reference import credentials_for, full_reference, image_host
from agent.images.store import LocalImage, OnProgress

STALLS_AFTER = 300.0
"""Seconds without any progress; unpacking a large layer is silent for a while."""
COUNTS_WITHIN = 300.0
"""Seconds for counting what containers wrote: the engine walks through all their files."""
REMOVED_WITHIN = 300.0


class _Detail(Struct, frozen=True):
    current: int = 0
    total: int = 0


class _PullMessage(Struct, frozen=True):
    status: str = ""
    layer: str = field(name="id", default="")
    detail: _Detail = field(name="progressDetail", default=_Detail())


class _Image(Struct, frozen=True):
    """What we read of `GET /images/json`."""

    image_id: str = field(name="Id")
    tags: list[str] | None = field(name="RepoTags", default=None)
    digests: list[str] | None = field(name="RepoDigests", default=None)
    parent_id: str = field(name="ParentId", default="")
    size: int = field(name="Size", default=0)


class _Listed(Struct, frozen=True):
    """What we read of `GET /containers/json`."""

    container_id: str = field(name="Id")
    image_id: str = field(name="ImageID", default="")
    written: int = field(name="SizeRw", default=0)


class _Inspected(Struct, frozen=True):
    image_id: str = field(name="Id")


class _Info(Struct, frozen=True):
    data_root: str = field(name="DockerRootDir", default="")


class DockerImages:
    """Of one engine. client: opens a client of its own, for a stream. here: the engine is on this
    device, and so are its files."""

    def __init__(
        self,
        docker: Docker,
        client: Callable[[], AbstractAsyncContextManager[Docker]],
        *,
        here: bool,
    ) -> None:
        self._docker = docker
        self._client = client
        self._here = here

    async def data_root(self) -> str:
        """Of `/info`."""
        if not self._here:
            return ""
        async with asking("describe", "itself"):
            return msgspec.convert(await self._docker.system.info(), _Info).data_root

    async def images(self) -> list[LocalImage]:
        """Without intermediate ones of builds: nobody can name them."""
        async with asking("list", "images"):
            listed = msgspec.convert(await self._docker.images.list(), list[_Image])
        return [
            LocalImage(
                image_id=each.image_id,
                # Docker names what has no name so.
                references=tuple(
                    full_reference(reference)
                    for reference in (*(each.tags or ()), *(each.digests or ()))
                    if "<none>" not in reference
                ),
                parent_id=each.parent_id,
                size_bytes=each.size,
            )
            for each in listed
        ]

    async def in_use(self) -> frozenset[str]:
        """By every container there is."""
        async with asking("list", "containers"):
            found = await self._docker._query_json("containers/json", params={"all": "1"})
            return frozenset(c.image_id for c in msgspec.convert(found, list[_Listed]))

    async def image_id(self, image: str) -> str | None:
        """By tag, digest or id."""
        async with asking("inspect", image):
            try:
                found = await self._docker.images.inspect(image)
            except DockerError as error:
                if error.status == 404:
                    return None
                raise
            return msgspec.convert(found, _Inspected).image_id

    async def tag(self, image: str, reference: str) -> None:
        """`reference` is spelt out: host, path, tag."""
        repository, _, tag = reference.rpartition(":")
        async with asking("tag", image):
            await self._docker.images.tag(image, repo=repository, tag=tag)

    async def remove(self, reference: str) -> bool:
        """409: a container, or an image built upon it, needs it."""
        async with asking("remove", reference, within=REMOVED_WITHIN):
            try:
                await self._docker.images.delete(reference)
            except DockerError as error:
                if error.status == 404:
                    return True
                if error.status == 409:
                    return False
                raise
        return True

    async def written(self, container_ids: Collection[str]) -> Mapping[str, int]:
        """Only of these: the engine counts for each container that the filter lets through."""
        params = {"all": "1", "size": "1", "filters": json.dumps({"id": sorted(container_ids)})}
        async with asking("measure", "containers", within=COUNTS_WITHIN):
            found = await self._docker._query_json("containers/json", params=params)
            return {
                each.container_id: each.written for each in msgspec.convert(found, list[_Listed])
            }

    async def pull(
        self,
        image: str,
        registry: Registry | None,
        on_progress: OnProgress | None = None,
        stalls_after: float | None = None,
    ) -> None:
        """Read the engine's progress to its true end. Credentials go to their own registry only."""
        known = credentials_for(image, registry)
        reference, headers = full_reference(image), {}
        if known is not None:
            login = {"username": known.username, "password": known.password}
            headers["X-Registry-Auth"] = compose_auth_header(login, image_host(image))
        bound_by = STALLS_AFTER if stalls_after is None else stalls_after
        layers, finished = LayersProgress(), False
        clock = asyncio.get_running_loop().time
        try:
            async with self._client() as docker, asyncio.timeout(bound_by) as bound:
                # Not its own `pull`: that leaves the answer, and so a connection, open when it is
                # cancelled.
                answer = await docker._do_query(
                    "images/create",
                    "POST",
                    params={"fromImage": reference},
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(),
                )
                with closing(answer):
                    async for message in json_stream_stream(answer):
                        bound.reschedule(clock() + bound_by)
                        said = msgspec.convert(message, _PullMessage)
                        moved = layers.heard(
                            said.layer, said.status, said.detail.current, said.detail.total
                        )
                        if moved and on_progress is not None:
                            on_progress(layers)
                        # aiodocker takes a broken connection for the end; this is the true end.
                        finished = finished or said.status.startswith("Status: ")
        except DockerError as error:
            raise pull_error(error, image, as_user=known.username if known else "") from error
        except TimeoutError as error:
            raise RegistryUnreachable(
                f"the pull of {image} made no progress for {bound_by:.0f} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise unavailable(error) from error
        except (msgspec.ValidationError, ValueError) as error:
            # Half a line, or one that is longer than aiohttp reads.
            raise EngineRefused(f"the engine's progress makes no sense: {error}") from error
        if not finished:
            raise EngineRefused(f"the pull of {image} broke off")
