"""What an event changes of its subject, field by field, as manifests have them, and in words."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from agent.local.merge_patch import decoded
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.documents import MicroserviceManifest, RegistryManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.manifests import manifest
from ecn.api.plan_documents import PlannedField
from ecn.api.template_documents import TemplateManifest
from ecn.history.trees import wanted
from events.catalog import SealedSecret
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId, RegistryId
from events.node import NodeSettings
from events.twin import TwinDesiredChanged
from projections.things import name_of, row_of
from projections.twins import twin_of
from projections.world import World

Fields = Mapping[str, object]

SET, OTHER = "set", "another one"
"""All that is ever said of a password."""
LONGEST = 60
"""Characters of a value in a sentence. The field itself has all of it."""


def subject_name(world: World, subject: str) -> str:
    """`<kind>/<name>` of `<kind>/<id>`: the name that it has, or had last."""
    kind, _, key = subject.partition("/")
    return f"{kind}/{name_of(world, kind, key)}"


def changed_by(event: KnownEvent, before: World, after: World) -> list[PlannedField]:
    """The fields that are different behind the event; none of what it deleted."""
    was, now = _fields(before, event.subject), _fields(after, event.subject)
    if isinstance(event, TwinDesiredChanged):
        was, now = (_twin(world, event.microservice_id) for world in (before, after))
    if now is None:
        return []
    if was is None:
        # Its name is in the subject; and what is as it is for all that nobody speaks of.
        unsaid = {**UNSAID[event.KIND], "name": now.get("name")}
        return [
            PlannedField(field=path, after=_shown(new)) for path, _, new in _differ(unsaid, now)
        ]
    return [
        PlannedField(field=path, before=_shown(old), after=_shown(new, replaced=old is not None))
        for path, old, new in _differ(was, now)
    ]


def sentence(event: KnownEvent, fields: list[PlannedField]) -> str:
    """What it changes, in words: `created: image nginx:1.27`, `image nginx:1 → nginx:2`."""
    word = str(event.__struct_config__.tag).split(".")[1]
    if word in MADE:
        said = [f"{each.field} {_short(each.after)}" for each in fields]
        return f"{word}: {', '.join(said)}" if said else word
    if word in CHANGED:
        return ", ".join(_change(each) for each in fields) or word
    moved = [
        f"{word} from {each.before} to {each.after}" for each in fields if each.field == "node"
    ]
    return moved[0] if moved else word


MADE = ("created", "registered")
CHANGED = (
    "updated",
    "renamed",
    "linked",
    "unlinked",
    "router-set",
    "setting-changed",
    "desired-changed",
)
UNSAID: dict[str, dict[str, object]] = {
    "node": msgspec.to_builtins(NodeSettings()),
    "application": {"description": "", "labels": {}, "started": True, "system": False},
    "registry": msgspec.to_builtins(RegistryManifest(url="")),
    "microservice": {
        name: value
        for name, value in msgspec.to_builtins(MicroserviceManifest(name="", node="")).items()
        if name != "node"
    },
    "route": {},
    "template": msgspec.to_builtins(TemplateManifest()),
    "catalog-item": msgspec.to_builtins(CatalogItemManifest()),
    "edge-resource": {**msgspec.to_builtins(EdgeResourceManifest()), "nodes": []},
    "volume": {"destination": "", "permissions": "666", "nodes": [], "files": {}},
    "network": {},
    "user": {},
}
"""What holds of a new thing where nothing else is said."""


def _fields(world: World, subject: str) -> Fields | None:
    """All that operators decide of it by itself, None when there is no such thing."""
    kind, _, key = subject.partition("/")
    match kind:
        case "node":
            node = world.nodes.get(NodeId(key))
            return None if node is None else {"name": node.name, **_plain(node.settings)}
        case "registry":
            registry = world.registries.get(RegistryId(key))
            if registry is None:
                return None
            settings = registry.settings
            return {name: getattr(settings, name) for name in settings.__struct_fields__}
        case "application":
            row = world.applications.get(ApplicationId(key))
            if row is None:
                return None
            return {
                "name": row.name,
                "description": row.description,
                "labels": row.labels,
                "started": row.started,
                "system": row.system,
            }
        case "microservice":
            microservice = world.microservices.get(MicroserviceId(key))
            return None if microservice is None else _plain(manifest(world, microservice))
        case "user":
            return None
    thing = row_of(world, kind, key)
    if thing is None:
        return None
    said = wanted(thing, world.names)
    if kind == "route":
        del said["application"]  # it stands in its name
    return said


def _twin(world: World, key: MicroserviceId) -> Fields:
    return {"twin": decoded(twin_of(world, key).desired)}


def _differ(
    before: Fields, after: Fields, prefix: str = ""
) -> Iterator[tuple[str, object, object]]:
    """Path, old and new value: those of maps one by one, all else whole."""
    for name in (*after, *(name for name in before if name not in after)):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differ(old, new, f"{prefix}{name}.")
        elif old != new:
            yield prefix + name, old, new


def _plain(document: Struct) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(document)
    return plain


def _shown(value: object, *, replaced: bool = False) -> object:
    if isinstance(value, SealedSecret):
        return OTHER if replaced else SET
    return value


def _change(each: PlannedField) -> str:
    if each.before is None:
        return f"{each.field} {_short(each.after)}"
    if each.after is None:
        return f"no {each.field} any more"
    return f"{each.field} {_short(each.before)} → {_short(each.after)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
