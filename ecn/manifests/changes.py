"""From wishes to the changes that carry them out, as plans know them. Pure.

A wish may name what stands elsewhere: a password in the environment, files in a folder. Commands
fetch that from their machine (`ecn/cli/deploy.py`); the controller has no such place, and says so.
"""

from typing import assert_never

import msgspec

from ecn.api import documents as d
from ecn.api import plan_documents as p
from ecn.api.volume_documents import VolumeManifest
from ecn.manifests.shape import Bad, Fault
from ecn.manifests.wishes import (
    Application,
    CatalogItem,
    EdgeResource,
    FetchedRegistry,
    FetchedVolume,
    Manifest,
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
)
from events.volume import VolumeFile


def registry_manifest(spec: RegistrySpec, password: str | None) -> d.RegistryManifest:
    """The request for it. password: None leaves the one there is."""
    said = msgspec.structs.asdict(spec)
    del said["password_from"]
    return d.RegistryManifest(**{**said, "password": password})


def volume_manifest(spec: VolumeSpec, files: list[VolumeFile]) -> VolumeManifest:
    """The request for it."""
    return VolumeManifest(
        destination=spec.destination, permissions=spec.permissions, nodes=spec.nodes, files=files
    )


def all_there(manifest: Manifest) -> Ready:
    """The wish, which has all that it needs in itself. Errors: Bad where it has not."""
    match manifest:
        case Registry(name, spec):
            if spec.password_from is not None:
                message = (
                    "the controller can't look there: give the password itself, "
                    "or use ecn deploy on the machine that has it"
                )
                raise Bad([Fault(("spec", "password_from"), message)])
            return FetchedRegistry(name, registry_manifest(spec, spec.password))
        case Volume(name, volume):
            if volume.source is not None:
                message = (
                    "the controller can't look there: write the files here, "
                    "or use ecn deploy on the machine that has them"
                )
                raise Bad([Fault(("spec", "source"), message)])
            return FetchedVolume(name, volume_manifest(volume, list(volume.files)))
        case _:
            return manifest


def change_of(wish: Ready) -> p.AnyChange:
    """What carrying it out asks for."""
    match wish:
        case Application(name, body):
            return p.ApplyApplication(name=name, manifest=body)
        case NodeManifest(name, settings):
            return p.ApplyNode(name=name, settings=settings)
        case NodeChange(name, said):
            return p.ConfigureNode(name=name, settings=said)
        case FetchedRegistry(name, registry):
            return p.ApplyRegistry(name=name, manifest=registry)
        case CatalogItem(name, item):
            return p.ApplyCatalogItem(name=name, manifest=item)
        case EdgeResource(name, resource):
            return p.ApplyEdgeResource(name=name, manifest=resource)
        case Template(name, template):
            return p.ApplyTemplate(name=name, manifest=template)
        case FetchedVolume(name, volume):
            return p.ApplyVolume(name=name, manifest=volume)
        case Route(name, route):
            return p.ApplyRoute(name=name, manifest=route)
        case Ported(_, _, document):
            return p.ApplyIofogDocument(document=document)
        case _:
            assert_never(wish)
