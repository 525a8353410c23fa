"""The documents of application templates."""

from datetime import datetime

from msgspec import UNSET, Raw, field

from ecn.api.documents import Answer, Page, Request


class VariableManifest(Request, frozen=True, kw_only=True):
    """A gap, and what fills it where nobody says."""

    key: str
    description: str = ""
    default: object = UNSET
    """Any JSON value. Absent: there is no default."""


class TemplateManifest(Request, frozen=True, kw_only=True):
    """A whole template."""

    description: str = ""
    variables: list[VariableManifest] = field(default_factory=list)
    application: dict[str, object] = field(default_factory=dict)
    """`microservices` and `routes` as ioFog's API writes them, Liquid in their texts. Looked at
    when an application is made of it."""


class TemplateDocument(Answer, frozen=True, kw_only=True):
    """A template."""

    id: str
    name: str
    description: str
    variables: list[VariableManifest]
    application: Raw
    created_by: str
    created_at: datetime
    updated_at: datetime


class Templates(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[TemplateDocument]
