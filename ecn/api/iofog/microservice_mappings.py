"""Port and volume mappings of microservices, one by one, by ioFog's API."""

from collections.abc import Callable

from aiohttp import web
from msgspec.structs import replace

from ecn.api.commanding import merge
from ecn.api.iofog.application_refusals import in_iofogs_words
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.api.iofog.microservices import ONE, TAG, microservice_of, row_of
from ecn.commands import application as commands
from ecn.iofog import microservice_bodies as bodies
from ecn.iofog import microservice_documents as documents
from ecn.iofog import microservices, numbers
from ecn.iofog.refusals import invalid, not_found
from events.application import MicroserviceSpec
from events.user import Role
from projections.world import World


async def list_ports(request: web.Request) -> web.Response:
    """Its port mappings."""
    row = world(request).microservices[microservice_of(request)]
    return answer(documents.Ports(ports=documents.ports(world(request), row.spec.ports)))


async def add_port(request: web.Request) -> web.Response:
    """One port mapping more."""
    said = await body(request, bodies.Port)
    [mapping] = microservices.ports([said])

    def changed(spec: MicroserviceSpec) -> MicroserviceSpec:
        if any(mapping.container == p.container or mapping.host == p.host for p in spec.ports):
            raise invalid("Port mapping already exists")
        return replace(spec, ports=[*spec.ports, mapping])

    await _change(request, changed)
    return empty(201)


async def remove_port(request: web.Request) -> web.Response:
    """One port mapping less, by the container's port."""
    internal = numbers.read(request.match_info["internal"])

    def changed(spec: MicroserviceSpec) -> MicroserviceSpec:
        left = [each for each in spec.ports if each.container != internal]
        if len(left) == len(spec.ports):
            raise not_found("port mapping not exists")
        return replace(spec, ports=left)

    await _change(request, changed)
    return empty()


async def list_volumes(request: web.Request) -> web.Response:
    """Its volume mappings."""
    row = world(request).microservices[microservice_of(request)]
    return answer(
        documents.VolumeMappings(volume_mappings=documents.volume_mappings(row.spec.volumes))
    )


async def add_volume(request: web.Request) -> web.Response:
    """One volume mapping more; at one place in the container is one thing, the last."""
    said = await body(request, bodies.VolumeMapping)
    [mount] = microservices.volumes([said])

    def changed(spec: MicroserviceSpec) -> MicroserviceSpec:
        others = [each for each in spec.volumes if each.target != mount.target]
        same = (mount.target, mount.source, mount.kind)
        if any((each.target, each.source, each.kind) == same for each in spec.volumes):
            raise invalid("Volume mapping already exists")
        return replace(spec, volumes=[*others, mount])

    await _change(request, changed)
    return answer(documents.Numbered(microservices.volume_number(mount)), 201)


async def remove_volume(request: web.Request) -> web.Response:
    """One volume mapping less, by its number."""
    text = request.match_info["id"]
    number = numbers.read(text)

    def changed(spec: MicroserviceSpec) -> MicroserviceSpec:
        left = [each for each in spec.volumes if microservices.volume_number(each) != number]
        if len(left) == len(spec.volumes):
            raise invalid(f"Invalid volume mapping id '{text}'")
        return replace(spec, volumes=left)

    await _change(request, changed)
    return empty()


async def _change(
    request: web.Request, changed: Callable[[MicroserviceSpec], MicroserviceSpec]
) -> None:
    """Change a part of the spec, of whatever it is by then."""
    key = microservice_of(request, "updated")

    def command(there: World) -> commands.UpdateMicroservice:
        row = row_of(there, key)
        placement = replace(microservices.as_it_is(key, row), spec=changed(row.spec))
        return commands.UpdateMicroservice(
            microservice_id=key, placement=placement, seen=row.revision
        )

    with in_iofogs_words():
        await merge(request, command)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE + "/port-mapping",
        handler=list_ports,
        access=Role.VIEWER,
        tag=TAG,
        summary="List port mappings",
        answer=documents.Ports,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=ONE + "/port-mapping",
        handler=add_port,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Add a port mapping",
        body=bodies.Port,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=ONE + "/port-mapping/{internal}",
        handler=remove_port,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Remove a port mapping",
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=ONE + "/volume-mapping",
        handler=list_volumes,
        access=Role.VIEWER,
        tag=TAG,
        summary="List volume mappings",
        answer=documents.VolumeMappings,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=ONE + "/volume-mapping",
        handler=add_volume,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Add a volume mapping",
        body=bodies.VolumeMapping,
        answer=documents.Numbered,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=ONE + "/volume-mapping/{id}",
        handler=remove_volume,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Remove a volume mapping",
        status=204,
        refusals=(404, 409),
    ),
)
