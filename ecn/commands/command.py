"""The base of every command."""

from msgspec import Struct


class Command(Struct, frozen=True, kw_only=True):
    """Asks for a change. Holds everything that deciding needs besides the world.

    Ids of things to be made, times and secrets' hashes are filled in by the shell, so that
    deciding the same command on the same world gives the same events.
    """
