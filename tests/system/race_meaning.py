"""What a request asks of a world: the HTTP API once more, as one pure function.

Written anew and not taken from the handlers: they look things up in the world of one controller,
which may be behind; here everything is looked up in the very world that it is decided on. That is
what a client may expect of one log with any number of controllers before it.
"""

import hashlib
from urllib.parse import parse_qs, urlsplit

import msgspec

from ecn.api.documents import (
    ApplicationManifest,
    MicroserviceManifest,
    MoveMicroservice,
    RegisterNode,
    RegistryManifest,
)
from ecn.api.manifests import manifest, merged, patched, placement
from ecn.commands import AnyCommand, application, catalog, node
from ecn.deciders import find
from ecn.deciders.decide import decide
from ecn.errors import KeyReused
from events.application import ApplicationCreated, MicroserviceCreated
from events.catalog import RegistryCreated
from events.envelope import KnownEvent, Recorded
from events.ids import ApplicationId, CommandId, MicroserviceId, NodeId, RegistryId
from events.node import NodeRegistered, NodeSettings
from projections.commands import CommandRow, scope
from projections.world import World
from tests.system.race_history import Asked, Attempt

UNMADE = "not-made"
"""The id of what a request would have made, had it not been refused."""


def decided(world: World, asked: Asked, so_far: list[Recorded]) -> list[KnownEvent]:
    """The events that the request leads to in this world. Errors: Refused.

    so_far: what it led to in the log, for the ids that the controller gave to what it made.
    """
    return decide(world, commanded(world, asked, _made([each.event for each in so_far])))


def subject(world: World, asked: Asked) -> str:
    """What the request is about where it has nothing to do. Errors: Refused."""
    command = commanded(world, asked, {})
    match command:
        case application.ApplyApplication():
            return f"application/{find.application(world, command.name)}"
        case catalog.ApplyRegistry():
            return f"registry/{find.registry(world, command.name)}"
        case node.UpdateNode() | node.DeleteNode():
            return f"node/{command.node_id}"
        case catalog.DeleteRegistry():
            return f"registry/{command.registry_id}"
        case application.UpdateMicroservice() | application.MoveMicroservice():
            return f"microservice/{command.microservice_id}"
        case application.StartApplication() | application.StopApplication():
            return f"application/{command.application_id}"
        case _:
            return "nothing"


def repeated(world: World, attempt: Attempt) -> CommandRow | None:
    """What the request had led to before, in this world. Errors: KeyReused."""
    if attempt.key is None:
        return None
    command_id = command_id_of(attempt)
    row = world.commands.get(scope(command_id))
    if row is not None and row.command_id != command_id:
        raise KeyReused
    return row


def command_id_of(attempt: Attempt) -> CommandId:
    """As docs and events have it: made of the key, who sent it, and what it says."""
    scoped = hashlib.sha256(f"{attempt.actor}\0{attempt.key}".encode()).hexdigest()[:32]
    asked = attempt.asked
    said = hashlib.sha256(f"{asked.method} /api/v1{asked.path}\0".encode())
    said.update(content(asked))
    return CommandId(f"key-{scoped}-{said.hexdigest()[:16]}")


def content(asked: Asked) -> bytes:
    """The body as it is sent."""
    return b"" if asked.body is None else msgspec.json.encode(asked.body)


def commanded(world: World, asked: Asked, made: dict[str, str]) -> AnyCommand:
    """The command, with every name looked up in this world. Errors: Refused."""
    parts = urlsplit(asked.path)
    query = parse_qs(parts.query)
    body = content(asked)
    match [asked.method, *parts.path.strip("/").split("/")]:
        case ["POST", "nodes"]:
            new = msgspec.json.decode(body, type=RegisterNode)
            return node.RegisterNode(
                node_id=NodeId(made.get("node", UNMADE)), name=new.name, settings=new.settings
            )
        case ["PATCH", "nodes", ref]:
            return _update_node(world, find.node(world, ref), body)
        case ["DELETE", "nodes", ref]:
            force = query.get("force") == ["true"]
            return node.DeleteNode(node_id=find.node(world, ref), force=force)
        case ["PUT", "applications", name]:
            whole = msgspec.json.decode(body, type=ApplicationManifest)
            return application.ApplyApplication(
                application_id=ApplicationId(made.get("application", UNMADE)),
                name=name,
                description=whole.description,
                labels=whole.labels,
                microservices=[
                    placement(each, _id(made, each.name)) for each in whole.microservices
                ],
            )
        case ["DELETE", "applications", ref]:
            return application.DeleteApplication(application_id=find.application(world, ref))
        case ["POST", "applications", ref, "start"]:
            return application.StartApplication(application_id=find.application(world, ref))
        case ["POST", "applications", ref, "stop"]:
            return application.StopApplication(application_id=find.application(world, ref))
        case ["POST", "applications", ref, "microservices"]:
            one = msgspec.json.decode(body, type=MicroserviceManifest)
            return application.CreateMicroservice(
                application_id=find.application(world, ref),
                placement=placement(one, _id(made, one.name)),
            )
        case ["PATCH", "microservices", of, name]:
            key = find.microservice(world, f"{of}/{name}")
            row = world.microservices[key]
            wanted = patched(manifest(world, row), body)
            return application.UpdateMicroservice(
                microservice_id=key, placement=placement(wanted, key), seen=row.revision
            )
        case ["DELETE", "microservices", of, name]:
            return application.DeleteMicroservice(
                microservice_id=find.microservice(world, f"{of}/{name}")
            )
        case ["POST", "microservices", of, name, "move"]:
            there = msgspec.json.decode(body, type=MoveMicroservice)
            return application.MoveMicroservice(
                microservice_id=find.microservice(world, f"{of}/{name}"), node=there.node
            )
        case ["PUT", "registries", name]:
            registry = msgspec.json.decode(body, type=RegistryManifest)
            return catalog.ApplyRegistry(
                registry_id=RegistryId(made.get("registry", UNMADE)),
                name=name,
                url=registry.url,
                username=registry.username,
            )
        case ["DELETE", "registries", ref]:
            return catalog.DeleteRegistry(registry_id=find.registry(world, ref))
        case other:
            raise AssertionError(f"the race knows no request like {other}")


def listed(world: World, path: str) -> list[tuple[object, ...]]:
    """What a list has to show in this world: one row each, as `shown` has them of an answer."""
    match path:
        case "/nodes":
            return sorted(
                (key, row.name, tuple(sorted(row.settings.labels.items())))
                for key, row in world.nodes.items()
            )
        case "/microservices":
            return sorted(
                (
                    key,
                    find.microservice_name(world, key),
                    world.nodes[row.node_id].name,
                    tuple(port.host for port in row.spec.ports),
                )
                for key, row in world.microservices.items()
            )
        case _:
            raise AssertionError(f"the race reads no {path}")


def shown(path: str, items: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """The rows of an answer, as `listed` has them of a world."""
    if path == "/nodes":
        nodes = msgspec.convert(items, list[_Node])
        return sorted(
            (each.id, each.name, tuple(sorted(each.settings.labels.items()))) for each in nodes
        )
    microservices = msgspec.convert(items, list[_Microservice])
    return sorted(
        (
            each.id,
            f"{each.application}/{each.name}",
            each.node,
            tuple(port.host for port in each.ports),
        )
        for each in microservices
    )


class _Node(msgspec.Struct):
    id: str
    name: str
    settings: NodeSettings


class _Port(msgspec.Struct):
    host: int


class _Microservice(msgspec.Struct):
    id: str
    application: str
    name: str
    node: str
    ports: list[_Port]


def _update_node(world: World, node_id: NodeId, body: bytes) -> node.UpdateNode:
    row = world.nodes[node_id]
    change = msgspec.json.decode(body, type=dict[str, object])
    patch = change.get("settings")
    settings = row.settings
    if isinstance(patch, dict):
        settings = msgspec.json.decode(merged(row.settings, patch), type=NodeSettings)
    return node.UpdateNode(
        node_id=node_id,
        name=str(change.get("name", row.name)),
        settings=settings,
        seen=(row.name, row.settings),
    )


def _id(made: dict[str, str], name: str) -> MicroserviceId:
    return MicroserviceId(made.get(f"microservice {name}", f"{UNMADE}-{name}"))


def _made(events: list[object]) -> dict[str, str]:
    """The ids of what the events made."""
    made: dict[str, str] = {}
    for event in events:
        match event:
            case NodeRegistered():
                made["node"] = event.node_id
            case ApplicationCreated():
                made["application"] = event.application_id
            case MicroserviceCreated():
                made[f"microservice {event.name}"] = event.microservice_id
            case RegistryCreated():
                made["registry"] = event.registry_id
            case _:
                pass
    return made
