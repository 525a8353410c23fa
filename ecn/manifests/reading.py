"""Manifests: what people write in files, and the wishes that it stands for. Pure.

The one translation: `ecn deploy` reads files with it, and the controller what the dashboard sends.

```yaml
apiVersion: ecn/v1
kind: Application        # Node, Registry, CatalogItem, EdgeResource, Template, Volume
metadata: {name: demo, labels: {team: a}}
spec: {...}
```

Documents of Eclipse ioFog (`apiVersion: iofog.org/v3`) may stand beside ours; `iofog/reading.py`
understands those. All documents of all files are read and checked before anything is done; every
fault is told with its place. The way back is `ecn/cli/manifest_text.py`.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.route_ways import way
from ecn.api.template_documents import TemplateManifest
from ecn.errors import Invalid
from ecn.manifests import wishes
from ecn.manifests.iofog import order, reading
from ecn.manifests.kinds import Reference
from ecn.manifests.shape import Bad, Fault, checked, did_you_mean, path_text, shown
from ecn.manifests.wishes import (
    Application,
    CatalogItem,
    EdgeResource,
    Manifest,
    NodeManifest,
    Registry,
    RegistrySpec,
    Template,
    Volume,
    VolumeSpec,
)
from ecn.yaml_text import BrokenYaml, Document, Path, parsed
from events.node import AgentSettings, NodeAccess, NodeSettings, Platform, RouterSettings

API_VERSION = "ecn/v1"
KINDS = (
    "Application",
    "Node",
    "Registry",
    "CatalogItem",
    "EdgeResource",
    "Template",
    "Volume",
)


class Metadata(d.Request, frozen=True, kw_only=True):
    """What every manifest has."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)


class ApplicationSpec(d.Request, frozen=True, kw_only=True):
    """Of kind Application. Its labels stand in the metadata."""

    description: str = ""
    microservices: list[d.MicroserviceManifest] = field(default_factory=list)
    routes: list[d.RouteManifest] = field(default_factory=list)


class NodeSpec(d.Request, frozen=True, kw_only=True):
    """Of kind Node. Its labels stand in the metadata."""

    description: str = ""
    tags: list[str] = field(default_factory=list)
    host: str | None = None
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    platform: Platform = Platform.UNSPECIFIED
    system: bool = False
    agent: AgentSettings = AgentSettings()
    access: NodeAccess = NodeAccess()
    router: RouterSettings | None = None


class EdgeResourceSpec(EdgeResourceManifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of kind EdgeResource."""

    version: str


class Frame(d.Request, frozen=True, kw_only=True):
    """The outside of a document."""

    apiVersion: str  # noqa: N815 - the name that every such format has
    kind: str
    metadata: Metadata
    spec: dict[str, object] = field(default_factory=dict)


class Located(Struct, frozen=True):
    """A fault, and where it stands."""

    source: str
    line: int
    column: int
    says: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}: {self.says}"


class Unreadable(Exception):
    """The texts can't be used. Every fault found in any of them is told."""

    def __init__(self, faults: Sequence[Located]) -> None:
        super().__init__("\n".join(str(each) for each in faults))
        self.faults = list(faults)


class Read(Struct, frozen=True):
    """A manifest, and where it stands."""

    manifest: Manifest
    source: str
    document: Document

    def located(self, fault: Fault) -> Located:
        """What is found wrong with it later."""
        return _located(self.source, self.document, fault)


def read(sources: Sequence[tuple[str, str]]) -> list[Read]:
    """The manifests in the texts, in the order to apply them.

    sources: (name, text) pairs; the name is for errors, `demo.yaml` for instance.
    Errors: Unreadable with every fault found in any of them.
    """
    found: dict[Reference, Read] = {}
    faults: list[Located] = []
    for source, text in sources:
        try:
            documents = parsed(text)
        except BrokenYaml as e:
            faults.append(Located(source, e.place.line, e.place.column, e.message))
            continue
        for document in documents:
            try:
                manifest = _manifest(document.value)
            except Bad as e:
                faults += [_located(source, document, fault) for fault in e.found]
                continue
            key = wishes.reference(manifest)
            if key in found:
                first = found[key]
                where = f"{first.source}:{first.document.place(()).line}"
                said = f"{key.kind} {key.name!r} stands here again; first in {where}"
                faults.append(_located(source, document, Fault((), said)))
                continue
            found[key] = Read(manifest, source, document)
    manifests = [each.manifest for each in found.values()]
    try:
        manifests = order.ordered(manifests)
    except order.Circle as e:
        faults.append(found[wishes.reference(e.manifest)].located(Fault((), str(e))))
    if faults:
        raise Unreadable(faults)
    return [found[wishes.reference(each)] for each in manifests]


def _manifest(value: object) -> Manifest:
    if reading.is_iofogs(value):
        return reading.manifest(value)
    frame = checked(value, Frame, ())
    if frame.apiVersion != API_VERSION:
        message = f"{shown(frame.apiVersion)} is not known; write apiVersion: {API_VERSION}"
        raise Bad([Fault(("apiVersion",), message)])
    name, labels, here = frame.metadata.name, frame.metadata.labels, ("spec",)
    if labels and frame.kind not in ("Application", "Node"):
        raise Bad([Fault(("metadata", "labels"), f"a {frame.kind} has no labels")])
    match frame.kind:
        case "Application":
            spec = checked(frame.spec, ApplicationSpec, here)
            _refuse_same_names(spec.microservices)
            _refuse_other_than_one_image(spec.microservices)
            _refuse_unreadable_routes(spec.routes)
            said = msgspec.structs.asdict(spec)
            said["microservices"] = [d.spelt_out(each) for each in spec.microservices]
            return Application(name, d.ApplicationManifest(labels=labels, **said))
        case "Node":
            node = checked(frame.spec, NodeSpec, here)
            return NodeManifest(name, NodeSettings(labels=labels, **msgspec.structs.asdict(node)))
        case "Registry":
            registry = checked(frame.spec, RegistrySpec, here)
            _refuse_two_passwords(registry)
            return Registry(name, registry)
        case "CatalogItem":
            return CatalogItem(name, checked(frame.spec, CatalogItemManifest, here))
        case "EdgeResource":
            said = msgspec.structs.asdict(checked(frame.spec, EdgeResourceSpec, here))
            version = said.pop("version")
            return EdgeResource(f"{name}@{version}", EdgeResourceManifest(**said))
        case "Template":
            return Template(name, checked(frame.spec, TemplateManifest, here))
        case "Volume":
            volume = checked(frame.spec, VolumeSpec, here)
            if volume.source is not None and volume.files:
                raise Bad([Fault((*here, "source"), "give source or files, not both")])
            return Volume(name, volume)
        case other:
            message = f"{shown(other)} is not a kind; {did_you_mean(other, list(KINDS))}"
            raise Bad([Fault(("kind",), message)])


def _refuse_same_names(microservices: Sequence[d.MicroserviceManifest]) -> None:
    first: dict[str, int] = {}
    for i, microservice in enumerate(microservices):
        if microservice.name in first:
            message = (
                f"{microservice.name!r} is the name of "
                f"microservices[{first[microservice.name]}] already"
            )
            raise Bad([Fault(("spec", "microservices", i, "name"), message)])
        first[microservice.name] = i


def _refuse_other_than_one_image(microservices: Sequence[d.MicroserviceManifest]) -> None:
    found = []
    for i, each in enumerate(microservices):
        given = [each.image, each.images, each.catalog_item]
        if sum(map(bool, given)) != 1:
            said = "say what to run: exactly one of image, images, catalog_item"
            found.append(Fault(("spec", "microservices", i), said))
    if found:
        raise Bad(found)


def _refuse_unreadable_routes(routes: Sequence[d.RouteManifest]) -> None:
    found = []
    for i, each in enumerate(routes):
        try:
            way(each, "")
        except Invalid as e:
            parts = [part for part in e.field.split(".") if part]
            place: Path = ("spec", "routes", i, *parts)
            found.append(Fault(place, f"{e.detail}\n{e.next_step}".rstrip()))
    if found:
        raise Bad(found)


def _refuse_two_passwords(registry: RegistrySpec) -> None:
    source = registry.password_from
    if source is None:
        return
    if registry.password is not None:
        raise Bad([Fault(("spec", "password"), "give password or password_from, not both")])
    if (source.env is None) == (source.file is None):
        raise Bad([Fault(("spec", "password_from"), "give exactly one of env, file")])


def _located(source: str, document: Document, fault: Fault) -> Located:
    place = document.place(fault.path)
    where = f"{path_text(fault.path)}: " if fault.path else ""
    hint = ""
    if fault.path == ("spec", "labels"):
        hint = " (labels go into metadata.labels)"
    return Located(source, place.line, place.column, f"{where}{fault.message}{hint}")
