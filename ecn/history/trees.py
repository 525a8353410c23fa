"""Things as plain documents that can be compared, without what merely follows from other things.

The fields are those of the API's documents (ecn/api/documents.py), with these exceptions: what
follows from another field or another thing (revisions, times, counts, states of applications, the
name of a microservice's node) is left out, and secrets stand as fingerprints, so that it shows
when one was replaced.
"""

import hashlib
from typing import assert_never

import msgspec
from msgspec.structs import replace

from ecn.history.fields import Tree
from events.application import ContainerState, ContainerStatus, VolumeKind
from events.envelope import EPOCH
from projections import catalog
from projections.applications import ApplicationRow
from projections.catalog import CatalogItemRow
from projections.edge_resources import EdgeResourceRow
from projections.microservices import MicroserviceRow
from projections.network import NetworkRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.routes import RouteRow, ends_as_written
from projections.templates import TemplateRow
from projections.things import TABLES, Row
from projections.twins import TwinRow
from projections.users import UserRow
from projections.view import Table
from projections.volumes import VolumeRow

KINDS = tuple(TABLES)
"""In the order in which differences are told."""

Names = Table[str, str]

DEEPEST = 100
"""Levels of a config that are compared key by key."""

NOTHING_HEARD = ContainerStatus(state=ContainerState.QUEUED, at=EPOCH)


def wanted(row: Row, names: Names, twin: TwinRow | None = None) -> Tree:
    """What people asked for.

    twin: of a microservice, if it has one.
    names: of the world that the row is from, or of a later one. What is compared is made with the
    same names: that something is called otherwise now is no change of what refers to it.
    """
    match row:
        case NodeRow():
            return {"name": row.name, "settings": msgspec.to_builtins(row.settings)}
        case ApplicationRow():
            return {
                "name": row.name,
                "description": row.description,
                "labels": row.labels,
                "started": row.started,
                "system": row.system,
            }
        case MicroserviceRow():
            return _microservice(row, names) | _section("twin_desired", twin)
        case RegistryRow():
            sealed = row.settings.password
            return {
                "name": row.name,
                "url": row.settings.url,
                "username": row.settings.username,
                "password": _fingerprint(sealed.ciphertext) if sealed is not None else None,
                "email": row.settings.email,
                "public": row.settings.public,
                "secure": row.settings.secure,
                "certificate": row.settings.certificate,
                "requires_certificate": row.settings.requires_certificate,
            }
        case UserRow():
            return {
                "name": row.name,
                "role": row.role.value,
                "profile": msgspec.to_builtins(row.profile),
                "password": _fingerprint(row.password_hash.encode()),
            }
        case RouteRow():
            source, destination = ends_as_written(
                row.ends, lambda key: _name(names, "microservice", key).rpartition("/")[2]
            )
            return {
                "application": _name(names, "application", row.application_id),
                "name": row.name,
                "source": source,
                "destination": destination,
                **msgspec.to_builtins(row.terms),
            }
        case TemplateRow():
            return {
                "name": row.name,
                "description": row.settings.description,
                "variables": [_plain(each) for each in row.settings.variables],
                "application": _config(bytes(row.settings.application).decode()),
            }
        case CatalogItemRow():
            item = _plain(row.settings)
            registry_id = row.settings.registry_id
            item["registry"] = _name(names, "registry", registry_id) if registry_id else None
            del item["registry_id"]
            return {"name": row.name, **item}
        case EdgeResourceRow():
            resource = {"name": row.name, "version": row.version, **_plain(row.settings)}
            resource["custom"] = _config(bytes(row.settings.custom).decode())
            resource["nodes"] = sorted(_name(names, "node", each) for each in row.node_ids)
            return resource
        case VolumeRow():
            return _volume(row, names)
        case NetworkRow():
            if row.router is not None:
                return _plain(row.router)
            if row.broker is not None:
                return _plain(row.broker)
            return {"value": row.value}
        case _:
            assert_never(row)


def reported(row: Row, status: ContainerStatus | None = None, twin: TwinRow | None = None) -> Tree:
    """What devices told. status: of a microservice, if anything was heard of it; its twin too."""
    match row:
        case NodeRow():
            credential = row.credential_hash
            return {
                "state": row.state.value,
                "offline_reason": row.offline_reason.value if row.offline_reason else "",
                "facts": msgspec.to_builtins(row.facts),
                "credential": _fingerprint(credential.encode()) if credential else None,
            }
        case MicroserviceRow():
            said = _plain(status or NOTHING_HEARD)
            # When it happened, and of which revision it speaks, follows from what happened.
            del said["at"], said["revision"]
            return {"status": said, **_section("twin_reported", twin)}
        case _:
            return {}


def _section(name: str, twin: TwinRow | None) -> Tree:
    """A section of a twin, if anything was ever said in it."""
    if twin is None:
        return {}
    desired = name == "twin_desired"
    if not (twin.desired_version if desired else twin.reported_version):
        return {}
    return {name: msgspec.json.decode(twin.desired if desired else twin.reported)}


def _volume(row: VolumeRow, names: Names) -> Tree:
    settings = row.settings
    return {
        "name": row.name,
        "destination": settings.destination,
        "permissions": settings.permissions,
        "nodes": sorted(_name(names, "node", each) for each in settings.node_ids),
        "files": {
            each.path: "sha256:" + hashlib.sha256(each.content).hexdigest()[:16]
            for each in settings.files
        },
    }


def _name(names: Names, kind: str, key: str) -> str:
    return names.get(f"{kind}/{key}") or key


def _plain(value: msgspec.Struct) -> Tree:
    """As JSON has it, with documents within as such."""
    said: Tree = msgspec.json.decode(msgspec.json.encode(value))
    return said


def _microservice(row: MicroserviceRow, names: Names) -> Tree:
    # By name where manifests say it so, but for the node: that it is there is told of reports too.
    spec: Tree = msgspec.to_builtins(row.spec)
    registry_id, item_id = row.spec.registry_id, row.spec.catalog_item_id
    del spec["registry_id"], spec["catalog_item_id"]
    seed = catalog.SEEDED.get(item_id) if item_id is not None else None
    config = _config(str(spec.pop("config")))
    spec["volumes"] = [
        msgspec.to_builtins(
            replace(mount, source=_name(names, "volume", mount.source))
            if mount.kind is VolumeKind.FILES
            else mount
        )
        for mount in row.spec.volumes
    ]
    return {
        "application": names.get(f"application/{row.application_id}") or row.application_id,
        "name": row.name,
        "node_id": row.node_id,
        "started": row.started,
        "catalog_item": names.get(f"catalog-item/{item_id}") or (seed.name if seed else item_id),
        "registry": names.get(f"registry/{registry_id}") if registry_id else None,
        **spec,
        "config": config,
        "tracing": row.tracing,
    }


def _config(text: str) -> object:
    """The document that it is; its text, where it is none, or nested too deeply to be gone
    through."""
    try:
        document: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
    level: list[object] = [document]
    for _ in range(DEEPEST):
        level = [
            value
            for above in level
            for value in (
                above.values()
                if isinstance(above, dict)
                else above
                if isinstance(above, list)
                else ()
            )
        ]
        if not level:
            return document
    return text


def _fingerprint(secret: bytes) -> str:
    """Tells that a secret was replaced, and nothing else: of what is sealed or hashed already."""
    return "sealed:" + hashlib.sha256(secret).hexdigest()[:8]
