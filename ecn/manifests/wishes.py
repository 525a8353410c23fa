"""What manifests ask for, whatever they are written in: one value for each document. Pure.

`manifests.py` reads ours, `iofog/reading.py` those of Eclipse ioFog; `deploy.py`, `plan.py`,
`manifest_diff.py` and `delete.py` do something with them.
"""

from msgspec import Struct, field

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.iofog_documents import IofogDocument
from ecn.api.route_documents import ApplyRoute
from ecn.api.template_documents import TemplateManifest
from ecn.api.volume_documents import VolumeManifest
from ecn.manifests.kinds import Kind, Reference
from events.node import NodeSettings
from events.volume import VolumeFile


class PasswordSource(d.Request, frozen=True, kw_only=True):
    """Where a password is, so that it need not stand in the manifest."""

    env: str | None = None
    file: str | None = None


class RegistrySpec(d.Request, frozen=True, kw_only=True):
    """Of kind Registry. Without any password, the one it has stays."""

    url: str
    username: str = ""
    password: str | None = None
    password_from: PasswordSource | None = None
    email: str = ""
    public: bool = False
    secure: bool = True
    certificate: str = ""
    requires_certificate: bool = False


class VolumeSpec(d.Request, frozen=True, kw_only=True):
    """Of kind Volume. Its files are those of `source`, or stand here."""

    destination: str = ""
    permissions: str = "666"
    nodes: list[str] = field(default_factory=list)
    source: str | None = None
    """A file or a folder of this machine."""
    files: list[VolumeFile] = field(default_factory=list)


class NodeManifest(Struct, frozen=True):
    """A node that should be so."""

    name: str
    settings: NodeSettings


class NodeChange(Struct, frozen=True):
    """A node that should be there, with these settings among its own."""

    name: str
    settings: dict[str, object]
    """An RFC 7396 merge patch of NodeSettings."""


class Registry(Struct, frozen=True):
    """A registry that should be so, its password not fetched yet."""

    name: str
    spec: RegistrySpec


class CatalogItem(Struct, frozen=True):
    """An item that should be so."""

    name: str
    body: CatalogItemManifest


class EdgeResource(Struct, frozen=True):
    """An edge resource that should be so."""

    name: str
    """`<name>@<version>`."""
    body: EdgeResourceManifest


class Template(Struct, frozen=True):
    """A template that should be so."""

    name: str
    body: TemplateManifest


class Volume(Struct, frozen=True):
    """A volume that should be so, its files not read yet."""

    name: str
    spec: VolumeSpec


class Application(Struct, frozen=True):
    """An application that should be so."""

    name: str
    body: d.ApplicationManifest


class Route(Struct, frozen=True):
    """A route that should lead so, in an application that is there."""

    name: str
    """`<application>/<name>`."""
    body: ApplyRoute


class Ported(Struct, frozen=True):
    """What the controller itself understands as ioFog writes it: it fills in templates and Liquid
    from what there is."""

    kind: Kind
    """Application, microservice or template."""
    name: str
    document: IofogDocument


Manifest = (
    NodeManifest
    | NodeChange
    | Registry
    | CatalogItem
    | EdgeResource
    | Template
    | Volume
    | Application
    | Route
    | Ported
)


class FetchedRegistry(Struct, frozen=True):
    """A Registry with its password."""

    name: str
    body: d.RegistryManifest


class FetchedVolume(Struct, frozen=True):
    """A Volume with its files."""

    name: str
    body: VolumeManifest


Ready = (
    NodeManifest
    | NodeChange
    | FetchedRegistry
    | CatalogItem
    | EdgeResource
    | Template
    | FetchedVolume
    | Application
    | Route
    | Ported
)
"""A wish with all that stood elsewhere on this machine."""

ORDER = (
    Kind.NODE,
    Kind.EDGE_RESOURCE,
    Kind.TEMPLATE,
    Kind.VOLUME,
    Kind.REGISTRY,
    Kind.CATALOG_ITEM,
    Kind.APPLICATION,
    Kind.MICROSERVICE,
    Kind.ROUTE,
)
"""In which they are applied, as iofogctl does: what others refer to comes first."""


def reference(manifest: Manifest | Ready) -> Reference:
    """What it is about."""
    match manifest:
        case NodeManifest() | NodeChange():
            return Reference(Kind.NODE, manifest.name)
        case Registry() | FetchedRegistry():
            return Reference(Kind.REGISTRY, manifest.name)
        case CatalogItem():
            return Reference(Kind.CATALOG_ITEM, manifest.name)
        case EdgeResource():
            return Reference(Kind.EDGE_RESOURCE, manifest.name)
        case Template():
            return Reference(Kind.TEMPLATE, manifest.name)
        case Volume() | FetchedVolume():
            return Reference(Kind.VOLUME, manifest.name)
        case Application():
            return Reference(Kind.APPLICATION, manifest.name)
        case Route():
            return Reference(Kind.ROUTE, manifest.name)
        case Ported():
            return Reference(manifest.kind, manifest.name)
