"""One wish after the other is carried out: the request, or the few, that each takes."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from agent.local.merge_patch import difference
from ecn.api import documents as d
from ecn.cli.calls import Applied
from ecn.cli.client import Client
from ecn.cli.errors import Refused
from ecn.cli.merge_patch import merge_patch
from ecn.manifests.wishes import (
    Application,
    CatalogItem,
    EdgeResource,
    FetchedRegistry,
    FetchedVolume,
    NodeChange,
    NodeManifest,
    Ported,
    Ready,
    Route,
    Template,
)
from events.node import DEFAULT_ROUTER, NodeSettings


class Done(Struct, frozen=True):
    """What became of one."""

    word: str
    """created, updated or unchanged."""
    position: int


async def apply(client: Client, wish: Ready) -> Done:
    """Make one thing as its manifest says. Errors: Refused, naming the thing."""
    try:
        match wish:
            case NodeManifest(name, settings):
                return await _node(client, name, settings)
            case NodeChange(name, said):
                return await _node_change(client, name, said)
            case FetchedRegistry(name, registry):
                return _done(await client.apply_registry(name, registry))
            case CatalogItem(name, item):
                return _done(await client.apply_catalog_item(name, item))
            case EdgeResource(name, resource):
                return _done(await client.apply_edge_resource(name, resource))
            case Template(name, template):
                return _done(await client.apply_template(name, template))
            case FetchedVolume(name, volume):
                return _done(await client.apply_volume(name, volume))
            case Application(name, body):
                return _done(await client.apply_application(name, body))
            case Route(name, route):
                return _done(await client.apply_route(name, route))
            case Ported(_, _, document):
                return _done(await client.apply_document(document))
    except Refused as e:
        raise Refused(e.problem, about=f"{wish.name}: ") from e


async def _node(client: Client, name: str, settings: NodeSettings) -> Done:
    """The API has no PUT for nodes: look, then register or patch what differs."""
    current = await _there(client, name)
    if current is None:
        changed = await client.register_node(d.RegisterNode(name=name, settings=settings))
        return Done("created", changed.position)
    wanted = settings
    if settings.router is not None:
        ids = await _ids(client)
        router = with_ids(msgspec.to_builtins(settings.router), ids)
        wanted = msgspec.structs.replace(
            settings, router=msgspec.convert(router, type(settings.router))
        )
    return await _patched(client, current, merge_patch(current.settings, wanted))


async def _node_change(client: Client, name: str, settings: Mapping[str, object]) -> Done:
    """What it does not say stays; of a node that is yet to be made, it is the default."""
    current = await _there(client, name)
    if current is None:
        body = d.RegisterNode(name=name, settings=msgspec.convert(settings, NodeSettings))
        return Done("created", (await client.register_node(body)).position)
    said, now = dict(settings), msgspec.to_builtins(current.settings)
    if isinstance(said.get("router"), dict):
        said["router"] = with_ids(said["router"], await _ids(client))
    return await _patched(client, current, difference(now, merged(now, said)))


async def _patched(client: Client, current: d.NodeDocument, patch: dict[str, object]) -> Done:
    if not patch:
        return Done("unchanged", current.revision)
    changed = await client.update_node(current.id, d.UpdateNode(settings=patch))
    return Done("updated", changed.position)


async def _there(client: Client, name: str) -> d.NodeDocument | None:
    try:
        return await client.node(name)
    except Refused as e:
        if e.problem.status != 404:
            raise
        return None


async def _ids(client: Client) -> dict[str, str]:
    """The ids of all nodes, by name."""
    return {each.name: each.id for each in (await client.nodes()).items}


def merged(now: Mapping[str, object], said: Mapping[str, object]) -> dict[str, object]:
    """What is there, with what is said; said is no patch: it removes nothing."""
    after = dict(now)
    for key, new in said.items():
        old = now.get(key)
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            after[key] = merged(old, new)
        else:
            after[key] = new
    return after


def with_ids(router: object, ids: Mapping[str, str]) -> dict[str, object]:
    """A router's settings that name other nodes, with ids as the network keeps them."""
    said = dict(router) if isinstance(router, dict) else {}

    def id_of(name: object) -> object:
        return name if name == DEFAULT_ROUTER else ids.get(str(name), name)

    if isinstance(upstreams := said.get("upstreams"), list):
        said["upstreams"] = [id_of(each) for each in upstreams]
    if said.get("network_router"):
        said["network_router"] = id_of(said["network_router"])
    return said


def _done(applied: Applied) -> Done:
    return Done(applied.word, applied.changed.position)
