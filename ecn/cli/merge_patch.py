"""What to send so that one document becomes another. Pure."""

import msgspec
from msgspec import Struct

from agent.local.merge_patch import difference


def merge_patch(current: Struct, wanted: Struct) -> dict[str, object]:
    """The RFC 7396 patch between two documents; empty when they are the same."""
    before = msgspec.to_builtins(current)
    after = msgspec.to_builtins(wanted)
    return difference(before, after)
