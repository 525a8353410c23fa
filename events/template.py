"""Application templates: an application with gaps, from which applications are made."""

from typing import ClassVar

from msgspec import UNSET, Raw, Struct, UnsetType, field

from events.event import Event
from events.ids import TemplateId


def _nothing() -> Raw:
    """An empty object. No default value: a JSON schema could not hold it."""
    return Raw(b"{}")


class Variable(Struct, frozen=True, kw_only=True, gc=False):
    """A gap, and what fills it where nobody says."""

    key: str
    description: str = ""
    default: Raw | UnsetType = UNSET
    """Any JSON value, null too; UNSET: there is no default. (`Raw | None` reads null only.)"""


class TemplateSettings(Struct, frozen=True, kw_only=True, gc=False):
    """What a template is, whole."""

    description: str = ""
    variables: list[Variable] = field(default_factory=list)
    application: Raw = field(default_factory=_nothing)
    """A JSON object with `microservices` and `routes` as ioFog writes them, Liquid in its texts.
    Looked at when an application is made of it."""


class TemplateEvent(Event, frozen=True, kw_only=True):
    """About one template."""

    KIND: ClassVar[str] = "template"
    template_id: TemplateId


class TemplateCreated(TemplateEvent, frozen=True, kw_only=True, tag="template.created.v1"):
    """Applications may be made of it."""

    name: str
    settings: TemplateSettings


class TemplateUpdated(TemplateEvent, frozen=True, kw_only=True, tag="template.updated.v1"):
    """It has this name and is this now. What was made of it stays as it is."""

    name: str
    settings: TemplateSettings


class TemplateDeleted(TemplateEvent, frozen=True, kw_only=True, tag="template.deleted.v1"):
    """It is gone. What was made of it stays."""


TemplateEvents = TemplateCreated | TemplateUpdated | TemplateDeleted
