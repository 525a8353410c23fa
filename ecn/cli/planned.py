"""Plans of wishes: what is asked of the controller, and how its answer is shown."""

import click

from ecn.api import plan_documents as p
from ecn.cli.errors import Refused
from ecn.cli.field_text import LONGEST
from ecn.cli.output import Format, document_text, terminal_width
from ecn.cli.plan_text import lines
from ecn.cli.wishes import (
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


def show(found: p.Plan, form: Format) -> None:
    """The plan, for people or for programs."""
    if form is not Format.TABLE:
        click.echo(document_text(found, form))
        return
    for line in lines(found, longest=LONGEST if terminal_width() is not None else None):
        click.echo(line)


def refuse(found: p.Plan) -> None:
    """Errors: Refused, with the first of what is refused."""
    for each in found.changes:
        if each.problem is not None:
            raise Refused(each.problem, about=f"{each.about}: ")
