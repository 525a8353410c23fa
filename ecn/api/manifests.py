"""Between what people write and what is decided on: references by name, config as a document.

Pure, both ways: a manifest to a placement, a microservice back to its manifest, and a partial
change merged into it.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from ecn.api.documents import MicroserviceManifest
from ecn.api.endpoint import parse
from ecn.commands.application import Placement
from ecn.errors import Invalid
from events.application import MicroserviceSpec
from events.ids import MicroserviceId
from projections.microservices import MicroserviceRow
from projections.world import World

SPEC_FIELDS = tuple(
    name for name in MicroserviceSpec.__struct_fields__ if name not in ("registry_id", "config")
)
"""What a manifest and a spec call and type alike."""


def placement(manifest: MicroserviceManifest, microservice_id: MicroserviceId) -> Placement:
    """What the manifest asks for."""
    spec = MicroserviceSpec(
        **{name: getattr(manifest, name) for name in SPEC_FIELDS},
        config=manifest.config
        if isinstance(manifest.config, str)
        else msgspec.json.encode(manifest.config).decode(),
    )
    return Placement(
        microservice_id=microservice_id,
        name=manifest.name,
        node=manifest.node,
        registry=manifest.registry,
        started=manifest.started,
        spec=spec,
    )


def manifest(world: World, row: MicroserviceRow) -> MicroserviceManifest:
    """The manifest that would make this microservice."""
    registry_id = row.spec.registry_id
    return MicroserviceManifest(
        name=row.name,
        node=world.nodes[row.node_id].name,
        registry=world.registries[registry_id].name if registry_id else None,
        started=row.started,
        **{name: getattr(row.spec, name) for name in SPEC_FIELDS},
        config=_config(row.spec.config),
    )


def merged(present: msgspec.Struct, patch: bytes | dict[str, object]) -> bytes:
    """`present` as JSON with an RFC 7396 merge patch applied. Errors: Invalid for no object."""
    target = msgspec.json.decode(msgspec.json.encode(present), type=dict[str, object])
    change = parse(patch, dict[str, object]) if isinstance(patch, bytes) else patch
    return msgspec.json.encode(_merge(target, change))


def patched(present: MicroserviceManifest, patch: bytes) -> MicroserviceManifest:
    """The manifest after a partial change. Errors: Invalid."""
    after = parse(merged(present, patch), MicroserviceManifest)
    if after.name != present.name:
        raise Invalid("a microservice keeps its name", field="$.name")
    return after


def changed_placement(
    world: World, microservice_id: MicroserviceId, row: MicroserviceRow, patch: bytes
) -> Placement:
    """What a partial change asks for. Errors: Invalid.

    What it leaves alone is named by its id: by the time that this is decided, the name may have
    gone to another node, and nobody asked to move there.
    """
    wanted = placement(patched(manifest(world, row), patch), microservice_id)
    named = parse(patch, dict[str, object])
    return replace(
        wanted,
        node=wanted.node if "node" in named else row.node_id,
        registry=wanted.registry if "registry" in named else row.spec.registry_id,
    )


def _merge(target: object, patch: object) -> object:
    if not isinstance(patch, Mapping):
        return patch
    base = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = _merge(base.get(key), value)
    return base


def config_document(config: str) -> Raw:
    """A stored config as the document that it is, or the text."""
    is_document = isinstance(_config(config), dict)
    return Raw(config.encode() if is_document else msgspec.json.encode(config))


def _config(config: str) -> dict[str, object] | str:
    try:
        return msgspec.json.decode(config, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError):
        return config
