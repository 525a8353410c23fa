"""What may be asked of application templates."""

from ecn.commands.command import Command
from events.ids import TemplateId
from events.template import TemplateSettings


class CreateTemplate(Command, frozen=True, kw_only=True):
    """Make one; refused where the name is taken."""

    template_id: TemplateId
    name: str
    settings: TemplateSettings


class ApplyTemplate(Command, frozen=True, kw_only=True):
    """Let the template of that name be this: made where there is none."""

    template_id: TemplateId
    """For the case that it has to be made."""
    name: str
    settings: TemplateSettings


class UpdateTemplate(Command, frozen=True, kw_only=True):
    """Let it have this name and be this. `seen` guards against a change in between."""

    template_id: TemplateId
    name: str
    settings: TemplateSettings
    seen: TemplateSettings


class DeleteTemplate(Command, frozen=True, kw_only=True):
    """Remove it."""

    template_id: TemplateId


TemplateCommand = CreateTemplate | ApplyTemplate | UpdateTemplate | DeleteTemplate
