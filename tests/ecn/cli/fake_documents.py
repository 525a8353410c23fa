"""Documents as an API answers them, and what devices say: the fake API's material."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from aiohttp import web
from msgspec import Raw, Struct, structs

from ecn.api import documents as d
from events.application import ContainerState, ContainerStatus, Health
from events.node import NodeFacts, NodeSettings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def node_document(name: str, **changes: object) -> d.NodeDocument:
    """A node that is online."""
    document = d.NodeDocument(
        id=f"{name}-id",
        name=name,
        settings=NodeSettings(),
        state="online",
        since=NOW,
        last_seen=NOW,
        facts=NodeFacts(architecture="aarch64", cpus=4, memory_mib=3906),
        microservices=0,
        running=0,
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return structs.replace(document, **changes)


def microservice_document(
    application: str, manifest: d.MicroserviceManifest, **changes: object
) -> d.MicroserviceDocument:
    """A microservice as its manifest wants it, of which nothing was heard yet."""
    fields = structs.asdict(manifest)
    fields["config"] = Raw(msgspec.json.encode(manifest.config))
    document = d.MicroserviceDocument(
        id=f"{application}-{manifest.name}-id",
        application=application,
        node_id=f"{manifest.node}-id",
        node_state="online",
        application_started=True,
        runs_image=manifest.image,
        status=ContainerStatus(state=ContainerState.QUEUED, at=NOW),
        current=False,
        revision=1,
        created_at=NOW,
        updated_at=NOW,
        **fields,
    )
    return structs.replace(document, **changes)


def runs(microservice: d.MicroserviceDocument) -> Iterator[ContainerStatus]:
    """What a device says of one that comes up well."""
    yield ContainerStatus(state=ContainerState.PULLING, reason="pulling the image", at=NOW)
    healthy = Health.NONE if microservice.health_check is None else Health.HEALTHY
    yield ContainerStatus(state=ContainerState.RUNNING, health=healthy, at=NOW)


def fails(_microservice: d.MicroserviceDocument) -> Iterator[ContainerStatus]:
    """What it says when there is no such image."""
    reason = "no such image: shop:1; tried again in 10 s"
    yield ContainerStatus(state=ContainerState.FAILED, reason=reason, at=NOW)


def answer(document: Struct, status: int = 200) -> web.Response:
    """The document as JSON."""
    return web.Response(
        status=status, body=msgspec.json.encode(document), content_type="application/json"
    )


def problem(
    status: int, code: str, detail: str, *, field: str = "", next_step: str = ""
) -> web.Response:
    """A refusal."""
    document = d.Problem(
        type=f"urn:ecn:problem:{code}",
        title=code,
        status=status,
        code=code,
        detail=detail,
        field=field,
        next_step=next_step,
    )
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
    )
