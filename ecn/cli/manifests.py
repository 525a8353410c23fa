"""Manifests: what people write in files, and the wishes that it stands for. Pure.

```yaml
apiVersion: ecn/v1
kind: Application        # Node, Registry, CatalogItem, EdgeResource, Template, Volume
metadata: {name: demo, labels: {team: a}}
spec: {...}
```

Documents of Eclipse ioFog (`apiVersion: iofog.org/v3`) may stand beside ours; `iofog/reading.py`
understands those. All documents of all files are read and checked before anything is sent; every
fault is told with its place. The way back is `manifest_text.py`.
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import field

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.route_ways import way
from ecn.api.template_documents import TemplateManifest
from ecn.cli import wishes
from ecn.cli.errors import BadManifest
from ecn.cli.iofog import order, reading
from ecn.cli.kinds import Reference
from ecn.cli.shape import Bad, Fault, checked, did_you_mean, path_text, shown
from ecn.cli.wishes import (
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
from ecn.errors import Invalid
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


Env = Callable[[str], str | None]
ReadFile = Callable[[str], str]


def read_manifests(sources: Sequence[tuple[str, str]]) -> list[Manifest]:
    """The manifests in the texts, in the order to apply them.

    sources: (name, text) pairs; the name is for errors, `demo.yaml` for instance.
    Errors: BadManifest with every fault found in any of them.
    """
    found: list[Manifest] = []
    problems: list[str] = []
    seen: dict[Reference, str] = {}
    places: dict[Reference, tuple[str, Document]] = {}
    for source, text in sources:
        try:
            documents = parsed(text)
        except BrokenYaml as e:
            problems.append(f"{source}:{e.place.line}:{e.place.column}: {e.message}")
            continue
        for document in documents:
            top = document.place(())
            try:
                manifest = _manifest(document.value)
            except Bad as e:
                problems += [_located(source, document, fault) for fault in e.found]
                continue
            here = f"{source}:{top.line}"
            key = wishes.reference(manifest)
            if key in seen:
                problems.append(
                    f"{here}:{top.column}: {key.kind} {key.name!r} stands here again; "
                    f"first in {seen[key]}"
                )
                continue
            seen[key] = here
            places[key] = source, document
            found.append(manifest)
    try:
        found = order.ordered(found)
    except order.Circle as e:
        source, document = places[wishes.reference(e.manifest)]
        problems.append(_located(source, document, Fault((), str(e))))
    if problems:
        raise BadManifest("\n".join(problems), next_step="nothing was sent; correct and repeat")
    return found


def registry_body(registry: Registry, env: Env, read_file: ReadFile) -> d.RegistryManifest:
    """The request for it, its password fetched from where the manifest says.

    Errors: BadManifest when there is none; OSError is the reader's to translate.
    """
    spec = registry.spec
    password = spec.password
    if spec.password_from is not None:
        where = "spec.password_from"
        if spec.password_from.env is not None:
            name = spec.password_from.env
            password = env(name)
            if not password:
                raise BadManifest(
                    f"registry {registry.name!r}: the environment has no {name}",
                    field=f"{where}.env",
                    next_step=f"export {name}, and repeat",
                )
        elif spec.password_from.file is not None:
            password = read_file(spec.password_from.file).rstrip("\r\n")
    said = msgspec.structs.asdict(spec)
    del said["password_from"]
    return d.RegistryManifest(**{**said, "password": password})


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


def _located(source: str, document: Document, fault: Fault) -> str:
    place = document.place(fault.path)
    where = f"{path_text(fault.path)}: " if fault.path else ""
    hint = ""
    if fault.path == ("spec", "labels"):
        hint = " (labels go into metadata.labels)"
    return f"{source}:{place.line}:{place.column}: {where}{fault.message}{hint}"
