"""Things as plain documents that can be compared, without what merely follows from other things.

The fields are those of the API's documents (ecn/api/documents.py), with these exceptions: what
follows from another field or another thing (revisions, times, counts, states of applications, the
name of a microservice's node) is left out, and secrets stand as fingerprints, so that it shows
when one was replaced.
"""

import hashlib
from collections.abc import Hashable
from typing import assert_never

import msgspec

from ecn.history.fields import Tree
from events.application import ContainerState, ContainerStatus
from events.envelope import EPOCH
from projections.applications import ApplicationRow
from projections.microservices import MicroserviceRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.users import UserRow
from projections.view import Table
from projections.world import World

KINDS = ("node", "application", "microservice", "registry", "user")
"""In the order in which differences are told."""

Row = NodeRow | ApplicationRow | MicroserviceRow | RegistryRow | UserRow
Names = Table[str, str]

DEEPEST = 100
"""Levels of a config that are compared key by key."""

NOTHING_HEARD = ContainerStatus(state=ContainerState.QUEUED, at=EPOCH)


def row_of(world: World, kind: str, key: str) -> Row | None:
    """The row of a thing that is there."""
    row = table_of(world, kind).get(key)
    return row if isinstance(row, Row) else None


def table_of(world: World, kind: str) -> Table[Hashable, object]:
    """All rows of a kind. Errors: KeyError for a kind that is none."""
    tables: dict[str, str] = {
        "node": "nodes",
        "application": "applications",
        "microservice": "microservices",
        "registry": "registries",
        "user": "users",
    }
    table: Table[Hashable, object] = getattr(world, tables[kind])
    return table


def wanted(row: Row, names: Names) -> Tree:
    """What people asked for. names: of the world that the row is from, or of a later one."""
    match row:
        case NodeRow():
            return {"name": row.name, "settings": msgspec.to_builtins(row.settings)}
        case ApplicationRow():
            return {
                "name": row.name,
                "description": row.description,
                "labels": row.labels,
                "started": row.started,
            }
        case MicroserviceRow():
            return _microservice(row, names)
        case RegistryRow():
            sealed = row.settings.password
            return {
                "name": row.name,
                "url": row.settings.url,
                "username": row.settings.username,
                "password": _fingerprint(sealed.ciphertext) if sealed is not None else None,
            }
        case UserRow():
            return {
                "name": row.name,
                "role": row.role.value,
                "password": _fingerprint(row.password_hash.encode()),
            }
        case _:
            assert_never(row)


def reported(row: Row, status: ContainerStatus | None = None) -> Tree:
    """What devices told. status: of a microservice, if anything was heard of it."""
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
            said: Tree = msgspec.to_builtins(status or NOTHING_HEARD)
            # When it happened, and of which revision it speaks, follows from what happened.
            del said["at"], said["revision"]
            return {"status": said}
        case _:
            return {}


def _microservice(row: MicroserviceRow, names: Names) -> Tree:
    # Applications and registries keep their names; a node may be renamed.
    spec: Tree = msgspec.to_builtins(row.spec)
    registry_id = spec.pop("registry_id")
    config = _config(str(spec.pop("config")))
    return {
        "application": names.get(f"application/{row.application_id}") or row.application_id,
        "name": row.name,
        "node_id": row.node_id,
        "started": row.started,
        "registry": names.get(f"registry/{registry_id}") if registry_id else None,
        **spec,
        "config": config,
    }


def _config(text: str) -> object:
    """The document that it is; its text, where it is nested too deeply to be gone through."""
    try:
        document: object = msgspec.json.decode(text)
    except RecursionError:
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
