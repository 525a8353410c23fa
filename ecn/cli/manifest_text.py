"""What is there, written as a manifest that would make it again. Pure."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemDocument, CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceDocument, EdgeResourceManifest
from ecn.api.template_documents import TemplateDocument, TemplateManifest
from ecn.api.volume_documents import VolumeDocument
from ecn.manifests.reading import API_VERSION
from ecn.manifests.wishes import (
    Application,
    CatalogItem,
    EdgeResource,
    NodeManifest,
    Registry,
    RegistrySpec,
    Template,
    Volume,
    VolumeSpec,
)
from ecn.yaml_text import dumped
from events.volume import VolumeFile

Written = NodeManifest | Registry | CatalogItem | EdgeResource | Template | Volume | Application
"""What has a manifest of ours."""

Documented = (
    d.ApplicationDocument
    | d.NodeDocument
    | d.RegistryDocument
    | CatalogItemDocument
    | EdgeResourceDocument
    | TemplateDocument
    | VolumeDocument
)


def manifest_of(document: Documented) -> Written:
    """A manifest that would make what is there. A registry's password is not in it.

    document: of a volume, with its files' contents.
    """
    match document:
        case d.NodeDocument():
            return NodeManifest(document.name, document.settings)
        case d.RegistryDocument():
            said = {
                name: getattr(document, name)
                for name in d.RegistryManifest.__struct_fields__
                if name != "password"
            }
            return Registry(document.name, RegistrySpec(**said))
        case CatalogItemDocument():
            return CatalogItem(document.name, same_fields(document, CatalogItemManifest))
        case EdgeResourceDocument():
            body = same_fields(document, EdgeResourceManifest)
            return EdgeResource(f"{document.name}@{document.version}", body)
        case TemplateDocument():
            return Template(document.name, same_fields(document, TemplateManifest))
        case VolumeDocument():
            files = [
                VolumeFile(path=each.path, content=each.content or b"") for each in document.files
            ]
            return Volume(
                document.name,
                VolumeSpec(
                    destination=document.destination,
                    permissions=document.permissions,
                    nodes=document.nodes,
                    files=files,
                ),
            )
        case d.ApplicationDocument():
            return Application(
                document.name,
                d.ApplicationManifest(
                    description=document.description,
                    labels=document.labels,
                    microservices=[_as_written(m) for m in document.microservices],
                    routes=[same_fields(each, d.RouteManifest) for each in document.routes],
                ),
            )


def manifest_text(manifest: Written) -> str:
    """The manifest as a YAML document, without what says nothing."""
    name, labels = manifest.name, dict[str, str]()
    match manifest:
        case NodeManifest(_, settings):
            kind, spec, labels = "Node", sparse(settings), settings.labels
        case Registry(_, registry_spec):
            kind, spec = "Registry", sparse(registry_spec)
        case CatalogItem(_, item):
            kind, spec = "CatalogItem", sparse(item)
        case EdgeResource(_, resource):
            name, _, version = name.partition("@")
            kind, spec = "EdgeResource", {"version": version, **sparse(resource)}
        case Template(_, template):
            kind, spec = "Template", sparse(template)
        case Volume(_, volume):
            kind, spec = "Volume", sparse(volume)
        case Application(_, body):
            kind, spec, labels = "Application", sparse(body), body.labels
    if labels:
        del spec["labels"]
    metadata: dict[str, object] = {"name": name}
    if labels:
        metadata["labels"] = labels
    return dumped({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})


def sparse(value: Struct) -> dict[str, object]:
    """The fields that are not at their default, and those that have none."""
    kept: dict[str, object] = {}
    for info in msgspec.structs.fields(value):
        item = getattr(value, info.name)
        default = info.default
        if info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory()
        if default is msgspec.NODEFAULT or item != default:
            kept[info.encode_name] = _plain(item)
    # Where a kind of document gets its name behind what it shares with others, too.
    return {"name": kept.pop("name"), **kept} if "name" in kept else kept


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return sparse(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value)


S = TypeVar("S", bound=Struct)


def same_fields(document: Struct, kind: type[S]) -> S:
    """The document's fields that the manifest has too, as it has them."""
    said: dict[str, object] = msgspec.json.decode(msgspec.json.encode(document))
    own = {name: said[name] for name in kind.__struct_fields__ if name in said}
    return msgspec.convert(own, kind)


def _as_written(microservice: d.MicroserviceDocument) -> d.MicroserviceManifest:
    names = {info.name for info in msgspec.structs.fields(d.MicroserviceManifest)}
    values = {name: getattr(microservice, name) for name in names}
    values["config"] = msgspec.json.decode(microservice.config, type=dict[str, object] | str)
    return d.MicroserviceManifest(**values)
