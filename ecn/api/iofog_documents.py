"""A document of ioFog's YAML, as the native API takes it: what it says, as JSON."""

from msgspec import field

from ecn.api.documents import Request


class IofogMetadata(Request, frozen=True, kw_only=True):
    """What it is about."""

    name: str
    """Of a Microservice: `<application>/<name>`."""


class IofogDocument(Request, frozen=True, kw_only=True):
    """One that only the controller can understand: it fills in templates, and what is written in
    Liquid, from what there is."""

    kind: str
    """Application, ApplicationTemplate or Microservice."""
    metadata: IofogMetadata
    spec: dict[str, object] = field(default_factory=dict)
    """As ioFog's YAML has it."""
