"""What is there against manifests: what deploying them would change.

A field that a manifest leaves out stands for its default, as it does for `ecn deploy`. What a
manifest can't say (an application that is stopped as a whole, a registry's password) is not
compared; neither is what only the controller understands (ioFog's applications and templates):
`ecn plan -f` tells of that.
"""

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import structs

from ecn.api import documents as d
from ecn.api.history_documents import Aspect, Change, Difference, Differences
from ecn.api.route_documents import ApplyRoute
from ecn.api.route_ways import way
from ecn.cli.applying import merged, with_ids
from ecn.cli.client import Client
from ecn.cli.errors import Refused
from ecn.cli.manifest_text import Documented, Written, manifest_of, same_fields
from ecn.history.fields import Tree, changes
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
    Registry,
    RegistrySpec,
    Route,
    Template,
    Volume,
    VolumeSpec,
    reference,
)
from events.node import NodeSettings
from events.route import ANY_SOURCE, UPSTREAM


async def compared(client: Client, manifests: Sequence[Ready]) -> Differences:
    """The differences from now to what the manifests say, in the order of the manifests."""
    status = await client.status()
    items: list[Difference] = []
    for manifest in manifests:
        if isinstance(manifest, Application):
            items += await _application(client, manifest)
        elif not isinstance(manifest, Ported):
            items += await _single(client, manifest)
    return Differences(from_=status.position, from_time=status.time, to=None, items=items)


async def _single(client: Client, manifest: Ready) -> list[Difference]:
    """Of something that is nothing but itself."""
    about = reference(manifest)
    try:
        there = await _there(client, manifest)
    except Refused as e:
        if e.problem.status != 404:
            raise
        there = None
    return _one(about.kind, about.name, there, await _wanted(client, manifest, there))


async def _there(client: Client, manifest: Ready) -> "There":
    """What is there. Errors: Refused."""
    found: Documented
    match manifest:
        case Application() | Ported():
            return None
        case Route(name, _):
            route = await client.route(name)
            return route.id, _way_tree(same_fields(route, ApplyRoute))
        case NodeManifest() | NodeChange():
            found = await client.node(manifest.name)
        case FetchedRegistry(name, _):
            found = await client.registry(name)
        case CatalogItem(name, _):
            found = await client.catalog_item(name)
        case EdgeResource(name, _):
            found = await client.edge_resource(name)
        case Template(name, _):
            found = await client.template(name)
        case FetchedVolume(name, _):
            found = await client.volume(name)
    written = manifest_of(found)
    return found.id, tree_of(written)


async def _wanted(client: Client, manifest: Ready, there: "There") -> Tree:
    match manifest:
        case Route(_, route):
            return _way_tree(route)
        case NodeManifest(name, settings):
            said: Tree = {"name": name, "settings": msgspec.to_builtins(settings)}
            return await _with_ids(client, said)
        case NodeChange(name, change):
            now = there[1]["settings"] if there is not None else {}
            settled = merged(now if isinstance(now, dict) else {}, change)
            if there is None:
                settled = msgspec.to_builtins(msgspec.convert(settled, NodeSettings))
            return await _with_ids(client, {"name": name, "settings": settled})
        case FetchedRegistry(name, registry):
            spec = {**structs.asdict(registry), "password": None}
            return tree_of(Registry(name, RegistrySpec(**spec)))
        case FetchedVolume(name, volume):
            return tree_of(Volume(name, VolumeSpec(**structs.asdict(volume))))
        case CatalogItem() | EdgeResource() | Template():
            return tree_of(manifest)
        case Application() | Ported():
            return {}


async def _with_ids(client: Client, node: Tree) -> Tree:
    """Its settings, with ids where its router names other nodes."""
    settings = node["settings"]
    if not isinstance(settings, dict) or not settings.get("router"):
        return node
    ids = {each.name: each.id for each in (await client.nodes()).items}
    return {**node, "settings": {**settings, "router": with_ids(settings["router"], ids)}}


def tree_of(written: Written) -> Tree:
    """All that its manifest can say, as a document to be compared."""
    match written:
        case NodeManifest(name, settings):
            return {"name": name, "settings": msgspec.to_builtins(settings)}
        case Registry(name, registry):
            said: Tree = msgspec.to_builtins(registry)
            del said["password"], said["password_from"]
            return {"name": name, **said}
        case Volume(name, volume):
            of_volume: Tree = msgspec.to_builtins(volume)
            del of_volume["source"]
            of_volume["nodes"] = sorted(volume.nodes)
            of_volume["files"] = {
                each.path: "sha256:" + hashlib.sha256(each.content).hexdigest()[:16]
                for each in volume.files
            }
            return {"name": name, **of_volume}
        case Application(name, application):
            return _application_tree(application, name)
        case CatalogItem(name, item):
            return {"name": name, **msgspec.to_builtins(item)}
        case EdgeResource(name, resource):
            return {"name": name, **msgspec.to_builtins(resource)}
        case Template(name, template):
            return {"name": name, **msgspec.to_builtins(template)}


There = tuple[str, Tree] | None
"""The id of what is there, and how it is."""


def _one(kind: str, name: str, there: There, wanted: Tree | None) -> list[Difference]:
    """How one thing would change; wanted: None, it would be deleted."""
    if there is None:
        subject = f"{kind}/{name}"  # it has no id yet
        made = Difference(subject=subject, name=name, change=Change.CREATED, document=wanted)
        return [made]
    subject, now = f"{kind}/{there[0]}", there[1]
    if wanted is None:
        return [Difference(subject=subject, name=name, change=Change.DELETED, document=now)]
    fields = list(changes(now, wanted, Aspect.WANTED))
    if not fields:
        return []
    return [Difference(subject=subject, name=name, change=Change.CHANGED, fields=fields)]


async def _application(client: Client, manifest: Application) -> list[Difference]:
    name, body = manifest.name, manifest.body
    there: dict[str, d.MicroserviceDocument] = {}
    own: There = None
    now: dict[str, d.MicroserviceManifest] = {}
    try:
        document = await client.application(name)
    except Refused as e:
        if e.problem.status != 404:
            raise
    else:
        there = {each.name: each for each in document.microservices}
        written = manifest_of(document)
        if isinstance(written, Application):
            now = {each.name: each for each in written.body.microservices}
            own = (document.id, _application_tree(written.body, name))
    items = _one("application", name, own, _application_tree(body, name))
    wanted = {each.name: each for each in body.microservices}
    for each in sorted(wanted.keys() | now.keys()):
        one: There = (there[each].id, msgspec.to_builtins(now[each])) if each in now else None
        after: Tree | None = None
        if each in wanted:
            after = msgspec.to_builtins(await _by_name(client, wanted[each], there.get(each)))
        items += _one("microservice", f"{name}/{each}", one, after)
    return items


async def _by_name(
    client: Client, wanted: d.MicroserviceManifest, there: d.MicroserviceDocument | None
) -> d.MicroserviceManifest:
    """The manifest with its references by name: it may name nodes and registries by id."""
    if there is None:
        return wanted
    node, registry = wanted.node, wanted.registry
    if node == there.node_id:
        node = there.node
    if registry is not None and registry != there.registry:
        try:
            registry = (await client.registry(registry)).name
        except Refused as e:
            if e.problem.status != 404:
                raise
    return structs.replace(wanted, node=node, registry=registry)


def _application_tree(body: d.ApplicationManifest, name: str) -> Tree:
    return {
        "name": name,
        "description": body.description,
        "labels": body.labels,
        "routes": {each.name or _usual_name(each): _way_tree(each) for each in body.routes},
    }


def _usual_name(said: d.RouteManifest) -> str:
    meant = way(said)
    source = "any" if meant.source == ANY_SOURCE else meant.source
    destination = "upstream" if meant.destination == UPSTREAM else meant.destination
    return f"r-{source}-{destination}"


def _way_tree(said: d.RouteWay) -> Tree:
    """However it is said, and without what says nothing."""
    meant = way(said)
    terms: Tree = msgspec.to_builtins(meant.terms)
    return {"source": meant.source, "destination": meant.destination, **terms}
