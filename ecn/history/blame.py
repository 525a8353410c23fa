"""Who set what: for each field of a thing's manifest the event that gave it its present value.

Computed from the thing's own events alone, by comparing what was wanted before and after each. A
field that is at its default is there too: it was set when the thing was made, or reset later.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ecn.api.documents import MicroserviceManifest
from ecn.api.history_documents import Blame, BlamedField, pointer
from ecn.history.asking import Question
from ecn.history.fields import Tree, leaves, same
from ecn.history.glance import glance, name_of
from ecn.history.own import Version, versions, versions_of
from events.application import HealthCheck
from events.envelope import Recorded
from events.ids import ApplicationId
from events.node import NodeSettings
from projections.world import World


def blame(world: World, subject: str) -> Question[Blame]:
    """Every field of what is there in the world; of an application with its microservices.

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
        if kind == "microservice":
            if path == "/application":
                continue  # no field of its manifest: it is the one it stands in
            if path == "/node_id":
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
    manifest: Tree = msgspec.to_builtins(MicroserviceManifest(name="", node="", image=""))
    check: Tree = msgspec.to_builtins(HealthCheck(command=[]))
    for required in ("name", "node", "image"):
        del manifest[required]
    del check["command"]
    return {
        "node": dict(leaves({"settings": msgspec.to_builtins(NodeSettings())})),
        "application": {"/description": "", "/labels": {}, "/started": True},
        "microservice": dict(leaves(manifest)) | dict(leaves(check, "/health_check")),
        "registry": {"/username": "", "/password": None},
        "user": {},
    }


DEFAULTS = _defaults()
"""By kind: pointer and value of what a manifest need not say."""
