"""Application templates as ioFog's clients write and see them. Pure.

The application in one is kept as it is written, Liquid and all; it is looked at when an
application is made of it.
"""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ecn.errors import NotFound
from ecn.iofog.fields import Name
from ecn.iofog.numbers import on_the_wire
from ecn.iofog.owners import user_number
from ecn.iofog.times import iso
from events.ids import TemplateId
from events.template import TemplateSettings, Variable
from projections.templates import TemplateRow
from projections.world import World


class VariableBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """A gap, and what fills it where nobody says."""

    key: Name
    description: str | None = None
    default_value: object | UnsetType = UNSET


class UpdateTemplate(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent stays."""

    name: Name | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    variables: list[VariableBody] | UnsetType | None = UNSET
    application: dict[str, object] | UnsetType | None = UNSET


class CreateTemplate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A template to be made."""

    name: Name
    description: str | UnsetType | None = UNSET
    variables: list[VariableBody] | UnsetType | None = UNSET
    application: dict[str, object] | UnsetType | None = UNSET


class PatchTemplate(Struct, frozen=True, kw_only=True):
    """What is absent stays."""

    name: Name | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Made(Struct, frozen=True):
    """The template."""

    id: int
    name: str


class ShownVariable(Struct, frozen=True, kw_only=True, rename="camel"):
    """A gap. `defaultValue` is any JSON; in the list of all templates it is text."""

    id: int
    key: str
    description: str | None
    default_value: object
    created_at: str
    updated_at: str
    application_template_id: int


class Template(Struct, frozen=True, kw_only=True, rename="camel"):
    """A template."""

    id: int
    name: str
    description: str | None
    schema_version: str = ""
    created_at: str
    updated_at: str
    user_id: int | None
    variables: list[ShownVariable]
    application: dict[str, object] | Raw


class Templates(Struct, frozen=True, rename="camel"):
    """All of them, by number."""

    application_templates: list[Template]


def templates(world: World) -> Templates:
    """All of them."""
    rows = sorted((row for _, row in world.templates.items()), key=lambda row: row.number)
    return Templates([_template(world, row, as_text=True) for row in rows])


def template(world: World, row: TemplateRow) -> Template:
    """One of them."""
    return _template(world, row, as_text=False)


def _template(world: World, row: TemplateRow, *, as_text: bool) -> Template:
    number = on_the_wire(row.number)
    created_at, updated_at = iso(row.created_at), iso(row.updated_at)
    return Template(
        id=number,
        name=row.name,
        description=row.settings.description or None,
        created_at=created_at,
        updated_at=updated_at,
        user_id=user_number(world, row.created_by),
        variables=[
            ShownVariable(
                id=number * 1000 + place,
                key=each.key,
                description=each.description or None,
                default_value=_shown(each.default, as_text=as_text),
                created_at=created_at,
                updated_at=updated_at,
                application_template_id=number,
            )
            for place, each in enumerate(row.settings.variables, 1)
        ],
        application=row.settings.application,
    )


def _shown(default: Raw | UnsetType, *, as_text: bool) -> object:
    if default is UNSET:
        return None
    return bytes(default).decode() if as_text else default


def found(world: World, name: str) -> TemplateId | None:
    """The template of that name."""
    return world.templates.one("name", name)


def needed(world: World, name: str) -> TemplateId:
    """The template of that name. Errors: NotFound."""
    key = found(world, name)
    if key is None:
        raise NotFound("template", name)
    return key


def settings(said: CreateTemplate | UpdateTemplate, old: TemplateSettings) -> TemplateSettings:
    """What it is to become."""
    return TemplateSettings(
        description=old.description if said.description is UNSET else said.description or "",
        variables=old.variables
        if said.variables is UNSET
        else [_variable(each) for each in said.variables or []],
        application=old.application
        if said.application is UNSET
        else Raw(msgspec.json.encode(said.application or {})),
    )


def _variable(said: VariableBody) -> Variable:
    return Variable(
        key=said.key,
        description=said.description or "",
        default=UNSET
        if said.default_value is UNSET
        else Raw(msgspec.json.encode(said.default_value)),
    )
