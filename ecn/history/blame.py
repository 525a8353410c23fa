"""Who set what: for each field of a thing's manifest the event that gave it its present value.

Computed from the thing's own events alone, by comparing what was wanted before and after each. A
field that is at its default is there too: it was set when the thing was made, or reset later.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.documents import MicroserviceManifest, RegistryManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.history_documents import Blame, BlamedField, pointer
from ecn.api.template_documents import TemplateManifest
from ecn.history.asking import Question
from ecn.history.fields import Tree, leaves, same
from ecn.history.glance import glance, name_of
from ecn.history.own import Version, versions, versions_of
from events.application import HealthCheck, HttpProbe
from events.container_options import Gpus
from events.envelope import Recorded
from events.ids import ApplicationId
from events.node import NodeSettings
from events.user import Profile
from projections.world import World


def blame(world: World, subject: str) -> Question[Blame]:
    """Every field of what is there in the world; of an application with its microservices and
    routes.

    subject: `<kind>/<id>` of something that is in the world.
    """
    kind, _, key = subject.partition("/")
    history = yield from versions(subject, world.names, upto=world.position)
    fields = _fields(world, subject, history)
    if kind == "application":
        members = [
            (world.microservices[each].name, f"microservice/{each}")
            for each in world.microservices.find("application", ApplicationId(key))
        ]
        of_all = yield from versions_of(
            {member for _, member in members}, world.names, upto=world.position
        )
        for name, member in sorted(members):
            above = pointer("microservices", name)
            fields += _fields(world, member, of_all.get(member, []), above)
        routes = {
            f"route/{each}": world.routes[each].name
            for each in world.routes.find("application", ApplicationId(key))
        }
        of_routes = yield from versions_of(routes.keys(), world.names, upto=world.position)
        for subject_, name in sorted(routes.items(), key=lambda each: each[1]):
            above = pointer("routes", name)
            fields += _fields(world, subject_, of_routes.get(subject_, []), above)
    return Blame(
        position=world.position, subject=subject, name=name_of(world, subject), fields=fields
    )


def last_changes(history: Iterable[Version]) -> dict[str, tuple[object, Recorded]]:
    """Each leaf's pointer, its value after all of these versions, and the event that set it."""
    found: dict[str, tuple[object, Recorded]] = {}
    for version in history:
        now = dict(leaves(version.after or {}))
        found = {
            path: found[path]
            if path in found and same(found[path][0], value)
            else (value, version.recorded)
            for path, value in now.items()
        }
    return found


def _fields(
    world: World, subject: str, history: Sequence[Version], above: str = ""
) -> list[BlamedField]:
    kind = subject.partition("/")[0]
    fields = []
    for path, (value, recorded) in last_changes(history).items():
        where, shown = path, value
        if kind in ("microservice", "route") and path == "/application":
            continue  # no field of its manifest: it is the one it stands in
        if kind == "microservice" and path == "/node_id":
            # By name, as manifests say it; but blamed is who placed it there, not a renaming.
            where, shown = "/node", name_of(world, f"node/{value}")
        default = DEFAULTS[kind]
        fields.append(
            BlamedField(
                path=above + where,
                value=shown,
                is_default=where in default and same(default[where], shown),
                event=glance(world, recorded),
            )
        )
    return fields


def _defaults() -> dict[str, Mapping[str, object]]:
    manifest: Tree = msgspec.to_builtins(MicroserviceManifest(name="", node=""))
    check: Tree = msgspec.to_builtins(HealthCheck())
    probe: Tree = msgspec.to_builtins(HttpProbe(port=0))
    for required in ("name", "node"):
        del manifest[required]
    del probe["port"]
    registry: Tree = msgspec.to_builtins(RegistryManifest(url=""))
    del registry["url"]
    resource: Tree = msgspec.to_builtins(EdgeResourceManifest())
    return {
        "node": dict(leaves({"settings": msgspec.to_builtins(NodeSettings())})),
        "application": {"/description": "", "/labels": {}, "/started": True, "/system": False},
        "microservice": {
            **dict(leaves(manifest)),
            **dict(leaves(check, "/health_check")),
            **dict(leaves(probe, "/health_check/http")),
            **dict(leaves(msgspec.to_builtins(Gpus()), "/options/gpus")),
            "/tracing": False,
        },
        "route": {},
        "template": dict(leaves(msgspec.to_builtins(TemplateManifest()))),
        "catalog-item": dict(leaves(msgspec.to_builtins(CatalogItemManifest()))),
        "registry": dict(leaves(registry)),
        "edge-resource": {**dict(leaves(resource)), "/nodes": []},
        "volume": {"/destination": "", "/permissions": "666", "/nodes": [], "/files": {}},
        "network": {},
        "user": dict(leaves({"profile": msgspec.to_builtins(Profile())})),
    }


DEFAULTS = _defaults()
"""By kind: pointer and value of what a manifest need not say."""
