"""From wishes to the changes that carry them out, as plans know them. Pure."""

from typing import assert_never

from ecn.api import plan_documents as p
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
