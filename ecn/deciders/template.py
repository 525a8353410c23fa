"""What is decided about application templates. What is in one is looked at when it is used."""

from collections.abc import Iterator
from typing import assert_never

from msgspec import UNSET

from ecn.commands.template import (
    ApplyTemplate,
    CreateTemplate,
    DeleteTemplate,
    TemplateCommand,
    UpdateTemplate,
)
from ecn.deciders import rules
from ecn.errors import Invalid, NameTaken, NotFound, RevisionMoved
from events.envelope import KnownEvent
from events.ids import TemplateId
from events.template import TemplateCreated, TemplateDeleted, TemplateSettings, TemplateUpdated
from projections.world import World


def decide(world: World, command: TemplateCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case CreateTemplate():
            _check(command.name, command.settings)
            _free(world, command.name)
            yield _created(command)
        case ApplyTemplate():
            _check(command.name, command.settings)
            present = world.templates.one("name", command.name)
            if present is None:
                yield _created(command)
            else:
                yield from _become(world, present, command.name, command.settings)
        case UpdateTemplate():
            row = world.templates.get(command.template_id)
            if row is None:
                raise NotFound("template", command.template_id)
            if row.settings != command.seen:
                raise RevisionMoved("template", row.name)
            _check(command.name, command.settings)
            if command.name != row.name:
                _free(world, command.name)
            yield from _become(world, command.template_id, command.name, command.settings)
        case DeleteTemplate():
            if command.template_id in world.templates:
                yield TemplateDeleted(template_id=command.template_id)
        case _:
            assert_never(command)


def _created(command: CreateTemplate | ApplyTemplate) -> TemplateCreated:
    return TemplateCreated(
        template_id=command.template_id, name=command.name, settings=command.settings
    )


def _become(
    world: World, template_id: TemplateId, name: str, settings: TemplateSettings
) -> Iterator[KnownEvent]:
    row = world.templates[template_id]
    if (row.name, row.settings) != (name, settings):
        yield TemplateUpdated(template_id=template_id, name=name, settings=settings)


def _free(world: World, name: str) -> None:
    if world.templates.one("name", name) is not None:
        raise NameTaken("template", name)


def _check(name: str, settings: TemplateSettings) -> None:
    rules.name(name)
    rules.text(settings.description, field="$.description")
    rules.few(settings.variables, "$.variables")
    seen: set[str] = set()
    for index, variable in enumerate(settings.variables):
        field = f"$.variables[{index}]"
        rules.text(variable.key, field=f"{field}.key")
        rules.text(variable.description, field=f"{field}.description")
        if not variable.key:
            raise Invalid("a variable has a key", field=f"{field}.key")
        if variable.key in seen:
            raise Invalid(f"{variable.key!r} is there twice", field=f"{field}.key")
        seen.add(variable.key)
        default = variable.default
        if default is not UNSET and len(bytes(default)) > rules.LONGEST_CONFIG:
            raise Invalid(
                f"is longer than {rules.LONGEST_CONFIG} characters", field=f"{field}.default"
            )
    rules.json_object(settings.application, field="$.application")
