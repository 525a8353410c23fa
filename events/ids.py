"""An id type per kind of thing, so that mypy refuses one where another is meant.

Ids are opaque: 32 lower-case hexadecimal digits, made in the shell (`new_id`) and carried in by
the command. A subject names what an event is about: `node/<id>`, `application/<id>` and so on.
"""

from typing import NewType
from uuid import uuid4

NodeId = NewType("NodeId", str)
ApplicationId = NewType("ApplicationId", str)
MicroserviceId = NewType("MicroserviceId", str)
RegistryId = NewType("RegistryId", str)
CatalogItemId = NewType("CatalogItemId", str)
TemplateId = NewType("TemplateId", str)
RouteId = NewType("RouteId", str)
EdgeResourceId = NewType("EdgeResourceId", str)
VolumeId = NewType("VolumeId", str)
UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)

CommandId = NewType("CommandId", str)
"""Names one command for ever. Two commands with the same id are one command, retried."""

Position = NewType("Position", int)
"""A place in the log, from 1 without holes; 0 is before the first event."""

START = Position(0)


def new_id() -> str:
    """A fresh id. Chance enters here, at the shell, never in a decider."""
    return uuid4().hex
