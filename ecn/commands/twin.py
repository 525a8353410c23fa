"""What may be asked of twins, from the centre."""

from msgspec import Raw

from ecn.commands.command import Command
from events.ids import MicroserviceId


class PatchTwin(Command, frozen=True, kw_only=True):
    """Change a part of what should be."""

    microservice_id: MicroserviceId
    patch: Raw
    """An RFC 7396 merge patch."""
    seen: int | None = None
    """The version that it was made from; None: whatever it is."""


class ReplaceTwin(Command, frozen=True, kw_only=True):
    """Let exactly this be what should be."""

    microservice_id: MicroserviceId
    desired: Raw
    seen: int | None = None


TwinCommand = PatchTwin | ReplaceTwin
