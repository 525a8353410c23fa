"""What is there, written as a manifest that would make it again. Pure."""

import msgspec
from msgspec import Struct

from ecn.api import documents as d
from ecn.cli.manifests import (
    API_VERSION,
    Application,
    Manifest,
    NodeManifest,
    Registry,
    RegistrySpec,
    kind_of,
)
from ecn.cli.yaml_text import dumped


def manifest_of(
    document: d.ApplicationDocument | d.NodeDocument | d.RegistryDocument,
) -> Manifest:
    """A manifest that would make what is there. A registry's password is not in it."""
    match document:
        case d.NodeDocument():
            return NodeManifest(document.name, document.settings)
        case d.RegistryDocument():
            return Registry(
                document.name, RegistrySpec(url=document.url, username=document.username)
            )
        case d.ApplicationDocument():
            return Application(
                document.name,
                d.ApplicationManifest(
                    description=document.description,
                    labels=document.labels,
                    microservices=[_as_written(m) for m in document.microservices],
                ),
            )


def manifest_text(manifest: Manifest) -> str:
    """The manifest as a YAML document, without what says nothing."""
    labels: dict[str, str]
    match manifest:
        case NodeManifest(_, settings):
            spec, labels = sparse(settings), settings.labels
        case Registry(_, registry_spec):
            spec, labels = sparse(registry_spec), {}
        case Application(_, body):
            spec, labels = sparse(body), body.labels
    spec.pop("labels", None)
    metadata: dict[str, object] = {"name": manifest.name}
    if labels:
        metadata["labels"] = labels
    kind = kind_of(manifest)
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
    return kept


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return sparse(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value)


def _as_written(microservice: d.MicroserviceDocument) -> d.MicroserviceManifest:
    names = {info.name for info in msgspec.structs.fields(d.MicroserviceManifest)}
    values = {name: getattr(microservice, name) for name in names}
    values["config"] = msgspec.json.decode(microservice.config, type=dict[str, object])
    return d.MicroserviceManifest(**values)
