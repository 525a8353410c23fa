"""What is decided about edge resources and their links."""

import re
from collections.abc import Iterator
from typing import assert_never

from ecn.commands.edge_resource import (
    ApplyEdgeResource,
    CreateEdgeResource,
    DeleteEdgeResource,
    EdgeResourceCommand,
    LinkEdgeResource,
    UnlinkEdgeResource,
    UpdateEdgeResource,
)
from ecn.deciders import rules
from ecn.errors import Invalid, NameTaken, NotFound, RevisionMoved
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.envelope import KnownEvent
from events.ids import EdgeResourceId
from projections.edge_resources import EdgeResourceRow
from projections.world import World

# Semantic Versioning 2.0.0; ioFog's clients also write a `v` before it.
VERSION = re.compile(
    r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
PROTOCOLS = ("http", "https", "ws", "wss")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def decide(world: World, command: EdgeResourceCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case CreateEdgeResource():
            _check(command.name, command.version, command.settings)
            _free(world, command.name, command.version)
            yield _created(command)
        case ApplyEdgeResource():
            _check(command.name, command.version, command.settings)
            present = world.edge_resources.one("name_version", (command.name, command.version))
            if present is None:
                yield _created(command)
            else:
                yield from _become(world, present, command.name, command.settings)
        case UpdateEdgeResource():
            row = _row(world, command.edge_resource_id)
            if row.settings != command.seen:
                raise RevisionMoved("edge-resource", f"{row.name}@{row.version}")
            _check(command.name, row.version, command.settings)
            if command.name != row.name:
                _free(world, command.name, row.version)
            yield from _become(world, command.edge_resource_id, command.name, command.settings)
        case LinkEdgeResource():
            if command.node_id not in world.nodes:
                raise NotFound("node", command.node_id)
            if command.node_id not in _row(world, command.edge_resource_id).node_ids:
                yield EdgeResourceLinked(
                    edge_resource_id=command.edge_resource_id, node_id=command.node_id
                )
        case UnlinkEdgeResource():
            if command.node_id in _row(world, command.edge_resource_id).node_ids:
                yield EdgeResourceUnlinked(
                    edge_resource_id=command.edge_resource_id, node_id=command.node_id
                )
        case DeleteEdgeResource():
            if command.edge_resource_id in world.edge_resources:
                yield EdgeResourceDeleted(edge_resource_id=command.edge_resource_id)
        case _:
            assert_never(command)


def _created(command: CreateEdgeResource | ApplyEdgeResource) -> EdgeResourceCreated:
    return EdgeResourceCreated(
        edge_resource_id=command.edge_resource_id,
        name=command.name,
        version=command.version,
        settings=command.settings,
    )


def _become(
    world: World, key: EdgeResourceId, name: str, settings: EdgeResourceSettings
) -> Iterator[KnownEvent]:
    row = world.edge_resources[key]
    if (row.name, row.settings) != (name, settings):
        yield EdgeResourceUpdated(edge_resource_id=key, name=name, settings=settings)


def _row(world: World, key: EdgeResourceId) -> EdgeResourceRow:
    row = world.edge_resources.get(key)
    if row is None:
        raise NotFound("edge-resource", key)
    return row


def _free(world: World, name: str, version: str) -> None:
    if world.edge_resources.one("name_version", (name, version)) is not None:
        raise NameTaken("edge-resource", f"{name}@{version}")


def _check(name: str, version: str, settings: EdgeResourceSettings) -> None:
    rules.title(name)
    if "@" in name:
        raise Invalid("has an '@', which stands before the version", field="$.name")
    if len(version) > 128 or not VERSION.fullmatch(version):
        raise Invalid(f"{version!r} is no version, as 1.10.0", field="$.version")
    rules.text(settings.description, field="$.description")
    if settings.protocol not in PROTOCOLS:
        raise Invalid(
            f"{settings.protocol!r} is none of " + ", ".join(PROTOCOLS), field="$.protocol"
        )
    rules.few(settings.endpoints, "$.endpoints")
    for index, endpoint in enumerate(settings.endpoints):
        field = f"$.endpoints[{index}]"
        for part in endpoint.__struct_fields__:
            rules.text(getattr(endpoint, part), field=f"{field}.{part}")
        if endpoint.method not in METHODS:
            raise Invalid(
                f"{endpoint.method!r} is none of " + ", ".join(METHODS), field=f"{field}.method"
            )
    for part in settings.display.__struct_fields__:
        rules.text(getattr(settings.display, part), field=f"$.display.{part}")
    rules.few(settings.tags, "$.tags")
    for tag in settings.tags:
        rules.text(tag, field="$.tags")
    rules.json_object(settings.custom, field="$.custom")
