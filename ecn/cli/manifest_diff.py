"""What is there against manifests: what deploying them would change.

A field that a manifest leaves out stands for its default, as it does for `ecn deploy`. What a
manifest can't say (an application that is stopped as a whole, a registry's password) is not
compared.
"""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from ecn.api import documents as d
from ecn.api.history_documents import Aspect, Change, Difference, Differences
from ecn.cli.client import Client
from ecn.cli.errors import Refused
from ecn.cli.manifest_text import manifest_of
from ecn.cli.manifests import Application, Manifest, NodeManifest, Registry
from ecn.history.fields import Tree, changes


async def compared(client: Client, manifests: Sequence[Manifest]) -> Differences:
    """The differences from now to what the manifests say, in the order of the manifests."""
    status = await client.status()
    items: list[Difference] = []
    for manifest in manifests:
        match manifest:
            case NodeManifest(name, _):
                items += _one("node", name, await _node(client, name), _node_tree(manifest))
            case Registry(name, _):
                there = await _registry(client, name)
                items += _one("registry", name, there, _registry_tree(manifest))
            case Application():
                items += await _application(client, manifest)
    return Differences(from_=status.position, from_time=status.time, to=None, items=items)


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


async def _node(client: Client, name: str) -> There:
    try:
        document = await client.node(name)
    except Refused as e:
        if e.problem.status != 404:
            raise
        return None
    return document.id, {
        "name": document.name,
        "settings": msgspec.to_builtins(document.settings),
    }


async def _registry(client: Client, name: str) -> There:
    try:
        document = await client.registry(name)
    except Refused as e:
        if e.problem.status != 404:
            raise
        return None
    return document.id, {
        "name": document.name,
        "url": document.url,
        "username": document.username,
    }


def _node_tree(manifest: NodeManifest) -> Tree:
    return {"name": manifest.name, "settings": msgspec.to_builtins(manifest.settings)}


def _registry_tree(manifest: Registry) -> Tree:
    spec = manifest.spec
    return {"name": manifest.name, "url": spec.url, "username": spec.username}


def _application_tree(body: d.ApplicationManifest, name: str) -> Tree:
    return {"name": name, "description": body.description, "labels": body.labels}
